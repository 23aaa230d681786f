"""Actions of decisions, the standing of each contact, receipts, and what is shared between processes."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

from triage.errors import StoreError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables of records and work."""
    _extend_decisions()
    _create_records()
    _create_receipts()
    _create_work()
    _fill_standing()
    _begin_receipts()


def downgrade() -> None:
    """Refuse: records of a city are not dropped by a command."""
    raise StoreError("the store has no way down from 0002: restore the back-up taken before the upgrade")


def _create_records() -> None:
    op.create_table(
        "standing",
        sa.Column("contact_id", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("service_type", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("urgency", sa.String(), nullable=True),
        sa.Column("urgency_rank", sa.Integer(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_standing"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_standing_contact_id"),
    )
    op.create_index("ix_standing_department_contact_id", "standing", ["department", "contact_id"])
    op.create_index("ix_standing_service_type_contact_id", "standing", ["service_type", "contact_id"])
    op.create_index("ix_standing_status_urgency_rank_contact_id", "standing", ["status", "urgency_rank", "contact_id"])
    op.create_table(
        "pending",
        sa.Column("contact_id", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("revision", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "revision", name="pk_pending"),
        sa.ForeignKeyConstraint(
            ["contact_id", "revision"],
            ["messages.contact_id", "messages.revision"],
            name="fk_pending_contact_id_revision",
        ),
    )
    op.create_index("ix_pending_leased_until", "pending", ["leased_until"])
    op.create_table(
        "attachments",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", ROW_NUMBER, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_attachments_contact_id"),
        sa.UniqueConstraint("contact_id", "name", "digest", name="uq_attachments_contact_id_name_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_attachments_contact_id", "attachments", ["contact_id"])
    op.create_table(
        "places",
        sa.Column("contact_id", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("contact_id", name="pk_places"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_places_contact_id"),
    )
    op.create_table(
        "pauses",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paused_at", MOMENT, nullable=False),
        sa.Column("resumed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_pauses"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_pauses_contact_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pauses_contact_id", "pauses", ["contact_id"])


def _create_receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("number", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=True),
        sa.Column("row_id", ROW_NUMBER, nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_receipts"),
    )
    op.create_index("ix_receipts_contact_id", "receipts", ["contact_id"])
    op.create_index("ix_receipts_kind_row_id", "receipts", ["kind", "row_id"])
    op.create_table(
        "heads",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", ROW_NUMBER, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_heads"),
    )
    op.create_table(
        "tombstones",
        sa.Column("contact_id", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("message_key", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_activity_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("deleted_by", sa.Text(), nullable=False),
        sa.Column("rows_deleted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_tombstones"),
    )


def _create_work() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("delivery_key", sa.LargeBinary(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=True),
        sa.Column("decision_id", ROW_NUMBER, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_outbox_contact_id"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_outbox_decision_id"),
        sa.UniqueConstraint("delivery_key", name="uq_outbox_delivery_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_contact_id", "outbox", ["contact_id"])
    op.create_index("ix_outbox_state_next_attempt_at", "outbox", ["state", "next_attempt_at"])
    op.create_table(
        "links",
        sa.Column("id", ROW_NUMBER, nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=False),
        sa.Column("link_key", sa.LargeBinary(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_links_contact_id"),
        sa.UniqueConstraint("link_key", name="uq_links_link_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_links_contact_id", "links", ["contact_id"])
    op.create_table(
        "cursors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_cursors"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("key_digest", sa.LargeBinary(), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("contact_id", ROW_NUMBER, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key_digest", name="pk_idempotency_keys"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_idempotency_keys_contact_id"),
    )
    op.create_index("ix_idempotency_keys_contact_id", "idempotency_keys", ["contact_id"])
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "claims",
        sa.Column("contact_id", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name="pk_claims"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name="fk_claims_contact_id"),
    )
    op.create_table(
        "events",
        sa.Column("number", ROW_NUMBER, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("contact_id", ROW_NUMBER, nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_events"),
    )
    op.create_index("ix_events_contact_id", "events", ["contact_id"])
    op.create_index("ix_events_created_at", "events", ["created_at"])


def _extend_decisions() -> None:
    op.add_column("decisions", sa.Column("action", sa.String(), nullable=False, server_default="override"))
    op.add_column("decisions", sa.Column("status", sa.String(), nullable=False, server_default="open"))
    for name in ("note", "article_id", "section"):
        op.add_column("decisions", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("decisions", sa.Column("undoes", sa.Integer(), nullable=True))
    op.execute("UPDATE decisions SET action = 'policy' WHERE actor = 'policy'")


def _fill_standing() -> None:
    """Give each contact its row: from its last decision, and the language of its last answer."""
    op.execute(
        """
        INSERT INTO standing (contact_id, version, status, actor, mode, language, service_type, department, urgency,
                              urgency_rank, updated_at)
        SELECT c.id, COALESCE(d.version, 0), 'open', d.actor, d.mode, t.language, d.service_type, d.department,
               d.urgency,
               CASE d.urgency WHEN 'emergency' THEN 5 WHEN 'urgent' THEN 4 WHEN 'high' THEN 3 WHEN 'normal' THEN 2
                              WHEN 'low' THEN 1 WHEN 'info' THEN 0 ELSE 2 END,
               COALESCE(d.decided_at, c.created_at)
        FROM contacts c
        LEFT JOIN decisions d ON d.contact_id = c.id
             AND d.version = (SELECT MAX(version) FROM decisions WHERE contact_id = c.id)
        LEFT JOIN triages t ON t.id = (SELECT MAX(id) FROM triages WHERE contact_id = c.id)
        """
    )
    op.execute(
        """
        INSERT INTO pending (contact_id, revision, attempts, created_at)
        SELECT m.contact_id, m.revision, 0, m.created_at
        FROM messages m
        WHERE m.revision = (SELECT MAX(revision) FROM messages WHERE contact_id = m.contact_id)
          AND NOT EXISTS (SELECT 1 FROM triages t WHERE t.contact_id = m.contact_id AND t.revision = m.revision)
        """
    )


def _begin_receipts() -> None:
    """Begin both counts; the first link says which rows are older than the chain."""
    connection = op.get_bind()
    last = {
        table: connection.execute(sa.text(f"SELECT COALESCE(MAX(id), 0) FROM {table}")).scalar()
        for table in ("triages", "decisions")
    }
    document = json.dumps({"decisions": last["decisions"], "triages": last["triages"]}, separators=(",", ":"))
    digest = sha256(bytes(32) + document.encode()).digest()
    link = {"document": document, "previous": bytes(32), "digest": digest, "now": datetime.now(UTC)}
    insert = sa.text(
        "INSERT INTO receipts (number, kind, document, previous, digest, created_at) "
        "VALUES (0, 'beginning', :document, :previous, :digest, :now)"
    ).bindparams(sa.bindparam("now", type_=MOMENT))
    connection.execute(insert, link)
    for name, number_digest in (("receipts", digest), ("events", b"")):
        head = sa.text("INSERT INTO heads (name, number, digest) VALUES (:name, 0, :digest)")
        connection.execute(head, {"name": name, "digest": number_digest})
