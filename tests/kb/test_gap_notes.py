from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.gap_notes import note_search, note_triages
from tests.fakes import FakeEntityFinder, fake_parts
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store
from triage.types import AnswerStatus, EntityKind, Message, SearchResult

ENTITIES = FakeEntityFinder({"2210 Florin Rd": EntityKind.ADDRESS, "555-0142": EntityKind.PHONE})
PIPELINE = Pipeline(fake_parts(entities=ENTITIES))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


def test_what_was_not_answered_is_noted_masked_with_type_and_language(store: SqlTriageStore) -> None:
    asked = Message(id="m-1", text="Hello, who mows 2210 Florin Rd? call 555-0142")
    answered = Message(id="m-2", text="someone dumped a couch")
    wordless = Message(id="m-3", text="?!")
    pairs = [(message, PIPELINE.triage(message)) for message in (asked, answered, wordless)]
    store.save(pairs)
    note_triages(store.gaps, pairs)
    (noted,) = store.gaps.unclustered()
    assert noted.query == "who mows [address]? call [phone]"
    assert (noted.language, noted.status, noted.service_type) == ("en", AnswerStatus.NONE, "city.other")


def test_a_search_without_an_answer_is_noted(store: SqlTriageStore) -> None:
    question = "who mows 2210 Florin Rd"
    note_search(store.gaps, question, SearchResult(), entities=ENTITIES.find(question), language="en")
    note_search(store.gaps, "x", SearchResult(status=AnswerStatus.ANSWER), entities=(), language="en")
    assert [one.query for one in store.gaps.unclustered()] == ["who mows [address]"]


def test_a_message_that_is_not_stored_stops_nothing(store: SqlTriageStore) -> None:
    message = Message(id="never stored", text="who mows here")
    note_triages(store.gaps, [(message, PIPELINE.triage(message))])
    assert store.gaps.unclustered() == ()
