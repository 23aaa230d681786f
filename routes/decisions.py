"""What people decide on a contact: a person always wins over the model, and never overwrites another unseen."""

from dataclasses import replace
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from routes.access import require
from routes.contact_answers import DecisionAnswer, shown_decision
from routes.fields import Body, Code, MessageId, Name, Note
from routes.once import Idempotent, json_response
from routes.preconditions import Seen, etag_of
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.errors import ClaimConflict, RequestRejected
from triage.store import Action, Status, StoredContact, StoredDecision
from triage.store.feedback import Verdict
from triage.types import Decision, Mode, UrgencyLevel

router = APIRouter(prefix="/v1", tags=["contacts"])

NOTHING: Final = Decision(mode=Mode.ASK, service_type=None, department=None)
Chosen = Literal["accept", "override", "answer_used", "close", "reroute", "undo"]


class DecisionRequest(Body):
    """What a person decides.

    `accept` takes the type that was seen; `override` needs another `service_type`, or an `urgency`; `reroute` needs
    the `department`; `answer_used` needs the `article_id`; `close` and `undo` need nothing.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"action": "override", "service_type": "waste.dumping", "note": "a couch, no appointment wanted"},
                {"action": "answer_used", "article_id": "bulky-item-pickup", "section": "How to book"},
                {"action": "close"},
            ]
        },
    )

    action: Chosen
    service_type: Code | None = None
    department: Name | None = None
    urgency: UrgencyLevel | None = None
    article_id: Name | None = None
    section: Annotated[str | None, Field(max_length=300)] = None
    note: Note | None = None


@router.post(
    "/contacts/{message_id:path}/decisions",
    status_code=201,
    response_model=DecisionAnswer,
    responses=problems(
        s404="No such message is stored.",
        s409="Another agent works on the contact, or the first request with this key is under way.",
        s412="Somebody has decided since: read the contact again.",
        s428="`If-Match` is missing.",
    ),
)
def decide(
    message_id: MessageId,
    request: DecisionRequest,
    services: Given,
    seen: Seen,
    once: Idempotent,
    actor: Annotated[Actor, require(Right.DECIDE)],
) -> Response:
    """Accept, override, use an answer, close, reroute, or undo what was seen; the decision made is answered.

    What the request leaves out stays as it was at the version that `If-Match` names.
    """
    return once.answer(lambda: _decided(services, message_id, request, seen, actor), message_id=lambda: message_id)


@router.get(
    "/contacts/{message_id:path}/decisions",
    dependencies=[require(Right.CONTACTS_READ)],
    responses=problems(s404="No such message is stored."),
)
def list_decisions(message_id: MessageId, services: Given) -> list[DecisionAnswer]:
    """Return every decision on a contact, the policy's too, oldest first."""
    return [shown_decision(stored) for stored in services.store.decisions_of(message_id)]


def _decided(services: Services, message_id: str, request: DecisionRequest, seen: Seen, actor: Actor) -> Response:
    contact = services.store.contact_of(message_id)
    _check_claim(services, message_id, actor)
    version = seen.of(contact)
    stored = (
        _undone(services, contact, request, version, actor)
        if request.action == "undo"
        else _stored(services, contact, request, version, actor)
    )
    language = contact.triage.answer["language"]["code"] if contact.triage else "und"
    services.metrics.decided(stored.decision.mode, request.action, language)
    return json_response(shown_decision(stored), status=201, headers={"ETag": etag_of(stored.version)})


def _check_claim(services: Services, message_id: str, actor: Actor) -> None:
    claim = services.store.claims.of(message_id)
    if claim and claim.agent != actor.name:
        raise ClaimConflict("another agent works on this contact: ask the agent, or a lead, to give it back")


def _undone(
    services: Services, contact: StoredContact, request: DecisionRequest, version: int, actor: Actor
) -> StoredDecision:
    _only(request)
    if not version:
        raise RequestRejected("there is nothing to undo: nothing has been decided on this contact")
    return services.store.undo(contact.message.id, actor.name, version, note=request.note)


