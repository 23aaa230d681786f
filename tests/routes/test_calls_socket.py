"""A call over a real WebSocket to a real server, which another process of the service goes on with."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from websockets.sync.client import connect

from api import create_app
from tests.fakes import fake_parts
from tests.store.postgres import free_port
from triage.channels.settings import ChannelSettings
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store


@contextmanager
def running(store: SqlTriageStore, channels: ChannelSettings | None = None) -> Iterator[str]:
    """Serve the application on a free port, and give its address."""
    port = free_port()
    config = uvicorn.Config(create_app(Pipeline(fake_parts()), store, channels=channels), port=port, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def said(number: int, text: str) -> str:
    return json.dumps({"segments": [{"id": f"s-{number}", "text": text, "begin_ms": number * 1_000}]})


@pytest.mark.system
def test_a_call_survives_the_process_that_took_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'city.db'}"
    with open_store(url) as store, running(store) as address, connect(f"{address}/v1/calls/c-1/stream") as socket:
        socket.send(said(1, "someone dumped a couch, and a gas smell"))
        assert json.loads(socket.recv())["safety"]["line"] == "911"
        socket.send("{")
        assert json.loads(socket.recv())["error"]["title"] == "Message rejected"
    with open_store(url) as store, running(store) as address, connect(f"{address}/v1/calls/c-1/stream") as socket:
        socket.send(said(2, "in the alley"))
        view = json.loads(socket.recv())
        assert (view["segments"], view["safety"]["line"], view["suggestion"]["code"]) == (2, "911", "waste.dumping")
        socket.send(json.dumps({"segments": [], "state": "ended"}))
        assert json.loads(socket.recv())["state"] == "ended"
        assert store.contact_of("c-1").message.text == "someone dumped a couch, and a gas smell\nin the alley"
