"""Live calls over HTTP and over a WebSocket."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from api import create_app
from tests.fakes import fake_parts
from tests.routes.conftest import Clients
from triage.access import Role
from triage.errors import NotFound
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.types import SafetyHit

COUCH = {"segments": [{"id": "s-1", "speaker": "customer", "text": "someone dumped a couch", "begin_ms": 900}]}


class QuotingTripwire:
    """Raises what quotes the text."""

    version = "quoting-tripwire"

    def check(self, text: str) -> tuple[SafetyHit, ...]:
        raise ValueError(text)


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as opened:
        yield opened


def test_segments_are_answered_with_the_call_and_stored_when_it_ends(client: TestClient, store: SqlTriageStore) -> None:
    view = client.post("/v1/calls/c-1/segments", json=COUCH).json()
    assert (view["state"], view["segments"], view["suggestion"]["code"]) == ("live", 1, "waste.dumping")
    assert view["triage"]["message_id"] == "c-1"
    with pytest.raises(NotFound):
        store.contact_of("c-1")
    ended = client.post("/v1/calls/c-1/segments", json={"segments": [], "state": "ended"}).json()
    assert ended["state"] == "ended"
    assert store.contact_of("c-1").message.text == "someone dumped a couch"


def test_what_is_no_update_is_a_problem(client: TestClient) -> None:
    answer = client.post("/v1/calls/c-1/segments", json={"segments": [{"id": "s"}]})
    assert (answer.status_code, answer.json()["title"]) == (422, "Message rejected")


def test_a_stream_answers_each_frame_and_a_broken_line_loses_nothing(client: TestClient, store: SqlTriageStore) -> None:
    with client.websocket_connect("/v1/calls/c-2/stream") as socket:
        socket.send_json(COUCH)
        assert socket.receive_json()["suggestion"]["code"] == "waste.dumping"
        socket.send_text("{")
        assert socket.receive_json()["error"]["title"] == "Message rejected"
        socket.send_json(COUCH)
        assert socket.receive_json()["segments"] == 1
    assert store.contact_of("c-2").message.text == "someone dumped a couch"


def test_a_frame_of_bytes_is_answered_with_what_is_wrong_and_the_call_goes_on(
    client: TestClient, store: SqlTriageStore
) -> None:
    with client.websocket_connect("/v1/calls/c-3/stream") as socket:
        socket.send_bytes(b"{}")
        assert socket.receive_json()["error"] == {"title": "Message rejected", "detail": "send text frames"}
        socket.send_json(COUCH)
        assert socket.receive_json()["segments"] == 1
    assert store.contact_of("c-3").message.text == "someone dumped a couch"


def test_a_text_that_cannot_be_triaged_closes_the_stream_and_what_was_said_waits(
    store: SqlTriageStore, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Pipeline(fake_parts(tripwire=QuotingTripwire())), store)
    with TestClient(app) as client, client.websocket_connect("/v1/calls/c-4/stream") as socket:
        socket.send_json(COUCH)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1011
    assert "the stream of call c-4 broke: ValueError" in caplog.text
    assert "call c-4 was left and cannot be stored yet: ValueError" in caplog.text
    assert "couch" not in caplog.text
    waiting = store.calls.of("c-4")
    assert waiting is not None
    assert (waiting.segments[0].text, waiting.kept) == ("someone dumped a couch", 0)


def test_a_stream_is_for_those_who_may(client_at: Clients, key_of: Callable[..., str]) -> None:
    for key in (None, key_of(Role.ANALYST)):
        with client_at(key=key) as client, pytest.raises(WebSocketDisconnect) as refused:
            client.websocket_connect("/v1/calls/c-1/stream").__enter__()
        assert refused.value.code == 1008


def test_another_sites_page_opens_no_stream(client_at: Clients) -> None:
    headers = {"Origin": "https://elsewhere.example.org"}
    with client_at(local_agent=True) as client, pytest.raises(WebSocketDisconnect):
        client.websocket_connect("/v1/calls/c-1/stream", headers=headers).__enter__()
