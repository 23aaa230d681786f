"""HTTP: every route, every bad request as problem+json in the words of a batch file, and nothing unstored."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from api import create_app
from routes.guarding import MAX_BODY_BYTES, SECURITY_HEADERS
from tests.fakes import ANSWER, POISON, FailingEncoder, FakeTripwire, fake_parts
from triage.batchfile import triage_lines
from triage.errors import StoreError
from triage.pipeline import Pipeline
from triage.store import Counts, SqlTriageStore, open_store
from triage.store.database import Database
from triage.types import Message, SafetyHit, Triage

COUCH = "someone dumped a couch behind 2210 Florin Rd"
SECRET = "my-ssn-is-078-05-1120"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once and copied for each test."""
    file = tmp_path_factory.mktemp("empty") / "city.db"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def store(empty: Path, tmp_path: Path) -> Iterator[SqlTriageStore]:
    shutil.copy(empty, tmp_path)
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


@contextmanager
def client_of(store: SqlTriageStore, **parts: object) -> Iterator[TestClient]:
    app = create_app(Pipeline(fake_parts(**parts)), store)
    with TestClient(app) as client:
        yield client


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with client_of(store) as opened:
        yield opened


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"timings_ms": {}}


def expected(message: Message) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(orjson.dumps(Pipeline(fake_parts()).triage(message)))
    return without_times(answer)


def check_problem(response: Any, status: int, title: str) -> dict[str, Any]:  # noqa: ANN401
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert (problem["type"], problem["status"], problem["title"]) == ("about:blank", status, title)
    assert problem["instance"] == response.request.url.path
    assert SECRET not in response.text
    return problem


# Triage


def test_a_message_is_answered_as_the_pipeline_answers_and_stored(client: TestClient, store: SqlTriageStore) -> None:
    response = client.post("/v1/triage", json={"id": "m-1", "text": COUCH, "channel": "app"})
    assert response.status_code == 200
    message = store.contact_of("m-1").message
    assert (message.text, message.channel.value) == (COUCH, "app")
    assert without_times(response.json()) == expected(message)
    assert store.triage_of("m-1").answer == response.json()


def test_a_message_without_an_id_is_given_one(client: TestClient, store: SqlTriageStore) -> None:
    answers = [client.post("/v1/triage", json={"text": COUCH}).json()["message_id"] for _ in range(2)]
    assert all(re.fullmatch(r"m-[0-9a-f]{32}", name) for name in answers)
    assert answers[0] != answers[1]
    assert [store.contact_of(name).message.text for name in answers] == [COUCH, COUCH]


def test_a_degraded_answer_is_an_answer(store: SqlTriageStore) -> None:
    with client_of(store, encoder=FailingEncoder()) as client:
        response = client.post("/v1/triage", json={"id": "m-1", "text": COUCH})
    assert response.status_code == 200
    assert (response.json()["degraded"], response.json()["decision"]["mode"]) == (["encoder"], "ask")


class RefusingStore(SqlTriageStore):
    """A store whose database has gone away, its tables with it."""

    def save(self, pairs: Sequence[tuple[Message, Triage]], *, edited: bool = False) -> None:
        raise StoreError("the database did not do it (made to fail)")


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/triage", {"text": SECRET}), ("/v1/triage/batch", {"messages": [{"text": SECRET}]})],
)
def test_nothing_is_acknowledged_that_was_not_stored(tmp_path: Path, path: str, body: object) -> None:
    with RefusingStore(Database(f"sqlite:///{tmp_path / 'city.db'}")) as store, client_of(store) as client:
        problem = check_problem(client.post(path, json=body), 503, "Not available")
    assert problem["detail"] == "the database did not do it (made to fail)"


class ExplodingTripwire(FakeTripwire):
    """Raises what nobody expected, with the text in it, where its marker stands."""

    def check(self, text: str) -> tuple[SafetyHit, ...]:
        if POISON in text:
            raise RuntimeError(text)
        return super().check(text)


