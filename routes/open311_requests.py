"""Requests as GeoReport v2 lists and shows them: read by what they hold, since the rules may be others than then."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from routes.contact_answers import pauses_of
from routes.services import Services
from triage.calendar import Pause
from triage.channels.open311 import MAX_REQUESTS, PREFIX, GeoReportRejected, Row, form_fields
from triage.errors import NotFound
from triage.store import Status, StoredContact
from triage.store.contact_list import ContactFilter
from triage.taxonomy import CATCH_ALL, ServiceType, Taxonomy
from triage.types import Channel

PAGE: Final = 200
_PICTURES: Final = ("https://", "http://")

Fields = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests are asked for; what is empty leaves nothing out.

    Attributes:
        codes: Of service types.
        statuses: Open, closed, or both.
    """

    codes: frozenset[str] = frozenset()
    statuses: frozenset[Status] = frozenset()

    @property
    def status(self) -> Status | None:
        """The one status that is asked for; None where it does not matter."""
        return next(iter(self.statuses)) if len(self.statuses) == 1 else None


def request_named(services: Services, name: str) -> StoredContact:
    """Return a request by its identity.

    Raises:
        GeoReportRejected: If none has it, or it came in elsewhere.
    """
    try:
        if name.startswith(PREFIX):
            return services.store.contact_of(name)
    except NotFound:
        pass
    raise GeoReportRejected(404, "service_request_id is unknown")


def requests_named(services: Services, names: Iterable[str], wanted: Wanted) -> list[StoredContact]:
    """Return those of the named requests that are wanted, in the order of the names, MAX_REQUESTS at most.

    Raises:
        GeoReportRejected: If a name is unknown.
    """
    return _first(services.taxonomy, (request_named(services, name) for name in names), wanted)


def requests_since(services: Services, since: datetime, until: datetime | None, wanted: Wanted) -> list[StoredContact]:
    """Return the wanted requests of a span, newest first, MAX_REQUESTS at most; until now where `until` is None."""
    chosen = ContactFilter(
        channel=Channel.WEB, id_prefix=PREFIX, status=wanted.status, created_from=since, created_until=until
    )
    return _first(services.taxonomy, _paged(services, chosen), wanted)


def request_rows(services: Services, contacts: Sequence[StoredContact]) -> list[Row]:
    """Return requests as the standard gives them; whoever sent them stays unnamed."""
    asked = pauses_of(services, contacts)
    return [_row(services, contact, asked.get(contact.message.id, ())) for contact in contacts]


def _paged(services: Services, chosen: ContactFilter) -> Iterator[StoredContact]:
    cursor: str | None = None
    while True:
        page = services.store.contacts.list(chosen, limit=PAGE, cursor=cursor)
        yield from page.contacts
        cursor = page.next_cursor
        if cursor is None:
            return


def _first(taxonomy: Taxonomy, contacts: Iterable[StoredContact], wanted: Wanted) -> list[StoredContact]:
    found = (
        contact
        for contact in contacts
        if (not wanted.statuses or _status(contact) in wanted.statuses)
        and (not wanted.codes or _service_type(taxonomy, contact, _fields(contact)).code in wanted.codes)
    )
    return list(islice(found, MAX_REQUESTS))


def _row(services: Services, contact: StoredContact, pauses: Sequence[Pause]) -> Row:
    fields, decision = _fields(contact), contact.decision
    service_type = _service_type(services.taxonomy, contact, fields)
    due_at = services.clock.due(contact, pauses).at
    return {
        "service_request_id": contact.message.id,
        "status": _status(contact).value,
        "status_notes": None,
        "service_name": service_type.name,
        "service_code": service_type.code,
        "description": _one(fields, "description") if "service_code" in fields else contact.message.text,
        "agency_responsible": decision.decision.department if decision else None,
        "service_notice": None,
        "requested_datetime": contact.created_at.isoformat(timespec="seconds"),
        "updated_datetime": (decision.decided_at if decision else contact.created_at).isoformat(timespec="seconds"),
        "expected_datetime": due_at.isoformat(timespec="seconds") if due_at else None,
        "address": _one(fields, "address_string") or None,
        "address_id": _one(fields, "address_id") or None,
        "zipcode": None,
        "lat": _degrees(fields, "lat", 90),
        "long": _degrees(fields, "long", 180),
        "media_url": _picture(fields),
    }


def _status(contact: StoredContact) -> Status:
    return contact.decision.status if contact.decision else Status.OPEN


def _service_type(taxonomy: Taxonomy, contact: StoredContact, fields: Fields) -> ServiceType:
    """Return the type that stands, else the caller's; the catch-all where the city has neither any more."""
    standing = contact.decision.decision.service_type if contact.decision else None
    codes = (standing, _one(fields, "service_code"), CATCH_ALL)
    return taxonomy[next(code for code in codes if code and code in taxonomy)]


def _fields(contact: StoredContact) -> Fields:
    """Return what the form said; nothing where a text came without one."""
    try:
        return form_fields(contact.raw or b"")
    except GeoReportRejected:
        return {}


def _one(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _degrees(fields: Fields, name: str, most: float) -> float | None:
    try:
        degrees = float(_one(fields, name))
    except ValueError:
        return None
    return degrees if abs(degrees) <= most else None  # not where it is no number


def _picture(fields: Fields) -> str | None:
    address = _one(fields, "media_url")
    return address if address.lower().startswith(_PICTURES) else None
