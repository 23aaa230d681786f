"""Writes what other systems have to be told of a decision, in the very transaction that stores it.

So there is no decision that nobody is told of, and nobody is told of one that was rolled back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import Connection, func, select

from triage.store.database import chunks
from triage.store.deciding import decisions_of
from triage.store.deliveries import Delivery, delivery_of
from triage.store.outbox import add_deliveries
from triage.store.records import Action, Actor, StoredDecision
from triage.store.schema import contacts
from triage.store.schema_service import outbox
from triage.types import Channel, Mode

# What leaves the route as it is: whether it was settled before, it is settled still.
_LEAVE_THE_ROUTE: Final = frozenset({Action.CLOSE, Action.ANSWER_USED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision that was just stored, or that stands.

    Attributes:
        message_id: The contact's message.
        channel: How it came in.
        thread_id: The conversation that it belongs to.
        decision: The decision.
        settled: Whether a person has chosen the route, or the policy may act alone: a suggestion is not.
        told: The last delivery to each system that has had one, sent or not.
    """

    message_id: str
    channel: Channel
    thread_id: str | None
    decision: StoredDecision
    settled: bool
    told: Mapping[str, Delivery] = field(default_factory=dict)


class Dispatch(Protocol):
    """Knows which systems have to be told of a decision."""

    def deliveries(self, decided: Decided) -> Sequence[Delivery]:
        """Return what each system has to be told, at most one delivery each; quick, for it holds a transaction."""
        ...


class NoDispatch:
    """Tells nobody."""

    def deliveries(self, decided: Decided) -> Sequence[Delivery]:
        return ()


def is_settled(history: Sequence[StoredDecision]) -> bool:
    """Tell whether the last decision's route was chosen by a person, or by a policy that may act alone.

    Args:
        history: The decisions on one contact up to the one asked about, oldest first, from version 1 on.
    """
    at = len(history) - 1
    while at >= 0:
        stored = history[at]
        if stored.action is Action.UNDO:  # what stood before the one undone stands again
            at = (stored.undoes or 1) - 2
        elif stored.action in _LEAVE_THE_ROUTE:
            at -= 1
        else:
            return stored.actor is Actor.PERSON or stored.decision.mode is Mode.AUTO
    return False


def dispatch_decisions(
    connection: Connection,
    dispatch: Dispatch,
    decided: Sequence[tuple[int, int, StoredDecision]],
    now: datetime,
) -> None:
    """Write the deliveries of decisions that were just stored, given as contact, row and decision, in their order."""
    if isinstance(dispatch, NoDispatch) or not decided:
        return
    ids = {contact_id for contact_id, *_ in decided}
    rows, told = _contacts(connection, ids), told_of(connection, ids)
    for contact_id, decision_id, stored in decided:
        row, known = rows[contact_id], told.setdefault(contact_id, {})
        deliveries = dispatch.deliveries(
            Decided(
                message_id=row.message_id,
                channel=Channel(row.channel),
                thread_id=row.thread_id,
                decision=stored,
                settled=is_settled(_history(connection, contact_id, stored)),
                told=dict(known),
            )
        )
        known.update({delivery.target: delivery for delivery in deliveries})
        add_deliveries(connection, deliveries, now, contact_id=contact_id, decision_id=decision_id)


def told_of(connection: Connection, contact_ids: Iterable[int]) -> dict[int, dict[str, Delivery]]:
    """Return, by contact and system, the last delivery that was written."""
    told: dict[int, dict[str, Delivery]] = {}
    for chunk in chunks(sorted(contact_ids)):
        last = select(func.max(outbox.c.id)).where(outbox.c.contact_id.in_(chunk))
        last = last.group_by(outbox.c.contact_id, outbox.c.target)
        for row in connection.execute(select(outbox).where(outbox.c.id.in_(last))):
            told.setdefault(row.contact_id, {})[row.target] = delivery_of(row)
    return told


def _history(connection: Connection, contact_id: int, stored: StoredDecision) -> Sequence[StoredDecision]:
    """Return what tells whether a decision is settled; the policy's tells it by itself."""
    return [stored] if stored.actor is Actor.POLICY else decisions_of(connection, contact_id)


def _contacts(connection: Connection, contact_ids: Iterable[int]) -> dict[int, Any]:
    columns = (contacts.c.id, contacts.c.message_id, contacts.c.channel, contacts.c.thread_id)
    return {
        row.id: row
        for chunk in chunks(sorted(contact_ids))
        for row in connection.execute(select(*columns).where(contacts.c.id.in_(chunk)))
    }