def test_what_nobody_expected_is_a_problem_without_the_text_and_nothing_is_stored(
    store: SqlTriageStore, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(store, tripwire=ExplodingTripwire()) as client:
        response = client.post("/v1/triage", json={"text": f"{POISON} {SECRET}"})
    problem = check_problem(response, 500, "Triage failed")
    assert problem["detail"] == "RuntimeError; nothing was acknowledged, send it again or have an agent read it"
    assert "POST /v1/triage failed: RuntimeError" in caplog.text
    assert SECRET not in caplog.text
    assert store.counts().contacts == 0


# Bad requests, through every door

BAD_BODIES: dict[str, tuple[bytes, int, str]] = {
    "no JSON": (b"{", 400, "Not JSON"),
    "words": (SECRET.encode(), 400, "Not JSON"),
    "two objects": (b'{"text": "a"} {"text": "b"}', 400, "Not JSON"),
    "no UTF-8": (b'{"text": "\xff"}', 400, "Not JSON"),
    "too deep": (b"[" * 100_000, 400, "Not JSON"),
    "an array": (b'[{"text": "my-ssn-is-078-05-1120"}]', 422, "Message rejected"),
    "a string": (b'"my-ssn-is-078-05-1120"', 422, "Message rejected"),
    "null": (b"null", 422, "Message rejected"),
    "a number": (b"311", 422, "Message rejected"),
    "no text": (b"{}", 422, "Message rejected"),
    "empty text": (b'{"text": ""}', 422, "Message rejected"),
    "blank text": (b'{"text": " \\n "}', 422, "Message rejected"),
    "text of a number": (b'{"text": 311}', 422, "Message rejected"),
    "a NUL": (b'{"text": "my-ssn-is-078-05-1120\\u0000"}', 422, "Message rejected"),
    "a lone surrogate": (b'{"text": "my-ssn-is-078-05-1120\\ud83d"}', 422, "Message rejected"),
    "a surrogate in a name": (b'{"text": "a", "\\ud83d": "my-ssn-is-078-05-1120"}', 422, "Message rejected"),
    "a surrogate in the id": (b'{"text": "a", "id": "my-ssn-is-078-05-1120\\ud83d"}', 422, "Message rejected"),
    "unknown channel": (b'{"text": "a", "channel": "my-ssn-is-078-05-1120"}', 422, "Message rejected"),
    "unknown field": (b'{"text": "a", "txt": "my-ssn-is-078-05-1120"}', 422, "Message rejected"),
    "two faults": (b'{"text": "", "id": ""}', 422, "Message rejected"),
    "no time": (b'{"text": "a", "received_at": "my-ssn-is-078-05-1120"}', 422, "Message rejected"),
    "NaN": (b'{"text": NaN}', 422, "Message rejected"),
    "a megabyte": (b'{"text": "' + b"a" * 1_000_000 + b'"}', 413, "Message too long"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_request_is_a_problem_that_says_what_a_batch_line_says(
    client: TestClient, store: SqlTriageStore, name: str
) -> None:
    body, status, title = BAD_BODIES[name]
    problem = check_problem(client.post("/v1/triage", content=body, headers=JSON), status, title)
    [outcome] = triage_lines([body], Pipeline(fake_parts()))
    assert outcome.is_error
    assert problem["detail"] == orjson.loads(outcome.json)["error"]["detail"]
    assert store.counts().contacts == 0


@pytest.mark.parametrize("name", [name for name, (_, status, _) in BAD_BODIES.items() if status != 400])
def test_a_bad_message_of_an_http_batch_says_the_same_and_takes_no_other_with_it(
    client: TestClient, store: SqlTriageStore, name: str
) -> None:
    bad = BAD_BODIES[name][0]
    body = b'{"messages": [{"id": "a", "text": "couch"}, ' + bad + b', {"id": "b", "text": "gas smell"}]}'
    response = client.post("/v1/triage/batch", content=body, headers=JSON)
    assert response.status_code == 200
    first, error, last = response.json()["results"]
    [line] = triage_lines([bad], Pipeline(fake_parts()))
    assert error["error"]["detail"] == orjson.loads(line.json)["error"]["detail"]
    assert (error["message_id"], error["error"]["line"]) == ("line-2", 2)
    assert (first["message_id"], last["message_id"], last["safety"]["line"]) == ("a", "b", "911")
    assert store.counts().contacts == 2


def test_a_body_that_is_not_declared_json_is_told_to_be(client: TestClient) -> None:
    response = client.post("/v1/triage", content=b'{"text": "a"}', headers={"Content-Type": "text/plain"})
    problem = check_problem(response, 422, "Message rejected")
    assert problem["detail"] == "must be sent as Content-Type: application/json"


def test_a_missing_body_is_a_problem(client: TestClient) -> None:
    assert check_problem(client.post("/v1/triage"), 422, "Message rejected")["detail"] == "the request is missing"


def test_a_body_larger_than_any_message_is_refused_whether_or_not_it_says_so(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 2**20 + 2):
            yield b" " * 2**20

    declared = client.post("/v1/triage", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)
    chunked = client.post("/v1/triage", content=endless(), headers=JSON)
    for response in (declared, chunked):
        problem = check_problem(response, 413, "Request too large")
        assert problem["detail"] == "at most 16,777,216 bytes are read"


# Batches


def test_a_batch_is_answered_in_order_and_stored_whole(client: TestClient, store: SqlTriageStore) -> None:
    messages = [{"id": f"m-{number}", "text": text} for number, text in enumerate([COUCH, "🙏", "gas smell"])]
    results = client.post("/v1/triage/batch", json={"messages": messages}).json()["results"]
    stored = [store.contact_of(f"m-{number}").message for number in range(3)]
    assert [without_times(result) for result in results] == [expected(message) for message in stored]


def test_an_error_record_of_a_batch_has_the_id_of_its_message(client: TestClient) -> None:
    body = {"messages": [{"id": "m-7", "text": ""}, {"id": 5, "text": ""}]}
    results = client.post("/v1/triage/batch", json=body).json()["results"]
    assert results[0] == {
        "message_id": "m-7",
        "error": {"title": "Message rejected", "detail": "text is empty; send what the resident wrote", "line": 1},
    }
    assert results[1]["message_id"] == "line-2"


def test_a_message_that_fails_unexpectedly_is_an_error_record_and_is_not_stored(
    store: SqlTriageStore, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"messages": [{"id": "a", "text": "couch"}, {"id": "b", "text": f"{POISON} {SECRET}"}]}
    with client_of(store, tripwire=ExplodingTripwire()) as client:
        response = client.post("/v1/triage/batch", json=body)
    good, bad = response.json()["results"]
    assert good["message_id"] == "a"
    assert (bad["message_id"], bad["error"]["title"], bad["error"]["line"]) == ("b", "Triage failed", 2)
    assert SECRET not in response.text
    assert SECRET not in caplog.text
    assert store.counts().contacts == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "messages is missing"),
        ({"messages": "a"}, "messages: input should be a valid list"),
        ({"messages": [], "more": 1}, "more is not a field"),
        ([], "must be a JSON object, got an array"),
        ({"messages": [{"text": "a"}] * 1_001}, "messages: list should have at most 1000 items"),
    ],
)
def test_a_batch_that_is_none_is_a_problem(client: TestClient, body: object, said: str) -> None:
    problem = check_problem(client.post("/v1/triage/batch", json=body), 422, "Message rejected")
    assert problem["detail"].startswith(said)


