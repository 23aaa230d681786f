from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from fastapi.testclient import TestClient

from tests.routes.conftest import Clients
from tests.routes.resources import check_problem, decided, made
from triage.access import Role
from triage.store import SqlTriageStore
from triage.types import Decision, Mode


@pytest.fixture
def client(client_at: Clients) -> Iterator[TestClient]:
    with client_at(local_agent=True) as opened:
        yield opened


def rows(client: TestClient, **query: str) -> list[str]:
    response = client.get("/v1/queue", params=query)
    assert response.status_code == 200, response.text
    return [row["message_id"] for row in response.json()["rows"]]


def test_a_line_tells_what_an_agent_chooses_by(client: TestClient) -> None:
    made(client, "m-1", channel="email", subject="Couch")
    client.put("/v1/contacts/m-1/claim")
    [row] = client.get("/v1/queue").json()["rows"]
    assert row["excerpt"] == "Couch — someone dumped a couch behind 2210 Florin Rd"
    assert (row["channel"], row["language"], row["excerpt_language"]) == ("email", "en", "en")
    assert (row["service_type"], row["service_type_name"]) == ("waste.dumping", "Illegal dumping")
    assert (row["department"], row["status"], row["actor"]) == ("Solid waste", "open", "policy")
    assert (row["version"], row["claimed_by"], row["paused"]) == (1, "local", False)
    assert datetime.fromisoformat(row["due_at"]) > datetime.fromisoformat(row["created_at"])


def test_the_gravest_come_first_and_then_those_that_have_waited_longest(client: TestClient) -> None:
    for name in ("m-1", "m-2", "m-3"):
        made(client, name)
    decided(client, 1, "m-3", action="override", urgency="emergency")
    assert rows(client) == ["m-3", "m-1", "m-2"]


def test_filters_leave_out_what_is_not_asked_for(client: TestClient) -> None:
    made(client, "m-1", channel="sms")
    made(client, "m-2", text="tiraron la basura", channel="sms")
    made(client, "m-3", channel="email")
    decided(client, 1, "m-3", action="close")
    assert rows(client, status="open") == ["m-1", "m-2"]
    assert rows(client, status="closed") == ["m-3"]
    assert rows(client, language="es") == ["m-2"]
    assert rows(client, channel="sms", q="FLORIN") == ["m-1"]
    assert rows(client, department="Water") == []


def test_words_are_looked_for_beyond_the_lines_that_are_shown_and_what_was_found_is_counted(client: TestClient) -> None:
    for number in range(3):
        made(client, f"m-{number}")
    made(client, "pole", text="the pole is bent", channel="sms")
    made(client, "polo", text="the pole leans", channel="email")
    answer = client.get("/v1/queue", params={"q": "POLE", "limit": 1}).json()
    assert [row["message_id"] for row in answer["rows"]] == ["pole"]
    assert (answer["total"], answer["searched_all"]) == (2, True)
    assert answer["counts"]["channel"] == {"email": 1, "sms": 1}
    assert answer["counts"]["language"] == {"en": 2}
    narrowed = client.get("/v1/queue", params={"q": "pole", "channel": "sms"}).json()
    assert (narrowed["total"], narrowed["counts"]["channel"]) == (1, {"email": 1, "sms": 1})


def test_what_words_find_is_counted_as_the_store_counts_it(client: TestClient) -> None:
    made(client, "m-1", channel="sms")
    made(client, "m-2", text="tiraron la basura", channel="email")
    made(client, "m-3", text="the street is flooding", channel="web")
    decided(client, 1, "m-1", action="override", urgency="emergency", department="Water")
    whole = client.get("/v1/queue").json()
    assert client.get("/v1/queue", params={"q": "m-"}).json() == whole
    assert whole["counts"]["urgency"] == {"normal": 1, "emergency": 1, "urgent": 1}


def test_a_search_that_ends_before_the_last_contact_says_so(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routes.contacts.SEARCHED", 2)
    monkeypatch.setattr("routes.queue.MOST", 1)
    for number in range(3):
        made(client, f"m-{number}")
    answer = client.get("/v1/queue", params={"q": "couch"}).json()
    assert ([row["message_id"] for row in answer["rows"]], answer["searched_all"]) == (["m-0", "m-1"], False)


def test_counts_of_a_field_do_not_shrink_by_its_own_filter(client: TestClient) -> None:
    made(client, "m-1", channel="sms")
    made(client, "m-2", channel="email")
    answer = client.get("/v1/queue", params={"channel": "sms"}).json()
    assert answer["counts"]["channel"] == {"email": 1, "sms": 1}
    assert answer["counts"]["language"] == {"en": 1}
    assert answer["total"] == 1


def test_what_was_claimed_by_an_agent_is_a_list_of_its_own(client: TestClient) -> None:
    made(client, "m-1")
    made(client, "m-2")
    client.put("/v1/contacts/m-2/claim")
    assert rows(client, claimed_by="local") == ["m-2"]


def test_a_contact_whose_resident_is_asked_has_no_due_time(client: TestClient) -> None:
    made(client, "m-1")
    client.put("/v1/contacts/m-1/pause", json={"reason": "which house number is it?"})
    [row] = client.get("/v1/queue").json()["rows"]
    assert (row["paused"], row["due_at"]) == (True, None)


def test_lines_of_named_contacts_are_read_alone(client: TestClient) -> None:
    for name in ("m-1", "m-2", "m-3"):
        made(client, name)
    found = client.get("/v1/queue/rows", params={"id": ["m-3", "m-1", "m-3"]}).json()
    assert [row["message_id"] for row in found] == ["m-3", "m-1"]
    check_problem(client.get("/v1/queue/rows", params={"id": "m-9"}), 404)


def test_what_auto_mode_did_can_be_taken_back(client: TestClient, store: SqlTriageStore) -> None:
    made(client, "m-1")
    routed = Decision(mode=Mode.AUTO, service_type="waste.dumping", department="Solid waste")
    store.decide("m-1", routed, "tester", 1)
    assert rows(client, mode="auto") == ["m-1"]
    decided(client, 2, "m-1", action="undo")
    assert rows(client, mode="auto") == []


def test_at_most_500_lines_are_asked_for(client: TestClient) -> None:
    check_problem(client.get("/v1/queue", params={"limit": 501}), 422)
    check_problem(client.get("/v1/queue", params={"order": "none"}), 422)


def test_an_editor_of_articles_does_not_read_the_queue(client_at: Clients, key_of: Callable[..., str]) -> None:
    with client_at(key=key_of(Role.KB_EDITOR)) as client:
        check_problem(client.get("/v1/queue"), 403, "contacts:read")
