"""Notices, feedback, labels, gaps, incidents, live updates and the overview."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import FakePolicy, fake_parts
from tests.routes.resources import check_problem, decided, made
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.types import AnswerStatus, Decision, Mode


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as opened:
        yield opened


def test_a_notice_is_pinned_listed_and_taken_down(client: TestClient) -> None:
    body = {"title": "Main break", "text": "Boil water.", "valid_until": "2036-11-20T20:00:00Z"}
    pinned = client.post("/v1/notices", json=body | {"service_types": ["water.quality"]})
    assert (pinned.status_code, pinned.headers["location"]) == (201, "/v1/notices/1")
    assert client.get("/v1/notices").json() == [pinned.json()]
    assert client.get("/v1/notices/1").json()["notice"]["title"] == "Main break"
    assert client.delete("/v1/notices/1").json()["withdrawn_by"] == "local"
    assert client.get("/v1/notices").json() == []
    assert len(client.get("/v1/notices", params={"every": True}).json()) == 1
    check_problem(client.get("/v1/notices/2"), 404)
    check_problem(client.post("/v1/notices", json=body | {"service_types": ["no.such"]}), 422, "no.such")
    check_problem(client.post("/v1/notices", json=body | {"valid_until": "2020-01-01T00:00:00Z"}), 422, "the future")


def test_feedback_is_kept_with_the_question_masked(client: TestClient) -> None:
    body = {"article_id": "bulky-item-pickup", "verdict": "stale", "query": "couch at 2210 Florin Rd?"}
    assert client.post("/v1/feedback", json=body).json() == {"id": 1}
    listed = client.get("/v1/feedback", params={"article_id": "bulky-item-pickup"}).json()
    assert listed["totals"]["bulky-item-pickup"]["stale"] == 1
    assert listed["feedback"][0]["given_by"] == "local"
    assert client.get("/v1/feedback", params={"article_id": "other"}).json() == {"feedback": [], "totals": {}}
    check_problem(client.post("/v1/feedback", json=body | {"message_id": "none"}), 404)


def test_labels_are_of_the_city_and_listed_with_their_texts(client: TestClient) -> None:
    made(client)
    assert client.post("/v1/labels", json={"message_id": "m-1", "label": "waste.bulky"}).status_code == 201
    client.post("/v1/labels", json={"text": "hydrant open", "field": "urgency", "label": "urgent"})
    [label] = client.get("/v1/labels").json()
    assert (label["label"], label["text"][:7], label["labelled_by"]) == ("waste.bulky", "someone", "local")
    assert client.get("/v1/labels", params={"after_id": label["id"]}).json() == []
    check_problem(client.post("/v1/labels", json={"message_id": "m-1", "label": "no.such"}), 422, "no service_type")
    check_problem(client.post("/v1/labels", json={"label": "waste.bulky"}), 422, "to one of them")


def test_a_gap_is_closed_by_an_article_and_opened_again(client: TestClient, store: SqlTriageStore) -> None:
    query = store.gaps.note(query="drone permits?", language="en", status=AnswerStatus.NONE)
    number = store.gaps.cluster("drones", "en", [query])
    closing = client.put(f"/v1/gaps/{number}/article", json={"article_id": "drones"})
    check_problem(closing, 404, "no article")
    store.articles.keep_version("drones", "# Drones", "ed")
    assert [gap["topic"] for gap in client.get("/v1/gaps").json()] == ["drones"]
    assert client.put(f"/v1/gaps/{number}/article", json={"article_id": "drones"}).status_code == 204
    assert client.get("/v1/gaps").json() == []
    assert client.get("/v1/gaps", params={"every": True}).json()[0]["closed_by"] == "local"
    assert client.delete(f"/v1/gaps/{number}/article").status_code == 204
    assert len(client.get("/v1/gaps").json()) == 1
    check_problem(client.delete("/v1/gaps/99/article"), 404)
    store.articles.keep_version("drones", None, "ed")
    check_problem(client.put(f"/v1/gaps/{number}/article", json={"article_id": "drones"}), 404, "was taken away")


def test_a_burst_becomes_one_incident_and_what_comes_later_joins_it(client: TestClient) -> None:
    for number in range(4):
        made(client, f"m-{number}", text=f"the street is flooding, {900 + number} Oak St")
    [surge] = client.get("/v1/incidents/surges").json()
    assert (surge["area"], len(surge["message_ids"])) == (["oak"], 4)
    [incident] = client.post("/v1/incidents/surges").json()
    assert incident["message_ids"] == ["m-0", "m-1", "m-2", "m-3"]
    made(client, "m-9", text="Oak St: street under water")
    [again] = client.post("/v1/incidents/surges").json()
    assert (again["id"], again["message_ids"][-1]) == (incident["id"], "m-9")
    assert client.get("/v1/contacts/m-9").json()["incident"]["id"] == incident["id"]
    listed = client.get("/v1/contacts", params={"incident_id": incident["id"]}).json()
    assert len(listed) == 5
    assert client.delete("/v1/contacts/m-9/incident").status_code == 204
    assert client.post(f"/v1/incidents/{incident['id']}/close").status_code == 204
    assert client.post("/v1/incidents/surges").json() == []
    assert client.get("/v1/incidents").json() == []


def test_a_person_opens_an_incident(client: TestClient) -> None:
    made(client)
    body = {"service_type": "waste.dumping", "title": "Florin", "message_ids": ["m-1"]}
    opened = client.post("/v1/incidents", json=body)
    assert (opened.status_code, opened.json()) == (201, {"id": 1})
    made(client, "m-2")
    assert client.post("/v1/incidents/1/contacts", json={"message_ids": ["m-2"]}).status_code == 204
    assert client.get("/v1/incidents").json()[0]["message_ids"] == ["m-1", "m-2"]
    check_problem(client.post("/v1/incidents/9/close"), 404)
    check_problem(client.post("/v1/incidents", json=body | {"service_type": "no.such"}), 422, "none of the city's")


def test_live_updates_are_resumed_where_they_were_left(client: TestClient) -> None:
    made(client)
    told = client.get("/v1/events", params={"once": True})
    assert told.headers["content-type"].startswith("text/event-stream")
    first = [line for line in told.text.splitlines() if line.startswith("id:")]
    decided(client, 1, action="close")
    rest = client.get("/v1/events", params={"once": True}, headers={"Last-Event-ID": first[-1][4:]}).text
    assert [line for line in rest.splitlines() if line.startswith("event:")] == ["event: decided"]
    assert "couch" not in told.text + rest


def test_the_overview_tells_volumes_agreement_and_auto_mode(client: TestClient, store: SqlTriageStore) -> None:
    made(client, "m-1", channel="email")
    made(client, "m-2", text="the street is flooding")
    decided(client, 1, "m-1", action="override", service_type="waste.bulky")
    decided(client, 1, "m-2", action="close")
    told = client.get("/v1/overview", params={"days": 7}).json()
    assert (told["contacts"], told["open"], len(told["days"])) == (2, 1, 7)
    assert told["days"][-1]["contacts"] == 2
    assert {trend["value"] for trend in told["trends"]["channel"]} == {"email", "web"}
    rates = {each["value"]: each["overridden"] for each in told["agreement_by_service_type"]}
    assert rates == {"waste.dumping": 1, "water.main_break": 0}
    assert told["agreement_by_language"][0]["override_rate"] == 0.5
    assert told["auto"] | {"coverage": 0} == {
        "contacts": 0, "coverage": 0, "reviewed": 0, "overridden": 0, "precision": None, "precision_low": None
    }  # fmt: skip
    check_problem(client.get("/v1/overview", params={"days": 61}), 422)


def test_auto_mode_is_measured_by_what_people_left_as_it_was(store: SqlTriageStore) -> None:

    auto = FakePolicy(decision=Decision(mode=Mode.AUTO, service_type="waste.dumping", department="Solid waste"))
    with TestClient(create_app(Pipeline(fake_parts(policy=auto)), store)) as client:
        for number in range(4):
            made(client, f"m-{number}")
        for number in range(3):
            decided(client, 1, f"m-{number}", action="accept")
        decided(client, 2, "m-2", action="override", service_type="waste.bulky")
        decided(client, 1, "m-3", action="undo")
        measured = client.get("/v1/overview").json()["auto"]
    assert (measured["contacts"], measured["coverage"], measured["reviewed"]) == (4, 1.0, 4)
    assert (measured["overridden"], measured["precision"], measured["precision_low"]) == (2, 0.5, 0.15)
