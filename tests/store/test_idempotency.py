"""The same request twice gets the first answer, whoever answers it."""

from datetime import timedelta

import pytest

from tests.store.clock import Clock
from tests.store.samples import GRAFFITI, message_of, triage_of
from triage.errors import IdempotencyConflict, IdempotencyInProgress
from triage.store import SqlTriageStore
from triage.store.idempotency import KeptAnswer

ASKED, OTHER = b"digest of the request", b"digest of another"


def test_a_repeated_request_gets_the_first_answer_byte_for_byte(timed: SqlTriageStore) -> None:
    timed.receive([(message_of("m-1"), None)])
    keys = timed.idempotency
    assert keys.begin("k-1:a", ASKED) is None
    keys.finish("k-1:a", status=201, answer=b"\x00{}", headers={"ETag": '"1"'}, message_id="m-1")
    keys.finish("k-1:a", status=500, answer=b"later")
    assert keys.begin("k-1:a", ASKED) == KeptAnswer(status=201, answer=b"\x00{}", headers={"ETag": '"1"'})
    assert keys.begin("k-2:a", ASKED) is None


def test_a_key_with_another_request_is_refused(timed: SqlTriageStore) -> None:
    timed.idempotency.begin("a", ASKED)
    with pytest.raises(IdempotencyConflict, match="came with another request"):
        timed.idempotency.begin("a", OTHER)


def test_a_request_under_way_is_refused_until_its_lease_ends(timed: SqlTriageStore, clock: Clock) -> None:
    timed.idempotency.begin("a", ASKED)
    with pytest.raises(IdempotencyInProgress, match="under way"):
        timed.idempotency.begin("a", ASKED)
    clock.pass_by(minutes=1)
    assert timed.idempotency.begin("a", ASKED) is None


def test_a_request_that_failed_may_begin_anew(timed: SqlTriageStore) -> None:
    timed.idempotency.begin("a", ASKED)
    timed.idempotency.abandon("a")
    assert timed.idempotency.begin("a", OTHER) is None
    timed.idempotency.finish("a", status=200, answer=b"")
    timed.idempotency.abandon("a")
    assert timed.idempotency.begin("a", OTHER) == KeptAnswer(status=200, answer=b"")


def test_old_keys_are_purged(timed: SqlTriageStore, clock: Clock) -> None:
    timed.idempotency.begin("a", ASKED)
    clock.pass_by(days=30)
    timed.idempotency.begin("b", ASKED)
    assert timed.idempotency.purge(clock.now - timedelta(days=29)) == 1
    assert timed.idempotency.begin("a", OTHER) is None


def test_the_same_message_twice_keeps_the_first_answer(store: SqlTriageStore) -> None:
    message = message_of("<1@example.org>")
    assert store.first_answer(message) is None
    first = store.save_once(message, triage_of(message.id))
    again = store.save_once(message, triage_of(message.id, GRAFFITI))
    assert again == first == store.first_answer(message)
    assert (store.counts().contacts, store.counts().triages, store.counts().decisions) == (1, 1, 1)


def test_another_text_under_the_same_id_has_an_answer_of_its_own(store: SqlTriageStore) -> None:
    store.save_once(message_of("m-1", "one"), triage_of("m-1"))
    later = store.save_once(message_of("m-1", "two"), triage_of("m-1", GRAFFITI))
    assert (later.revision, later.answer["decision"]["service_type"]) == (2, "graffiti.removal")
    assert store.save_once(message_of("m-1", "one"), triage_of("m-1", GRAFFITI)).revision == 1
    assert store.counts().triages == 2


def test_a_triage_of_another_message_is_not_stored(store: SqlTriageStore) -> None:
    with pytest.raises(ValueError, match="m-1 is paired with the triage of m-2"):
        store.save_once(message_of("m-1"), triage_of("m-2"))
    assert store.counts().contacts == 0
