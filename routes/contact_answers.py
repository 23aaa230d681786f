"""How contacts and decisions are shown, alike in every resource."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routes.services import Services
from triage.calendar import Pause
from triage.clock import level_of
from triage.incidents import Duplicate
from triage.store import Action, Actor, Status, StoredContact, StoredDecision, StoredTriage
from triage.store.claims import Claim
from triage.types import Channel, Mode, UrgencyLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionAnswer:
    """A decision on a contact; the one with the highest version stands.

    Attributes:
        version: 1 for the first decision on the contact; the ETag is the highest one.
        action: What was done; `policy` where no person did it.
        mode: What the policy did with its suggestion in the first place.
        undoes: The version that an `undo` took back.
    """

    version: int
    actor: Actor
    decided_by: str
    action: Action
    status: Status
    mode: Mode
    service_type: str | None
    department: str | None
    urgency: UrgencyLevel | None
    reasons: tuple[str, ...]
    note: str | None
    article_id: str | None
    section: str | None
    undoes: int | None
    triage_id: int | None
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageAnswer:
    """One answer of the service to a text of the contact; `suggestion` where a person had decided before."""

    id: int
    revision: int
    suggestion: bool
    created_at: datetime
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAnswer:
    """A contact as it stands: its newest text, the newest answer to it, and the decision that stands.

    Attributes:
        version: What `If-Match` has to name, in quotes.
        due_at: When it must be done; null while the resident is asked.
        paused: Whether the resident is being asked.
        claimed_by: The agent who works on it.
    """

    message_id: str
    channel: Channel
    subject: str | None
    text: str
    language_hint: str | None
    received_at: datetime | None
    thread_id: str | None
    created_at: datetime
    revision: int
    version: int
    status: Status
    urgency: UrgencyLevel | None
    due_at: datetime | None
    paused: bool
    claimed_by: str | None
    triage: Mapping[str, Any] | None
    decision: DecisionAnswer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRef:
    """The incident that a contact is a child of."""

    id: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDetail:
    """A contact with everything that was ever said and decided of it, and what may be about the same matter."""

    contact: ContactAnswer
    triages: tuple[TriageAnswer, ...]
    decisions: tuple[DecisionAnswer, ...]
    claim: Claim | None
    pauses: tuple[Pause, ...]
    incident: IncidentRef | None
    duplicates: tuple[Duplicate, ...]


def shown(services: Services, contacts: Iterable[StoredContact]) -> list[ContactAnswer]:
    """Return contacts as they are listed."""
    chosen = list(contacts)
    claimed = {claim.message_id: claim.agent for claim in services.store.claims.active()}
    pauses = pauses_of(services, chosen)
    return [
        _shown(services, contact, claimed.get(contact.message.id), pauses.get(contact.message.id, ()))
        for contact in chosen
    ]


def pauses_of(services: Services, contacts: Sequence[StoredContact]) -> dict[str, tuple[Pause, ...]]:
    """Return when the clocks of contacts stood still, by message; those whose clock never did are left out."""
    kept = services.store.incidents.pauses_of([contact.message.id for contact in contacts])
    return {
        message_id: tuple(Pause(start=each.paused_at, end=each.resumed_at) for each in found)
        for message_id, found in kept.items()
    }


def shown_whole(services: Services, message_id: str) -> ContactDetail:
    """Return a contact with its history.

    Raises:
        NotFound: If no such message is stored.
    """
    store = services.store
    contact = store.contact_of(message_id)
    claim = store.claims.of(message_id)
    incident = store.incidents.of_contact(message_id)
    pauses = pauses_of(services, [contact])
    return ContactDetail(
        contact=_shown(services, contact, claim.agent if claim else None, pauses.get(message_id, ())),
        triages=tuple(_shown_triage(triage) for triage in store.triages_of(message_id)),
        decisions=tuple(map(shown_decision, store.decisions_of(message_id))),
        claim=claim,
        pauses=pauses.get(message_id, ()),
        incident=IncidentRef(id=incident.id, title=incident.title) if incident else None,
        duplicates=services.incidents.duplicates_of(message_id),
    )


def shown_decision(stored: StoredDecision) -> DecisionAnswer:
    """Return a decision as it is shown."""
    return DecisionAnswer(
        version=stored.version,
        actor=stored.actor,
        decided_by=stored.decided_by,
        action=stored.action,
        status=stored.status,
        mode=stored.decision.mode,
        service_type=stored.decision.service_type,
        department=stored.decision.department,
        urgency=stored.urgency,
        reasons=stored.decision.reasons,
        note=stored.note,
        article_id=stored.article_id,
        section=stored.section,
        undoes=stored.undoes,
        triage_id=stored.triage_id,
        decided_at=stored.decided_at,
    )


def _shown(
    services: Services, contact: StoredContact, claimed_by: str | None, pauses: tuple[Pause, ...]
) -> ContactAnswer:
    message, decision = contact.message, contact.decision
    due = services.clock.due(contact, pauses)
    return ContactAnswer(
        message_id=message.id,
        channel=message.channel,
        subject=message.subject,
        text=message.text,
        language_hint=message.language_hint,
        received_at=message.received_at,
        thread_id=message.thread_id,
        created_at=contact.created_at,
        revision=contact.revision,
        version=contact.version,
        status=decision.status if decision else Status.OPEN,
        urgency=level_of(contact),
        due_at=due.at,
        paused=due.paused,
        claimed_by=claimed_by,
        triage=contact.triage.answer if contact.triage else None,
        decision=shown_decision(decision) if decision else None,
    )


def _shown_triage(stored: StoredTriage) -> TriageAnswer:
    return TriageAnswer(
        id=stored.id,
        revision=stored.revision,
        suggestion=stored.suggestion,
        created_at=stored.created_at,
        answer=stored.answer,
    )
