"""Deliveries to other systems: written with the decision that causes them, sent until they arrive or are given up.

A delivery is claimed for a time; a worker that dies loses its claim, and another sends the same delivery under the same
key, which the receiver knows. So everything arrives at least once, and exactly once where the receiver minds the key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from triage.errors import NotFound
from triage.store.database import insert_ignoring
from triage.store.documents import json_object, to_json
from triage.store.identity import name_key
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema import contacts, decisions
from triage.store.schema_service import outbox

LEASE = timedelta(minutes=2)


class DeliveryState(StrEnum):
    """What has become of a delivery."""

    DUE = "due"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What has to reach another system.

    Attributes:
        key: Names this delivery for good; the same key again is the same delivery.
        target: The system that it goes to.
        kind: What the receiver has to do, such as `ticket.update`.
        payload: JSON values.
    """

    key: str
    target: str
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A delivery as it stands.

    Attributes:
        id: Grows with time.
        delivery: What was to be delivered.
        message_id: The contact's message; None where the delivery is of no contact.
        decision_version: The decision that caused it; None where none did.
        state: Whether it is due, sent or given up.
        attempts: How often it was claimed.
        next_attempt_at: Not before.
        last_error: The kind of the last failure.
        answer: What the receiver answered, such as its own number for it.
        created_at: When it was written.
        finished_at: When it was sent or given up.
    """

    id: int
    delivery: Delivery
    message_id: str | None
    decision_version: int | None
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
    answer: str | None
    created_at: datetime
    finished_at: datetime | None


def add_deliveries(
    connection: Connection,
    deliveries: Iterable[Delivery],
    now: datetime,
    *,
    contact_id: int | None = None,
    decision_id: int | None = None,
) -> None:
    """Write deliveries whose keys are not known.

    They are written in the order of their keys, so that no two writers wait for each other in a circle.
    """
    rows: list[dict[str, Any]] = [
        {
            "delivery_key": name_key(delivery.key),
            "target": delivery.target,
            "kind": delivery.kind,
            "payload": to_json({"key": delivery.key, "payload": delivery.payload}),
            "contact_id": contact_id,
            "decision_id": decision_id,
            "state": DeliveryState.DUE.value,
            "attempts": 0,
            "next_attempt_at": now,
            "created_at": now,
        }
        for delivery in deliveries
    ]
    if rows:
        rows.sort(key=itemgetter("delivery_key"))
        connection.execute(insert_ignoring(connection.dialect.name, outbox, "delivery_key"), rows)


class Outbox(Resource):
    """Deliveries, shared by any number of workers in any number of processes."""

    def add(self, deliveries: Sequence[Delivery], *, message_id: str | None = None) -> None:
        """Write deliveries that no decision causes; those whose keys are known change nothing.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            contact_id = None if message_id is None else contact_id_of(connection, message_id, lock=True)
            add_deliveries(connection, deliveries, self._now(), contact_id=contact_id)

    def claim(self, worker: str, limit: int = 16, lease: timedelta = LEASE) -> tuple[StoredDelivery, ...]:
        """Take deliveries that are due, the longest due first; nobody else gets them until the lease ends.

        Args:
            worker: Names the process and thread; another name for each start.
            limit: How many at most.
            lease: How long the worker may take before another may send them again.
        """
        now = self._now()
        is_free = outbox.c.leased_until.is_(None) | (outbox.c.leased_until <= now)
        is_due = (outbox.c.state == DeliveryState.DUE.value) & (outbox.c.next_attempt_at <= now) & is_free
        due = select(outbox.c.id).where(is_due).order_by(outbox.c.next_attempt_at, outbox.c.id).limit(limit)
        with self._database.writing() as connection:
            ids = list(connection.execute(due.with_for_update(skip_locked=True)).scalars())
            taken = {"leased_by": worker, "leased_until": now + lease, "attempts": outbox.c.attempts + 1}
            connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(taken))
            return _read(connection, _all().where(outbox.c.id.in_(ids)).order_by(outbox.c.next_attempt_at, outbox.c.id))

    def sent(self, worker: str, delivery_id: int, answer: str | None = None) -> bool:
        """Write down that it arrived; False where the lease has gone to another worker, who will write it down."""
        return self._finish(worker, delivery_id, {"state": DeliveryState.SENT.value, "answer": answer})

    def failed(self, worker: str, delivery_id: int, error_kind: str, *, retry_at: datetime | None) -> bool:
        """Write down that it did not arrive; it is given up where no time is set to try again.

        Args:
            worker: Who tried.
            delivery_id: Its number.
            error_kind: The kind of failure, never a text that may quote the payload.
            retry_at: When to try again; None puts it among the dead letters.
        """
        if retry_at is None:
            return self._finish(worker, delivery_id, {"state": DeliveryState.DEAD.value, "last_error": error_kind})
        again = {"next_attempt_at": retry_at, "last_error": error_kind, "leased_by": None, "leased_until": None}
        return self._change(worker, delivery_id, again)

    def list(self, state: DeliveryState | None = None, limit: int = 100) -> tuple[StoredDelivery, ...]:
        """Return deliveries, newest first."""
        statement = _all().order_by(outbox.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return _read(connection, statement if state is None else statement.where(outbox.c.state == state.value))

    def of(self, message_id: str) -> tuple[StoredDelivery, ...]:
        """Return a contact's deliveries, oldest first.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            contact_id = contact_id_of(connection, message_id)
            return _read(connection, _all().where(outbox.c.contact_id == contact_id).order_by(outbox.c.id))

    def retry(self, delivery_id: int) -> None:
        """Make a dead letter, or one that waits, due now.

        Raises:
            NotFound: If there is none of that number that was not sent.
        """
        unsent = (outbox.c.id == delivery_id) & (outbox.c.state != DeliveryState.SENT.value)
        with self._database.writing() as connection:
            if not connection.execute(update(outbox).where(unsent).values(_due_at(self._now()))).rowcount:
                raise NotFound(f"no delivery {delivery_id} waits or was given up: triage outbox list shows them")

    def retry_dead(self) -> int:
        """Make every dead letter due now, and return how many there were."""
        dead = outbox.c.state == DeliveryState.DEAD.value
        with self._database.writing() as connection:
            return connection.execute(update(outbox).where(dead).values(_due_at(self._now()))).rowcount

    def counts(self) -> Mapping[DeliveryState, int]:
        """Return how many deliveries are in each state."""
        statement = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        with self._database.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(statement)}
        return {state: found.get(state.value, 0) for state in DeliveryState}

    def _finish(self, worker: str, delivery_id: int, values: Mapping[str, Any]) -> bool:
        return self._change(worker, delivery_id, {**values, "finished_at": self._now(), "leased_until": None})

    def _change(self, worker: str, delivery_id: int, values: Mapping[str, Any]) -> bool:
        mine = (outbox.c.leased_by == worker) & (outbox.c.state == DeliveryState.DUE.value)
        with self._database.writing() as connection:
            changed = connection.execute(update(outbox).where(outbox.c.id == delivery_id, mine).values(**values))
            return changed.rowcount == 1


def _due_at(now: datetime) -> dict[str, Any]:
    state = DeliveryState.DUE.value
    return {"state": state, "next_attempt_at": now, "leased_by": None, "leased_until": None, "finished_at": None}


def _all() -> Select[Any]:
    joined = outbox.outerjoin(contacts, contacts.c.id == outbox.c.contact_id)
    joined = joined.outerjoin(decisions, decisions.c.id == outbox.c.decision_id)
    return select(outbox, contacts.c.message_id, decisions.c.version.label("decision_version")).select_from(joined)


def _read(connection: Connection, statement: Select[Any]) -> tuple[StoredDelivery, ...]:
    return tuple(_delivery(row) for row in connection.execute(statement))


def _delivery(row: Row[Any]) -> StoredDelivery:
    document = json_object(row.payload)
    return StoredDelivery(
        id=row.id,
        delivery=Delivery(key=document["key"], target=row.target, kind=row.kind, payload=document["payload"]),
        message_id=row.message_id,
        decision_version=row.decision_version,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
        last_error=row.last_error,
        answer=row.answer,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
