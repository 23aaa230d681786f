"""Models over HTTP: listed with their roles, activated for a reason, rolled back; what does not fit is refused."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from models.fitting import Recipe
from models.registry import Registry
from models.training import train
from tests.fakes import FakeEncoder, fake_parts, shipped_taxonomy
from tests.models.samples import examples
from tests.routes.conftest import Clients
from tests.routes.resources import check_problem
from triage.access import Role
from triage.cell_grants import set_grants
from triage.cells import CellMode
from triage.granting import Outcome, grants_by_language
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore

REASON = {"reason": "better on the week that was held out"}


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as opened:
        yield opened


@pytest.fixture
def registered(store: SqlTriageStore, tmp_path: Path) -> Callable[[int], str]:
    """Train and register a model of the first so many messages."""
    registry = Registry(
        log=store.models, home=tmp_path / "models", taxonomy=shipped_taxonomy(), encoder=FakeEncoder.version
    )

    def made(n: int) -> str:
        recipe = Recipe(vector_weights=(1.0,), temperature=0.5)
        train(examples()[:n], FakeEncoder(), tmp_path / f"trained-{n}", recipe, lambda *_: None)
        return registry.register(tmp_path / f"trained-{n}", "ana")

    return made


def roles(client: TestClient) -> dict[str, str]:
    return {each["id"]: each["role"] for each in client.get("/v1/models").json()}


def test_a_model_is_listed_activated_and_rolled_back(client: TestClient, registered: Callable[[int], str]) -> None:
    assert client.get("/v1/models").json() == []
    first, second = registered(36), registered(30)
    assert roles(client) == {first: "retired", second: "retired"}
    assert client.post(f"/v1/models/{first}/activate", json=REASON).json() == {"active": first}
    client.post(f"/v1/models/{second}/activate", json=REASON)
    assert roles(client) == {first: "retired", second: "active"}
    assert client.get(f"/v1/models/{first}/card").text.startswith(f"# Model {first}")
    assert client.post("/v1/models/rollback").json() == {"active": first}
    assert client.post("/v1/models/rollback").json() == {"active": None}


def test_the_reason_and_the_person_are_recorded(
    client: TestClient, registered: Callable[[int], str], store: SqlTriageStore
) -> None:
    client.post(f"/v1/models/{registered(36)}/activate", json=REASON)
    [given] = store.models.history("classifier")
    assert (given.reason, given.activated_by, given.forced) == (REASON["reason"], "local", False)


def test_what_is_not_registered_or_has_no_reason_is_refused(
    client: TestClient, registered: Callable[[int], str]
) -> None:
    check_problem(client.post("/v1/models/none/activate", json=REASON), 404, "no model is registered as none")
    check_problem(client.get("/v1/models/none/card"), 404)
    check_problem(client.post("/v1/models/rollback"), 404, "nothing to go back from")
    check_problem(client.post(f"/v1/models/{registered(36)}/activate", json={"reason": ""}), 422)


def test_a_model_that_does_not_fit_is_refused_and_the_active_one_goes_on(
    client: TestClient, registered: Callable[[int], str], store: SqlTriageStore
) -> None:
    first, second = registered(36), registered(30)
    client.post(f"/v1/models/{first}/activate", json=REASON)
    meta = Path(store.models.of(second).folder) / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text("utf-8")), "encoder": "other"}), encoding="utf-8")
    refused = client.post(f"/v1/models/{second}/activate", json=REASON)
    check_problem(refused, 422, "meta.json is not the one that was registered")
    assert roles(client)[first] == "active"


def test_there_is_no_way_back_to_a_model_that_does_not_fit_any_more(
    client: TestClient, registered: Callable[[int], str], store: SqlTriageStore
) -> None:
    first, second = registered(36), registered(30)
    for model_id in (first, second):
        client.post(f"/v1/models/{model_id}/activate", json=REASON)
    (Path(store.models.of(first).folder) / "meta.json").unlink()
    refused = client.post("/v1/models/rollback")
    check_problem(refused, 422, "is no model")
    assert "retry-after" not in refused.headers
    assert roles(client)[second] == "active"


def test_activation_takes_back_what_another_models_predictions_granted(
    client: TestClient, registered: Callable[[int], str], store: SqlTriageStore
) -> None:
    sure = [Outcome(truth="waste.bulky", said="waste.bulky", probability=0.995)] * 200
    set_grants(store.policy, grants_by_language(sure), mode=CellMode.AUTO, model="default", reason="measured", by="ana")
    client.post(f"/v1/models/{registered(36)}/activate", json=REASON)
    [cell] = store.policy.current()
    assert (cell.mode, cell.set_by) == ("suggest", "local")


def test_only_who_may_activates(
    client_at: Clients, key_of: Callable[..., str], registered: Callable[[int], str]
) -> None:
    model_id = registered(36)
    with client_at(key=key_of(Role.AUDITOR)) as auditor:
        assert len(auditor.get("/v1/models").json()) == 1
        check_problem(auditor.post(f"/v1/models/{model_id}/activate", json=REASON), 403)
    with client_at(key=key_of(Role.AGENT)) as agent:
        check_problem(agent.get("/v1/models"), 403)
    with client_at(key=key_of(Role.ANALYST)) as analyst:
        assert analyst.post(f"/v1/models/{model_id}/activate", json=REASON).json() == {"active": model_id}
