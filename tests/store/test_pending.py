"""Texts that wait for triage: each leased to one worker, none lost, none answered twice."""

from tests.store.clock import Clock
from tests.store.samples import POTHOLE, message_of, pair_of, triage_of
from triage.store import SqlTriageStore


def receive(store: SqlTriageStore, number: int) -> None:
    """Receive messages one after the other, so that they wait in this order."""
    for each in range(number):
        store.receive([(message_of(f"m-{each}"), None)])


def test_what_is_received_waits_until_it_has_an_answer(store: SqlTriageStore) -> None:
    store.receive([(message_of("m-1"), b"raw"), (message_of("m-2"), None)])
    store.receive([(message_of("m-1"), None)])
    assert store.work.waiting() == 2
    store.save([pair_of("m-1")])
    store.receive([(message_of("m-1"), None)])
    assert [item.message for item in store.work.claim("a")] == [message_of("m-2")]


def test_two_workers_never_get_the_same_text(timed: SqlTriageStore) -> None:
    receive(timed, 5)
    first, second = timed.work.claim("a", limit=3), timed.work.claim("b", limit=3)
    ids = [item.message.id for item in (*first, *second)]
    assert ids == ["m-0", "m-1", "m-2", "m-3", "m-4"]
    assert timed.work.claim("c") == []


def test_a_worker_that_hands_in_too_late_is_told_and_nothing_is_doubled(timed: SqlTriageStore, clock: Clock) -> None:
    timed.receive([(message_of("m-1"), None)])
    timed.work.claim("a")
    clock.pass_by(minutes=2)
    [item] = timed.work.claim("b")
    assert (item.attempts, item.leased_until > clock.now) == (2, True)
    assert timed.work.finish("a", [pair_of("m-1")]) == [False]
    assert timed.work.finish("b", [pair_of("m-1")]) == [True]
    assert timed.work.finish("b", [pair_of("m-1")]) == [False]
    assert timed.work.finish("b", []) == []
    assert (timed.counts().triages, timed.work.waiting()) == (1, 0)


def test_of_a_batch_only_the_workers_own_texts_are_stored(timed: SqlTriageStore) -> None:
    receive(timed, 3)
    timed.work.claim("a", limit=2)
    timed.work.claim("b", limit=2)
    assert timed.work.finish("a", [pair_of(f"m-{number}") for number in range(3)]) == [True, True, False]
    assert timed.counts().triages == 2


def test_what_could_not_be_triaged_comes_after_what_was_tried_less(timed: SqlTriageStore) -> None:
    receive(timed, 2)
    [item] = timed.work.claim("a", limit=1)
    assert timed.work.fail("b", item, "ComponentError") is False
    assert timed.work.fail("a", item, "ComponentError") is True
    assert [timed.work.claim("a", limit=1)[0].message.id for _ in range(2)] == ["m-1", "m-0"]


def test_an_answer_to_a_contact_that_a_person_decided_is_a_suggestion(timed: SqlTriageStore) -> None:
    timed.receive([(message_of("m-1"), None)])
    timed.work.claim("a")
    decided = timed.decide("m-1", POTHOLE, "ada", 0)
    timed.work.finish("a", [(message_of("m-1"), triage_of("m-1"))])
    assert timed.contact_of("m-1").decision == decided
    assert timed.triage_of("m-1").suggestion is True