def test_an_empty_batch_has_no_results(client: TestClient) -> None:
    assert client.post("/v1/triage/batch", json={"messages": []}).json() == {"results": []}


# The other resources


def test_the_knowledge_base_answers_with_quote_source_and_date(client: TestClient) -> None:
    found = client.get("/v1/kb/search", params={"q": "where do i put a couch"}).json()
    assert found == {"status": "answer", "answers": [orjson.loads(orjson.dumps(ANSWER))]}
    assert client.get("/v1/kb/search", params={"q": "zzz"}).json() == {"status": "none", "answers": []}


@pytest.mark.parametrize(
    "params", [{}, {"q": ""}, {"q": "a" * 4_001}, {"q": "a", "k": 0}, {"q": "a", "k": 51}, {"q": "a", "k": SECRET}]
)
def test_a_search_out_of_bounds_is_a_problem(client: TestClient, params: dict[str, str | int]) -> None:
    problem = check_problem(client.get("/v1/kb/search", params=params), 422, "Request rejected")
    assert problem["detail"].startswith(("query.q", "query.k"))


def test_the_taxonomy_is_told_whole(client: TestClient) -> None:
    taxonomy = fake_parts().taxonomy
    told = client.get("/v1/taxonomy").json()
    assert told["version"] == taxonomy.version
    assert told["service_types"] == orjson.loads(orjson.dumps(taxonomy.service_types))


