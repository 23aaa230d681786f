"""Tables of calls under way: what was said, until a day after the record of the call is stored."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from triage.store.columns import ROW_NUMBER, ExactText, UtcDateTime
from triage.store.schema import metadata

calls = Table(
    "calls",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("call_key", LargeBinary, nullable=False, unique=True),
    Column("call_id", ExactText, nullable=False),
    Column("state", String, nullable=False),
    Column("language_hint", ExactText),
    # Grows with everything new; the text that was answered last, and the one whose record was stored last.
    Column("revision", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("memory", ExactText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(None, "updated_at"),
    sqlite_autoincrement=True,
)

call_segments = Table(
    "call_segments",
    metadata,
    Column("call_row", ROW_NUMBER, ForeignKey("calls.id"), primary_key=True, autoincrement=False),
    Column("segment_key", LargeBinary, primary_key=True),
    Column("segment_id", ExactText, nullable=False),
    Column("speaker", String, nullable=False),
    Column("text", ExactText, nullable=False),
    Column("begin_ms", Integer, nullable=False),
    Column("end_ms", Integer, nullable=False),
)
