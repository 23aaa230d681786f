"""What every route works with, handed in by `api.create_app`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from triage.clock import Clock
from triage.incident_watch import IncidentWatch
from triage.live import LiveUpdates
from triage.metrics import Metrics
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The open pipeline, the open store, what is counted, and what tells due times, incidents and changes.

    `articles` is the folder that accepted edits of articles are written into; None where the city has none of its own.
    """

    pipeline: Pipeline
    store: SqlTriageStore
    metrics: Metrics
    clock: Clock
    incidents: IncidentWatch
    live: LiveUpdates
    articles: Path | None = None

    def today(self) -> date:
        """Return the day in the city's zone."""
        return datetime.now(UTC).astimezone(self.clock.calendar.zone).date()

    @property
    def taxonomy(self) -> Taxonomy:
        """The city's service types."""
        return self.pipeline.parts.taxonomy


def services_of(request: Request) -> Services:
    """Return the services of the application that answers."""
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(services_of)]
