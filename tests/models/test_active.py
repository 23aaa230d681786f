"""The labelling queue: what a label teaches most, each message once, without personal data."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.active import Why, disagreeing, labelling_queue, save_label, unlabelled, words_alone
from tests.fakes import DIM, FakeClassifier, fake_parts, shipped_taxonomy
from triage.errors import DataError, NotFound
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store
from triage.store.labels import LabelSource
from triage.store.models import Disagreement, ModelRole
from triage.types import Decision, Message, Mode


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as opened:
        for probability in (0.3, 0.5, 0.7, 0.9):
            classifier = FakeClassifier({"couch": "waste.dumping"}, probability=probability)
            pipeline = Pipeline(fake_parts(classifier=classifier))
            messages = [Message(id=f"m-{probability}-{n}", text=f"couch {n} at {probability}") for n in range(3)]
            for message in messages:
                opened.save([(message, pipeline.triage(message))])
        yield opened


def kept(text: str) -> str:
    return text


def test_decided_and_labelled_messages_are_not_asked_again(store: SqlTriageStore) -> None:
    assert len(unlabelled(store)) == 12
    save_label(store, shipped_taxonomy(), "m-0.3-0", "waste.bulky", by="ana")
    store.decide("m-0.9-2", Decision(mode=Mode.SUGGEST, service_type="waste.bulky", department="W"), "jo", 1)
    left = [contact.message.id for contact in unlabelled(store)]
    assert len(left) == 10
    assert {"m-0.3-0", "m-0.9-2"}.isdisjoint(left)
    assert [contact.message.id for contact in unlabelled(store, newest=2)] == ["m-0.9-1"]


def test_the_queue_takes_a_third_of_each_kind_each_message_once(store: SqlTriageStore) -> None:
    others = {"m-0.5-0": "waste.bulky", "m-0.9-0": "waste.bulky", "m-0.7-0": "waste.bulky"}
    queue = labelling_queue(unlabelled(store), 9, others=others, mask=kept)
    by_why = {why: [item.message_id for item in queue if item.why is why] for why in Why}
    assert by_why[Why.UNCERTAIN][:2] == ["m-0.3-0", "m-0.3-1"]
    assert by_why[Why.DISAGREEING][:2] == ["m-0.9-0", "m-0.7-0"]
    assert len({item.message_id for item in queue}) == 9
    assert [item.why for item in queue[:3]] == [Why.UNCERTAIN, Why.DISAGREEING, Why.RANDOM]
    assert next(item.other for item in queue if item.message_id == "m-0.9-0") == "waste.bulky"
    assert queue == labelling_queue(unlabelled(store), 9, others=others, mask=kept)
    assert queue != labelling_queue(unlabelled(store), 9, others=others, mask=kept, seed=1)


def test_where_a_kind_has_too_few_the_others_have_more(store: SqlTriageStore) -> None:
    queue = labelling_queue(unlabelled(store), 50, others={}, mask=lambda _: "[masked]")
    assert len(queue) == 12
    assert {item.why for item in queue} == {Why.UNCERTAIN, Why.RANDOM}
    assert {item.text for item in queue} == {"[masked]"}
    assert labelling_queue((), 5, others={}, mask=kept) == ()


def test_a_label_is_kept_with_its_person_and_a_slip_is_refused_with_what_is_near(store: SqlTriageStore) -> None:
    save_label(store, shipped_taxonomy(), "m-0.3-1", "waste.bulky", by="ana")
    [label] = store.labels.list()
    assert (label.message_id, label.label, label.labelled_by, label.source) == (
        "m-0.3-1",
        "waste.bulky",
        "ana",
        LabelSource.QUEUE,
    )
    with pytest.raises(DataError, match=r"'waste.bulkey' is no service type of the city's; near: waste.bulky"):
        save_label(store, shipped_taxonomy(), "m-0.3-1", "waste.bulkey", by="ana")
    with pytest.raises(NotFound):
        save_label(store, shipped_taxonomy(), "none", "waste.bulky", by="ana")


def test_a_second_model_is_the_one_in_shadow_or_the_words_alone(store: SqlTriageStore) -> None:
    contacts = unlabelled(store)
    assert words_alone(FakeClassifier({"couch": "waste.dumping"}), DIM, contacts) == {}
    assert words_alone(FakeClassifier({"couch 0": "waste.bulky", "couch": "waste.dumping"}), DIM, contacts) == {
        f"m-{probability}-0": "waste.bulky" for probability in (0.3, 0.5, 0.7, 0.9)
    }
    assert words_alone(FakeClassifier(), DIM, ()) == {}
    store.models.register(id="b", kind="classifier", folder="b", digest=b"b", meta={}, by="ana")
    store.models.activate("b", "ana", role=ModelRole.SHADOW)
    found = Disagreement(
        triage_id=store.triage_of("m-0.7-1").id,
        candidate="b",
        active_label="waste.dumping",
        active_probability=0.7,
        candidate_label="waste.cart",
        candidate_probability=0.6,
    )
    store.models.disagree([found])
    assert disagreeing(store, "b", contacts) == {"m-0.7-1": "waste.cart"}
    assert disagreeing(store, "b", contacts[:1]) == disagreeing(store, None, contacts) == {}
