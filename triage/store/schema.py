"""The tables as this release knows them; the chain in `migrations/` builds them, a test keeps both equal.

contacts ─┬─ messages (revisions of the text) ── triages (every answer, append-only)
          ├─ decisions (by people and by the policy, append-only, numbered)
          ├─ standing (what the newest text, answer and decision come to, for lists and filters)
          └─ pending (texts that wait for triage), attachments, places, pauses
receipts (one link for each triage, decision and deletion), heads (the last link), tombstones
rejections (input that could not become a message)

The tables of `schema_service` and `schema_learning` point at `contacts.id`, `triages.id` or `decisions.id` and join
the same metadata and the same chain.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from triage.store.columns import ROW_NUMBER, ExactText, UtcDateTime

# The last revision of the chain. Revisions sort as they follow each other.
REVISION = "0005"

metadata = MetaData(
    # Names that a later migration can rely on; left to themselves, databases choose their own.
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("message_id", ExactText, nullable=False),
    # SHA-256 of the message id: PostgreSQL cannot index a text of any length, and a mail's id may have any.
    Column("message_key", LargeBinary, nullable=False, unique=True),
    Column("channel", String, nullable=False),
    Column("thread_id", ExactText),
    Column("received_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,  # the number of a deleted row is never given out again
)

messages = Table(
    "messages",
    metadata,
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("subject", ExactText),
    Column("text", ExactText, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("language_hint", ExactText),
    Column("raw", LargeBinary),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("contact_id", "digest"),
)

triages = Table(
    "triages",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("contact_id", ROW_NUMBER, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("answer", ExactText, nullable=False),
    Column("versions", ExactText, nullable=False),
    # Taken out of the answer, for lists and counts.
    Column("language", ExactText, nullable=False),
    Column("service_type", ExactText),
    Column("urgency", String, nullable=False),
    Column("suggestion", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["contact_id", "revision"], ["messages.contact_id", "messages.revision"]),
    Index(None, "contact_id", "revision", "id"),
    sqlite_autoincrement=True,
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("actor", String, nullable=False),
    Column("decided_by", ExactText, nullable=False),
    Column("mode", String, nullable=False),
    Column("service_type", ExactText),
    Column("department", ExactText),
    Column("urgency", String),
    Column("reasons", ExactText, nullable=False),
    Column("triage_id", ROW_NUMBER, ForeignKey("triages.id")),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("action", String, nullable=False, server_default="override"),
    Column("status", String, nullable=False, server_default="open"),
    Column("note", ExactText),
    Column("article_id", ExactText),
    Column("section", ExactText),
    Column("undoes", Integer),
    UniqueConstraint("contact_id", "version"),
    sqlite_autoincrement=True,
)

rejections = Table(
    "rejections",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("channel", String, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("reason", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("channel", "digest"),
    sqlite_autoincrement=True,
)

standing = Table(
    "standing",
    metadata,
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("actor", String),
    Column("mode", String),
    Column("language", ExactText),
    Column("service_type", ExactText),
    Column("department", ExactText),
    Column("urgency", String),
    Column("urgency_rank", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(None, "status", "urgency_rank", "contact_id"),
    Index(None, "service_type", "contact_id"),
    Index(None, "department", "contact_id"),
)

pending = Table(
    "pending",
    metadata,
    Column("contact_id", ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
    Column("leased_by", ExactText),
    Column("leased_until", UtcDateTime),
    Column("last_error", ExactText),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["contact_id", "revision"], ["messages.contact_id", "messages.revision"]),
    Index(None, "leased_until"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("name", ExactText, nullable=False),
    Column("media_type", ExactText, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("size_bytes", ROW_NUMBER, nullable=False),
    Column("content", LargeBinary),
    Column("text", ExactText),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("contact_id", "name", "digest"),
    sqlite_autoincrement=True,
)

places = Table(
    "places",
    metadata,
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    Column("place", ExactText, nullable=False),
    Column("district", ExactText),
    Column("latitude", Float),
    Column("longitude", Float),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("reason", ExactText, nullable=False),
    Column("paused_at", UtcDateTime, nullable=False),
    Column("resumed_at", UtcDateTime),
    sqlite_autoincrement=True,
)

receipts = Table(
    "receipts",
    metadata,
    # Numbered under the lock of its head, so that numbers have no gaps and follow the order of the commits.
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("contact_id", ROW_NUMBER),
    Column("row_id", ROW_NUMBER),
    Column("document", ExactText, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "kind", "row_id"),
    Index(None, "contact_id"),
)

heads = Table(
    "heads",
    metadata,
    Column("name", String, primary_key=True),
    Column("number", ROW_NUMBER, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("contact_id", ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("message_key", LargeBinary, nullable=False),
    Column("channel", String, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_activity_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime, nullable=False),
    Column("rule", ExactText, nullable=False),
    Column("deleted_by", ExactText, nullable=False),
    Column("rows_deleted", Integer, nullable=False),
)
