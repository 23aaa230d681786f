"""Looks at stored contacts for duplicates and surges, and turns surges into incidents with their children."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from triage.clock import started_at
from triage.incidents import Duplicate, IncidentRules, Report, Surge
from triage.places import read_places
from triage.store import SqlTriageStore, StoredContact
from triage.store.contact_list import ContactFilter
from triage.store.incidents import StoredIncident
from triage.taxonomy import CATCH_ALL, Taxonomy
from triage.types import Entity, EntityKind

# More contacts than any city has in the hours of a surge; beyond them the newest count.
MOST_CONTACTS: Final = 2_000
_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentWatch:
    """Compares contacts by the rules, and keeps what it finds in the store.

    Attributes:
        store: Where contacts and incidents are.
        rules: When contacts are about one matter.
        taxonomy: Names the incidents.
    """

    store: SqlTriageStore
    rules: IncidentRules
    taxonomy: Taxonomy

    def duplicates_of(self, message_id: str, *, limit: int = 5) -> tuple[Duplicate, ...]:
        """Return the contacts that may be about the same matter, likeliest first.

        Raises:
            NotFound: If no such message is stored.
        """
        contact = self.store.contact_of(message_id)
        until = contact.created_at + self.rules.duplicate_span
        around = self._contacts(contact.created_at - self.rules.duplicate_span, until, self._codes(contact))
        reports = reports_of([contact, *(other for other in around if other.message.id != message_id)])
        return self.rules.duplicates(reports[0], reports[1:], limit=limit)

    def surges(self, until: datetime, *, hours: float = 24) -> tuple[Surge, ...]:
        """Return the bursts among the contacts of the hours before a moment, oldest first."""
        return self.rules.surges(reports_of(list(self._contacts(until - timedelta(hours=hours), until))))

    def open_surges(self, until: datetime, by: str, *, hours: float = 24) -> tuple[int, ...]:
        """Make an incident of each burst, or add its new contacts to the incident that has some of them already.

        A contact stays in the incident it is in, and what a person closed stays closed, so that repeating this, from
        any process, changes nothing.

        Returns:
            The numbers of the open incidents among them, in the order of `surges`.
        """
        incidents = self.store.incidents.list(open_only=False, limit=_PAGE)
        known = {name: incident for incident in incidents for name in incident.message_ids}
        kept = (self._keep(surge, known, by) for surge in self.surges(until, hours=hours))
        return tuple(number for number in kept if number is not None)

    def _keep(self, surge: Surge, known: Mapping[str, StoredIncident], by: str) -> int | None:
        new = [name for name in surge.message_ids if name not in known]
        held = (known[name] for name in surge.message_ids if name in known)
        incident = next((incident for incident in held if incident.closed_at is None), None)
        if incident is not None:
            if new:
                self.store.incidents.add(incident.id, new, by)
            return incident.id
        return self._open(surge, new, by) if len(new) >= self.rules.surge_contacts else None

    def _open(self, surge: Surge, message_ids: Sequence[str], by: str) -> int | None:
        number = self.store.incidents.open(
            service_type=surge.service_type,
            title=self._title(surge),
            area=", ".join(surge.area) or None,
            by=by,
            message_ids=message_ids,
        )
        first = self.store.incidents.of_contact(message_ids[0])
        if first is not None and first.id != number:  # another process was quicker: ours has no contacts
            self.store.incidents.close(number, by)
            return None
        return number

    def _title(self, surge: Surge) -> str:
        name = self.taxonomy[surge.service_type].name if surge.service_type in self.taxonomy else surge.service_type
        return f"{name}: {', '.join(surge.area)}" if surge.area else name

    def _codes(self, contact: StoredContact) -> tuple[str, ...]:
        code = service_type_of(contact)
        return tuple(other for other in self.taxonomy.codes if self.rules.go_together(code, other)) or (code,)

    def _contacts(
        self, since: datetime, until: datetime, codes: Sequence[str | None] = (None,)
    ) -> Iterator[StoredContact]:
        """Yield the newest contacts of a time, of the types or of all."""
        for code in codes:
            chosen = ContactFilter(service_type=code, created_from=since, created_until=until)
            cursor = None
            for _ in range(MOST_CONTACTS // _PAGE):
                page = self.store.contacts.list(chosen, limit=_PAGE, cursor=cursor)
                yield from page.contacts
                cursor = page.next_cursor
                if cursor is None:
                    break


def service_type_of(contact: StoredContact) -> str:
    """Return the service type that stands; `city.other` where nothing does."""
    return (contact.decision.decision.service_type if contact.decision else None) or CATCH_ALL


def reports_of(contacts: Sequence[StoredContact]) -> list[Report]:
    """Return contacts as they are compared; their places are read together."""
    texts = [f"{contact.message.subject or ''}\n{contact.message.text}".strip() for contact in contacts]
    places = read_places(texts, [_entities(contact) for contact in contacts])
    return [
        Report(
            message_id=contact.message.id,
            service_type=service_type_of(contact),
            received_at=started_at(contact),
            text=text,
            place=place,
        )
        for contact, text, place in zip(contacts, texts, places, strict=True)
    ]


def _entities(contact: StoredContact) -> tuple[Entity, ...]:
    """Return what was found in the text when it was triaged."""
    found = contact.triage.answer["entities"] if contact.triage else ()
    return tuple(
        Entity(kind=EntityKind(each["kind"]), text=each["text"], start=each["start"], end=each["end"]) for each in found
    )
