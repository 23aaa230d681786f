"""Calls under way, shared by all processes: what was said survives each of them, in whatever order it came."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from triage.channels.voice import MAX_SEGMENTS, CallState, CallUpdate, Segment, Speaker
from triage.errors import MessageRejected
from triage.store.database import chunks, insert_ignoring
from triage.store.documents import json_object, to_json
from triage.store.identity import name_key
from triage.store.resource import Resource
from triage.store.schema_calls import call_segments, calls

# What was shown and found so far, as `triage.channels.rolling` writes it.
Memory = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A call as it stands.

    Attributes:
        call_id: Its identity.
        state: Whether more is to come.
        language_hint: What the transcription was set to.
        segments: All that was said, in the order of the call.
        revision: Grows with everything new.
        answered: The revision that was answered last; 0 before the first.
        kept: The revision whose record was stored last; 0 before the first.
        memory: What was shown and found so far.
        created_at: When the first of it came.
    """

    call_id: str
    state: CallState
    language_hint: str | None
    segments: tuple[Segment, ...]
    revision: int
    answered: int
    kept: int
    memory: Memory
    created_at: datetime


class CallStore(Resource):
    """What was said in calls, until the record of each is stored and a while after."""

    def add(self, call_id: str, new: CallUpdate) -> StoredCall:
        """Add what has come of a call and return it as it stands; a segment counts once, its first text stands.

        A call that has ended stays so, and so does one that has failed, unless its end is told after all.

        Raises:
            MessageRejected: If the call would have more than MAX_SEGMENTS segments.
        """
        now = self._now()
        with self._database.writing() as connection:
            row = self._locked(connection, call_id, now)
            if new.replaces:
                connection.execute(delete(call_segments).where(call_segments.c.call_row == row.id))
            before = _segments(connection, row.id)
            _insert(connection, row.id, new.segments)
            segments = _segments(connection, row.id)
            if len(segments) > MAX_SEGMENTS:
                raise MessageRejected(f"a call has at most {MAX_SEGMENTS:,} segments")
            state = CallState(row.state)
            told = new.state if state is CallState.LIVE or new.state is CallState.ENDED else state
            hint = new.language_hint or row.language_hint
            changed = new.replaces or len(segments) > len(before) or (told, hint) != (state, row.language_hint)
            values = {"state": told.value, "language_hint": hint, "revision": row.revision + changed}
            connection.execute(update(calls).where(calls.c.id == row.id).values(**values, updated_at=now))
            return _call(connection.execute(select(calls).where(calls.c.id == row.id)).one(), segments)

    def remember(self, call_id: str, revision: int, advance: Callable[[Memory, bool], Memory]) -> Memory:
        """Change what is remembered of a call after an answer to a revision of it, and return it.

        Args:
            call_id: The call.
            revision: What was answered.
            advance: Returns the new memory; told the old one, and whether nothing newer was answered before.
        """
        with self._database.writing() as connection:
            row = self._locked(connection, call_id, self._now())
            memory = advance(json_object(row.memory), revision > row.answered)
            values = {"memory": to_json(memory), "answered": max(revision, row.answered)}
            connection.execute(update(calls).where(calls.c.id == row.id).values(values))
        return memory

    def mark_kept(self, call_id: str, revision: int) -> None:
        """Say that the record of a revision is stored."""
        here = (calls.c.call_key == name_key(call_id)) & (calls.c.kept < revision)
        with self._database.writing() as connection:
            connection.execute(update(calls).where(here).values(kept=revision))

    def of(self, call_id: str) -> StoredCall | None:
        """Return a call; None where nothing has come of it, or its time is over."""
        with self._database.reading() as connection:
            row = connection.execute(select(calls).where(calls.c.call_key == name_key(call_id))).one_or_none()
            return _call(row, _segments(connection, row.id)) if row else None

    def unkept(self, silent_since: datetime, *, skip: int = 0, limit: int = 100) -> tuple[str, ...]:
        """Return calls of which nothing has come since a moment and whose record is not stored, oldest first.

        Args:
            silent_since: The moment.
            skip: So many of the oldest are left out, as they could not be stored a moment ago.
            limit: Of the calls returned.
        """
        silent = (calls.c.updated_at < silent_since) & (calls.c.kept < calls.c.revision)
        oldest = select(calls.c.call_id).where(silent).order_by(calls.c.updated_at, calls.c.id)
        statement = oldest.offset(skip).limit(limit)
        with self._database.reading() as connection:
            return tuple(connection.execute(statement).scalars())

    def purge(self, before: datetime) -> int:
        """Delete calls whose record is stored and of which nothing has come since a moment; return how many."""
        over = (calls.c.updated_at < before) & (calls.c.kept >= calls.c.revision)
        with self._database.writing() as connection:
            ids = list(connection.execute(select(calls.c.id).where(over).with_for_update(skip_locked=True)).scalars())
            for chunk in chunks(ids):
                connection.execute(delete(call_segments).where(call_segments.c.call_row.in_(chunk)))
                connection.execute(delete(calls).where(calls.c.id.in_(chunk)))
        return len(ids)

    def _locked(self, connection: Connection, call_id: str, now: datetime) -> Row[Any]:
        """Return a call's row, made where it is missing; nobody else changes it before the transaction ends."""
        row = {
            "call_key": name_key(call_id),
            "call_id": call_id,
            "state": CallState.LIVE.value,
            **dict.fromkeys(("revision", "answered", "kept"), 0),
            "memory": "{}",
            **dict.fromkeys(("created_at", "updated_at"), now),
        }
        connection.execute(insert_ignoring(self._database.dialect, calls, "call_key"), row)
        return connection.execute(select(calls).where(calls.c.call_key == row["call_key"]).with_for_update()).one()


def _insert(connection: Connection, call_row: int, segments: Sequence[Segment]) -> None:
    rows = [
        {
            "call_row": call_row,
            "segment_key": name_key(segment.id),
            "segment_id": segment.id,
            "speaker": segment.speaker.value,
            "text": segment.text,
            "begin_ms": segment.begin_ms,
            "end_ms": segment.end_ms,
        }
        for segment in segments
    ]
    if rows:
        unique = ("call_row", "segment_key")
        connection.execute(insert_ignoring(connection.dialect.name, call_segments, *unique), rows)


def _segments(connection: Connection, call_row: int) -> tuple[Segment, ...]:
    found = connection.execute(select(call_segments).where(call_segments.c.call_row == call_row))
    return tuple(
        sorted(
            Segment(
                begin_ms=row.begin_ms,
                end_ms=row.end_ms,
                id=row.segment_id,
                speaker=Speaker(row.speaker),
                text=row.text,
            )
            for row in found
        )
    )


def _call(row: Row[Any], segments: tuple[Segment, ...]) -> StoredCall:
    return StoredCall(
        call_id=row.call_id,
        state=CallState(row.state),
        language_hint=row.language_hint,
        segments=segments,
        revision=row.revision,
        answered=row.answered,
        kept=row.kept,
        memory=json_object(row.memory),
        created_at=row.created_at,
    )
