"""A translation that nobody waits for and that does not come is not given up with the first try."""

from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import FailingTranslator, fake_parts
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore


def test_a_later_translation_that_fails_stays_pending_for_the_backlog(store: SqlTriageStore) -> None:
    pipeline = Pipeline(fake_parts(translator=FailingTranslator()))
    with TestClient(create_app(pipeline, store)) as client:
        body = {"id": "m-1", "text": "dejaron basura en la calle", "channel": "call"}
        assert client.post("/v1/triage", json=body).json()["translation"]["status"] == "pending"
    assert [each.answer["translation"]["status"] for each in store.triages_of("m-1")] == ["pending"]
    assert store.work.waiting() == 1
