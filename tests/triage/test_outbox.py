"""The worker's pace, and the threads that run it."""

import threading
from datetime import timedelta

import pytest

from tests.store.clock import Clock
from tests.store.samples import message_of
from triage.errors import DeliveryFailed
from triage.outbox import (
    FIRST_WAIT,
    LONGEST_PAUSE,
    LONGEST_WAIT,
    MAX_ATTEMPTS,
    OutboxWorker,
    Receipt,
    Sending,
    wait_after,
)
from triage.store import SqlTriageStore, open_store
from triage.store.deliveries import Delivery, DeliveryState, StoredDelivery


@pytest.mark.parametrize(
    ("attempts", "longest"), [(1, FIRST_WAIT), (2, 2 * FIRST_WAIT), (4, 8 * FIRST_WAIT), (99, LONGEST_WAIT)]
)
def test_waits_double_up_to_an_hour_and_differ_by_chance(attempts: int, longest: timedelta) -> None:
    assert wait_after(attempts, lambda: 0.0) == longest / 2
    assert wait_after(attempts, lambda: 0.5) == longest * 0.75


@pytest.mark.parametrize("asked_s", [1.76e15, float("inf")])
def test_no_receiver_gets_a_pause_of_more_than_a_day(store: SqlTriageStore, clock: Clock, asked_s: float) -> None:
    filled(store, "a")
    busy = Slow(clock, seconds=0, fails=DeliveryFailed("HTTP 503", retry_after_s=asked_s))
    assert OutboxWorker(store.outbox, "crm", busy, now=clock).work_off() == 0
    [stored] = store.outbox.list(DeliveryState.DUE)
    assert stored.next_attempt_at == clock.now + LONGEST_PAUSE


def test_a_dead_letter_that_is_retried_gets_tries_for_most_of_a_day_again(store: SqlTriageStore, clock: Clock) -> None:
    filled(store, "a")
    failing = Slow(clock, seconds=0, fails=DeliveryFailed("HTTP 500"))
    worker = OutboxWorker(store.outbox, "crm", failing, now=clock)

    def until_dead() -> int:
        before = len(failing.delivered)
        while store.outbox.counts()[DeliveryState.DUE]:
            worker.work_off()
            clock.pass_by(hours=1)
        return len(failing.delivered) - before

    assert until_dead() == MAX_ATTEMPTS
    assert store.outbox.retry_dead() == 1
    assert until_dead() == MAX_ATTEMPTS - 1


class Slow:
    """Brings everything over, taking its time; fails where it is told to."""

    def __init__(self, clock: Clock, seconds: float, fails: DeliveryFailed | None = None) -> None:
        self.delivered: list[str] = []
        self.event = threading.Event()
        self._clock = clock
        self._seconds = seconds
        self._fails = fails

    def deliver(self, stored: StoredDelivery) -> Receipt:
        self._clock.pass_by(seconds=self._seconds)
        self.delivered.append(stored.delivery.key)
        self.event.set()
        if self._fails:
            raise self._fails
        return Receipt(answer="done")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> SqlTriageStore:
    return open_store(f"sqlite:///{tmp_path_factory.mktemp('city') / 'city.db'}", now=clock)


def filled(store: SqlTriageStore, *keys: str, target: str = "crm") -> SqlTriageStore:
    for key in keys:
        store.receive([(message_of(key), None)])
        store.outbox.add([Delivery(key=key, target=target, kind="send")], message_id=key)
    return store


def test_what_would_outlast_the_lease_is_given_back_untouched(store: SqlTriageStore, clock: Clock) -> None:
    filled(store, "a", "b", "c", "d")
    slow = Slow(clock, seconds=70)
    worker = OutboxWorker(store.outbox, "crm", slow, now=clock)
    assert worker.work_off() == 4
    assert slow.delivered == ["a", "b", "c", "d"]
    assert {stored.attempts for stored in store.outbox.list(DeliveryState.SENT)} == {1}


def test_a_worker_sends_only_what_goes_to_its_system(store: SqlTriageStore, clock: Clock) -> None:
    filled(store, "a")
    filled(store, "b", target="other")
    slow = Slow(clock, seconds=0)
    assert OutboxWorker(store.outbox, "crm", slow, now=clock).work_off() == 1
    assert slow.delivered == ["a"]


def test_one_failure_holds_up_no_other_contact(store: SqlTriageStore, clock: Clock) -> None:
    filled(store, "a", "b")
    failing = Slow(clock, seconds=0, fails=DeliveryFailed("HTTP 500"))
    assert OutboxWorker(store.outbox, "crm", failing, now=clock).work_off() == 0
    assert failing.delivered == ["a", "b"]


def test_threads_send_until_they_are_stopped(store: SqlTriageStore, clock: Clock) -> None:
    transports = [Slow(clock, seconds=0), Slow(clock, seconds=0)]
    workers = [
        OutboxWorker(store.outbox, name, one, now=clock) for name, one in zip(("crm", "b"), transports, strict=True)
    ]
    sending = Sending(workers, every_s=0.01)
    sending.start()
    filled(store, "a")
    filled(store, "b", target="b")
    assert all(each.event.wait(10) for each in transports)
    sending.stop()
    assert store.outbox.counts()[DeliveryState.DUE] == 0
