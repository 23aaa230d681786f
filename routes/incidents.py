"""Incidents: bursts of contacts about one thing become one incident with its children."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from routes.access import require
from routes.fields import Body, Code, Id, KnownMessage, Limit, Line, MessageId, Name
from routes.once import Idempotent, json_response
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.errors import RequestRejected
from triage.incidents import Duplicate, Surge
from triage.store.incidents import StoredIncident

router = APIRouter(prefix="/v1", tags=["incidents"])
Lead = Annotated[Actor, require(Right.REPORTS, Right.DECIDE)]
Hours = Annotated[float, Query(ge=1, le=168, description="How far back contacts are looked at.")]
Messages = Annotated[tuple[KnownMessage, ...], Field(min_length=1, max_length=500)]
_UNKNOWN = problems(s404="No such incident or message is stored.")


class IncidentRequest(Body):
    """An incident that a person opens."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "service_type": "water.main_break",
                    "title": "Main break at 9th and Oak",
                    "area": "9th, oak",
                    "message_ids": ["m-5f0c1e7a9b3d4c21"],
                }
            ]
        },
    )

    service_type: Code
    title: Line
    area: Name | None = None
    message_ids: Messages


class ChildrenRequest(Body):
    """Contacts that are about the same matter."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"message_ids": ["m-5f0c1e7a9b3d4c21"]}]})

    message_ids: Messages


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentOpened:
    """The number of an incident."""

    id: int


@router.get("/incidents", dependencies=[require(Right.CONTACTS_READ)], responses=problems())
def list_incidents(
    services: Given,
    limit: Limit = 100,
    every: Annotated[bool, Query(description="Those that are closed, too.")] = False,
) -> list[StoredIncident]:
    """Return incidents with their contacts, newest first."""
    return list(services.store.incidents.list(open_only=not every, limit=limit))


@router.post("/incidents", status_code=201, response_model=IncidentOpened, responses=_UNKNOWN)
def open_incident(request: IncidentRequest, services: Given, once: Idempotent, actor: Lead) -> Response:
    """Open an incident with its first contacts; one that belongs to another incident stays there."""
    return once.answer(lambda: _opened(services, request, actor))


@router.get("/incidents/surges", dependencies=[require(Right.CONTACTS_READ)], responses=problems())
def list_surges(services: Given, hours: Hours = 24) -> list[Surge]:
    """Return the bursts among the newest contacts, whether they are incidents already or not."""
    return list(services.incidents.surges(datetime.now(UTC), hours=hours))


@router.post("/incidents/surges", responses=problems())
def open_surges(services: Given, actor: Lead, hours: Hours = 24) -> list[StoredIncident]:
    """Make an incident of each burst; new contacts join the incident that is there. Repeating it changes nothing."""
    numbers = set(services.incidents.open_surges(datetime.now(UTC), actor.name, hours=hours))
    return [incident for incident in services.store.incidents.list() if incident.id in numbers]


@router.post("/incidents/{incident_id}/contacts", status_code=204, responses=_UNKNOWN)
def add_contacts(incident_id: Id, request: ChildrenRequest, services: Given, actor: Lead) -> None:
    """Add contacts to an incident; one that belongs to an incident already stays there."""
    services.store.incidents.add(incident_id, request.message_ids, actor.name)


@router.post("/incidents/{incident_id}/close", status_code=204, responses=_UNKNOWN)
def close_incident(incident_id: Id, services: Given, actor: Lead) -> None:
    """Close an incident; its contacts stay as they are. One that is closed stays so."""
    services.store.incidents.close(incident_id, actor.name)


@router.delete(
    "/contacts/{message_id:path}/incident",
    status_code=204,
    dependencies=[require(Right.REPORTS, Right.DECIDE)],
    responses=_UNKNOWN,
)
def remove_contact(message_id: MessageId, services: Given) -> None:
    """Take a contact out of its incident."""
    services.store.incidents.remove(message_id)


@router.get("/contacts/{message_id:path}/duplicates", dependencies=[require(Right.CONTACTS_READ)], responses=_UNKNOWN)
def list_duplicates(message_id: MessageId, services: Given, limit: Limit = 10) -> list[Duplicate]:
    """Return the contacts that may be about the same matter, likeliest first, with what speaks for it."""
    return list(services.incidents.duplicates_of(message_id, limit=limit))


def _opened(services: Services, request: IncidentRequest, actor: Actor) -> Response:
    if request.service_type not in services.taxonomy:
        raise RequestRejected("service_type is none of the city's: GET /v1/taxonomy lists them")
    number = services.store.incidents.open(
        service_type=request.service_type,
        title=request.title,
        area=request.area,
        by=actor.name,
        message_ids=request.message_ids,
    )
    return json_response(IncidentOpened(id=number), status=201)
