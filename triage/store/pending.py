"""Texts that wait for triage, shared by any number of workers: each text is leased to one worker at a time.

PostgreSQL's `FOR UPDATE SKIP LOCKED` lets workers pick different rows without waiting; SQLite has one writer at a time
(`BEGIN IMMEDIATE`), which comes to the same. A worker that dies keeps its lease until it ends, then another gets the
text; what the first one may still hand in is not taken, so that nothing is lost and nothing doubled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Update, func, select, tuple_, update

from triage.store.database import Database
from triage.store.dispatching import Dispatch, NoDispatch
from triage.store.reading import contact_id_of, message_of
from triage.store.resource import Resource, utc_now
from triage.store.saving import Arrival, store_arrivals, store_triages
from triage.store.schema import contacts, messages, pending
from triage.types import Message, Triage

LEASE = timedelta(minutes=2)
_ADDRESS = tuple_(pending.c.contact_id, pending.c.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """A text to triage.

    Attributes:
        message: The message with this text.
        revision: Which text of it.
        attempts: How often it was leased, this time included.
        leased_until: When another worker may take it.
    """

    message: Message
    revision: int
    attempts: int
    leased_until: datetime


class PendingWork(Resource):
    """What was received and has no answer yet, or one whose translation is still to come."""

    def __init__(
        self, database: Database, *, now: Callable[[], datetime] = utc_now, dispatch: Dispatch | None = None
    ) -> None:
        super().__init__(database, now=now)
        self._dispatch = dispatch or NoDispatch()

    def claim(
        self, worker: str, limit: int = 16, lease: timedelta = LEASE, *, left_for: timedelta = timedelta()
    ) -> list[WorkItem]:
        """Take texts that wait, those first that were received first; nobody else gets them until the lease ends.

        Args:
            worker: Names the process and thread; another name for each start.
            limit: How many at most.
            lease: How long the worker may take before another may triage them.
            left_for: Only what has waited at least so long.
        """
        now = self._now()
        is_free = pending.c.leased_until.is_(None) | (pending.c.leased_until <= now)
        waiting = select(pending.c.contact_id, pending.c.revision)
        waiting = waiting.where(is_free, pending.c.created_at <= now - left_for)
        waiting = waiting.order_by(pending.c.attempts, pending.c.contact_id, pending.c.revision).limit(limit)
        with self._database.writing() as connection:
            taken = [tuple(row) for row in connection.execute(waiting.with_for_update(skip_locked=True))]
            if not taken:
                return []
            values = {"leased_by": worker, "leased_until": now + lease, "attempts": pending.c.attempts + 1}
            connection.execute(update(pending).where(_ADDRESS.in_(taken)).values(values))
            return _items(connection, taken)

    def finish(self, worker: str, pairs: Sequence[tuple[Message, Triage]]) -> list[bool]:
        """Store the answers to texts that the worker has leased.

        Returns:
            For each pair whether it was stored; False where the lease has ended and another worker has the text.
        """
        if not pairs:
            return []
        now = self._now()
        with self._database.writing() as connection:
            places = store_arrivals(connection, [Arrival(message=message) for message, _ in pairs], now)
            mine = _leased_by(connection, worker, [(place.contact_id, place.revision) for place in places])
            kept = [(place.contact_id, place.revision) in mine for place in places]
            chosen = [i for i, keep in enumerate(kept) if keep]
            if chosen:
                answers = [pairs[i][1] for i in chosen]
                store_triages(connection, answers, [places[i] for i in chosen], self._dispatch, now)
        return kept

    def fail(self, worker: str, item: WorkItem, error_kind: str) -> bool:
        """Give a text back that could not be triaged; others get it after the texts that were tried less often.

        Args:
            worker: Who had it.
            item: The text.
            error_kind: The kind of failure, never a text that may quote the message.

        Returns:
            Whether the worker still had it.

        Raises:
            NotFound: If the contact is not stored any more.
        """
        with self._database.writing() as connection:
            contact_id = contact_id_of(connection, item.message.id)
            released = {"leased_by": None, "leased_until": None, "last_error": error_kind}
            statement = _of_worker(worker, [(contact_id, item.revision)]).values(released)
            return connection.execute(statement).rowcount == 1

    def waiting(self) -> int:
        """Return how many texts have no answer yet, leased ones included."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(pending)).scalar_one()


def _of_worker(worker: str, addresses: Sequence[tuple[int, int]]) -> Update:
    return update(pending).where(_ADDRESS.in_(addresses), pending.c.leased_by == worker)


def _leased_by(connection: Connection, worker: str, addresses: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    statement = select(pending.c.contact_id, pending.c.revision).where(
        _ADDRESS.in_(addresses), pending.c.leased_by == worker
    )
    return {(row.contact_id, row.revision) for row in connection.execute(statement.with_for_update())}


def _items(connection: Connection, addresses: Sequence[tuple[Any, ...]]) -> list[WorkItem]:
    same_text = (pending.c.contact_id == messages.c.contact_id) & (pending.c.revision == messages.c.revision)
    columns = [column for column in messages.c if column.name not in ("contact_id", "created_at", "raw")]
    statement = (
        select(contacts, *columns, pending.c.attempts, pending.c.leased_until)
        .join(messages, messages.c.contact_id == contacts.c.id)
        .join(pending, same_text)
        .where(_ADDRESS.in_(addresses))
        .order_by(contacts.c.id, messages.c.revision)
    )
    return [_item(row) for row in connection.execute(statement)]


def _item(row: Row[Any]) -> WorkItem:
    return WorkItem(
        message=message_of(row), revision=row.revision, attempts=row.attempts, leased_until=row.leased_until
    )
