"""Calls while they are spoken: segments by POST or over a WebSocket; the record is stored when the call ends."""

import logging
from functools import partial
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Body, Path, Request, WebSocket, WebSocketDisconnect
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from kb.gap_notes import note_triages
from routes.access import Gatekeeper, require
from routes.problems import problems
from routes.services import Services
from triage.access import Right
from triage.channels.request import MAX_ID, decoded
from triage.channels.rolling import CallView
from triage.channels.voice import update_of
from triage.errors import AccessDenied, MessageRejected, TriageError
from triage.live_calls import LiveCalls
from triage.types import Message, Translate, Triage

log = logging.getLogger(__name__)

router = APIRouter(prefix="/v1", tags=["triage"])

MAX_FRAME: Final = 1_000_000  # characters of one WebSocket message
REFUSED: Final = 1008  # RFC 6455: a message broke the policy
UNAVAILABLE: Final = 1011
_VIEW: Final = TypeAdapter(CallView)

CallId = Annotated[
    str,
    Path(min_length=1, max_length=MAX_ID, pattern=r"^[\w.:@-]+$", examples=["5f0c1e7a-9b3d-4c21-8a57-000000000001"]),
]


def live_calls(services: Services) -> LiveCalls:
    """Return the calls of an application."""

    def keep(message: Message, triage: Triage, raw: bytes) -> None:
        services.store.receive([(message, raw)])
        services.store.save_once(message, triage)
        services.metrics.triaged([triage])
        note_triages(services.store.gaps, [(message, triage)])

    # Who is on the line cannot wait for a translation; the backlog adds it to the record.
    triager = partial(services.pipeline.triage, translate=Translate.LATER)
    return LiveCalls(services.store.calls, triager, keep)


SpokenUpdate = Annotated[
    dict[str, Any],
    Body(
        examples=[
            {
                "segments": [
                    {
                        "id": "1",
                        "speaker": "customer",
                        "text": "there is a couch on my curb",
                        "begin_ms": 0,
                        "end_ms": 2400,
                    }
                ],
                "state": "live",
            }
        ]
    ),
]


@router.post("/calls/{call_id}/segments", dependencies=[require(Right.TRIAGE)], responses=problems())
def take_segments(call_id: CallId, update: SpokenUpdate, request: Request) -> CallView:
    """Take segments of a call and return it as it stands; a segment counts once, in whatever order it comes.

    A real-time event or a finished file of Contact Lens, or `{"segments": [{"id", "speaker", "text", "begin_ms",
    "end_ms"}], "state": "live|ended|failed"}`. When the call ends it is stored as a contact with the call's identity.
    """
    calls: LiveCalls = request.app.state.calls
    return calls.take(call_id, update_of(update, call_id=call_id))


@router.websocket("/calls/{call_id}/stream")
async def stream_segments(call_id: CallId, socket: WebSocket) -> None:
    """Take the same objects as text frames, and answer each with the call as it stands, or with what is wrong."""
    try:
        await run_in_threadpool(_check_asker, socket)
    except TriageError:
        await socket.close(REFUSED)
        return
    await socket.accept()
    calls: LiveCalls = socket.app.state.calls
    try:
        await _answer_frames(socket, calls, call_id)
    except WebSocketDisconnect:
        pass  # the line broke while the service answered
    except Exception as error:  # the store is away, say: what was sent is sent again to a service that is back
        log.error("the stream of call %s broke: %s", call_id, type(error).__name__)
        await socket.close(UNAVAILABLE)
    finally:
        await run_in_threadpool(_keep, calls, call_id)


async def _answer_frames(socket: WebSocket, calls: LiveCalls, call_id: str) -> None:
    """Answer frame after frame until the other side goes; a frame of bytes has no text."""
    while (event := await socket.receive())["type"] == "websocket.receive":
        await socket.send_text(await run_in_threadpool(_answer, calls, call_id, event.get("text")))


def _keep(calls: LiveCalls, call_id: str) -> None:
    """Store what has come of a call whose line is gone; what cannot be stored now is left to the sweep."""
    try:
        calls.keep(call_id)
    except Exception as error:  # an edge: nobody is on the line who could be told
        log.warning("call %s was left and cannot be stored yet: %s", call_id, type(error).__name__)


def _answer(calls: LiveCalls, call_id: str, frame: str | None) -> str:
    try:
        if frame is None:
            raise MessageRejected("send text frames")
        if len(frame) > MAX_FRAME:
            raise MessageRejected(f"a frame has at most {MAX_FRAME:,} characters")
        view = calls.take(call_id, update_of(decoded(frame.encode("utf-8", "replace")), call_id=call_id))
    except MessageRejected as error:
        return orjson.dumps({"error": {"title": "Message rejected", "detail": str(error)}}).decode()
    return _VIEW.dump_json(view).decode()


def _check_asker(socket: WebSocket) -> None:
    """Ask the gatekeeper as for a POST: a page of another site is refused by its Origin."""
    gatekeeper: Gatekeeper = socket.app.state.gatekeeper
    actor = gatekeeper.actor_of(Request({**socket.scope, "type": "http", "method": "POST"}))
    if not actor.may(Right.TRIAGE):
        raise AccessDenied(f"this needs the right {Right.TRIAGE}")
