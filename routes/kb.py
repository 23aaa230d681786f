"""Search in the knowledge base."""

from typing import Annotated

from fastapi import APIRouter, Query

from routes.services import Given
from triage.types import SearchResult

router = APIRouter(prefix="/v1/kb", tags=["knowledge base"])


@router.get("/search")
def search(
    services: Given,
    q: Annotated[str, Query(min_length=1, max_length=4_000, description="What the resident asks.")],
    k: Annotated[int, Query(ge=1, le=50, description="How many answers at most.")] = 5,
) -> SearchResult:
    """Return the sections that may answer, best first, with the quote, its source and its review date."""
    return services.pipeline.search(q, k=k)
