"""Decisions: what each action does, and nobody's decision overwritten unseen."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import fake_parts
from tests.routes.resources import check_problem, decided, made
from triage.access import Right, Role
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.store.feedback import Verdict


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as opened:
        made(opened)
        yield opened


def test_what_was_suggested_is_accepted(client: TestClient) -> None:
    response = decided(client, 1, action="accept")
    decision = response.json()
    assert (response.status_code, response.headers["etag"]) == (201, '"2"')
    assert (decision["action"], decision["actor"], decision["decided_by"]) == ("accept", "person", "local")
    assert (decision["service_type"], decision["department"]) == ("waste.dumping", "Solid waste")
    assert decision["status"] == "open"


def test_an_override_takes_the_department_of_its_type(client: TestClient) -> None:
    decision = decided(client, 1, action="override", service_type="streets.pothole", urgency="high").json()
    assert (decision["service_type"], decision["department"], decision["urgency"]) == (
        "streets.pothole",
        "Streets",
        "high",
    )
    assert client.get("/v1/contacts/m-1").json()["contact"]["urgency"] == "high"


def test_urgency_alone_is_overridden_and_the_rest_stays(client: TestClient) -> None:
    decision = decided(client, 1, action="override", urgency="low").json()
    assert (decision["service_type"], decision["urgency"]) == ("waste.dumping", "low")


def test_a_reroute_changes_the_department_alone(client: TestClient) -> None:
    decision = decided(client, 1, action="reroute", department="Parks").json()
    assert (decision["service_type"], decision["department"]) == ("waste.dumping", "Parks")


def test_an_answer_that_was_used_is_counted_for_its_article(client: TestClient, store: SqlTriageStore) -> None:
    decision = decided(client, 1, action="answer_used", article_id="bulky-item-pickup", section="How to book").json()
    assert (decision["article_id"], decision["section"]) == ("bulky-item-pickup", "How to book")
    assert store.feedback.totals()["bulky-item-pickup"][Verdict.USED] == 1


def test_a_closed_contact_is_opened_by_the_next_decision_and_by_undo(client: TestClient) -> None:
    assert decided(client, 1, action="close").json()["status"] == "closed"
    assert decided(client, 2, action="undo").json()["status"] == "open"
    assert decided(client, 3, action="close").json()["status"] == "closed"
    assert decided(client, 4, action="accept").json()["status"] == "open"


def test_undo_brings_back_what_stood_before(client: TestClient) -> None:
    decided(client, 1, action="override", service_type="waste.bulky")
    undone = decided(client, 2, action="undo", note="wrong contact").json()
    assert (undone["service_type"], undone["undoes"], undone["version"]) == ("waste.dumping", 2, 3)
    listed = client.get("/v1/contacts/m-1/decisions").json()
    assert [each["action"] for each in listed] == ["policy", "override", "undo"]


def test_a_decision_without_if_match_is_refused(client: TestClient) -> None:
    response = client.post("/v1/contacts/m-1/decisions", json={"action": "close"})
    assert check_problem(response, 428, "send If-Match")["title"] == "Version missing"


def test_who_comes_second_is_told_and_overwrites_nothing(client: TestClient) -> None:
    assert decided(client, 1, action="override", service_type="waste.bulky").status_code == 201
    late = decided(client, 1, action="override", service_type="waste.litter")
    assert check_problem(late, 412, "read it again")["title"] == "Changed since"
    assert client.get("/v1/contacts/m-1").json()["contact"]["decision"]["service_type"] == "waste.bulky"


def test_a_later_answer_of_the_policy_does_not_stand_in_a_persons_way(client: TestClient) -> None:
    client.post("/v1/triage", json={"id": "m-1", "text": "the street is flooding"})
    assert client.get("/v1/contacts/m-1").headers["etag"] == '"2"'
    assert decided(client, 1, action="accept").headers["etag"] == '"3"'


@pytest.mark.parametrize(
    "body",
    [
        {"action": "accept"},
        {"action": "close"},
        {"action": "override", "urgency": "low"},
        {"action": "answer_used", "article_id": "bulky-item-pickup"},
    ],
)
def test_what_a_person_leaves_out_is_what_the_person_saw(client: TestClient, body: dict[str, str]) -> None:
    client.post("/v1/triage", json={"id": "m-1", "text": "the street is flooding"})
    assert client.get("/v1/contacts/m-1").json()["contact"]["decision"]["service_type"] == "water.main_break"
    assert decided(client, 1, **body).json()["service_type"] == "waste.dumping"


def test_a_type_that_nobody_saw_is_not_accepted(client: TestClient) -> None:
    check_problem(decided(client, 0, action="accept"), 422, "no service type to accept")


@pytest.mark.parametrize(("seen", "status"), [("*", 201), ('"9"', 412), ("1", 422), ('W/"1"', 422), ('"1", "2"', 422)])
def test_if_match_is_one_tag_of_the_contact_or_any(client: TestClient, seen: str, status: int) -> None:
    assert decided(client, seen, action="close").status_code == status


def test_an_idempotent_decision_is_made_once(client: TestClient) -> None:
    headers = {"If-Match": '"1"', "Idempotency-Key": "k"}
    first, second = (
        client.post("/v1/contacts/m-1/decisions", json={"action": "close"}, headers=headers) for _ in range(2)
    )
    assert (second.status_code, second.content) == (201, first.content)
    assert client.get("/v1/contacts/m-1").headers["etag"] == '"2"'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"action": "override"}, "needs a service_type or an urgency"),
        ({"action": "override", "service_type": "no.such"}, "none of the city's"),
        ({"action": "reroute"}, "department is missing"),
        ({"action": "reroute", "department": "Moon"}, "they are"),
        ({"action": "answer_used"}, "article_id is missing"),
        ({"action": "close", "service_type": "waste.bulky"}, "close takes no service_type"),
        ({"action": "undo", "urgency": "low", "department": "Parks"}, "undo takes no department, urgency"),
        ({"action": "close", "note": " "}, "note is empty"),
        ({"action": "policy"}, "action"),
        ({}, "action is missing"),
    ],
)
def test_a_decision_that_says_too_little_or_too_much_is_refused(
    client: TestClient, body: dict[str, str], said: str
) -> None:
    check_problem(decided(client, 1, **body), 422, said)
    assert client.get("/v1/contacts/m-1").headers["etag"] == '"1"'


def test_a_contact_has_one_agent_at_a_time(store: SqlTriageStore, client_at: object, key_of: object) -> None:
    agent, lead = key_of(Role.AGENT), key_of(Role.LEAD)  # type: ignore[operator]
    with client_at(key=agent) as client:  # type: ignore[operator]
        made(client, "m-2")
        assert client.put("/v1/contacts/m-2/claim").json()["agent"] == "the agent"
        assert client.put("/v1/contacts/m-2/claim").status_code == 200
        assert [claim["message_id"] for claim in client.get("/v1/claims").json()] == ["m-2"]
        check_problem(client.delete("/v1/contacts/m-2/claim", params={"force": True}), 403, "ask a lead")
        as_lead = {"Authorization": f"Bearer {lead}"}
        check_problem(client.put("/v1/contacts/m-2/claim", headers=as_lead), 409)
        check_problem(client.delete("/v1/contacts/m-2/claim", headers=as_lead), 409)
        forced = client.delete("/v1/contacts/m-2/claim", params={"force": True}, headers=as_lead)
        assert forced.status_code == 204
        assert client.get("/v1/claims").json() == []
        assert client.delete("/v1/contacts/m-2/claim").status_code == 204


@pytest.mark.parametrize("action", ["close", "accept", "undo"])
def test_a_claimed_contact_is_decided_by_its_agent_alone(
    client: TestClient, store: SqlTriageStore, action: str
) -> None:
    store.claims.claim("m-1", "ana")
    check_problem(decided(client, 1, action=action), 409, "another agent works on this contact")
    assert client.get("/v1/contacts/m-1").headers["etag"] == '"1"'
    store.claims.release("m-1", "ana")
    client.put("/v1/contacts/m-1/claim")
    assert decided(client, 1, action=action).status_code == 201


def test_who_may_only_read_decides_nothing(client_at: object, key_of: object) -> None:
    with client_at(key=key_of(Role.AUDITOR)) as client:  # type: ignore[operator]
        check_problem(decided(client, 1, action="close"), 403, Right.DECIDE)
        check_problem(client.get("/v1/labels"), 403, Right.LABEL)
        assert client.get("/v1/overview").status_code == 200
