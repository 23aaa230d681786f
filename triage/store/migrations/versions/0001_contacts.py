"""Contacts, messages, triages, decisions and rejections."""

import sqlalchemy as sa
from alembic import op

from triage.errors import StoreError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the first tables."""
    _create_contacts()
    _create_triages()
    _create_decisions()
    _create_rejections()


def downgrade() -> None:
    """Refuse: records of a city are not dropped by a command."""
    raise StoreError("the store has no way down from 0001: restore the back-up taken before the upgrade")


def _create_contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("message_key", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread_id", sa.Text(), nullable=True),
        sa.Column("received_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.UniqueConstraint("message_key", name="uq_contacts_message_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "messages",
        sa.Column("contact_id", ROW_NUMBER, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("language_hint", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "revision", name="pk_messages"),
        sa.UniqueConstraint("contact_id", "digest", name="uq_messages_contact_id_digest"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_messages_contact_id"),
    )


def _create_triages() -> None:
    op.create_table(
        "triages",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=True),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("suggestion", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_triages"),
        sa.ForeignKeyConstraint(
            ["contact_id", "revision"],
            ["messages.contact_id", "messages.revision"],
            name="fk_triages_contact_id_revision",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_triages_contact_id_revision_id", "triages", ["contact_id", "revision", "id"])


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("urgency", sa.String(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("triage_id", ROW_NUMBER, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint("contact_id", "version", name="uq_decisions_contact_id_version"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_decisions_contact_id"),
        sa.ForeignKeyConstraint(["triage_id"], ["triages.id"], name="fk_decisions_triage_id"),
        sqlite_autoincrement=True,
    )


def _create_rejections() -> None:
    op.create_table(
        "rejections",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rejections"),
        sa.UniqueConstraint("channel", "digest", name="uq_rejections_channel_digest"),
        sqlite_autoincrement=True,
    )
