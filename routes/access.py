"""Who is behind a request, and whether they may: the dependency that every route names its right with.

    router = APIRouter(prefix="/v1", tags=["contacts"])

    @router.get("/contacts", dependencies=[require(Right.CONTACTS_READ)])
    def list_contacts(services: Given) -> list[ContactAnswer]: ...

    @router.post("/contacts/{message_id}/decisions")
    def decide(message_id: str, services: Given, actor: Annotated[Actor, require(Right.DECIDE)]) -> DecisionAnswer:
        services.store.decide(message_id, …, by=actor.name, …)

Nobody is 401, the wrong one 403, too many requests 429, a request forged by another site 403; each is a problem+json.
"""

from typing import Any, Protocol

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant

from triage.access import LOCAL_ACTOR, Actor, Right
from triage.errors import AccessDenied


class Gatekeeper(Protocol):
    """Tells who is behind a request."""

    def actor_of(self, request: Request) -> Actor:
        """Return the actor.

        Raises:
            Unauthenticated: If there is none.
            AccessDenied: If another site forged the request.
            TooManyRequests: If this actor, or this address, has sent too many.
        """
        ...


class LocalGatekeeper:
    """Takes everyone for the local agent: for a service that listens on loopback only, and for tests."""

    def actor_of(self, request: Request) -> Actor:
        return LOCAL_ACTOR


def current_actor(request: Request) -> Actor:
    """Return who is behind the request, without asking for any right; told once a request, logged by its id."""
    gatekeeper: Gatekeeper = request.app.state.gatekeeper
    actor = gatekeeper.actor_of(request)
    request.state.actor = actor
    return actor


class Requirement:
    """The dependency behind `require`: lets in whoever holds every one of the rights."""

    def __init__(self, rights: tuple[Right, ...]) -> None:
        self.rights = rights

    def __call__(self, request: Request) -> Actor:
        actor = current_actor(request)
        missing = [right for right in self.rights if not actor.may(right)]
        if missing:
            raise AccessDenied(f"this needs the right {', '.join(missing)}; ask an administrator for a role with it")
        return actor


def require(*rights: Right) -> Any:  # noqa: ANN401 (what Depends itself is declared to return)
    """Return a dependency that lets in whoever holds every one of these rights, and gives the `Actor`.

    Args:
        rights: Usually one; `triage.access.MAY` says which roles hold it. None: any actor will do.

    Raises:
        Unauthenticated: 401, from the dependency, where nobody is signed in and no valid key is sent.
        AccessDenied: 403, where the actor lacks a right; the text names the right.
    """
    return Depends(Requirement(rights))


def requirements_of(route: object) -> list[Requirement]:
    """Return what a route requires; an empty list says that it is open to everyone."""
    dependant = getattr(route, "dependant", None)
    calls = [each.call for each in dependant.dependencies] if isinstance(dependant, Dependant) else []
    return [call for call in calls if isinstance(call, Requirement)]


def check_route(request: Request) -> None:
    """Do what the route's requirements do, for a request that is refused before they are asked."""
    for requirement in requirements_of(request.scope.get("route")):
        requirement(request)
