"""The queue: contacts as one line each, gravest first, and how many there are of each kind."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from routes.access import require
from routes.contact_answers import pauses_of
from routes.contacts import searched
from routes.fields import KnownMessage, Line, Name, Tag
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Right
from triage.calendar import Pause
from triage.clock import level_of
from triage.store import Action, Actor, Status, StoredContact
from triage.store.contact_list import ContactFilter, Order
from triage.types import Channel, Mode, TranslationStatus, UrgencyLevel

router = APIRouter(prefix="/v1", tags=["contacts"])

MOST: Final = 500
EXCERPT: Final = 240  # characters of a text that a line can show
FACETS: Final = ("channel", "language", "department", "mode", "urgency")
READABLE: Final = frozenset((TranslationStatus.MACHINE, TranslationStatus.DOUBTFUL))


class QueueQuery(BaseModel):
    """Which contacts; what is left out leaves nothing out."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    channel: Channel | None = None
    language: Tag | None = None
    department: Name | None = None
    mode: Mode | None = None
    claimed_by: Name | None = None
    q: Annotated[Line | None, Query(description="Words that stand in text, subject, translation or identity.")] = None
    order: Order = Order.URGENCY
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST

    def chosen(self) -> ContactFilter:
        """Return the filter of the store."""
        return ContactFilter(
            status=self.status,
            channel=self.channel,
            language=self.language,
            department=self.department,
            mode=self.mode,
            claimed_by=self.claimed_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """A contact on one line.

    Attributes:
        excerpt: The beginning of the text in English where it was translated, else as it was written.
        excerpt_language: BCP 47 code of the excerpt.
        line: The number to call where life may be in danger.
        actor: Who decided what stands; None where nothing does.
        action: What was done last.
        due_at: When it must be done; None while the resident is asked.
    """

    message_id: str
    version: int
    channel: Channel
    language: str
    translation: TranslationStatus | None
    status: Status
    urgency: UrgencyLevel | None
    line: str | None
    service_type: str | None
    service_type_name: str | None
    department: str | None
    mode: Mode | None
    actor: Actor | None
    action: Action | None
    decided_at: datetime | None
    excerpt: str
    excerpt_language: str
    created_at: datetime
    due_at: datetime | None
    paused: bool
    claimed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The lines, how many contacts there are in all, and how many of each value, those with the words alone.

    Attributes:
        rows: The first of them, as many as were asked for.
        total: How many there are.
        counts: How many have each value of a field, whatever the field's own filter says.
        searched_all: False where words were looked for and contacts are left in which they were not.
    """

    rows: tuple[QueueRow, ...]
    total: int
    counts: Mapping[str, Mapping[str, int]]
    searched_all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The first contacts with the words, all of them counted by what they are, and whether none is left unread."""

    contacts: Sequence[StoredContact]
    counts: Mapping[str, Counter[str | None]]
    searched_all: bool


@router.get("/queue", dependencies=[require(Right.CONTACTS_READ)], responses=problems())
def read_queue(services: Given, query: Annotated[QueueQuery, Query()]) -> Queue:
    """Return the contacts that wait, as the console lists them: 500 at most, the gravest or the newest."""
    if query.q:
        return _looked_through(services, query)
    chosen = query.chosen()
    found = services.store.contacts.list(chosen, limit=query.limit, order=query.order).contacts
    counts = {field: _counts(services, field, query) for field in FACETS}
    total = sum(services.store.contacts.counts_by("channel", chosen).values())
    return Queue(rows=_rows(services, found), total=total, counts=counts, searched_all=True)


@router.get(
    "/queue/rows",
    dependencies=[require(Right.CONTACTS_READ)],
    responses=problems(s404="One of the messages is not stored."),
)
def read_rows(
    services: Given, id: Annotated[list[KnownMessage], Query(min_length=1, max_length=200)]
) -> list[QueueRow]:
    """Return the lines of these contacts, for a console that heard that they have changed."""
    return list(_rows(services, [services.store.contact_of(message_id) for message_id in dict.fromkeys(id)]))


def _looked_through(services: Services, query: QueueQuery) -> Queue:
    """Return the contacts with the words; the store does not read texts, so they are counted as they are found."""
    found = _found(services, query)
    counts = {}
    for field in FACETS:
        is_hiding = getattr(query, field, None) is not None
        wider = _found(services, query.model_copy(update={field: None})) if is_hiding else found
        counts[field] = _ordered(wider.counts[field])
    total = found.counts["channel"].total()
    return Queue(rows=_rows(services, found.contacts), total=total, counts=counts, searched_all=found.searched_all)


def _found(services: Services, query: QueueQuery) -> _Found:
    contacts: list[StoredContact] = []
    counts: dict[str, Counter[str | None]] = {field: Counter() for field in FACETS}
    for page in searched(services, query.chosen(), query.q, _words, order=query.order, limit=MOST):
        contacts += page.contacts[: query.limit - len(contacts)]
        for contact in page.contacts:
            for field, value in _values(contact).items():
                counts[field][value] += 1
    return _Found(contacts=contacts, counts=counts, searched_all=page.next_cursor is None)


def _values(contact: StoredContact) -> Mapping[str, str | None]:
    """Return what a contact is, by field of FACETS, as the store counts it."""
    stands = contact.decision
    return {
        "channel": contact.message.channel,
        "language": contact.triage.answer["language"]["code"] if contact.triage else None,
        "department": stands.decision.department if stands else None,
        "mode": stands.decision.mode if stands else None,
        "urgency": stands.urgency if stands else None,
    }


def _rows(services: Services, contacts: Sequence[StoredContact]) -> tuple[QueueRow, ...]:
    claimed = {claim.message_id: claim.agent for claim in services.store.claims.active()}
    pauses = pauses_of(services, contacts)
    return tuple(
        _row(services, contact, claimed.get(contact.message.id), pauses.get(contact.message.id, ()))
        for contact in contacts
    )


def _row(services: Services, contact: StoredContact, claimed_by: str | None, pauses: tuple[Pause, ...]) -> QueueRow:
    message, stands = contact.message, contact.decision
    answer = contact.triage.answer if contact.triage else {}
    code = stands.decision.service_type if stands else None
    due = services.clock.due(contact, pauses)
    language = answer["language"]["code"] if answer else "und"
    translation = TranslationStatus(answer["translation"]["status"]) if answer else None
    english = answer["translation"]["text"] if translation in READABLE else None
    return QueueRow(
        message_id=message.id,
        version=contact.version,
        channel=message.channel,
        language=language,
        translation=translation,
        status=stands.status if stands else Status.OPEN,
        urgency=level_of(contact),
        line=answer["safety"]["line"] if answer else None,
        service_type=code,
        service_type_name=services.taxonomy[code].name if code is not None and code in services.taxonomy else code,
        department=stands.decision.department if stands else None,
        mode=stands.decision.mode if stands else None,
        actor=stands.actor if stands else None,
        action=stands.action if stands else None,
        decided_at=stands.decided_at if stands else None,
        excerpt=english[:EXCERPT] if english else _own_words(message.subject, message.text),
        excerpt_language="en" if english else language,
        created_at=contact.created_at,
        due_at=due.at,
        paused=due.paused,
        claimed_by=claimed_by,
    )


def _own_words(subject: str | None, text: str) -> str:
    return f"{subject} — {text}"[:EXCERPT] if subject else text[:EXCERPT]


def _words(contact: StoredContact) -> str:
    message = contact.message
    english: Any = contact.triage.answer["translation"]["text"] if contact.triage else None
    return f"{message.id}\n{message.subject or ''}\n{message.text}\n{english or ''}".casefold()


def _counts(services: Services, field: str, query: QueueQuery) -> Mapping[str, int]:
    """Return how many contacts have each value, the commonest first, of those that the field's own filter hides too."""
    own = query.chosen() if field == "urgency" else query.model_copy(update={field: None}).chosen()
    return _ordered(services.store.contacts.counts_by(field, own))


def _ordered(counted: Mapping[str | None, int]) -> Mapping[str, int]:
    return {value: counted[value] for value in sorted(counted, key=lambda each: (-counted[each], each or "")) if value}
