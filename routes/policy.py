"""What may run unattended: each cell of the policy with what was measured of it, and its switch."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from routes.access import require
from routes.fields import Body, Line, Tag
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.cells import CellMode
from triage.errors import RequestRejected
from triage.languages import BY_CODE
from triage.measured_cells import WANTED_LOWER, CellMeasure, measure, measures
from triage.store.policy_cells import PolicyCell
from triage.types import Channel

router = APIRouter(prefix="/v1/policy", tags=["supervisor"])
DAYS = 14
_CODE = r"^[\w.\-]*$"


class CellRequest(Body):
    """What the policy does with messages of a type, a channel and a language; what is left out stands for every one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"service_type": "waste.bulky", "mode": "preselect", "reason": "agents changed 1 of 60"}]
        },
    )

    service_type: Annotated[str, Field(max_length=100, pattern=_CODE)] = ""
    channel: Channel | None = None
    language: Tag | None = None
    mode: CellMode
    threshold: Annotated[float | None, Field(ge=0, le=1, description="The lowest probability that it holds from.")] = (
        None
    )
    reason: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAnswer:
    """The policy as it stands and what it did.

    Attributes:
        wanted_low: Lower 95 % bound of the precision from which auto mode is granted, in [0, 1].
        measures: By service type, and by narrower cell.
        history: How cells were set, newest first, by people and by the brake.
    """

    since: datetime
    until: datetime
    wanted_low: float
    measures: tuple[CellMeasure, ...]
    history: tuple[PolicyCell, ...]


@router.get("", dependencies=[require(Right.REPORTS)], responses=problems())
def read_policy(
    services: Given, days: Annotated[int, Query(ge=1, le=60, description="How many days are measured.")] = DAYS
) -> PolicyAnswer:
    """Return what the policy may do by service type, channel and language, and how precise that was."""
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    return PolicyAnswer(
        since=since,
        until=until,
        wanted_low=WANTED_LOWER,
        measures=measures(services.store, since=since, until=until),
        history=services.store.policy.history(50),
    )


@router.put("/cells", responses=problems())
def set_cell(request: CellRequest, services: Given, actor: Annotated[Actor, require(Right.MODELS_WRITE)]) -> PolicyCell:
    """Set what a cell does, with the reason and what was measured; it holds within seconds and until it is set again.

    Auto mode is granted from what people decided in the last 14 days: the lower 95 % bound of the share that they left
    as it was must reach `wanted_low`. Every other mode is set as asked.
    """
    if request.service_type and request.service_type not in services.taxonomy:
        raise RequestRejected("service_type is none of the city's: GET /v1/taxonomy lists them")
    if request.language and request.language not in BY_CODE:  # a cell of it would hold for no message
        raise RequestRejected(f"language is none that messages are told to be in; they are {', '.join(BY_CODE)}")
    measured = _measured(services, request)
    if request.mode is CellMode.AUTO and not measured.may_run:
        raise RequestRejected(_too_little(measured))
    return services.store.policy.set(
        service_type=request.service_type,
        channel=request.channel.value if request.channel else "",
        language=request.language or "",
        mode=request.mode,
        threshold=request.threshold,
        reason=request.reason,
        by=actor.name,
        evidence={
            "days": DAYS,
            "decided": measured.decided,
            "overridden": measured.overridden,
            "precision": measured.precision,
            "precision_low": measured.precision_low,
        },
    )


def _measured(services: Services, request: CellRequest) -> CellMeasure:
    rates = services.store.policy.override_rates(datetime.now(UTC) - timedelta(days=DAYS))
    key = (request.service_type, request.channel.value if request.channel else "", request.language or "")
    return measure(key, (), rates, {})


def _too_little(measured: CellMeasure) -> str:
    kept = measured.decided - measured.overridden
    bound = f"{measured.precision_low:.1%}" if measured.precision_low is not None else "unknown"
    return (
        f"auto mode needs a precision of {WANTED_LOWER:.0%} by its lower 95 % bound; people left {kept} of "
        f"{measured.decided} suggestions as they were, which is {bound}: leave it at suggest until more is decided"
    )
