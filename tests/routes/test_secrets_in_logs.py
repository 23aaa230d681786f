"""A resident's words go through every door, well-formed and not, and stand in no line of the log."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.fakes import (
    POISON,
    FailingClassifier,
    FailingEncoder,
    FailingEntityFinder,
    FailingKnowledgeBase,
    FailingPolicy,
    FailingTranslator,
    FailingUrgencyRater,
)
from tests.routes.conftest import Clients
from tests.test_api import ExplodingTripwire
from triage import logs

SECRET = "my-ssn-is-078-05-1120"
PARTS = {
    "encoder": FailingEncoder,
    "classifier": FailingClassifier,
    "entities": FailingEntityFinder,
    "kb": FailingKnowledgeBase,
    "policy": FailingPolicy,
    "translator": FailingTranslator,
    "urgency": FailingUrgencyRater,
}


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.set_up("DEBUG", stream)
    logging.getLogger().setLevel(logging.DEBUG)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    for name in logs.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


def send_everywhere(client: TestClient) -> list[int]:
    """Send the secret through every parameter, body, header and path that the service reads."""
    described = client.get("/openapi.json").json()["paths"]
    bodies: list[bytes] = [
        json.dumps({"text": SECRET, "subject": SECRET, "thread_id": SECRET}).encode(),
        json.dumps({"text": f"{POISON} {SECRET}", "id": SECRET}).encode(),
        json.dumps({"messages": [{"text": SECRET}, {"text": f"{POISON} {SECRET}"}, {SECRET: 1}, SECRET]}).encode(),
        json.dumps({SECRET: SECRET}).encode(),
        f"{{{SECRET}".encode(),
        SECRET.encode() + b"\xff",
    ]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": SECRET,
        "Idempotency-Key": SECRET,
        "If-Match": f'"{SECRET}"',
        "Cookie": f"triage_session={SECRET}",
    }
    codes = []
    for path, methods in described.items():
        filled = path.replace("{", "").replace("}", "") + f"/{SECRET}" if "{" in path else path
        for method in methods:
            for body in bodies if method != "get" else [b""]:
                answer = client.request(
                    method,
                    filled,
                    content=body,
                    headers=headers,
                    params={"q": SECRET, "cursor": SECRET, "once": "true"},
                )
                codes.append(answer.status_code)
    codes.append(client.get(f"/{SECRET}").status_code)
    codes.append(client.get("/v1/me", headers={"X-Api-Key": SECRET}).status_code)
    return codes


def check_nothing_leaked(written: io.StringIO) -> list[dict[str, object]]:
    assert SECRET not in written.getvalue()
    return [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_fails_on_the_words_does_not_log_them(client_at: Clients, written: io.StringIO, part: str) -> None:
    with client_at(local_agent=True, **{part: PARTS[part]()}) as client:
        client.post("/v1/triage", json={"text": SECRET, "language_hint": "es"})
    lines = check_nothing_leaked(written)
    assert any(part in str(line["event"]) for line in lines if line["level"] == "warning")


def test_no_door_logs_what_came_through_it(client_at: Clients, written: io.StringIO) -> None:
    with client_at(local_agent=True, tripwire=ExplodingTripwire()) as client:
        codes = send_everywhere(client)
    lines = check_nothing_leaked(written)
    assert {200, 400, 401, 404, 422, 500} <= set(codes)
    assert len([line for line in lines if line["event"] == "answered"]) == len(codes) + 1


def test_a_line_tells_route_status_time_and_actor_and_carries_the_requests_id(
    client_at: Clients, written: io.StringIO
) -> None:
    with client_at(local_agent=True) as client:
        answer = client.get("/v1/kb/search", params={"q": SECRET})
    [line] = [line for line in check_nothing_leaked(written) if line["event"] == "answered"]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    told = {name: line[name] for name in ("method", "route", "status", "actor")}
    assert told == {"method": "GET", "route": "/v1/kb/search", "status": 200, "actor": "local"}
    assert isinstance(line["ms"], float)


def test_a_line_of_the_pipeline_carries_the_requests_id(client_at: Clients, written: io.StringIO) -> None:
    with client_at(local_agent=True, encoder=FailingEncoder()) as client:
        client.post("/v1/triage", json={"text": "couch"}, headers={"X-Request-Id": "crm-4711"})
    lines = check_nothing_leaked(written)
    failed = [line for line in lines if "encoder failed" in str(line["event"])]
    assert {line["request_id"] for line in failed} == {"crm-4711"}


@pytest.mark.parametrize("name", ["a b", "{}", "x\x7f", "é"])
def test_a_requests_name_that_is_none_is_replaced(client_at: Clients, name: str) -> None:
    with client_at(local_agent=True) as client:
        answer = client.get("/healthz", headers=[(b"X-Request-Id", name.encode())])
    assert len(answer.headers["X-Request-Id"]) == 32
