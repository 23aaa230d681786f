"""When a stored contact is due, and whether its clock stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from triage.calendar import CityCalendar, Pause
from triage.store import StoredContact
from triage.taxonomy import CATCH_ALL, ServiceType, Taxonomy
from triage.types import UrgencyLevel

# A sender's clock that is further off is not believed.
BELIEVED: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When a contact must be done; `at` is None while the resident is asked."""

    at: datetime | None
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Tells due times by the city's calendar and its service types."""

    calendar: CityCalendar
    taxonomy: Taxonomy

    def due(self, contact: StoredContact, pauses: Iterable[Pause] = ()) -> Due:
        """Return when a contact is due, by the type and the urgency that stand."""
        pauses = tuple(pauses)
        kind = self._service_type(contact)
        at = self.calendar.due_at(
            started_at(contact), kind.target_hours, level_of(contact) or kind.default_urgency, pauses
        )
        return Due(at=at, paused=any(pause.end is None for pause in pauses))

    def _service_type(self, contact: StoredContact) -> ServiceType:
        code = contact.decision.decision.service_type if contact.decision else None
        return self.taxonomy[code if code is not None and code in self.taxonomy else CATCH_ALL]


def started_at(contact: StoredContact) -> datetime:
    """Return when the city got to know: when it was received, unless a wrong clock says so."""
    received_at = contact.message.received_at
    if received_at is not None and contact.created_at - BELIEVED <= received_at <= contact.created_at:
        return received_at
    return contact.created_at


def level_of(contact: StoredContact) -> UrgencyLevel | None:
    """Return the urgency that stands, a person's before the answer's; None where nobody has told one."""
    if contact.decision and contact.decision.urgency:
        return contact.decision.urgency
    return UrgencyLevel(contact.triage.answer["urgency"]["level"]) if contact.triage else None
