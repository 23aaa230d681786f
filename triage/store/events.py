"""What changed, in the order of the commits: every process can tell its consoles what any other has done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from triage.store.documents import json_object, to_json
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema import contacts, heads
from triage.store.schema_service import events

_HEAD = "events"
_LOCK_HEAD = select(heads.c.number).where(heads.c.name == _HEAD).with_for_update()
_MOVE_HEAD = update(heads).where(heads.c.name == _HEAD)
_INSERT = insert(events)


class EventKind(StrEnum):
    """What changed."""

    RECEIVED = "received"
    TRIAGED = "triaged"
    DECIDED = "decided"
    CLAIMED = "claimed"
    RELEASED = "released"
    NOTICE = "notice"
    POLICY = "policy"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change.

    Attributes:
        number: Counts up by one in the order of the commits, over all processes.
        kind: What changed.
        message_id: The contact's message; None where the change is of no contact, or the contact was deleted.
        detail: What a console shows at once; never what a resident wrote.
        created_at: When it was stored.
    """

    number: int
    kind: EventKind
    message_id: str | None
    detail: Mapping[str, Any]
    created_at: datetime


def publish(
    connection: Connection, changes: Iterable[tuple[EventKind, int | None, Mapping[str, Any]]], now: datetime
) -> None:
    """Append events of kind, contact and detail: the last thing that a transaction does."""
    found = list(changes)
    if not found:
        return
    first = connection.execute(_LOCK_HEAD).scalar_one() + 1
    rows = [
        {"number": number, "kind": kind.value, "contact_id": contact_id, "detail": to_json(detail), "created_at": now}
        for number, (kind, contact_id, detail) in enumerate(found, start=first)
    ]
    connection.execute(_INSERT, rows)
    connection.execute(_MOVE_HEAD.values(number=first + len(rows) - 1))


class EventLog(Resource):
    """Changes to follow: who has read up to a number has missed none below it."""

    def publish(
        self, kind: EventKind, *, message_id: str | None = None, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Append one event.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            contact_id = None if message_id is None else contact_id_of(connection, message_id)
            publish(connection, [(kind, contact_id, detail or {})], self._now())

    def since(self, number: int, limit: int = 200) -> tuple[Event, ...]:
        """Return the events after `number`, oldest first, `limit` at most."""
        statement = (
            select(events, contacts.c.message_id)
            .outerjoin(contacts, contacts.c.id == events.c.contact_id)
            .where(events.c.number > number)
            .order_by(events.c.number)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        return tuple(
            Event(
                number=row.number,
                kind=EventKind(row.kind),
                message_id=row.message_id,
                detail=json_object(row.detail),
                created_at=row.created_at,
            )
            for row in rows
        )

    def last(self) -> int:
        """Return the number of the last event, 0 before the first."""
        with self._database.reading() as connection:
            number: int = connection.execute(select(heads.c.number).where(heads.c.name == _HEAD)).scalar_one()
        return number

    def purge(self, before: datetime) -> int:
        """Delete the events of before a moment, and return how many there were; numbers go on counting."""
        with self._database.writing() as connection:
            return connection.execute(delete(events).where(events.c.created_at < before)).rowcount
