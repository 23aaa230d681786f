"""Incidents: many contacts about one thing; where contacts are, and while the resident is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, insert, select, update

from triage.errors import NotFound
from triage.store.database import chunks, insert_ignoring, insert_new, insert_row
from triage.store.documents import json_object, to_json
from triage.store.identity import message_key
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema import contacts, pauses, places, standing
from triage.store.schema_service import incident_contacts as children
from triage.store.schema_service import incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredIncident:
    """One thing that several contacts are about; `message_ids` in the order they were added."""

    id: int
    service_type: str
    title: str
    area: str | None
    detail: Mapping[str, Any]
    opened_by: str
    opened_at: datetime
    closed_by: str | None
    closed_at: datetime | None
    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedContact:
    """Where a contact is about: a place in words, and degrees (WGS 84) where they are known."""

    message_id: str
    service_type: str | None
    place: str
    district: str | None
    latitude: float | None
    longitude: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A time in which the resident is asked and the due time waits; `resumed_at` is None while it lasts."""

    reason: str
    paused_at: datetime
    resumed_at: datetime | None


class IncidentStore(Resource):
    """Incidents, places and pauses."""

    def open(
        self,
        *,
        service_type: str,
        title: str,
        by: str,
        area: str | None = None,
        detail: Mapping[str, Any] | None = None,
        message_ids: Sequence[str] = (),
    ) -> int:
        """Open an incident with its first contacts, and return its number.

        Raises:
            NotFound: If one of the messages is not stored.
        """
        row = {
            "service_type": service_type,
            "title": title,
            "area": area,
            "detail": to_json(detail or {}),
            "opened_by": by,
            "opened_at": self._now(),
        }
        with self._database.writing() as connection:
            incident_id = insert_row(connection, incidents, row)
            _add(connection, incident_id, message_ids, by, self._now())
        return incident_id

    def add(self, incident_id: int, message_ids: Sequence[str], by: str) -> None:
        """Add contacts; one that belongs to an incident already stays there.

        Raises:
            NotFound: If the incident or one of the messages is not stored.
        """
        with self._database.writing() as connection:
            _check(connection, incident_id)
            _add(connection, incident_id, message_ids, by, self._now())

    def remove(self, message_id: str) -> None:
        """Take a contact out of its incident, if it is in one.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            contact_id = contact_id_of(connection, message_id)
            connection.execute(delete(children).where(children.c.contact_id == contact_id))

    def close(self, incident_id: int, by: str) -> None:
        """Close an incident; one that is closed stays as it is.

        Raises:
            NotFound: If no incident has that number.
        """
        still_open = (incidents.c.id == incident_id) & incidents.c.closed_at.is_(None)
        with self._database.writing() as connection:
            _check(connection, incident_id)
            connection.execute(update(incidents).where(still_open).values(closed_by=by, closed_at=self._now()))

    def list(self, *, open_only: bool = True, limit: int = 100) -> tuple[StoredIncident, ...]:
        """Return incidents, newest first."""
        statement = select(incidents).order_by(incidents.c.id.desc()).limit(limit)
        if open_only:
            statement = statement.where(incidents.c.closed_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
            return tuple(_incident(row, _children(connection, row.id)) for row in rows)

    def of_contact(self, message_id: str) -> StoredIncident | None:
        """Return the incident that a contact belongs to; None where it belongs to none.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            contact_id = contact_id_of(connection, message_id)
            here = and_(children.c.incident_id == incidents.c.id, children.c.contact_id == contact_id)
            row = connection.execute(select(incidents).join(children, here)).one_or_none()
            return _incident(row, _children(connection, row.id)) if row else None

    def set_place(
        self,
        message_id: str,
        place: str,
        *,
        district: str | None = None,
        latitude: float | None = None,
        longitude: float | None = None,
    ) -> None:
        """Say where a contact is about; what was said before is forgotten.

        Args:
            message_id: The contact's message.
            place: The place in words, written in one way by the caller.
            district: The city's district.
            latitude: Degrees, WGS 84.
            longitude: Degrees, WGS 84.

        Raises:
            NotFound: If no such message is stored.
        """
        values = {"place": place, "district": district, "latitude": latitude, "longitude": longitude}
        with self._database.writing() as connection:
            row = {"contact_id": contact_id_of(connection, message_id, lock=True), **values}
            if not insert_new(connection, places, row, "contact_id"):
                here = places.c.contact_id == row["contact_id"]
                connection.execute(update(places).where(here).values(values))

    def near(
        self, *, since: datetime, service_type: str | None = None, place: str | None = None
    ) -> tuple[PlacedContact, ...]:
        """Return contacts with a place that came in since a moment, newest first.

        Args:
            since: The earliest moment.
            service_type: Only contacts whose type this is now.
            place: Only contacts at exactly this place.
        """
        with self._database.reading() as connection:
            rows = connection.execute(_near(since, service_type, place)).all()
        return tuple(PlacedContact(**row._mapping) for row in rows)

    def pause(self, message_id: str, reason: str) -> None:
        """Let the due time wait from now on; a contact that waits goes on waiting.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            contact_id = contact_id_of(connection, message_id, lock=True)
            waits = (pauses.c.contact_id == contact_id) & pauses.c.resumed_at.is_(None)
            if connection.execute(select(pauses.c.id).where(waits)).first() is None:
                row = {"contact_id": contact_id, "reason": reason, "paused_at": self._now()}
                connection.execute(insert(pauses).values(row))

    def resume(self, message_id: str) -> None:
        """Let the due time run on; nothing changes where it runs.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            waits = (pauses.c.contact_id == contact_id_of(connection, message_id)) & pauses.c.resumed_at.is_(None)
            connection.execute(update(pauses).where(waits).values(resumed_at=self._now()))

    def pauses_of(self, message_ids: Sequence[str]) -> Mapping[str, tuple[Pause, ...]]:
        """Return the pauses of many contacts, oldest first, by message; those without any are left out."""
        keys = [message_key(message_id) for message_id in message_ids]
        found: dict[str, tuple[Pause, ...]] = {}
        with self._database.reading() as connection:
            for chunk in chunks(keys):
                joined = select(contacts.c.message_id, pauses).join(pauses, pauses.c.contact_id == contacts.c.id)
                for row in connection.execute(joined.where(contacts.c.message_key.in_(chunk)).order_by(pauses.c.id)):
                    pause = Pause(reason=row.reason, paused_at=row.paused_at, resumed_at=row.resumed_at)
                    found[row.message_id] = (*found.get(row.message_id, ()), pause)
        return found


