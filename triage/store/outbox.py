"""Deliveries to other systems: written with the decision that causes them, sent until they arrive or are given up.

A delivery is claimed for a time; a worker that dies loses its claim, and another sends the same delivery under the same
key, which the receiver knows. So everything arrives at least once, and exactly once where the receiver minds the key.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, exists, func, select, update

from triage.errors import NotFound
from triage.store.database import insert_ignoring
from triage.store.deliveries import Delivery, DeliveryState, StoredDelivery, read_deliveries, stored_deliveries
from triage.store.documents import to_json
from triage.store.identity import name_key
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema_service import links, outbox

LEASE = timedelta(minutes=2)


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

    def claim(
        self, worker: str, limit: int = 16, lease: timedelta = LEASE, targets: Collection[str] | None = None
    ) -> tuple[StoredDelivery, ...]:
        """Take deliveries that are due, the longest due first; nobody else gets them until the lease ends.

        What one system is told of the decisions on one contact comes to it in order: a delivery waits for those before
        it, until they are sent or given up. What no decision causes waits only for those of its own kind.

        Args:
            worker: Names the process and thread; another name for each start.
            limit: How many at most.
            lease: How long the worker may take before another may send them again.
            targets: Only what goes to these systems; to any where None.
        """
        now = self._now()
        is_free = outbox.c.leased_until.is_(None) | (outbox.c.leased_until <= now)
        is_due = (outbox.c.state == DeliveryState.DUE.value) & (outbox.c.next_attempt_at <= now) & is_free
        if targets is not None:
            is_due &= outbox.c.target.in_(targets)
        due = select(outbox.c.id).where(is_due, ~_is_behind_another())
        due = due.order_by(outbox.c.next_attempt_at, outbox.c.id).limit(limit)
        with self._database.writing() as connection:
            ids = list(connection.execute(due.with_for_update(skip_locked=True, of=outbox)).scalars())
            if not ids:
                return ()
            taken = {"leased_by": worker, "leased_until": now + lease, "attempts": outbox.c.attempts + 1}
            connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(taken))
            held = stored_deliveries().where(outbox.c.id.in_(ids))
            return read_deliveries(connection, held.order_by(outbox.c.next_attempt_at, outbox.c.id))

    def note(self, delivery_id: int, answer: str, linked: str | None = None) -> None:
        """Write down what the receiver answered to the first part of a delivery, before the rest is done.

        It holds whoever has the lease: what is done is done, and the next try finds it in the delivery's `answer`.

        Args:
            delivery_id: Its number.
            answer: What the receiver answered.
            linked: The contact's new name in the system that it goes to.
        """
        with self._database.writing() as connection:
            connection.execute(update(outbox).where(outbox.c.id == delivery_id).values(answer=answer))
            _rename(connection, delivery_id, linked, (), self._now())

    def sent(
        self,
        worker: str,
        delivery_id: int,
        answer: str | None = None,
        *,
        linked: str | None = None,
        withdrawn: Sequence[str] = (),
    ) -> bool:
        """Write down that it arrived; False where the lease has gone to another worker, who will write it down.

        Args:
            worker: Who sent it.
            delivery_id: Its number.
            answer: What the receiver answered.
            linked: The contact's new name in the system that it went to.
            withdrawn: The names there that the contact has no more.
        """
        values = {"state": DeliveryState.SENT.value, "answer": answer, "finished_at": self._now(), "leased_until": None}
        with self._database.writing() as connection:
            if not _change(connection, worker, delivery_id, values):
                return False
            _rename(connection, delivery_id, linked, withdrawn, self._now())
        return True

    def failed(self, worker: str, delivery_id: int, error_kind: str, *, retry_at: datetime | None) -> bool:
        """Write down that it did not arrive; it is given up where no time is set to try again.

        Args:
            worker: Who tried.
            delivery_id: Its number.
            error_kind: The kind of failure, never a text that may quote the payload.
            retry_at: When to try again; None puts it among the dead letters.
        """
        if retry_at is None:
            values = {"state": DeliveryState.DEAD.value, "finished_at": self._now(), "leased_until": None}
        else:
            values = {"next_attempt_at": retry_at, "leased_by": None, "leased_until": None}
        with self._database.writing() as connection:
            return _change(connection, worker, delivery_id, {**values, "last_error": error_kind})

    def give_back(self, worker: str, held: Sequence[StoredDelivery]) -> None:
        """Give deliveries back that were claimed and not begun."""
        mine = outbox.c.id.in_([stored.id for stored in held]) & (outbox.c.leased_by == worker)
        free = {"leased_by": None, "leased_until": None, "attempts": outbox.c.attempts - 1}
        with self._database.writing() as connection:
            connection.execute(update(outbox).where(mine).values(free))

    def postpone(self, target: str, until: datetime) -> None:
        """Let everything that is due for a system wait until it wants more."""
        waiting = (outbox.c.target == target) & (outbox.c.state == DeliveryState.DUE.value)
        is_sooner = outbox.c.next_attempt_at < until
        with self._database.writing() as connection:
            connection.execute(update(outbox).where(waiting, is_sooner).values(next_attempt_at=until))

    def is_outdated(self, stored: StoredDelivery) -> bool:
        """Tell whether the same system has been told something newer of the contact, or will be before ever this.

        What was tried once may have arrived: it is not outdated by what has not been sent yet.
        """
        this = outbox.alias()
        newer = (outbox.c.id > this.c.id) & (outbox.c.contact_id == this.c.contact_id)
        newer &= outbox.c.target == this.c.target
        if stored.attempts > 1:
            newer &= outbox.c.state == DeliveryState.SENT.value
        statement = select(outbox.c.id).join(this, newer).where(this.c.id == stored.id).limit(1)
        with self._database.reading() as connection:
            return connection.execute(statement).first() is not None

    def list(self, state: DeliveryState | None = None, limit: int = 100) -> tuple[StoredDelivery, ...]:
        """Return deliveries, newest first."""
        statement = stored_deliveries() if state is None else stored_deliveries().where(outbox.c.state == state.value)
        with self._database.reading() as connection:
            return read_deliveries(connection, statement.order_by(outbox.c.id.desc()).limit(limit))

    def of(self, message_id: str) -> tuple[StoredDelivery, ...]:
        """Return a contact's deliveries, oldest first.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            here = outbox.c.contact_id == contact_id_of(connection, message_id)
            return read_deliveries(connection, stored_deliveries().where(here).order_by(outbox.c.id))

    def retry(self, delivery_id: int) -> None:
        """Make a dead letter, or one that waits, due now, with new tries: those before count as one.

        Raises:
            NotFound: If there is none of that number that was not sent.
        """
        unsent = (outbox.c.id == delivery_id) & (outbox.c.state != DeliveryState.SENT.value)
        with self._database.writing() as connection:
            if not connection.execute(update(outbox).where(unsent).values(_due_at(self._now()))).rowcount:
                raise NotFound(f"no delivery {delivery_id} waits or was given up: triage outbox list shows them")

    def retry_dead(self) -> int:
        """Make every dead letter due now, with new tries as `retry` has them, and return how many there were."""
        dead = outbox.c.state == DeliveryState.DEAD.value
        with self._database.writing() as connection:
            return connection.execute(update(outbox).where(dead).values(_due_at(self._now()))).rowcount

    def counts(self) -> Mapping[DeliveryState, int]:
        """Return how many deliveries are in each state."""
        statement = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        with self._database.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(statement)}
        return {state: found.get(state.value, 0) for state in DeliveryState}


