"""Two agents never work on one contact."""

from datetime import timedelta

import pytest

from tests.store.clock import Clock
from tests.store.samples import message_of
from triage.errors import ClaimConflict, NotFound
from triage.store import SqlTriageStore


@pytest.fixture(autouse=True)
def _stored(timed: SqlTriageStore) -> None:
    timed.receive([(message_of("m-1"), None), (message_of("m-2"), None)])


def test_the_second_agent_is_told_until_when_the_first_works_on_it(timed: SqlTriageStore) -> None:
    timed.claims.claim("m-1", "ada")
    with pytest.raises(ClaimConflict, match="another agent works on this contact until 09:15 UTC"):
        timed.claims.claim("m-1", "ben")
    assert [claim.agent for claim in timed.claims.active()] == ["ada"]


def test_a_claim_that_is_renewed_keeps_its_beginning(timed: SqlTriageStore, clock: Clock) -> None:
    first = timed.claims.claim("m-1", "ada")
    clock.pass_by(minutes=10)
    again = timed.claims.claim("m-1", "ada")
    assert (again.claimed_at, again.expires_at) == (first.claimed_at, clock.now + timedelta(minutes=15))


def test_an_expired_claim_is_none(timed: SqlTriageStore, clock: Clock) -> None:
    timed.claims.claim("m-1", "ada")
    clock.pass_by(minutes=15)
    assert timed.claims.of("m-1") is None
    assert timed.claims.active() == ()
    assert timed.claims.claim("m-1", "ben").claimed_at == clock.now


def test_only_the_agent_or_force_gives_a_contact_back(timed: SqlTriageStore) -> None:
    timed.claims.claim("m-1", "ada")
    timed.claims.claim("m-2", "ada")
    assert timed.claims.release("m-1", "ben") is False
    assert timed.claims.release("m-1", "ada") is True
    assert timed.claims.release("m-2", "lead", force=True) is True
    assert timed.claims.active() == ()


def test_claims_are_told_to_every_console(timed: SqlTriageStore) -> None:
    before = timed.events.last()
    timed.claims.claim("m-1", "ada")
    timed.claims.claim("m-1", "ada")
    timed.claims.release("m-1", "ada")
    told = [(event.kind.value, event.message_id, event.detail) for event in timed.events.since(before)]
    assert told == [("claimed", "m-1", {"agent": "ada"}), ("released", "m-1", {"agent": "ada"})]


def test_a_claim_needs_a_contact_and_a_name(timed: SqlTriageStore) -> None:
    with pytest.raises(NotFound, match="no message m-9"):
        timed.claims.claim("m-9", "ada")
    with pytest.raises(ValueError, match="needs the name"):
        timed.claims.claim("m-1", "")
