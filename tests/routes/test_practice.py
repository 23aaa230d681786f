"""Contacts to practice on, and how the service does."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import fake_parts
from tests.routes.resources import decided, made
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as opened:
        yield opened


def test_practice_holds_decided_contacts_masked_then_samples_as_they_are(client: TestClient) -> None:
    made(client, "real-open", text="a couch at 1 Elm St")
    made(client, "real-decided", text="a couch at 2210 Florin Rd")
    decided(client, 1, "real-decided", action="override", service_type="waste.bulky", urgency="high", note="a favor")
    made(client, "sample-005", text="2210 Florin Rd, a couch")
    first, second = client.get("/v1/practice").json()
    assert (first["message_id"], first["text"], first["note"]) == ("real-decided", "a couch at [address]", "a favor")
    assert (first["service_type"], first["urgency"], first["decided_by_person"]) == ("waste.bulky", "high", True)
    assert first["suggested"] == "waste.dumping"
    assert (second["message_id"], second["text"]) == ("sample-005", "2210 Florin Rd, a couch")
    assert (second["service_type"], second["decided_by_person"]) == ("waste.dumping", False)
    assert len(client.get("/v1/practice", params={"limit": 1}).json()) == 1


def test_practice_writes_nothing(client: TestClient, store: SqlTriageStore) -> None:
    made(client, "sample-005")
    before = store.counts()
    client.get("/v1/practice")
    assert store.counts() == before


def test_the_system_report_tells_what_waits_what_failed_and_how_fast(client: TestClient) -> None:
    assert client.get("/v1/overview/system").json() == {
        "waiting": 0, "deliveries": {"due": 0, "sent": 0, "dead": 0}, "looked_at": 0, "degraded": {},
        "half_ms": None, "most_ms": None,
    }  # fmt: skip
    made(client)
    told = client.get("/v1/overview/system").json()
    assert (told["looked_at"], told["degraded"]) == (1, {})
    assert 0 < told["half_ms"] == told["most_ms"]


def test_days_tell_their_channels(client: TestClient) -> None:
    made(client, "m-1", channel="email")
    made(client, "m-2", channel="sms")
    assert client.get("/v1/overview", params={"days": 2}).json()["days"][-1]["channels"] == {"email": 1, "sms": 1}


def test_a_question_that_is_still_being_typed_is_no_gap(client: TestClient, store: SqlTriageStore) -> None:
    client.get("/v1/kb/search", params={"q": "drone perm", "typing": True})
    assert store.gaps.unclustered() == ()
