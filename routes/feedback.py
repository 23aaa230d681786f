"""What agents say of answers: used, helpful, wrong, stale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from routes.access import require
from routes.fields import Body, KnownMessage, Limit, Name, Note, Tag
from routes.once import Idempotent, json_response
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.masking import mask
from triage.store.feedback import StoredFeedback, Verdict

router = APIRouter(prefix="/v1", tags=["knowledge base"])


class FeedbackRequest(Body):
    """What an agent says of an answer, and where it was shown."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "article_id": "bulky-item-pickup",
                    "section": "How to book",
                    "verdict": "stale",
                    "note": "three pickups a year since July",
                }
            ]
        },
    )

    article_id: Name
    verdict: Verdict
    section: Annotated[str, Field(max_length=300)] = ""
    message_id: KnownMessage | None = None
    query: Annotated[str | None, Field(max_length=4_000, description="The question that was asked.")] = None
    language: Tag | None = None
    note: Note | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackStoredAnswer:
    """The number under which it is kept."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackList:
    """Verdicts, newest first, and how often each was given, by article."""

    feedback: tuple[StoredFeedback, ...]
    totals: Mapping[str, Mapping[Verdict, int]]


@router.post(
    "/feedback",
    status_code=201,
    response_model=FeedbackStoredAnswer,
    responses=problems(s404="No such message is stored."),
)
def give_feedback(
    request: FeedbackRequest, services: Given, once: Idempotent, actor: Annotated[Actor, require(Right.DECIDE)]
) -> Response:
    """Store what an agent says of an answer. Personal data in the question is masked before it is kept."""
    return once.answer(lambda: _given(services, request, actor), message_id=lambda: request.message_id)


@router.get("/feedback", dependencies=[require(Right.REPORTS)], responses=problems())
def list_feedback(
    services: Given,
    limit: Limit = 100,
    article_id: Annotated[Name | None, Query(description="Only what was said of this article.")] = None,
) -> FeedbackList:
    """Return what agents said of answers, newest first."""
    store = services.store.feedback
    found = store.list(limit) if article_id is None else store.of(article_id)[:limit]
    totals = store.totals()
    chosen = totals if article_id is None else {name: of for name, of in totals.items() if name == article_id}
    return FeedbackList(feedback=found, totals=chosen)


def _given(services: Services, request: FeedbackRequest, actor: Actor) -> Response:
    query = request.query and mask(request.query, services.pipeline.parts.entities.find(request.query))
    number = services.store.feedback.give(
        article_id=request.article_id,
        verdict=request.verdict,
        by=actor.name,
        section=request.section,
        message_id=request.message_id,
        query=query,
        language=request.language,
        note=request.note,
    )
    return json_response(FeedbackStoredAnswer(id=number), status=201)
