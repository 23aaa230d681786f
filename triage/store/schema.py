"""The tables as this release knows them; the chain in `migrations/` builds them, a test keeps both equal.

contacts ─┬─ messages (revisions of the text) ── triages (every answer, append-only)
          └─ decisions (by people and by the policy, append-only, numbered)
rejections (input that could not become a message)

Later tables (receipts, outbox, audit, labels, articles' usage) point at `contacts.id`, `triages.id` or
`decisions.id` and join the same metadata and the same chain.
"""

from sqlalchemy import (
    Boolean,
    Column,
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
REVISION = "0001"

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
