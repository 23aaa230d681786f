"""A candidate in shadow looks at what was answered, in no request's way, and its disagreements are kept."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from models.fitting import Recipe
from models.shadow import ShadowReport, ShadowWatch, shadow_report
from models.training import train
from tests.fakes import FakeClassifier, FakeEncoder, fake_parts
from tests.models.samples import examples
from triage.errors import ModelError, NotFound, StoreError
from triage.pipeline import Pipeline
from triage.protocols import Classifier
from triage.store import SqlTriageStore, open_store
from triage.store.models import ModelRole
from triage.types import Decision, Language, Message, Mode, Vectors
from wiring import Settings, build_shadow, open_registry

OTHER = FakeClassifier({"couch": "waste.bulky", "street": "water.main_break"}, probability=0.7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as opened:
        for name in ("b", "c"):
            opened.models.register(id=name, kind="classifier", folder=name, digest=name.encode(), meta={}, by="ana")
        yield opened


def answer(store: SqlTriageStore, *texts: str) -> None:
    messages = [Message(id=f"m-{store.counts().contacts + i}", text=text) for i, text in enumerate(texts)]
    store.save(list(zip(messages, Pipeline(fake_parts()).triage_batch(messages), strict=True)))


def watch(store: SqlTriageStore, model: Classifier = OTHER) -> ShadowWatch:
    return ShadowWatch(store, "classifier", FakeEncoder(), open_model=lambda _: model, every_s=0.01)


def test_only_what_came_since_is_looked_at_and_each_answer_once(store: SqlTriageStore) -> None:
    answer(store, "a couch from before")
    looking = watch(store)
    assert looking.look() == 0
    store.models.activate("b", "ana", role=ModelRole.SHADOW)
    answer(store, *(f"couch {number}" for number in range(70)), "water in the street")
    assert [looking.look(), looking.look()] == [70, 0]
    answer(store, "one more couch")
    assert looking.look() == 1
    assert watch(store).look() == 71  # another process, or the service after a restart, adds nothing twice
    [(message_id, newest), *rest] = store.models.disagreements("b", limit=1_000)
    assert (message_id, len(rest)) == ("m-72", 70)
    assert (newest.active_label, newest.candidate_label, newest.candidate_probability) == (
        "waste.dumping",
        "waste.bulky",
        0.7,
    )


def test_the_report_says_whom_people_prove_right(store: SqlTriageStore) -> None:
    with pytest.raises(NotFound, match="no model is in shadow"):
        shadow_report(store, "classifier")
    store.models.activate("b", "ana", role=ModelRole.SHADOW)
    answer(store, "couch", "couch too", "couch again", "water in the street")
    watch(store).look()
    for message_id, code in (("m-0", "waste.bulky"), ("m-1", "waste.dumping")):
        decision = Decision(mode=Mode.SUGGEST, service_type=code, department="Waste", reasons=())
        store.decide(message_id, decision, "jo", store.contact_of(message_id).version)
    report = shadow_report(store, "classifier")
    assert report == ShadowReport(
        candidate="b",
        since=report.since,
        contacts=4,
        disagreements=3,
        decided=2,
        active_right=1,
        candidate_right=1,
        pairs=(("waste.dumping", "waste.bulky", 3),),
    )


def test_the_watch_follows_the_role_in_a_thread_of_its_own(store: SqlTriageStore) -> None:
    answer(store)
    looking = watch(store)
    looking.start()
    store.models.activate("b", "ana", role=ModelRole.SHADOW)
    answer(store, "couch")
    until = time.monotonic() + 10
    while not store.models.disagreements("b") and time.monotonic() < until:
        time.sleep(0.01)
    store.models.activate("b", "ana", role=ModelRole.RETIRED)
    looking.stop()
    assert len(store.models.disagreements("b")) == 1
    answer(store, "another couch")
    assert looking.look() == 0


def test_a_candidate_that_cannot_be_opened_is_logged_and_not_tried_again(store: SqlTriageStore) -> None:
    tried: list[str] = []

    def refuse(model_id: str) -> Classifier:
        tried.append(model_id)
        raise ModelError("the hash is another")

    looking = ShadowWatch(store, "classifier", FakeEncoder(), open_model=refuse)
    store.models.activate("b", "ana", role=ModelRole.SHADOW)
    with pytest.raises(ModelError):
        looking.look()
    assert (looking.look(), tried) == (0, ["b"])
    store.models.activate("c", "ana", role=ModelRole.SHADOW)
    with pytest.raises(ModelError):
        looking.look()
    assert tried == ["b", "c"]


def test_the_service_lets_the_registered_candidate_look_on(store: SqlTriageStore, tmp_path: Path) -> None:
    settings, pipeline = Settings(home=tmp_path), Pipeline(fake_parts())
    registry = open_registry(settings, store, pipeline.parts.taxonomy, FakeEncoder.version)
    train(examples(), FakeEncoder(), tmp_path / "m", Recipe(vector_weights=(1.0,), temperature=0.5), lambda *_: None)
    model_id = registry.register(tmp_path / "m", "ana")
    registry.shadow(model_id, "ana")
    answer(store, "the dog next door barks all night", "someone dumped a couch behind my house")
    assert build_shadow(settings, store, pipeline).look() == 1
    [(_, found)] = store.models.disagreements(model_id)
    assert (found.active_label, found.candidate_label) == ("city.other", "animal.barking")
    assert registry.end_shadow("ana") == model_id
    assert build_shadow(settings, store, pipeline).look() == 0


def test_a_look_that_fails_half_way_is_made_again_from_its_beginning(store: SqlTriageStore) -> None:
    class FailsOnce(FakeEncoder):
        calls = 0

        def encode(self, texts: Sequence[str], languages: Sequence[Language] = ()) -> Vectors:
            self.calls += 1
            if self.calls == 2:
                raise StoreError("database is locked")
            return super().encode(texts, languages)

    looking = ShadowWatch(store, "classifier", FailsOnce(), open_model=lambda _: OTHER)
    store.models.activate("b", "ana", role=ModelRole.SHADOW)
    answer(store, *(f"couch {number}" for number in range(100)))
    with pytest.raises(StoreError):
        looking.look()
    looking.look()
    assert len(store.models.disagreements("b", limit=1_000)) == 100
