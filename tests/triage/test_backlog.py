"""What was stored and not answered is triaged by whoever comes by, once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import FailingTranslator, FailingTripwire, FakeTranslator, fake_parts
from tests.store.clock import Clock
from tests.store.samples import message_of, triage_of
from triage.backlog import LEFT_AFTER, MOST_TRIES, Backlog
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store
from triage.store.pending import LEASE
from triage.types import Message, Translation, TranslationStatus

BASURA = "dejaron basura en la calle"
PENDING = Translation(status=TranslationStatus.PENDING)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}", now=clock) as opened:
        yield opened


def backlog_of(store: SqlTriageStore, **parts: object) -> Backlog:
    return Backlog(store.work, Pipeline(fake_parts(**parts)))


def save_pending(store: SqlTriageStore) -> Message:
    message = message_of("m-1", BASURA)
    store.save([(message, replace(triage_of("m-1"), translation=PENDING))])
    return message


def test_only_what_was_left_is_triaged(store: SqlTriageStore, clock: Clock) -> None:
    store.receive([(message_of("m-1"), b"raw")])
    assert backlog_of(store).work_off() == 0
    clock.now += LEFT_AFTER
    store.receive([(message_of("m-2"), None)])
    assert backlog_of(store).work_off() == 1
    assert store.triage_of("m-1").answer["message_id"] == "m-1"
    assert store.work.waiting() == 1


def test_a_pending_translation_waits_in_the_store_and_comes_as_a_further_answer(
    store: SqlTriageStore, clock: Clock
) -> None:
    save_pending(store)
    assert store.work.waiting() == 1
    clock.now += LEFT_AFTER
    assert backlog_of(store, translator=FakeTranslator({BASURA: "they left trash"})).work_off() == 1
    answers = [stored.answer["translation"]["status"] for stored in store.triages_of("m-1")]
    assert (answers, store.work.waiting()) == (["pending", "machine"], 0)


def test_a_translation_that_does_not_come_stays_pending_for_some_tries(store: SqlTriageStore, clock: Clock) -> None:
    save_pending(store)
    clock.now += LEFT_AFTER
    backlog = backlog_of(store, translator=FailingTranslator())
    for _ in range(MOST_TRIES - 1):
        assert (backlog.work_off(), store.work.waiting()) == (0, 1)
        clock.now += LEASE
    assert (backlog.work_off(), store.work.waiting()) == (1, 0)
    answers = [stored.answer["translation"]["status"] for stored in store.triages_of("m-1")]
    assert answers == ["pending", "unavailable"]


def test_the_process_that_translates_at_once_leaves_nothing_to_others(store: SqlTriageStore, clock: Clock) -> None:
    message = save_pending(store)
    store.save([(message, triage_of("m-1"))])
    clock.now += LEFT_AFTER
    assert backlog_of(store).work_off() == 0


def test_a_text_that_cannot_be_triaged_holds_up_no_other_and_stays(store: SqlTriageStore, clock: Clock) -> None:
    store.receive([(message_of("m-1", "poison"), None), (message_of("m-2"), None)])
    clock.now += LEFT_AFTER
    assert backlog_of(store, tripwire=FailingTripwire("poison")).work_off() == 1
    assert store.triage_of("m-2").answer["message_id"] == "m-2"
    assert store.work.waiting() == 1
