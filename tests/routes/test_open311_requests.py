"""Requests over GeoReport: shown whatever has become of the city's rules, filtered before the list is cut."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import create_app
from routes import open311_requests
from tests.fakes import fake_parts, shipped_taxonomy
from tests.routes.test_open311 import COUCH, post
from tests.routes.test_open311 import client as client
from triage.channels.open311 import PREFIX
from triage.pipeline import Pipeline
from triage.store import Action, SqlTriageStore, Status
from triage.store.incidents import IncidentStore, Pause
from triage.taxonomy import Attribute, Datatype, Taxonomy
from triage.types import Decision, Message, Mode

KEPT = Decision(mode=Mode.ASK, service_type="waste.dumping", department="Solid waste")


def requests(client: TestClient, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/open311/v2/requests.json{query}")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()
    return rows


def posted(client: TestClient, **fields: str) -> str:
    [created] = post(client, **fields).json()
    name: str = created["service_request_id"]
    return name


def names(client: TestClient, query: str = "") -> list[str]:
    return [row["service_request_id"] for row in requests(client, query)]


def close(store: SqlTriageStore, name: str) -> None:
    store.decide(name, KEPT, "ada", 1, action=Action.CLOSE, status=Status.CLOSED)


def other_city(store: SqlTriageStore, taxonomy: Taxonomy) -> TestClient:
    return TestClient(create_app(Pipeline(replace(fake_parts(), taxonomy=taxonomy)), store))


def test_a_request_of_a_type_that_the_city_removed_is_shown_under_the_catch_all(
    client: TestClient, store: SqlTriageStore
) -> None:
    name, other = posted(client), posted(client, service_code="streets.pothole")
    city = shipped_taxonomy()
    left = Taxonomy(tuple(each for each in city.service_types if each.code != "waste.dumping"), city.version)
    with other_city(store, left) as later:
        rows = {row["service_request_id"]: row for row in requests(later)}
        assert later.get(f"/open311/v2/requests/{name}.json").json() == [rows[name]]
    assert (rows[name]["service_code"], rows[other]["service_code"]) == ("city.other", "streets.pothole")
    assert (rows[name]["description"], rows[name]["address"]) == ("a couch on the curb", "2210 Florin Rd")


def test_a_request_of_before_a_question_became_required_is_shown(client: TestClient, store: SqlTriageStore) -> None:
    name = posted(client)
    city = shipped_taxonomy()
    new = Attribute(code="color", question="Which color?", datatype=Datatype.STRING, required=True)
    asked = replace(city["waste.dumping"], attributes=(new,))
    types = tuple(asked if each.code == "waste.dumping" else each for each in city.service_types)
    with other_city(store, Taxonomy(types, city.version)) as later:
        [row] = requests(later)
    assert (row["service_request_id"], row["service_code"]) == (name, "waste.dumping")


@pytest.mark.parametrize("raw", [None, b"\xff", b'{"text": "two couches"}'])
def test_a_later_text_that_came_without_a_form_is_shown_as_it_is(
    client: TestClient, store: SqlTriageStore, raw: bytes | None
) -> None:
    name = posted(client, service_code="streets.pothole")
    store.receive([(Message(id=name, text="two couches"), raw)])
    [row] = requests(client)
    assert (row["description"], row["service_code"], row["address"]) == ("two couches", "streets.pothole", None)


def test_what_a_form_may_not_bring_is_not_shown(client: TestClient, store: SqlTriageStore) -> None:
    raw = b"service_code=waste.dumping&media_url=javascript:1&lat=nan&long=181"
    store.receive([(Message(id=f"{PREFIX}1", text="x"), raw)])
    [row] = requests(client)
    assert (row["media_url"], row["lat"], row["long"], row["description"]) == (None, None, None, "")


@pytest.fixture
def _two_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open311_requests, "MAX_REQUESTS", 2)
    monkeypatch.setattr(open311_requests, "PAGE", 2)


@pytest.mark.usefixtures("_two_at_most")
def test_filters_look_behind_the_newest_that_do_not_fit(client: TestClient, store: SqlTriageStore) -> None:
    old, hole = posted(client, description="the oldest"), posted(client, service_code="streets.pothole")
    newest = [posted(client, description=f"couch {number}") for number in range(3)]
    for name in newest:
        close(store, name)
    assert names(client) == [newest[2], newest[1]]
    assert names(client, "?status=open") == [hole, old]
    assert names(client, "?status=closed") == [newest[2], newest[1]]
    assert names(client, "?status=open,closed") == [newest[2], newest[1]]
    assert names(client, "?service_code=streets.pothole") == [hole]
    assert names(client, f"?service_request_id={','.join([*newest, old])}&status=open") == [old]


def test_what_came_in_elsewhere_is_not_listed(client: TestClient) -> None:
    for name in ("m-1", "O311-1"):
        client.post("/v1/contacts", json={"id": name, "text": COUCH["description"]})
    assert requests(client) == []


class CountedPauses(IncidentStore):
    """Counts how often it is asked for pauses."""

    asked = 0

    def pauses(self, message_id: str) -> tuple[Pause, ...]:
        raise AssertionError("pauses were asked for one by one")

    def pauses_of(self, message_ids: Sequence[str]) -> Mapping[str, tuple[Pause, ...]]:
        self.asked += 1
        return super().pauses_of(message_ids)


def test_pauses_are_read_once_and_a_paused_request_has_no_due_time(client: TestClient, store: SqlTriageStore) -> None:
    waiting, other = posted(client), posted(client, description="another couch")
    store.incidents.pause(waiting, "asked for the address")
    store.incidents = counted = CountedPauses(store.incidents._database, now=store.incidents._now)
    due = {row["service_request_id"]: row["expected_datetime"] for row in requests(client)}
    assert (due[waiting], counted.asked) == (None, 1)
    assert due[other] is not None


def test_what_residents_ask_for_is_kept_by_no_cache(client: TestClient) -> None:
    name = posted(client)
    for path in ("requests.json", f"requests/{name}.xml", "requests/none.json"):
        assert client.get(f"/open311/v2/{path}").headers["cache-control"] == "no-store"
