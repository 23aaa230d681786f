"""Contacts to practice on: decided ones and samples, with personal data masked, and what was recorded of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Protocol

from triage.clock import level_of
from triage.masking import WITH_PLACES, mask
from triage.protocols import EntityFinder
from triage.store import Actor, SqlTriageStore, StoredContact
from triage.store.contact_list import ContactFilter
from triage.types import Channel, UrgencyLevel

_PAGE: Final = 200
_LOOKED_AT: Final = 2_000  # of the newest contacts


class SampleTeller(Protocol):
    """Tells whether a contact is one of the invented ones."""

    def __call__(self, message_id: str, /) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeCase:
    """A contact to practice on, and what was recorded.

    Attributes:
        text: With personal data masked, unless the contact is an invented one.
        language: BCP 47 code.
        english: The machine's translation; None where there is none.
        decided_by_person: Whether a person decided; else it is what the service decided.
        because: Words behind the service's suggestion of the recorded type.
        reasons: Why it was decided so.
        urgency_reasons: Phrases of the text that made the urgency.
    """

    message_id: str
    channel: Channel
    subject: str | None
    text: str
    language: str
    english: str | None
    service_type: str
    department: str | None
    urgency: UrgencyLevel
    decided_by_person: bool
    suggested: str | None
    because: tuple[str, ...]
    reasons: tuple[str, ...]
    urgency_reasons: tuple[str, ...]
    note: str | None


def practice_cases(
    store: SqlTriageStore, entities: EntityFinder, *, is_sample: SampleTeller, limit: int
) -> tuple[PracticeCase, ...]:
    """Return contacts to practice on: those that people decided on, newest first, then samples that nobody has."""
    decided = _read(store, ContactFilter(actor=Actor.PERSON))
    samples = (one for one in _read(store, ContactFilter(actor=Actor.POLICY)) if is_sample(one.message.id))
    found: list[PracticeCase] = []
    for contact in chain(decided, samples):
        if len(found) >= limit:
            break
        case = _case(contact, entities, masked=not is_sample(contact.message.id))
        if case is not None:
            found.append(case)
    return tuple(found)


def _read(store: SqlTriageStore, chosen: ContactFilter) -> Iterator[StoredContact]:
    cursor, seen = None, 0
    while seen < _LOOKED_AT:
        page = store.contacts.list(chosen, limit=_PAGE, cursor=cursor)
        yield from page.contacts
        seen, cursor = seen + _PAGE, page.next_cursor
        if cursor is None:
            return


def _case(contact: StoredContact, entities: EntityFinder, *, masked: bool) -> PracticeCase | None:
    """Return the case of a contact; None where no type or no urgency was recorded."""
    level = level_of(contact)
    if contact.decision is None or contact.triage is None or level is None:
        return None
    decision, answer = contact.decision.decision, contact.triage.answer
    if decision.service_type is None:
        return None

    def shown(text: str) -> str:
        return mask(text, entities.find(text), kinds=WITH_PLACES) if masked else text

    message, english = contact.message, answer["translation"].get("text")
    return PracticeCase(
        message_id=message.id,
        channel=message.channel,
        subject=shown(message.subject) if message.subject else None,
        text=shown(message.text),
        language=answer["language"]["code"],
        english=shown(english) if english else None,
        service_type=decision.service_type,
        department=decision.department,
        urgency=level,
        decided_by_person=contact.decision.actor is Actor.PERSON,
        suggested=answer["service_types"][0]["code"] if answer["service_types"] else None,
        because=_because(answer, decision.service_type),
        reasons=decision.reasons,
        urgency_reasons=tuple(shown(reason["text"]) for reason in answer["urgency"]["reasons"]),
        note=shown(contact.decision.note) if contact.decision.note else None,
    )


def _because(answer: Any, code: str) -> tuple[str, ...]:  # noqa: ANN401 (JSON of the store)
    return next((tuple(one["because"]) for one in answer["service_types"] if one["code"] == code), ())
