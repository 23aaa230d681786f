"""The same text again: the same answer, or which version changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes import FakeClassifier, fake_parts
from tests.store.samples import message_of
from triage.pipeline import Pipeline
from triage.replay import Replay, replay
from triage.store import SqlTriageStore, open_store
from triage.types import Prediction, Vectors

MESSAGE = message_of("m-1", "There is a deep pothole at 9th and Oak, call 916-555-0123.")


@dataclass(frozen=True)
class OtherClassifier:
    """Says something else, as another version or, wrongly, as the same one."""

    version: str

    def classify(self, texts: list[str], vectors: Vectors) -> list[tuple[Prediction, ...]]:
        return [(Prediction(label="trees.hazard", probability=0.9),) for _ in texts]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        opened.save([(MESSAGE, Pipeline(fake_parts()).triage(MESSAGE))])
        yield opened


def replayed(store: SqlTriageStore, **parts: object) -> Replay:
    message, stored = store.triaged("m-1")
    return replay(message, stored, Pipeline(fake_parts(**parts)))


def test_the_same_parts_give_the_same_answer(store: SqlTriageStore) -> None:
    result = replayed(store)
    assert (result.is_same, result.is_explained, result.changed_versions) == (True, True, ())


def test_another_answer_is_explained_by_the_version_that_changed(store: SqlTriageStore) -> None:
    result = replayed(store, classifier=OtherClassifier("other-2"))
    assert result.changed_versions == (("classifier", FakeClassifier().version, "other-2"),)
    assert "service_types" in result.changed_fields
    assert (result.is_same, result.is_explained) == (False, True)


def test_another_answer_of_the_same_versions_is_not_explained(store: SqlTriageStore) -> None:
    result = replayed(store, classifier=OtherClassifier(FakeClassifier().version))
    assert (result.changed_versions, result.is_explained) == ((), False)