def _stored(
    services: Services, contact: StoredContact, request: DecisionRequest, version: int, actor: Actor
) -> StoredDecision:
    action = Action(request.action)
    decision = _DECIDED[action](services, _seen(services, contact, version), request)
    stored = services.store.decide(
        contact.message.id,
        replace(decision, reasons=()),
        actor.name,
        version,
        urgency=request.urgency,
        action=action,
        status=_status(action, contact),
        note=request.note,
        article_id=request.article_id,
        section=request.section,
    )
    if action is Action.ANSWER_USED and request.article_id:
        services.store.feedback.give(
            article_id=request.article_id,
            section=request.section or "",
            verdict=Verdict.USED,
            by=actor.name,
            message_id=contact.message.id,
        )
    return stored


def _seen(services: Services, contact: StoredContact, version: int) -> Decision:
    """Return what stood at the version that the person saw, whatever the policy has decided since."""
    if contact.decision is None or version == 0:
        return NOTHING
    if version == contact.version:
        return contact.decision.decision
    return services.store.decisions_of(contact.message.id)[version - 1].decision


def _status(action: Action, contact: StoredContact) -> Status:
    """Return whether something is left to do: closing ends it, an answer leaves it, all else opens it again."""
    if action is Action.CLOSE:
        return Status.CLOSED
    if action is Action.ANSWER_USED and contact.decision:
        return contact.decision.status
    return Status.OPEN


def _accepted(services: Services, standing: Decision, request: DecisionRequest) -> Decision:
    _only(request, "urgency")
    if standing.service_type is None:
        raise RequestRejected("there is no service type to accept: override it with one")
    return standing


def _overridden(services: Services, standing: Decision, request: DecisionRequest) -> Decision:
    _only(request, "service_type", "department", "urgency")
    code = request.service_type or standing.service_type
    if request.service_type is None and request.urgency is None:
        raise RequestRejected("an override needs a service_type or an urgency")
    if code is None:
        raise RequestRejected("service_type is missing: no type stands on this contact")
    _check_type(services, code)
    own = standing.department if code == standing.service_type else services.taxonomy[code].department
    return replace(standing, service_type=code, department=_department(services, request.department or own))


def _answered(services: Services, standing: Decision, request: DecisionRequest) -> Decision:
    _only(request, "article_id", "section")
    if request.article_id is None:
        raise RequestRejected("article_id is missing: which article's answer was used?")
    return standing


def _closed(services: Services, standing: Decision, request: DecisionRequest) -> Decision:
    _only(request)
    return standing


def _rerouted(services: Services, standing: Decision, request: DecisionRequest) -> Decision:
    _only(request, "department")
    if request.department is None:
        raise RequestRejected("department is missing: where does the contact go?")
    return replace(standing, department=_department(services, request.department))


_DECIDED: Final = {
    Action.ACCEPT: _accepted,
    Action.OVERRIDE: _overridden,
    Action.ANSWER_USED: _answered,
    Action.CLOSE: _closed,
    Action.REROUTE: _rerouted,
}


def _only(request: DecisionRequest, *names: str) -> None:
    """Refuse a field that the action does not read: it would be lost in silence."""
    given = request.model_dump(exclude_none=True, exclude={"action", "note"})
    astray = sorted(set(given) - set(names))
    if astray:
        raise RequestRejected(f"{request.action} takes no {', '.join(astray)}")


def _check_type(services: Services, code: str) -> None:
    if code not in services.taxonomy:
        raise RequestRejected("service_type is none of the city's: GET /v1/taxonomy lists them")


def _department(services: Services, name: str | None) -> str | None:
    known = sorted({service_type.department for service_type in services.taxonomy.service_types})
    if name is not None and name not in known:
        raise RequestRejected(f"department is none of the city's; they are {', '.join(known)}")
    return name
