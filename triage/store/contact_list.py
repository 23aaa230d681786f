"""Lists of contacts: filtered, ordered, a page at a time; counts by what they are."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, select

from triage.store.reading import contacts_chosen
from triage.store.records import Actor, Status, StoredContact
from triage.store.resource import Resource
from triage.store.schema import contacts, standing
from triage.store.schema_service import claims, incident_contacts
from triage.types import Channel, Mode, UrgencyLevel

_OF_STANDING: Final = ("status", "language", "department", "service_type", "urgency", "mode", "actor")
COUNTED: Final = ("channel", *_OF_STANDING)


class Order(StrEnum):
    """What comes first: the newest, or the gravest and of those the oldest."""

    NEWEST = "newest"
    URGENCY = "urgency"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFilter:
    """Which contacts: those that have every value that is not None.

    Attributes:
        status: Open or closed.
        channel: Where they came in.
        language: BCP 47 code of the newest text.
        department: The department that they stand with.
        service_type: The type that stands.
        urgency: The level that stands.
        mode: What the policy did, or the person chose.
        actor: Who decided last.
        claimed_by: The agent who works on them now.
        claimed: Whether anybody works on them now.
        created_from: Stored at this moment or later.
        created_until: Stored before this moment.
        thread_id: Their thread.
        incident_id: Their incident.
        id_prefix: What their message's identity begins with, case and all; only such contacts come with their bytes.
    """

    status: Status | None = None
    channel: Channel | None = None
    language: str | None = None
    department: str | None = None
    service_type: str | None = None
    urgency: UrgencyLevel | None = None
    mode: Mode | None = None
    actor: Actor | None = None
    claimed_by: str | None = None
    claimed: bool | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    thread_id: str | None = None
    incident_id: int | None = None
    id_prefix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPage:
    """Contacts in the order asked for; `next_cursor` is None on the last page."""

    contacts: tuple[StoredContact, ...]
    next_cursor: str | None


class ContactList(Resource):
    """Contacts as they stand, to list and to count."""

    def list(
        self,
        filter: ContactFilter | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
        order: Order = Order.NEWEST,
    ) -> ContactPage:
        """Return a page of contacts.

        Args:
            filter: Which contacts; all where None.
            limit: How many at most.
            cursor: `next_cursor` of the page before, with the same filter and order.
            order: What comes first. Contacts that come in while one pages through neither repeat nor hide others.

        Raises:
            ValueError: If limit < 1, or the cursor is none of this order.
        """
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        wanted = filter or ContactFilter()
        chosen = _chosen(wanted, self._now())
        if cursor is not None:
            chosen = chosen.where(_after(order, _read_cursor(cursor, order)))
        chosen = chosen.order_by(*_ordering(order)).limit(limit + 1)
        with self._database.reading() as connection:
            rows = [(row.id, row.urgency_rank) for row in connection.execute(chosen)]
            ids = select(contacts.c.id).where(contacts.c.id.in_([contact_id for contact_id, _ in rows[:limit]]))
            found = contacts_chosen(connection, ids, raw=wanted.id_prefix is not None) if rows else []
            return _page(found, rows[:limit], order, has_more=len(rows) > limit)

    def counts_by(self, field: str, filter: ContactFilter | None = None) -> Mapping[str | None, int]:
        """Return how many contacts have each value of a field; None counts those that have none.

        Args:
            field: `channel`, `status`, `language`, `department`, `service_type`, `urgency`, `mode` or `actor`.
            filter: Which contacts; all where None.

        Raises:
            ValueError: If the field is none of these.
        """
        if field not in COUNTED:
            raise ValueError(f"field must be one of {', '.join(COUNTED)}, got {field}")
        column = contacts.c.channel if field == "channel" else standing.c[field]
        chosen = _chosen(filter or ContactFilter(), self._now()).with_only_columns(column, func.count())
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(chosen.group_by(column))}


def _chosen(wanted: ContactFilter, now: datetime) -> Select[Any]:
    statement = select(contacts.c.id, standing.c.urgency_rank).join(standing, standing.c.contact_id == contacts.c.id)
    return statement.where(*_conditions(wanted), *_work_conditions(wanted, now))


def _conditions(wanted: ContactFilter) -> list[ColumnElement[bool]]:
    values = {standing.c[name]: getattr(wanted, name) for name in _OF_STANDING}
    values |= {contacts.c.channel: wanted.channel, contacts.c.thread_id: wanted.thread_id}
    found: list[ColumnElement[bool]] = [
        column == (value.value if isinstance(value, StrEnum) else value)
        for column, value in values.items()
        if value is not None
    ]
    if wanted.created_from is not None:
        found.append(contacts.c.created_at >= wanted.created_from)
    if wanted.created_until is not None:
        found.append(contacts.c.created_at < wanted.created_until)
    if wanted.id_prefix is not None:  # not LIKE, which SQLite answers whatever the case
        found.append(func.substr(contacts.c.message_id, 1, len(wanted.id_prefix)) == wanted.id_prefix)
    return found


def _work_conditions(wanted: ContactFilter, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    held = and_(claims.c.contact_id == contacts.c.id, claims.c.expires_at > now)
    if wanted.claimed_by is not None:
        found.append(select(claims.c.contact_id).where(held, claims.c.agent == wanted.claimed_by).exists())
    if wanted.claimed is not None:
        is_held = select(claims.c.contact_id).where(held).exists()
        found.append(is_held if wanted.claimed else ~is_held)
    if wanted.incident_id is not None:
        inside = and_(
            incident_contacts.c.contact_id == contacts.c.id, incident_contacts.c.incident_id == wanted.incident_id
        )
        found.append(select(incident_contacts.c.contact_id).where(inside).exists())
    return found


def _ordering(order: Order) -> tuple[ColumnElement[Any], ...]:
    if order is Order.NEWEST:
        return (contacts.c.id.desc(),)
    return (standing.c.urgency_rank.desc(), contacts.c.id)


def _after(order: Order, last: tuple[int, int]) -> ColumnElement[bool]:
    rank, contact_id = last
    if order is Order.NEWEST:
        return contacts.c.id < contact_id
    same = and_(standing.c.urgency_rank == rank, contacts.c.id > contact_id)
    return (standing.c.urgency_rank < rank) | same


def _page(found: Sequence[StoredContact], rows: list[tuple[int, int]], order: Order, *, has_more: bool) -> ContactPage:
    ids = [contact_id for contact_id, _ in rows]
    by_key = dict(zip(sorted(ids, reverse=True), found, strict=True))
    cursor = _cursor(order, rows[-1]) if has_more else None
    return ContactPage(contacts=tuple(by_key[contact_id] for contact_id in ids), next_cursor=cursor)


def _cursor(order: Order, last: tuple[int, int]) -> str:
    contact_id, rank = last
    return base64.urlsafe_b64encode(f"{order.value}.{rank}.{contact_id}".encode()).decode()


def _read_cursor(cursor: str, order: Order) -> tuple[int, int]:
    try:
        name, rank, contact_id = base64.urlsafe_b64decode(cursor.encode()).decode().split(".")
        place = int(rank), int(contact_id)
    except (ValueError, binascii.Error):
        name, place = "", (0, 0)
    if name != order.value or not (0 <= place[0] < 2**31 and 0 <= place[1] < 2**63):
        raise ValueError("the cursor is none that this list gave: begin without one")
    return place