def _check(connection: Connection, incident_id: int) -> None:
    if connection.execute(select(incidents.c.id).where(incidents.c.id == incident_id)).one_or_none() is None:
        raise NotFound(f"no incident has the number {incident_id}")


def _add(connection: Connection, incident_id: int, message_ids: Sequence[str], by: str, now: datetime) -> None:
    contact_ids = sorted({contact_id_of(connection, message_id) for message_id in message_ids})
    rows = [
        {"contact_id": contact_id, "incident_id": incident_id, "added_by": by, "created_at": now}
        for contact_id in contact_ids
    ]
    if rows:
        connection.execute(insert_ignoring(connection.dialect.name, children, "contact_id"), rows)


def _children(connection: Connection, incident_id: int) -> tuple[str, ...]:
    statement = select(contacts.c.message_id).join(children, children.c.contact_id == contacts.c.id)
    here = statement.where(children.c.incident_id == incident_id)
    return tuple(connection.execute(here.order_by(children.c.created_at, contacts.c.id)).scalars())


def _near(since: datetime, service_type: str | None, place: str | None) -> Select[Any]:
    columns = [places.c[name] for name in ("place", "district", "latitude", "longitude")]
    statement = (
        select(contacts.c.message_id, contacts.c.created_at, standing.c.service_type, *columns)
        .join(places, places.c.contact_id == contacts.c.id)
        .join(standing, standing.c.contact_id == contacts.c.id)
        .where(contacts.c.created_at >= since)
        .order_by(contacts.c.id.desc())
    )
    if service_type is not None:
        statement = statement.where(standing.c.service_type == service_type)
    return statement if place is None else statement.where(places.c.place == place)


def _incident(row: Row[Any], message_ids: tuple[str, ...]) -> StoredIncident:
    return StoredIncident(
        id=row.id,
        service_type=row.service_type,
        title=row.title,
        area=row.area,
        detail=json_object(row.detail),
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
        message_ids=message_ids,
    )
