"""Registered models: which there are, which one answers, and the way back."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import ConfigDict, Field

from models.registry import KIND, Registry
from routes.access import require
from routes.fields import Body
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.cell_grants import revoke_grants
from triage.errors import ModelError, RequestRejected
from triage.store.models import ModelRole

router = APIRouter(prefix="/v1/models", tags=["models"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """A registered model and what it does now."""

    id: str
    role: ModelRole
    created_at: datetime
    held_out: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAnswer:
    """The model that answers; None is the one that the set-up trained."""

    active: str | None


class ActivationRequest(Body):
    """Why a model is activated, for the record."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "better on the week that was held out"}]}
    )

    reason: Annotated[str, Field(min_length=1, max_length=500)]


@router.get("", dependencies=[require(Right.MODELS_READ)])
def list_models(services: Given) -> list[ModelAnswer]:
    """Return every registered model, the newest first."""
    registry = _registry(services)
    roles = {registry.candidate(): ModelRole.SHADOW, registry.active(): ModelRole.ACTIVE}
    return [
        ModelAnswer(
            id=model.id,
            role=roles.get(model.id, ModelRole.RETIRED),
            created_at=model.created_at,
            held_out=model.meta.get("held_out"),
        )
        for model in services.store.models.list()
        if model.kind == KIND
    ]


@router.get(
    "/{model_id}/card",
    dependencies=[require(Right.MODELS_READ)],
    response_class=PlainTextResponse,
    responses=problems(s404="No such model is registered."),
)
def read_card(model_id: str, services: Given) -> str:
    """Return a model's card, Markdown."""
    return _registry(services).card(model_id)


@router.post("/{model_id}/activate", responses=problems(s404="No such model is registered."))
def activate(
    model_id: str,
    request: ActivationRequest,
    services: Given,
    actor: Annotated[Actor, require(Right.MODELS_WRITE)],
) -> ActiveAnswer:
    """Let a model answer; every process takes it up within seconds. One that does not fit is refused.

    What the predictions of another model had granted goes back to suggest.

    Whether it is better is measured before: `triage model activate --data` compares.
    """
    registry = _registry(services)
    try:
        registry.activate(model_id, actor.name, reason=request.reason)
    except ModelError as error:
        raise RequestRejected(str(error)) from error
    revoke_grants(services.store.policy, registry.standing, by=actor.name)
    return ActiveAnswer(active=registry.active())


@router.post("/rollback", responses=problems(s404="No registered model is active."))
def rollback(services: Given, actor: Annotated[Actor, require(Right.MODELS_WRITE)]) -> ActiveAnswer:
    """Go back to the model that was active before; one that does not fit any more is refused."""
    registry = _registry(services)
    try:
        active = registry.rollback(actor.name)
    except ModelError as error:
        raise RequestRejected(str(error)) from error
    revoke_grants(services.store.policy, registry.standing, by=actor.name)
    return ActiveAnswer(active=active)


def _registry(services: Services) -> Registry:
    parts = services.pipeline.parts
    return Registry(log=services.store.models, home=Path(), taxonomy=parts.taxonomy, encoder=parts.encoder.version)
