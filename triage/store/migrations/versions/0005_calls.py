"""Calls under way and their segments."""

import sqlalchemy as sa
from alembic import op

from triage.errors import StoreError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables of calls."""
    op.create_table(
        "calls",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("call_key", sa.LargeBinary(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("language_hint", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("memory", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
        sa.UniqueConstraint("call_key", name="uq_calls_call_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_calls_updated_at", "calls", ["updated_at"])
    op.create_table(
        "call_segments",
        sa.Column("call_row", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("segment_key", sa.LargeBinary(), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("speaker", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("begin_ms", sa.Integer(), nullable=False),
        sa.Column("end_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("call_row", "segment_key", name="pk_call_segments"),
        sa.ForeignKeyConstraint(["call_row"], ["calls.id"], name="fk_call_segments_call_row"),
    )


def downgrade() -> None:
    """Refuse: records of a city are not dropped by a command."""
    raise StoreError("the store has no way down from 0005: restore the back-up taken before the upgrade")
