"""The supervisor's page: volumes, trends, what was accepted and overridden, what auto mode did."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from routes.access import require
from routes.problems import problems
from routes.services import Given
from triage.access import Right
from triage.overview import Overview, overview
from triage.system_report import SystemReport, system_report

router = APIRouter(prefix="/v1", tags=["supervisor"])


@router.get("/overview", dependencies=[require(Right.REPORTS)], responses=problems())
def read_overview(
    services: Given,
    days: Annotated[int, Query(ge=1, le=60, description="How many days of the city's zone, today included.")] = 14,
) -> Overview:
    """Return volumes by day, trends against as many days before, agreement by type and language, and auto mode."""
    return overview(services.store, now=datetime.now(UTC), days=days, zone=services.clock.calendar.zone)


@router.get("/overview/system", dependencies=[require(Right.REPORTS)], responses=problems())
def read_system(services: Given) -> SystemReport:
    """Return how the service does: what waits, what was given up, which parts failed, how fast it answers."""
    return system_report(services.store)
