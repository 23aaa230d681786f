"""Knowledge gaps: what residents ask and no article answers."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict

from routes.access import require
from routes.fields import Body, Id, Limit, Name
from routes.problems import problems
from routes.services import Given
from triage.access import Actor, Right
from triage.errors import NotFound
from triage.store.gaps import Gap

router = APIRouter(prefix="/v1", tags=["knowledge base"])
_UNKNOWN = problems(s404="No gap has that number, or no article has that name.")


class GapRequest(Body):
    """The article that answers the gap now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"article_id": "bulky-item-pickup"}]})

    article_id: Name


@router.get("/gaps", dependencies=[require(Right.REPORTS)], responses=problems())
def list_gaps(
    services: Given,
    limit: Limit = 100,
    every: Annotated[bool, Query(description="Those that are answered by now, too.")] = False,
) -> list[Gap]:
    """Return topics that residents ask about and no article answers, with masked examples."""
    return list(services.store.gaps.list(open_only=not every, limit=limit))


@router.put("/gaps/{gap_id}/article", status_code=204, responses=_UNKNOWN)
def close_gap(
    gap_id: Id, request: GapRequest, services: Given, actor: Annotated[Actor, require(Right.KB_WRITE)]
) -> None:
    """Say which article answers a gap now: it is closed."""
    if services.store.articles.current(request.article_id).document is None:
        raise NotFound(f"the article {request.article_id} was taken away: name one that is there")
    services.store.gaps.close(gap_id, request.article_id, actor.name)


@router.delete("/gaps/{gap_id}/article", status_code=204, dependencies=[require(Right.KB_WRITE)], responses=_UNKNOWN)
def reopen_gap(gap_id: Id, services: Given) -> None:
    """Say that a gap is not answered after all: it is open again."""
    services.store.gaps.reopen(gap_id)