def test_contacts_are_listed_newest_first_as_they_stand(client: TestClient) -> None:
    for number in range(3):
        client.post("/v1/triage", json={"id": f"m-{number}", "text": COUCH, "subject": "Couch", "channel": "email"})
    listed = client.get("/v1/contacts", params={"limit": 2}).json()
    assert [contact["message_id"] for contact in listed] == ["m-2", "m-1"]
    assert (listed[0]["text"], listed[0]["subject"], listed[0]["channel"]) == (COUCH, "Couch", "email")
    assert listed[0]["triage"]["service_types"][0]["code"] == "waste.dumping"
    for limit in (0, 201, "all"):
        check_problem(client.get("/v1/contacts", params={"limit": limit}), 422, "Request rejected")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/queue?foo=1", "query.foo is not a field of this request; remove it"),
        ("/v1/queue?language=1", "query.language does not have the form ^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"),
        ("/v1/queue?q=a%01b", "query.q holds a control character; remove it and send again"),
        ("/v1/queue?q=", "query.q is empty"),
    ],
)
def test_a_bad_question_is_told_its_own_rule_and_is_no_message(client: TestClient, path: str, said: str) -> None:
    assert check_problem(client.get(path), 422, "Request rejected")["detail"] == said


def test_a_bad_question_is_not_kept_even_where_messages_come_in(client: TestClient, store: SqlTriageStore) -> None:
    answer = client.request("GET", "/v1/contacts?limit=0", content=SECRET)
    check_problem(answer, 422, "Request rejected")
    assert store.counts().rejections == 0


def test_the_service_says_that_it_lives_is_ready_and_what_it_is_made_of(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    version = client.get("/version").json()
    assert version["parts"]["encoder"] == "fake-encoder"
    assert version["release"]


class UncountedStore(SqlTriageStore):
    """A store too large to count while anybody waits."""

    def counts(self) -> Counts:
        raise AssertionError("every row was to be counted")


def test_whether_it_is_ready_is_told_without_counting_every_row(client: TestClient, tmp_path: Path) -> None:
    with UncountedStore(Database(f"sqlite:///{tmp_path / 'city.db'}")) as store, client_of(store) as asked:
        assert asked.get("/readyz").json() == {"status": "ok"}


def test_it_is_not_ready_without_its_database_but_lives(tmp_path: Path) -> None:
    with RefusingStore(Database(f"sqlite:///{tmp_path / 'city.db'}")) as store, client_of(store) as client:
        check_problem(client.get("/readyz"), 503, "Not available")
        assert client.get("/healthz").status_code == 200


def test_openapi_lists_every_route_with_its_answers(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} == {
        ("/v1/triage", "post"),
        ("/v1/triage/batch", "post"),
        ("/v1/calls/{call_id}/segments", "post"),
        ("/v1/models", "get"),
        ("/v1/models/rollback", "post"),
        ("/v1/models/{model_id}/activate", "post"),
        ("/v1/models/{model_id}/card", "get"),
        ("/v1/contacts", "get"),
        ("/v1/contacts", "post"),
        ("/v1/contacts/{message_id}", "get"),
        ("/v1/contacts/{message_id}/decisions", "get"),
        ("/v1/contacts/{message_id}/decisions", "post"),
        ("/v1/contacts/{message_id}/claim", "put"),
        ("/v1/contacts/{message_id}/claim", "delete"),
        ("/v1/contacts/{message_id}/pause", "put"),
        ("/v1/contacts/{message_id}/pause", "delete"),
        ("/v1/contacts/{message_id}/incident", "delete"),
        ("/v1/contacts/{message_id}/duplicates", "get"),
        ("/v1/claims", "get"),
        ("/v1/incidents", "get"),
        ("/v1/incidents", "post"),
        ("/v1/incidents/surges", "get"),
        ("/v1/incidents/surges", "post"),
        ("/v1/incidents/{incident_id}/contacts", "post"),
        ("/v1/incidents/{incident_id}/close", "post"),
        ("/v1/events", "get"),
        ("/v1/notices", "get"),
        ("/v1/notices", "post"),
        ("/v1/notices/{notice_id}", "get"),
        ("/v1/notices/{notice_id}", "delete"),
        ("/v1/feedback", "get"),
        ("/v1/feedback", "post"),
        ("/v1/labels", "get"),
        ("/v1/labels", "post"),
        ("/v1/gaps", "get"),
        ("/v1/gaps/{gap_id}/article", "put"),
        ("/v1/gaps/{gap_id}/article", "delete"),
        ("/v1/overview", "get"),
        ("/v1/overview/system", "get"),
        ("/v1/contacts/{message_id}/attachments", "get"),
        ("/v1/contacts/{message_id}/attachments/{number}", "get"),
        ("/v1/contacts/{message_id}/replies", "get"),
        ("/v1/contacts/{message_id}/replies", "post"),
        ("/v1/contacts/{message_id}/similar", "get"),
        ("/v1/contacts/{message_id}/thread", "get"),
        ("/v1/kb/articles", "get"),
        ("/v1/kb/articles/{article_id}", "get"),
        ("/v1/kb/articles/{article_id}/changes", "get"),
        ("/v1/kb/articles/{article_id}/proposals", "post"),
        ("/v1/kb/articles/{article_id}/versions/{version}", "get"),
        ("/v1/kb/proposals", "get"),
        ("/v1/kb/proposals/{proposal_id}/review", "post"),
        ("/v1/policy", "get"),
        ("/v1/policy/cells", "put"),
        ("/v1/practice", "get"),
        ("/v1/queue", "get"),
        ("/v1/queue/rows", "get"),
        ("/v1/replies", "get"),
        ("/v1/kb/search", "get"),
        ("/v1/taxonomy", "get"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/version", "get"),
        ("/v1/me", "get"),
    }
    assert set(described["components"]["schemas"]["Triage"]["properties"]) == set(Triage.__dataclass_fields__)
    assert client.get("/docs").status_code == 200


def test_the_console_is_the_start_page(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/v1/nothing", 404, "Not Found"),
        ("GET", "/v1/triage", 405, "Method Not Allowed"),
        ("GET", "/console/none.js", 404, "Not Found"),
        ("GET", "/console/../api.py", 404, "Not Found"),
        ("GET", "/console/%2e%2e/api.py", 404, "Not Found"),
    ],
)
def test_what_is_not_there_is_a_problem(client: TestClient, method: str, path: str, status: int, title: str) -> None:
    check_problem(client.request(method, path), status, title)


Request = Callable[[TestClient], Any]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(lambda client: client.get("/"), id="page"),
        pytest.param(lambda client: client.get("/healthz"), id="answer"),
        pytest.param(lambda client: client.get("/none"), id="404"),
        pytest.param(lambda client: client.post("/v1/triage", content=b"{", headers=JSON), id="400"),
        pytest.param(
            lambda client: client.post("/v1/triage", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON), id="413"
        ),
        pytest.param(lambda client: client.post("/v1/triage", json={"text": POISON}), id="500"),
    ],
)
def test_every_answer_is_hardened_and_named(store: SqlTriageStore, request_: Request) -> None:
    with client_of(store, tripwire=ExplodingTripwire()) as client:
        response = request_(client)
    assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-Id"])


