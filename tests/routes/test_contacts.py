"""Contacts: stored once whatever is sent twice, listed by what they are, read with their whole history."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import FakeTranslator, fake_parts
from tests.routes.resources import COUCH, check_problem, decided, made
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore

KEYED = {"Idempotency-Key": "form-7"}
GAS = "a gas smell in the house"


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as opened:
        yield opened


def names(response: object) -> list[str]:
    return [contact["message_id"] for contact in response.json()]  # type: ignore[attr-defined]


def test_a_contact_is_stored_triaged_and_answered(client: TestClient, store: SqlTriageStore) -> None:
    response = client.post("/v1/contacts", json={"id": "a/b", "text": COUCH, "channel": "app"})
    assert (response.status_code, response.headers["etag"]) == (201, '"1"')
    assert response.headers["location"] == "/v1/contacts/a%2Fb"
    contact = response.json()
    assert (contact["status"], contact["version"], contact["urgency"]) == ("open", 1, "normal")
    assert contact["decision"]["service_type"] == "waste.dumping"
    assert contact["triage"]["entities"][0]["text"] == "2210 Florin Rd"
    assert contact["due_at"] > contact["created_at"]
    assert store.contact_of("a/b").raw is not None
    assert client.get(response.headers["location"]).json()["contact"] == contact


@pytest.mark.parametrize(
    ("path", "query", "channel", "first"),
    [
        ("/v1/triage", "", "call", "pending"),
        ("/v1/contacts", "", "call", "pending"),
        ("/v1/contacts", "?translate=later", "web", "pending"),
        ("/v1/triage", "?translate=wait", "call", "machine"),
        ("/v1/contacts", "?translate=no", "web", "unavailable"),
    ],
)
def test_a_translation_that_nobody_waits_for_comes_as_a_further_answer(
    store: SqlTriageStore, path: str, query: str, channel: str, first: str
) -> None:
    text = "dejaron basura en la calle"
    pipeline = Pipeline(fake_parts(translator=FakeTranslator({text: "they left trash"})))
    with TestClient(create_app(pipeline, store)) as client:
        answer = client.post(path + query, json={"id": "m-1", "text": text, "channel": channel}).json()
    assert answer.get("triage", answer)["translation"]["status"] == first
    stored = [each.answer["translation"]["status"] for each in store.triages_of("m-1")]
    assert stored == ([first, "machine"] if first == "pending" else [first])


def test_the_same_message_twice_is_one_contact(client: TestClient, store: SqlTriageStore) -> None:
    first = made(client)
    again = client.post("/v1/contacts", json={"id": "m-1", "text": COUCH})
    assert (again.status_code, again.json()) == (200, first)
    assert (store.counts().contacts, store.counts().triages) == (1, 1)


def test_another_text_under_the_same_identity_is_a_revision(client: TestClient, store: SqlTriageStore) -> None:
    made(client)
    second = client.post("/v1/contacts", json={"id": "m-1", "text": "the street is flooding"})
    assert (second.status_code, second.json()["revision"]) == (201, 2)
    assert (store.counts().contacts, store.counts().messages) == (1, 2)


@pytest.mark.parametrize("path", ["/v1/contacts", "/v1/triage"])
def test_a_note_that_goes_back_to_an_earlier_wording_stands_with_it(client: TestClient, path: str) -> None:
    for text in ("the street is flooding", COUCH, "the street is flooding"):
        client.post(path, json={"id": "note-1", "text": text, "channel": "call"})
    stands = client.get("/v1/contacts/note-1").json()["contact"]
    assert (stands["text"], stands["revision"]) == ("the street is flooding", 3)
    saved = client.post("/v1/contacts", json={"id": "note-1", "text": "the street is flooding", "channel": "call"})
    assert (saved.status_code, saved.json()) == (200, stands)


def test_an_emergency_that_was_taken_out_of_a_note_and_put_back_stands(client: TestClient) -> None:
    for text in (GAS, COUCH, GAS, COUCH, GAS):
        client.post("/v1/triage", json={"id": "note-1", "text": text, "channel": "call"})
    stands = client.get("/v1/contacts/note-1").json()["contact"]
    assert (stands["urgency"], stands["decision"]["mode"]) == ("emergency", "ask")
    assert [row["message_id"] for row in client.get("/v1/contacts", params={"urgency": "emergency"}).json()] == [
        "note-1"
    ]


def test_an_idempotency_key_gives_one_contact_and_the_first_answer(client: TestClient, store: SqlTriageStore) -> None:
    first, second = (client.post("/v1/contacts", json={"text": COUCH}, headers=KEYED) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert {name: second.headers[name] for name in ("etag", "location")} == {
        name: first.headers[name] for name in ("etag", "location")
    }
    assert (second.headers["idempotency-replayed"], "idempotency-replayed" in first.headers) == ("true", False)
    assert store.counts().contacts == 1


def test_an_idempotency_key_with_another_body_is_refused(client: TestClient, store: SqlTriageStore) -> None:
    client.post("/v1/contacts", json={"text": COUCH}, headers=KEYED)
    check_problem(client.post("/v1/contacts", json={"text": "pothole"}, headers=KEYED), 422, "use a new key for each")
    assert store.counts().contacts == 1


def test_a_key_whose_work_was_broken_off_finds_the_same_contact(client: TestClient, store: SqlTriageStore) -> None:
    first = client.post("/v1/contacts", json={"text": COUCH}, headers=KEYED).json()["message_id"]
    store.idempotency.abandon("local:POST:/v1/contacts:form-7")
    again = client.post("/v1/contacts", json={"text": COUCH}, headers=KEYED).json()["message_id"]
    assert again == first
    assert store.counts().contacts == 1


def test_a_key_that_is_no_header_text_is_refused(client: TestClient) -> None:
    check_problem(client.post("/v1/contacts", json={"text": COUCH}, headers={"Idempotency-Key": "a b"}), 422)


def test_what_is_no_message_is_kept_and_what_is_no_decision_is_not(client: TestClient, store: SqlTriageStore) -> None:
    check_problem(client.post("/v1/contacts", json={"text": ""}), 422, "text is empty")
    made(client)
    problem = check_problem(decided(client, 1, action="fax", who="me"), 422, "who is not a field of this request")
    assert problem["title"] == "Request rejected"
    assert store.counts().rejections == 1


def test_contacts_are_listed_by_what_they_are(client: TestClient) -> None:
    made(client, "couch", channel="email", thread_id="t-1")
    made(client, "water", text="the street is flooding", channel="call")
    made(client, "spanish", text="basura en la calle", channel="app")
    decided(client, 1, "couch", action="close")
    client.put("/v1/contacts/water/claim")
    for parameters, expected in [
        ({"status": "closed"}, ["couch"]),
        ({"status": "open"}, ["spanish", "water"]),
        ({"channel": "call"}, ["water"]),
        ({"language": "es"}, ["spanish"]),
        ({"department": "Water"}, ["water"]),
        ({"service_type": "waste.dumping"}, ["couch"]),
        ({"urgency": "urgent"}, ["water"]),
        ({"mode": "suggest"}, ["spanish", "water", "couch"]),
        ({"claimed": "true"}, ["water"]),
        ({"claimed_by": "local"}, ["water"]),
        ({"thread_id": "t-1"}, ["couch"]),
        ({"until": "2020-01-01T00:00:00Z"}, []),
        ({"since": "2020-01-01T00:00:00Z", "channel": "app"}, ["spanish"]),
        ({"q": "FLOODING"}, ["water"]),
        ({"q": "florin"}, ["couch"]),
        ({"order": "urgency"}, ["water", "couch", "spanish"]),
        ({}, ["spanish", "water", "couch"]),
    ]:
        assert names(client.get("/v1/contacts", params=parameters)) == expected, parameters


@pytest.mark.parametrize("parameters", [{}, {"q": "couch"}, {"order": "urgency"}])
def test_pages_join_to_the_whole_list_while_contacts_come_in(client: TestClient, parameters: dict[str, str]) -> None:
    for number in range(7):
        made(client, f"m-{number}")
    whole, address = [], "/v1/contacts"
    page = client.get(address, params={**parameters, "limit": 3})
    whole += names(page)
    made(client, "late")
    while "link" in page.headers:
        page = client.get(page.headers["link"].split(">")[0].lstrip("<"))
        whole += [name for name in names(page) if name != "late"]
    expected = [f"m-{number}" for number in range(7)]
    assert whole == (expected if "order" in parameters else expected[::-1])
    assert "next-cursor" not in page.headers


@pytest.mark.parametrize(
    "parameters",
    [{"cursor": "x"}, {"status": "done"}, {"fax": "1"}, {"language": "e s"}, {"since": "yesterday"}, {"q": " "}],
)
def test_a_list_that_cannot_be_given_is_a_problem(client: TestClient, parameters: dict[str, str]) -> None:
    check_problem(client.get("/v1/contacts", params=parameters), 422)


def test_a_contact_is_read_with_its_whole_history(client: TestClient) -> None:
    made(client)
    made(client, "m-2", text="a couch again behind 2210 Florin Rd")
    decided(client, 1, action="override", service_type="waste.bulky", note="wants an appointment")
    client.put("/v1/contacts/m-1/claim")
    response = client.get("/v1/contacts/m-1")
    detail = response.json()
    assert response.headers["etag"] == '"2"'
    assert [each["action"] for each in detail["decisions"]] == ["policy", "override"]
    assert [each["suggestion"] for each in detail["triages"]] == [False]
    assert detail["claim"]["agent"] == "local"
    assert (detail["incident"], detail["duplicates"]) == (None, [])
    assert client.get("/v1/contacts/m-2/duplicates").json() == []
    decided(client, 2, action="undo")
    [duplicate] = client.get("/v1/contacts/m-2/duplicates").json()
    assert (duplicate["message_id"], duplicate["places"]) == ("m-1", ["florin"])


def test_a_contact_that_is_not_there_is_a_problem(client: TestClient) -> None:
    for path in ("m-1", "m-1/decisions", "m-1/duplicates", ""):
        check_problem(client.get(f"/v1/contacts/{path}"), 404)


def test_the_clock_stands_while_the_resident_is_asked(client: TestClient) -> None:
    before = made(client)
    asked = client.put("/v1/contacts/m-1/pause", json={"reason": "which house number?"}).json()
    assert (asked["paused"], asked["due_at"]) == (True, None)
    resumed = client.delete("/v1/contacts/m-1/pause").json()
    assert (resumed["paused"], resumed["due_at"] >= before["due_at"]) == (False, True)
    [pause] = client.get("/v1/contacts/m-1").json()["pauses"]
    assert pause["start"] <= pause["end"]
