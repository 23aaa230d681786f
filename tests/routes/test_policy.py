"""What may run unattended: measured, switched with a reason, never to auto without evidence."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import fake_parts
from tests.routes.conftest import Clients
from tests.routes.resources import check_problem, decided, made
from triage.access import Role
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore

CELL = {"service_type": "waste.dumping", "mode": "preselect", "reason": "agents changed 1 of 4"}


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as opened:
        yield opened


def review(client: TestClient, accepted: int, overridden: int) -> None:
    for number in range(accepted + overridden):
        made(client, f"m-{number}")
        chosen = {"action": "accept"} if number < accepted else {"action": "override", "service_type": "waste.bulky"}
        assert decided(client, 1, f"m-{number}", **chosen).status_code == 201


def test_each_type_tells_its_mode_its_coverage_and_its_precision(client: TestClient) -> None:
    review(client, accepted=3, overridden=1)
    client.put("/v1/policy/cells", json=CELL | {"language": "es", "threshold": 0.8})
    told = client.get("/v1/policy").json()
    rows = {(row["service_type"], row["language"]): row for row in told["measures"]}
    dumping = rows["waste.dumping", ""]
    assert (dumping["mode"], dumping["contacts"], dumping["by_mode"]) == ("suggest", 3, {"suggest": 3})
    assert (dumping["decided"], dumping["overridden"], dumping["coverage"]) == (4, 1, 0.0)
    assert (dumping["precision"], dumping["precision_low"]) == (0.75, 0.3006)
    spanish = rows["waste.dumping", "es"]
    assert (spanish["mode"], spanish["threshold"], spanish["decided"]) == ("preselect", 0.8, 0)
    assert (spanish["precision"], spanish["contacts"], spanish["coverage"]) == (None, 0, None)


def test_a_switch_is_kept_with_its_reason_and_what_was_measured(client: TestClient) -> None:
    review(client, accepted=3, overridden=1)
    cell = client.put("/v1/policy/cells", json=CELL).json()
    assert (cell["mode"], cell["reason"], cell["set_by"]) == ("preselect", "agents changed 1 of 4", "local")
    assert cell["evidence"] == {"days": 14, "decided": 4, "overridden": 1, "precision": 0.75, "precision_low": 0.3006}
    assert client.get("/v1/policy").json()["history"] == [cell]


def test_auto_mode_is_not_granted_on_little_evidence(client: TestClient) -> None:
    review(client, accepted=4, overridden=0)
    refused = client.put("/v1/policy/cells", json=CELL | {"mode": "auto"})
    check_problem(refused, 422, "people left 4 of 4 suggestions as they were, which is 51.0%")
    check_problem(
        client.put("/v1/policy/cells", json={"mode": "auto", "reason": "x", "language": "so"}), 422, "unknown"
    )


def test_auto_mode_is_granted_where_enough_was_left_as_it_was(client: TestClient) -> None:
    review(client, accepted=35, overridden=0)
    assert client.put("/v1/policy/cells", json=CELL | {"mode": "auto"}).json()["evidence"]["precision_low"] == 0.9011
    assert client.get("/v1/policy").json()["measures"][0]["mode"] == "auto"


def test_a_switch_without_a_reason_or_of_no_type_is_refused(client: TestClient) -> None:
    check_problem(client.put("/v1/policy/cells", json=CELL | {"reason": " "}), 422, "reason")
    check_problem(client.put("/v1/policy/cells", json=CELL | {"service_type": "no.such"}), 422, "none of the city's")
    check_problem(client.put("/v1/policy/cells", json=CELL | {"mode": "ask"}), 422, "mode")


@pytest.mark.parametrize("language", ["ES", "zh", "es-MX", "und", "tlh"])
def test_a_switch_for_a_language_that_no_message_is_told_to_be_in_is_refused(client: TestClient, language: str) -> None:
    refused = client.put("/v1/policy/cells", json=CELL | {"mode": "off", "language": language})
    check_problem(refused, 422, "they are en, es, zh-Hans, zh-Hant, yue, vi")
    assert client.get("/v1/policy").json()["history"] == []


def test_a_lead_sees_the_policy_and_an_analyst_switches_it(client_at: Clients, key_of: Callable[..., str]) -> None:
    with client_at(key=key_of(Role.LEAD)) as lead:
        assert lead.get("/v1/policy").status_code == 200
        check_problem(lead.put("/v1/policy/cells", json=CELL), 403, "models:write")
    with client_at(key=key_of(Role.ANALYST)) as analyst:
        assert analyst.put("/v1/policy/cells", json=CELL).json()["set_by"] == "the analyst"
