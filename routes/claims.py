"""Claims: one agent at a time works on a contact."""

from typing import Annotated

from fastapi import APIRouter, Query

from routes.access import require
from routes.fields import MessageId
from routes.problems import problems
from routes.services import Given
from triage.access import Actor, Right
from triage.errors import AccessDenied, ClaimConflict
from triage.store.claims import Claim

router = APIRouter(prefix="/v1", tags=["contacts"])
Agent = Annotated[Actor, require(Right.DECIDE)]


@router.put(
    "/contacts/{message_id:path}/claim",
    responses=problems(s404="No such message is stored.", s409="Another agent works on it."),
)
def claim(message_id: MessageId, services: Given, actor: Agent) -> Claim:
    """Take a contact for a quarter of an hour; taking one's own again renews it."""
    return services.store.claims.claim(message_id, actor.name)


@router.delete(
    "/contacts/{message_id:path}/claim",
    status_code=204,
    responses=problems(s404="No such message is stored.", s409="It is another agent's."),
)
def release(
    message_id: MessageId,
    services: Given,
    actor: Agent,
    force: Annotated[bool, Query(description="Take it from whoever has it; leads may.")] = False,
) -> None:
    """Give a contact back; one that nobody works on stays as it is."""
    if force and not actor.may(Right.REPORTS):
        raise AccessDenied(f"taking a contact from its agent needs the right {Right.REPORTS}; ask a lead")
    held = services.store.claims.of(message_id)
    if held and held.agent != actor.name and not force:
        raise ClaimConflict("another agent works on this contact: ask the agent, or a lead, to give it back")
    services.store.claims.release(message_id, actor.name, force=force)


@router.get("/claims", dependencies=[require(Right.CONTACTS_READ)], responses=problems())
def list_claims(services: Given) -> list[Claim]:
    """Return who works on what, those first whose time ends first."""
    return list(services.store.claims.active())
