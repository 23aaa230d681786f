"""Open311 GeoReport v2 over HTTP: both formats, the caller's choice, errors in the standard's own shape."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from defusedxml import ElementTree
from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import fake_parts
from tests.routes.conftest import Clients
from triage.access import Role
from triage.channels.open311 import as_xml
from triage.channels.settings import ChannelSettings
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.types import Mode

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
COUCH = {"service_code": "waste.dumping", "address_string": "2210 Florin Rd", "description": "a couch on the curb"}


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    app = create_app(Pipeline(fake_parts()), store, channels=ChannelSettings(jurisdiction="lindero.example.org"))
    with TestClient(app) as opened:
        yield opened


def post(client: TestClient, suffix: str = "json", **fields: str) -> Any:  # noqa: ANN401
    return client.post(f"/open311/v2/requests.{suffix}", content=urlencode({**COUCH, **fields}), headers=FORM)


def test_services_are_the_taxonomys_in_both_formats(client: TestClient) -> None:
    rows = client.get("/open311/v2/services.json").json()
    tree = ElementTree.fromstring(client.get("/open311/v2/services.xml").content)
    assert [row["service_code"] for row in rows] == [node.text for node in tree.iter("service_code")]
    assert next(row for row in rows if row["service_code"] == "waste.missed") == {
        "service_code": "waste.missed",
        "service_name": "Missed collection",
        "description": "garbage, recycling or organics not picked up",
        "metadata": "true",
        "type": "realtime",
        "keywords": "waste,missed",
        "group": "waste",
    }


def test_a_definition_lists_questions_and_their_values(client: TestClient) -> None:
    tree = ElementTree.fromstring(client.get("/open311/v2/services/waste.missed.xml").content)
    assert tree.tag == "service_definition"
    cart = next(node for node in tree.iter("attribute") if node.findtext("code") == "cart")
    assert (cart.findtext("datatype"), cart.findtext("required")) == ("multivaluelist", "true")
    assert [node.text for node in cart.iter("key")] == ["garbage", "recycling", "organics"]


def test_a_request_is_triaged_kept_and_read_back(client: TestClient, store: SqlTriageStore) -> None:
    answer = post(client, first_name="Jo", api_key="", lat="38.5", long="-121.4")
    assert answer.status_code == 201
    [created] = answer.json()
    name = created["service_request_id"]
    contact = store.contact_of(name)
    assert contact.message.text == "a couch on the curb\n2210 Florin Rd"
    assert b"api_key" not in (contact.raw or b"")
    [row] = client.get(f"/open311/v2/requests/{name}.json").json()
    shown = (row["status"], row["service_code"], row["address"], row["lat"], row["long"], row["description"])
    assert shown == ("open", "waste.dumping", "2210 Florin Rd", 38.5, -121.4, "a couch on the curb")
    assert "Jo" not in str(row)
    assert client.get(f"/open311/v2/tokens/{name}.json").json() == [{"service_request_id": name, "token": name}]
    assert [each["service_request_id"] for each in client.get("/open311/v2/requests.json").json()] == [name]
    assert client.get("/open311/v2/requests.json?status=closed").json() == []
    assert client.get("/open311/v2/requests.json?service_code=waste.dumping,x").json() == [row]


def test_the_callers_service_stays_and_a_differing_prediction_is_a_flag(
    client: TestClient, store: SqlTriageStore
) -> None:
    [created] = post(client, service_code="streets.pothole").json()
    contact = store.contact_of(created["service_request_id"])
    assert contact.decision is not None
    assert contact.decision.decision.service_type == "streets.pothole"
    assert contact.decision.decision.mode is Mode.ASK
    assert (
        contact.decision.decision.reasons[-1] == "the caller chose streets.pothole; the classifier says waste.dumping"
    )
    assert contact.triage is not None
    assert contact.triage.answer["service_types"][0]["code"] == "waste.dumping"


def test_a_danger_is_answered_with_the_line_to_call(client: TestClient) -> None:
    [created] = post(client, description="a couch and a gas smell").json()
    assert created["service_notice"] == "This may be an emergency: call 911 now."


COORDINATES = "lat and long must both be degrees (WGS 84), lat in [-90, 90] and long in [-180, 180]"


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"service_code": ""}, 400, ["service_code is missing"]),
        ({"service_code": "001"}, 404, ["service_code is unknown; GET /services lists all"]),
        ({"address_string": ""}, 400, ["a place is missing: send lat and long, address_string or address_id"]),
        ({"lat": "95", "long": "1"}, 400, [COORDINATES]),
        ({"lat": "nan", "long": "1"}, 400, [COORDINATES]),
        ({"description": "x" * 4_001}, 400, ["description is too long: at most 4,000 characters are read"]),
        ({"media_url": "javascript:1"}, 400, ["media_url must be an address that begins with https:// or http://"]),
        ({"attribute[no]": "x"}, 400, ["attribute is unknown to waste.dumping; its definition lists all"]),
        (
            {"service_code": "waste.missed", "attribute[cart]": "pink"},
            400,
            ["attribute[cart] must be one of garbage, recycling, organics"],
        ),
        ({"service_code": "waste.missed"}, 400, ["attribute[cart] is required"]),
        (
            {"jurisdiction_id": "elsewhere"},
            404,
            ["jurisdiction_id is unknown; this service has one jurisdiction, leave it out"],
        ),
    ],
)
def test_a_broken_rule_is_an_error_of_the_standard(
    client: TestClient, store: SqlTriageStore, fields: dict[str, str], status: int, said: list[str]
) -> None:
    answer = post(client, **fields)
    assert answer.status_code == status
    assert answer.json() == [{"code": str(status), "description": each} for each in said]
    tree = ElementTree.fromstring(post(client, "xml", **fields).content)
    assert [node.text for node in tree.iter("description")] == said
    assert store.counts().contacts == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("services/no.such.json", 404),
        ("services.csv", 404),
        ("requests/o311-none.json", 404),
        ("requests.json?status=done", 400),
        ("requests.json?start_date=yesterday", 400),
        ("requests.json?start_date=2026-01-01T00:00:00", 400),
        ("requests.json?start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z", 400),
        ("requests.json?start_date=2026-02-01T00:00:00Z&end_date=2026-01-01T00:00:00Z", 400),
    ],
)
def test_what_cannot_be_read_says_so(client: TestClient, path: str, status: int) -> None:
    assert client.get(f"/open311/v2/{path}").status_code == status


def test_a_key_is_asked_for_and_its_right_too(client_at: Clients, key_of: Callable[..., str]) -> None:
    with client_at() as client:
        assert client.get("/open311/v2/services.json").status_code == 200
        nobody = post(client)
        assert (nobody.status_code, nobody.json()[0]["code"]) == (403, "403")
        assert post(client, api_key=key_of(Role.ANALYST)).status_code == 403
        assert post(client, api_key=key_of(Role.SERVICE)).status_code == 201
        assert client.get("/open311/v2/requests.json").status_code == 403


def test_xml_holds_any_text_without_harm() -> None:
    tree = ElementTree.fromstring(as_xml("errors", "error", [{"code": "400", "description": "<b>&\x00\ud800 é"}]))
    assert tree.findtext("error/description") == "<b>& \ufffd é"


def test_a_request_that_comes_again_is_one_request_with_the_first_answer(
    client: TestClient, store: SqlTriageStore
) -> None:
    first, again = (post(client, description="a couch and a gas smell") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.json()[0]["service_notice"] == "This may be an emergency: call 911 now."
    assert store.counts().contacts == 1
    assert post(client, description="another couch").json() != first.json()


def test_a_request_under_a_key_is_the_same_however_much_later(client: TestClient, store: SqlTriageStore) -> None:
    def posted(**fields: str) -> Any:  # noqa: ANN401
        headers = {**FORM, "Idempotency-Key": "k-1"}
        return client.post("/open311/v2/requests.json", content=urlencode({**COUCH, **fields}), headers=headers)

    first = posted().json()
    assert posted().json() == first
    assert store.counts().contacts == 1
    other = posted(description="else")
    assert other.status_code == 400
    assert other.json()[0]["description"] == "the Idempotency-Key came with another request; use a new key for each"
    assert store.counts().contacts == 1