def _is_behind_another() -> ColumnElement[bool]:
    earlier = outbox.alias()
    same = (earlier.c.contact_id == outbox.c.contact_id) & (earlier.c.target == outbox.c.target)
    same &= outbox.c.decision_id.is_not(None) | (earlier.c.kind == outbox.c.kind)
    return exists().where(same, earlier.c.id < outbox.c.id, earlier.c.state == DeliveryState.DUE.value)


def _change(connection: Connection, worker: str, delivery_id: int, values: Mapping[str, Any]) -> bool:
    mine = (outbox.c.leased_by == worker) & (outbox.c.state == DeliveryState.DUE.value)
    changed = connection.execute(update(outbox).where(outbox.c.id == delivery_id, mine).values(**values))
    return changed.rowcount == 1


def _rename(
    connection: Connection, delivery_id: int, linked: str | None, withdrawn: Sequence[str], now: datetime
) -> None:
    row = connection.execute(select(outbox.c.contact_id, outbox.c.target).where(outbox.c.id == delivery_id)).one()
    for name in withdrawn:
        here = links.c.link_key == name_key(row.target, name)
        connection.execute(update(links).where(here).values(withdrawn_at=now))
    if linked is not None:
        values = {"contact_id": row.contact_id, "link_key": name_key(row.target, linked)}
        values |= {"system": row.target, "external_id": linked, "created_at": now}
        connection.execute(insert_ignoring(connection.dialect.name, links, "link_key"), values)


def _due_at(now: datetime) -> dict[str, Any]:
    state, tried = DeliveryState.DUE.value, case((outbox.c.attempts > 1, 1), else_=outbox.c.attempts)
    free = {"leased_by": None, "leased_until": None, "finished_at": None}
    return {"state": state, "attempts": tried, "next_attempt_at": now, **free}
