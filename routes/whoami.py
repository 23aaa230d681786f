"""Who is signed in, for the console; what the service counts, for its monitoring."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel

from routes.access import require
from routes.services import Given
from triage.access import Actor, Kind, Right, Role
from triage.metrics import CONTENT_TYPE

router = APIRouter(tags=["service"])


class Me(BaseModel):
    """Who sent the request, and what they may do."""

    name: str
    kind: Kind
    roles: tuple[Role, ...]
    rights: tuple[Right, ...]


@router.get("/v1/me")
def read_me(actor: Annotated[Actor, require()]) -> Me:
    """Return who is signed in; 401 where nobody is, and the console then offers /auth/login."""
    rights = tuple(right for right in Right if right in actor.rights)
    return Me(name=actor.name, kind=actor.kind, roles=actor.roles, rights=rights)


@router.get("/metrics", include_in_schema=False, dependencies=[require(Right.METRICS)])
def read_metrics(services: Given) -> Response:
    """Return this process's counts in Prometheus' text format."""
    return Response(services.metrics.page(services.pipeline.versions), media_type=CONTENT_TYPE)
