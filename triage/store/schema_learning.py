"""Tables of what the service learns from: feedback, labels, gaps, articles' usage and versions, models.

labels, disagreements, models ── activations
feedback, article_usage, article_versions, proposals, gaps ── gap_queries
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
    String,
    Table,
    UniqueConstraint,
)

from triage.store.columns import ROW_NUMBER, ExactText, UtcDateTime
from triage.store.schema import metadata

feedback = Table(
    "feedback",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("article_id", ExactText, nullable=False, index=True),
    Column("section", ExactText, nullable=False),
    Column("verdict", String, nullable=False),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), index=True),
    Column("query", ExactText),
    Column("language", ExactText),
    Column("note", ExactText),
    Column("given_by", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

article_usage = Table(
    "article_usage",
    metadata,
    Column("article_id", ExactText, primary_key=True),
    # A calendar day in UTC, such as 2026-03-01.
    Column("day", String, primary_key=True),
    Column("usage", String, primary_key=True),
    Column("count", Integer, nullable=False),
)

article_versions = Table(
    "article_versions",
    metadata,
    Column("article_id", ExactText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    # The article's file as it was; None where it was deleted.
    Column("document", ExactText),
    Column("changed_by", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("article_id", ExactText, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("text", ExactText, nullable=False),
    Column("language", ExactText),
    Column("proposed_by", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("accepted", Boolean),
    Column("reviewed_by", ExactText),
    Column("reviewed_at", UtcDateTime),
    sqlite_autoincrement=True,
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("topic", ExactText, nullable=False),
    Column("language", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # The article that answers it now.
    Column("article_id", ExactText),
    Column("closed_by", ExactText),
    Column("closed_at", UtcDateTime, index=True),
    sqlite_autoincrement=True,
)

gap_queries = Table(
    "gap_queries",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("gap_id", ROW_NUMBER, ForeignKey("gaps.id"), index=True),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), index=True),
    # Masked before it comes here.
    Column("query", ExactText, nullable=False),
    Column("language", ExactText, nullable=False),
    Column("service_type", ExactText),
    Column("status", String, nullable=False),
    Column("probability", Float),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    sqlite_autoincrement=True,
)

labels = Table(
    "labels",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("contact_id", ROW_NUMBER),
    Column("revision", Integer),
    # None where the text is that of the contact's message.
    Column("text", ExactText),
    Column("field", String, nullable=False),
    Column("label", ExactText, nullable=False),
    Column("language", ExactText),
    Column("source", String, nullable=False),
    Column("labelled_by", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["contact_id", "revision"], ["messages.contact_id", "messages.revision"]),
    Index(None, "contact_id", "revision"),
    sqlite_autoincrement=True,
)

disagreements = Table(
    "disagreements",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("triage_id", ROW_NUMBER, ForeignKey("triages.id"), nullable=False),
    Column("contact_id", ROW_NUMBER, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("candidate", ExactText, nullable=False),
    Column("active_label", ExactText, nullable=False),
    Column("active_probability", Float, nullable=False),
    Column("candidate_label", ExactText, nullable=False),
    Column("candidate_probability", Float, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("triage_id", "candidate"),
    sqlite_autoincrement=True,
)

models = Table(
    "models",
    metadata,
    Column("id", ExactText, primary_key=True),
    Column("kind", String, nullable=False),
    Column("folder", ExactText, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("meta", ExactText, nullable=False),
    Column("registered_by", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

activations = Table(
    "activations",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("model_id", ExactText, ForeignKey("models.id"), nullable=False),
    Column("kind", String, nullable=False),
    # active, shadow or retired.
    Column("role", String, nullable=False),
    Column("activated_by", ExactText, nullable=False),
    Column("reason", ExactText),
    Column("forced", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "kind", "id"),
    sqlite_autoincrement=True,
)
