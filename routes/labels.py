"""Labels that people give to messages, for training; kept apart from what is decided on a contact."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from routes.access import require
from routes.fields import LARGEST_ID, Body, Code, KnownMessage, Tag
from routes.once import Idempotent, json_response
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.channels.request import MAX_CHARACTERS
from triage.errors import RequestRejected
from triage.store.labels import LabelSource, StoredLabel
from triage.types import RequestKind, UrgencyLevel

router = APIRouter(prefix="/v1", tags=["labels"])

LabelField = Literal["service_type", "urgency", "request_kind"]
_VALUES: Final = {"urgency": frozenset(UrgencyLevel), "request_kind": frozenset(RequestKind)}


class LabelRequest(Body):
    """What a message is: a stored one by its identity, or a text."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"message_id": "m-5f0c1e7a9b3d4c21", "label": "waste.dumping"},
                {"text": "hydrant open on 5th", "field": "urgency", "label": "urgent", "source": "import"},
            ]
        },
    )

    label: Code
    field: LabelField = "service_type"
    source: LabelSource = LabelSource.QUEUE
    message_id: KnownMessage | None = None
    text: Annotated[str | None, Field(min_length=1, max_length=MAX_CHARACTERS)] = None
    language: Tag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelStoredAnswer:
    """The number under which it is kept."""

    id: int


@router.post(
    "/labels",
    status_code=201,
    response_model=LabelStoredAnswer,
    responses=problems(s404="No such message is stored."),
)
def add_label(
    request: LabelRequest, services: Given, once: Idempotent, actor: Annotated[Actor, require(Right.LABEL)]
) -> Response:
    """Label a message; several people may label the same one."""
    return once.answer(lambda: _added(services, request, actor), message_id=lambda: request.message_id)


@router.get("/labels", dependencies=[require(Right.LABEL)], responses=problems())
def list_labels(
    services: Given,
    field: LabelField = "service_type",
    after_id: Annotated[int, Query(ge=0, le=LARGEST_ID, description="The last label of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> list[StoredLabel]:
    """Return labels, oldest first, with the texts that they were given to."""
    return list(services.store.labels.list(field=field, after_id=after_id, limit=limit))


def _added(services: Services, request: LabelRequest, actor: Actor) -> Response:
    known = services.taxonomy if request.field == "service_type" else _VALUES[request.field]
    if request.label not in known:
        raise RequestRejected(f"label is no {request.field} of the city's")
    if (request.message_id is None) == (request.text is None):
        raise RequestRejected("a label is given to a message_id or to a text, to one of them")
    number = services.store.labels.add(
        label=request.label,
        by=actor.name,
        field=request.field,
        source=request.source,
        message_id=request.message_id,
        text=request.text,
        language=request.language,
    )
    return json_response(LabelStoredAnswer(id=number), status=201)
