"""What every route works with, handed in by `api.create_app`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from triage.pipeline import Pipeline
from triage.store import SqlTriageStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The open pipeline and the open store."""

    pipeline: Pipeline
    store: SqlTriageStore


def services_of(request: Request) -> Services:
    """Return the services of the application that answers."""
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(services_of)]
