"""Live updates as server-sent events: what changed, from whichever process, each once and in order."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from routes.access import require
from routes.fields import LARGEST_ID
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Right
from triage.errors import StoreError
from triage.store.events import Event

router = APIRouter(prefix="/v1", tags=["contacts"])

RETRY_MS: Final = 3_000
_EXAMPLE: Final = (
    'id: 42\nevent: decided\ndata: {"message_id":"m-5f0c","detail":{},"created_at":"2026-11-20T18:04:11Z"}\n\n'
)
_EVENT: Final = {"type": "object", "properties": {name: {"type": "string"} for name in ("id", "event", "data")}}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Events until the listener leaves; a comment every quarter of a minute of silence.",
        "content": {"text/event-stream": {"schema": _EVENT, "example": _EXAMPLE}},
    }
}


@router.get(
    "/events",
    response_class=StreamingResponse,
    dependencies=[require(Right.CONTACTS_READ)],
    responses={**_STREAM, **problems()},
)
async def follow_events(
    services: Given,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=LARGEST_ID, description="The last change that was seen; a browser sends it itself.")
    ] = None,
    since: Annotated[
        int | None, Query(ge=0, le=LARGEST_ID, description="The same, for a listener that cannot set headers.")
    ] = None,
    once: Annotated[bool, Query(description="Only what was missed, 200 at most, then the end.")] = False,
) -> StreamingResponse:
    """Follow what changes: received, triaged, decided, claimed, released, notice, policy, model.

    A listener that does not keep up is let go, comes back with its `Last-Event-ID` and misses nothing.
    """
    seen = last_event_id if last_event_id is not None else since
    if seen is None:
        # Asked before the answer begins: whoever reads the store once the line stands misses no change between.
        seen = 0 if once else await services.live.last()
    lines = _missed(services, seen) if once else _followed(services, seen)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


async def _missed(services: Services, seen: int) -> AsyncIterator[bytes]:
    for event in await services.live.missed(seen):
        yield written(event)


async def _followed(services: Services, seen: int) -> AsyncIterator[bytes]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    try:
        async for event in services.live.follow(seen):
            yield b": still here\n\n" if event is None else written(event)
    except StoreError:
        return  # the listener comes back, when the database may have


def written(event: Event) -> bytes:
    """Return an event as the standard writes it (HTML, section 9.2.6); it holds nothing that a resident wrote."""
    data = {"message_id": event.message_id, "detail": dict(event.detail), "created_at": event.created_at}
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.kind.value.encode(), orjson.dumps(data))
