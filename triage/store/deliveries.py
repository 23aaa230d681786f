"""Deliveries as values, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from triage.store.documents import json_object
from triage.store.schema import contacts, decisions
from triage.store.schema_service import outbox


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


def delivery_of(row: Row[Any]) -> Delivery:
    """Return the delivery that a row of `outbox` keeps."""
    document = json_object(row.payload)
    return Delivery(key=document["key"], target=row.target, kind=row.kind, payload=document["payload"])


def stored_deliveries() -> Select[Any]:
    """Select deliveries with what `read_deliveries` needs of them."""
    joined = outbox.outerjoin(contacts, contacts.c.id == outbox.c.contact_id)
    joined = joined.outerjoin(decisions, decisions.c.id == outbox.c.decision_id)
    return select(outbox, contacts.c.message_id, decisions.c.version.label("decision_version")).select_from(joined)


def read_deliveries(connection: Connection, statement: Select[Any]) -> tuple[StoredDelivery, ...]:
    """Return the deliveries of a statement made from `stored_deliveries`."""
    return tuple(_stored(row) for row in connection.execute(statement))


def _stored(row: Row[Any]) -> StoredDelivery:
    return StoredDelivery(
        id=row.id,
        delivery=delivery_of(row),
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
