"""Contacts that a trainee decides for practice: read only, nothing that is tried here reaches the record."""

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Query

from routes.access import require
from routes.problems import problems
from routes.services import Given
from triage.access import Right
from triage.practice import PracticeCase, practice_cases
from triage.samples import samples

router = APIRouter(prefix="/v1", tags=["supervisor"])


@router.get("/practice", dependencies=[require(Right.CONTACTS_READ)], responses=problems())
def list_cases(
    services: Given, limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 30
) -> list[PracticeCase]:
    """Return contacts that were decided, and samples, with what was recorded; numbers and contacts of people masked."""
    entities = services.pipeline.parts.entities
    return list(practice_cases(services.store, entities, is_sample=_sample_ids().__contains__, limit=limit))


@cache
def _sample_ids() -> frozenset[str]:
    return frozenset(sample.id for sample in samples())
