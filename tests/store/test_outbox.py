"""Deliveries: written with their decision, sent until they arrive or are given up."""

from datetime import timedelta

import pytest

from tests.store.clock import Clock
from tests.store.samples import POTHOLE, message_of, pair_of
from triage.errors import DecisionConflict, NotFound
from triage.store import SqlTriageStore
from triage.store.deliveries import Delivery, DeliveryState

TICKET = Delivery(key="zendesk:m-1:1", target="zendesk", kind="ticket.update", payload={"tags": ["pothole", "é\x00"]})


def test_a_delivery_is_written_with_the_decision_that_causes_it(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.decide("m-1", POTHOLE, "ada", 1, deliveries=[TICKET])
    [stored] = store.outbox.of("m-1")
    assert (stored.delivery, stored.message_id, stored.decision_version) == (TICKET, "m-1", 2)
    assert (stored.state, stored.attempts) == (DeliveryState.DUE, 0)


def test_a_decision_that_is_refused_delivers_nothing(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.decide("m-1", POTHOLE, "ada", 1)
    with pytest.raises(DecisionConflict):
        store.decide("m-1", POTHOLE, "ben", 1, deliveries=[TICKET])
    assert store.outbox.list() == ()


def test_the_same_key_twice_is_one_delivery(store: SqlTriageStore) -> None:
    store.receive([(message_of("m-1"), None)])
    store.outbox.add([TICKET, TICKET], message_id="m-1")
    store.outbox.add([TICKET])
    assert [stored.message_id for stored in store.outbox.list()] == ["m-1"]


def test_two_workers_never_get_the_same_delivery(timed: SqlTriageStore, clock: Clock) -> None:
    timed.outbox.add([Delivery(key=str(number), target="crm", kind="case") for number in range(5)])
    first, second = timed.outbox.claim("a", limit=3), timed.outbox.claim("b", limit=3)
    assert (len(first), len(second)) == (3, 2)
    assert {stored.id for stored in first} & {stored.id for stored in second} == set()
    assert timed.outbox.claim("c") == ()


def test_a_worker_that_dies_loses_its_delivery_to_another(timed: SqlTriageStore, clock: Clock) -> None:
    timed.outbox.add([TICKET])
    [held] = timed.outbox.claim("a")
    clock.pass_by(minutes=2)
    [taken] = timed.outbox.claim("b")
    assert (taken.id, taken.attempts) == (held.id, 2)
    assert timed.outbox.sent("a", held.id) is False
    assert timed.outbox.sent("b", held.id, "ticket 7") is True
    [stored] = timed.outbox.list(DeliveryState.SENT)
    assert (stored.answer, stored.finished_at) == ("ticket 7", clock.now)
    assert timed.outbox.sent("b", held.id) is False


def test_what_failed_is_tried_again_when_its_time_has_come(timed: SqlTriageStore, clock: Clock) -> None:
    timed.outbox.add([TICKET])
    [held] = timed.outbox.claim("a")
    assert timed.outbox.failed("a", held.id, "timeout", retry_at=clock.now + timedelta(minutes=5))
    assert timed.outbox.claim("a") == ()
    clock.pass_by(minutes=5)
    [again] = timed.outbox.claim("a")
    assert (again.attempts, again.last_error) == (2, "timeout")


def test_a_dead_letter_is_listed_and_retried(timed: SqlTriageStore) -> None:
    timed.outbox.add([TICKET])
    [held] = timed.outbox.claim("a")
    timed.outbox.failed("a", held.id, "HTTP 410", retry_at=None)
    assert timed.outbox.counts() == {DeliveryState.DUE: 0, DeliveryState.SENT: 0, DeliveryState.DEAD: 1}
    assert timed.outbox.claim("a") == ()
    timed.outbox.retry(held.id)
    assert [stored.id for stored in timed.outbox.claim("b")] == [held.id]
    timed.outbox.failed("b", held.id, "HTTP 410", retry_at=None)
    assert timed.outbox.retry_dead() == 1


@pytest.mark.parametrize(("claims", "after"), [(0, 0), (1, 1), (4, 1)])
def test_a_retry_gives_new_tries_and_knows_whether_there_were_any(
    timed: SqlTriageStore, clock: Clock, claims: int, after: int
) -> None:
    timed.outbox.add([TICKET])
    for _ in range(claims):
        timed.outbox.claim("a")
        clock.pass_by(minutes=2)
    [stored] = timed.outbox.list()
    timed.outbox.retry(stored.id)
    assert [(stored.attempts, again.attempts) for again in timed.outbox.list()] == [(claims, after)]


def test_a_reply_to_a_resident_does_not_wait_for_a_forward_that_is_stuck(timed: SqlTriageStore, clock: Clock) -> None:
    """What no decision causes comes in order among its own kind alone."""
    timed.receive([(message_of("m-1"), None)])
    for key, kind in (("f-1", "mail.forward"), ("r-1", "mail.reply"), ("r-2", "mail.reply")):
        timed.outbox.add([Delivery(key=key, target="smtp", kind=kind)], message_id="m-1")
    [forward] = timed.outbox.claim("a", limit=1)
    timed.outbox.failed("a", forward.id, "SMTP 452", retry_at=clock.now + timedelta(hours=1))
    assert [stored.delivery.key for stored in timed.outbox.claim("b")] == ["r-1"]


def test_what_decisions_cause_waits_for_all_before_it_whatever_its_kind(timed: SqlTriageStore) -> None:
    timed.save([pair_of("m-1")])
    for version, kind in ((1, "send"), (2, "withdraw")):
        timed.decide("m-1", POTHOLE, "ada", version, deliveries=[Delivery(key=kind, target="crm", kind=kind)])
    assert [stored.delivery.kind for stored in timed.outbox.claim("a")] == ["send"]


def test_what_was_answered_to_a_part_is_kept_while_the_rest_is_due(timed: SqlTriageStore, clock: Clock) -> None:
    timed.receive([(message_of("m-1"), None)])
    timed.outbox.add([TICKET], message_id="m-1")
    [held] = timed.outbox.claim("a")
    timed.outbox.note(held.id, "7", "7")
    timed.outbox.failed("a", held.id, "timeout", retry_at=clock.now)
    [again] = timed.outbox.claim("b")
    assert (again.state, again.answer) == (DeliveryState.DUE, "7")
    assert [(link.system, link.external_id) for link in timed.links.of("m-1")] == [("zendesk", "7")]


def test_what_was_sent_is_not_retried(timed: SqlTriageStore) -> None:
    timed.outbox.add([TICKET])
    [held] = timed.outbox.claim("a")
    timed.outbox.sent("a", held.id)
    with pytest.raises(NotFound, match=f"no delivery {held.id} waits"):
        timed.outbox.retry(held.id)
