"""Search in the knowledge base."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query

from kb.gap_notes import note_search
from routes.access import require
from routes.services import Given, Services
from triage.access import Right
from triage.types import Audience, SearchFilter, SearchResult

router = APIRouter(prefix="/v1/kb", tags=["knowledge base"])


@router.get("/search", dependencies=[require(Right.KB_READ)])
def search(
    services: Given,
    later: BackgroundTasks,
    q: Annotated[str, Query(min_length=1, max_length=4_000, description="What the resident asks.")],
    k: Annotated[int, Query(ge=1, le=50, description="How many answers at most.")] = 5,
    audience: Annotated[Audience | None, Query(description="Only sections for residents, or only for agents.")] = None,
    language: Annotated[str | None, Query(max_length=35, description="Only articles in it, BCP 47.")] = None,
    department: Annotated[str | None, Query(max_length=200, description="Only articles of this one.")] = None,
    on: Annotated[date | None, Query(description="Only what is valid on this day; today where left out.")] = None,
    typing: Annotated[
        bool, Query(description="The question is still being typed: it is neither counted nor a gap.")
    ] = False,
) -> SearchResult:
    """Return the sections that may answer, best first, with the quote, its source and its review date.

    Pinned notices come first. A question without an answer is noted, masked, as a gap of the knowledge base.
    """
    chosen = SearchFilter(audience=audience, language=language, department=department, on=on)
    result = services.pipeline.search(q, k=k, chosen=chosen)
    if typing:
        return result
    services.metrics.searched(result)
    if chosen == SearchFilter():  # what a filter left out is no gap
        later.add_task(_note, services, q, result)
    return result


def _note(services: Services, question: str, result: SearchResult) -> None:
    parts = services.pipeline.parts
    [language] = parts.detector.detect([question], [None])
    note_search(services.store.gaps, question, result, entities=parts.entities.find(question), language=language.code)
