"""Notices that hold for a time: pinned by leads, shown to agents, followed by the console."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from routes.access import require
from routes.fields import Body, Code, Id, Limit, Line, Name, Note, Tag
from routes.once import Idempotent, json_response
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.errors import RequestRejected
from triage.store.notices import Notice, StoredNotice

router = APIRouter(prefix="/v1", tags=["knowledge base"])
MANY = 50


class NoticeRequest(Body):
    """What agents have to know, and until when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Water main break at 9th and Oak",
                    "text": "Crews are on site. Water is back by 6 pm; boil it until noon tomorrow.",
                    "valid_until": "2036-11-20T20:00:00Z",
                    "service_types": ["water.no_water", "water.quality"],
                }
            ]
        },
    )

    title: Line
    text: Note
    valid_until: AwareDatetime
    valid_from: AwareDatetime | None = Field(None, description="At once where it is left out.")
    district: Name | None = None
    service_types: Annotated[tuple[Code, ...], Field(max_length=MANY)] = ()
    words: Annotated[tuple[Name, ...], Field(max_length=MANY, description="Words of questions it is about.")] = ()
    language: Tag | None = None
    url: Annotated[str | None, Field(max_length=2_000, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")] = None
    contradicts: Annotated[
        tuple[Name, ...], Field(max_length=MANY, description="Articles that say otherwise meanwhile.")
    ] = ()


@router.get("/notices", dependencies=[require(Right.KB_READ)], responses=problems())
def list_notices(
    services: Given,
    limit: Limit = 100,
    every: Annotated[bool, Query(description="Those that have ended or were taken down, too.")] = False,
) -> list[StoredNotice]:
    """Return the notices that hold now, newest first."""
    found = services.store.notices.list(limit) if every else services.store.notices.active()
    return list(found)[:limit]


@router.post("/notices", status_code=201, response_model=StoredNotice, responses=problems())
def pin_notice(
    request: NoticeRequest, services: Given, once: Idempotent, actor: Annotated[Actor, require(Right.NOTICES)]
) -> Response:
    """Pin a notice."""
    return once.answer(lambda: _pinned(services, request, actor))


@router.get(
    "/notices/{notice_id}",
    dependencies=[require(Right.KB_READ)],
    responses=problems(s404="No notice has that number."),
)
def read_notice(notice_id: Id, services: Given) -> StoredNotice:
    """Return one notice, whether it holds or not."""
    return services.store.notices.of(notice_id)


@router.delete("/notices/{notice_id}", responses=problems(s404="No notice has that number."))
def withdraw_notice(notice_id: Id, services: Given, actor: Annotated[Actor, require(Right.NOTICES)]) -> StoredNotice:
    """Take a notice down; it is kept, so that it can be told what was pinned on a given day."""
    return services.store.notices.withdraw(notice_id, actor.name)


def _pinned(services: Services, request: NoticeRequest, actor: Actor) -> Response:
    unknown = [code for code in request.service_types if code not in services.taxonomy]
    if unknown:
        raise RequestRejected(f"service_types has codes that are none of the city's: {', '.join(unknown)}")
    try:
        stored = services.store.notices.pin(Notice(**request.model_dump()), actor.name)
    except ValueError as error:
        raise RequestRejected(str(error)) from None
    return json_response(stored, status=201, headers={"Location": f"/v1/notices/{stored.id}"})
