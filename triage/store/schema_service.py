"""Tables of what goes out, who may come in, and what is shared between processes.

outbox, links (a contact's name in another system), cursors (how far a mailbox has been read)
idempotency_keys, claims, events (what changed, for live updates)
api_keys, sessions, audit
notices, policy_cells, incidents ── incident_contacts
"""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table

from triage.store.columns import ROW_NUMBER, ExactText, UtcDateTime
from triage.store.schema import metadata

outbox = Table(
    "outbox",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("delivery_key", LargeBinary, nullable=False, unique=True),
    Column("target", ExactText, nullable=False),
    Column("kind", ExactText, nullable=False),
    Column("payload", ExactText, nullable=False),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), index=True),
    Column("decision_id", ROW_NUMBER, ForeignKey("decisions.id")),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcDateTime, nullable=False),
    Column("leased_by", ExactText),
    Column("leased_until", UtcDateTime),
    Column("last_error", ExactText),
    Column("answer", ExactText),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Index(None, "state", "next_attempt_at"),
    sqlite_autoincrement=True,
)

links = Table(
    "links",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("link_key", LargeBinary, nullable=False, unique=True),
    Column("system", ExactText, nullable=False),
    Column("external_id", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    sqlite_autoincrement=True,
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", ExactText, primary_key=True),
    Column("position", ExactText, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key_digest", LargeBinary, primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("leased_until", UtcDateTime),
    Column("status", Integer),
    Column("answer", LargeBinary),
    Column("headers", ExactText),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), index=True),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)

claims = Table(
    "claims",
    metadata,
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    Column("agent", ExactText, nullable=False),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

events = Table(
    "events",
    metadata,
    # Numbered like the receipts: who has read up to a number has missed none below it.
    Column("number", ROW_NUMBER, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("contact_id", ROW_NUMBER, index=True),
    Column("detail", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("prefix", String, nullable=False),
    Column("name", ExactText, nullable=False),
    Column("role", String, nullable=False),
    Column("scopes", ExactText, nullable=False),
    Column("created_by", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("subject", ExactText, nullable=False),
    Column("name", ExactText, nullable=False),
    Column("role", String, nullable=False),
    Column("data", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("actor", ExactText, nullable=False),
    Column("role", String, nullable=False),
    Column("action", ExactText, nullable=False),
    Column("target", ExactText),
    Column("outcome", String, nullable=False),
    Column("detail", ExactText, nullable=False),
    Column("request_id", ExactText),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    sqlite_autoincrement=True,
)

notices = Table(
    "notices",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("title", ExactText, nullable=False),
    Column("text", ExactText, nullable=False),
    Column("district", ExactText),
    Column("service_types", ExactText, nullable=False),
    Column("words", ExactText, nullable=False),
    Column("language", ExactText),
    Column("url", ExactText),
    Column("contradicts", ExactText, nullable=False),
    Column("pinned_by", ExactText, nullable=False),
    Column("valid_from", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime, nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("withdrawn_by", ExactText),
    Column("withdrawn_at", UtcDateTime),
    sqlite_autoincrement=True,
)

policy_cells = Table(
    "policy_cells",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    # Empty where the cell holds for every type, channel or language.
    Column("service_type", ExactText, nullable=False),
    Column("channel", String, nullable=False),
    Column("language", ExactText, nullable=False),
    Column("mode", String, nullable=False),
    Column("threshold", Float),
    Column("evidence", ExactText, nullable=False),
    Column("reason", ExactText, nullable=False),
    Column("set_by", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "service_type", "channel", "language", "id"),
    sqlite_autoincrement=True,
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("service_type", ExactText, nullable=False),
    Column("title", ExactText, nullable=False),
    Column("area", ExactText),
    Column("detail", ExactText, nullable=False),
    Column("opened_by", ExactText, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_by", ExactText),
    Column("closed_at", UtcDateTime),
    Index(None, "closed_at", "service_type"),
    sqlite_autoincrement=True,
)

incident_contacts = Table(
    "incident_contacts",
    metadata,
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    Column("incident_id", ROW_NUMBER, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("added_by", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