def test_a_request_keeps_the_name_that_it_came_with(client: TestClient) -> None:
    named = client.get("/healthz", headers={"X-Request-Id": "crm-4711"})
    assert named.headers["X-Request-Id"] == "crm-4711"
    assert len(client.get("/healthz", headers={"X-Request-Id": "x" * 500}).headers["X-Request-Id"]) == 64


def test_the_page_of_the_api_may_run_its_own_script_and_load_nothing_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    assert policy.startswith("default-src 'self' 'unsafe-inline';")
    assert "http" not in policy


@pytest.mark.parametrize(
    "body", [b'{"text": ""}', b"no json", b"[1]", b'{"text": "x", "fax": 1}', b'{"text": "a\\u0000b"}', b"\xff\xfe"]
)
def test_what_is_no_message_is_kept_as_it_came(client: TestClient, store: SqlTriageStore, body: bytes) -> None:
    answer = client.post("/v1/triage", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert store.counts().rejections == 1


def test_a_rejected_message_of_a_batch_is_kept_beside_the_answers(client: TestClient, store: SqlTriageStore) -> None:
    results = client.post("/v1/triage/batch", json={"messages": [{"text": "pothole"}, {"text": ""}]}).json()["results"]
    assert [("error" in result) for result in results] == [False, True]
    assert (store.counts().contacts, store.counts().rejections) == (1, 1)


def test_the_documentation_page_needs_no_network(client: TestClient) -> None:
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    scripts = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert [client.get(script).status_code for script in scripts] == [200] * len(scripts)
    assert len(scripts) >= 2
