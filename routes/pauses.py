"""Questions to the resident: the clock of a contact stands until the answer comes."""

from fastapi import APIRouter
from pydantic import ConfigDict

from routes.access import require
from routes.contact_answers import ContactAnswer, shown
from routes.fields import Body, Line, MessageId
from routes.problems import problems
from routes.services import Given
from triage.access import Right

router = APIRouter(prefix="/v1", tags=["contacts"], dependencies=[require(Right.DECIDE)])


class PauseRequest(Body):
    """What the resident is asked."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "which house number is it?"}]})

    reason: Line


@router.put("/contacts/{message_id:path}/pause", responses=problems(s404="No such message is stored."))
def pause(message_id: MessageId, request: PauseRequest, services: Given) -> ContactAnswer:
    """Let the clock stand, from now on until it is taken up again; one that stands goes on standing."""
    services.store.incidents.pause(message_id, request.reason)
    [answer] = shown(services, [services.store.contact_of(message_id)])
    return answer


@router.delete("/contacts/{message_id:path}/pause", responses=problems(s404="No such message is stored."))
def resume(message_id: MessageId, services: Given) -> ContactAnswer:
    """Let the clock run again: the resident has answered."""
    services.store.incidents.resume(message_id)
    [answer] = shown(services, [services.store.contact_of(message_id)])
    return answer
