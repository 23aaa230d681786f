"""Mails under way, and the head that lets one transaction at a time decide on a mail."""

import sqlalchemy as sa
from alembic import op

from triage.errors import StoreError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table of mails."""
    op.create_table(
        "mails",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("copy_key", sa.LargeBinary(), nullable=True),
        sa.Column("sender_key", sa.LargeBinary(), nullable=True),
        sa.Column("text_key", sa.LargeBinary(), nullable=True),
        sa.Column("thread_key", sa.LargeBinary(), nullable=True),
        sa.Column("ack_key", sa.LargeBinary(), nullable=True),
        sa.Column("ack_decided_at", MOMENT, nullable=True),
        sa.Column("ack_begun_at", MOMENT, nullable=True),
        sa.Column("ack_sent_at", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_mails_contact_id"),
        sa.UniqueConstraint("mailbox", "validity", "uid", name="uq_mails_mailbox_validity_uid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mails_contact_id", "mails", ["contact_id"])
    op.create_index("ix_mails_ack_key", "mails", ["ack_key"])
    op.create_index("ix_mails_copy_key", "mails", ["copy_key"])
    op.create_index(
        "ix_mails_mailbox_validity_state_next_attempt_at",
        "mails",
        ["mailbox", "validity", "state", "next_attempt_at"],
    )
    op.create_index("ix_mails_sender_key_created_at", "mails", ["sender_key", "created_at"])
    op.create_index("ix_mails_text_key_created_at", "mails", ["text_key", "created_at"])
    op.create_index("ix_mails_thread_key", "mails", ["thread_key"])
    heads = sa.table("heads", sa.column("name"), sa.column("number"), sa.column("digest"))
    op.bulk_insert(heads, [{"name": "mail", "number": 0, "digest": b""}])


def downgrade() -> None:
    """Refuse: records of a city are not dropped by a command."""
    raise StoreError("the store has no way down from 0004: restore the back-up taken before the upgrade")
