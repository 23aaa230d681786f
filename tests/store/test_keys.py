"""API keys, sessions and the audit."""

from datetime import timedelta

import pytest

from tests.store.clock import Clock
from triage.errors import NotFound
from triage.store import SqlTriageStore
from triage.store.keys import StoredKey

DIGEST = b"sha-256 of a secret"


def add(store: SqlTriageStore, clock: Clock, digest: bytes = DIGEST) -> StoredKey:
    return store.keys.add(
        digest=digest,
        prefix="tri_1a2b",
        name="crm",
        role="service",
        scopes=["triage", "contacts:read"],
        created_by="ada",
        expires_at=clock.now + timedelta(days=1),
    )


def test_a_key_is_found_by_its_digest_until_it_expires(timed: SqlTriageStore, clock: Clock) -> None:
    added = add(timed, clock)
    assert (added.id, added.scopes, added.role, added.last_used_at) == (1, ("triage", "contacts:read"), "service", None)
    assert timed.keys.find(DIGEST) == added
    assert timed.keys.find(b"another") is None
    clock.pass_by(days=1)
    assert timed.keys.find(DIGEST) is None
    assert timed.keys.any_active() is False


def test_a_revoked_key_opens_nothing_and_stays_in_the_list(timed: SqlTriageStore, clock: Clock) -> None:
    add(timed, clock)
    assert timed.keys.any_active() is True
    revoked = timed.keys.revoke(1)
    clock.pass_by(minutes=1)
    assert timed.keys.revoke(1) == revoked
    assert timed.keys.find(DIGEST) is None
    assert timed.keys.list() == (revoked,)
    with pytest.raises(NotFound, match="no API key has the number 2"):
        timed.keys.revoke(2)


def test_use_is_stamped_at_most_once_a_minute(timed: SqlTriageStore, clock: Clock) -> None:
    add(timed, clock)
    first = clock.now
    for seconds in (0, 30, 29):
        clock.pass_by(seconds=seconds)
        timed.keys.find(DIGEST)
    assert timed.keys.list()[0].last_used_at == first
    clock.pass_by(seconds=1)
    timed.keys.find(DIGEST)
    assert timed.keys.list()[0].last_used_at == clock.now


def open_session(store: SqlTriageStore, clock: Clock, digest: bytes, subject: str = "s-1") -> None:
    expires_at = clock.now + timedelta(hours=8)
    store.sessions.open(
        digest=digest, subject=subject, name="Ada", role="agent", expires_at=expires_at, data={"csrf": "x"}
    )


def test_a_session_lasts_until_it_ends(timed: SqlTriageStore, clock: Clock) -> None:
    open_session(timed, clock, b"1")
    open_session(timed, clock, b"2")
    found = timed.sessions.find(b"1")
    assert found is not None
    assert (found.subject, found.name, found.role, found.data) == ("s-1", "Ada", "agent", {"csrf": "x"})
    timed.sessions.close(b"1")
    assert timed.sessions.find(b"1") is None
    clock.pass_by(hours=8)
    assert timed.sessions.find(b"2") is None
    assert timed.sessions.purge() == 1


def test_what_a_sign_in_remembers_is_good_for_once(timed: SqlTriageStore, clock: Clock) -> None:
    open_session(timed, clock, b"1")
    assert timed.sessions.take(b"1") is not None
    assert timed.sessions.take(b"1") is None


def test_every_session_of_a_person_ends_at_once(timed: SqlTriageStore, clock: Clock) -> None:
    for digest in (b"1", b"2"):
        open_session(timed, clock, digest)
    open_session(timed, clock, b"3", "s-2")
    assert timed.sessions.close_all("s-1") == 2
    assert timed.sessions.find(b"3") is not None


def test_the_audit_is_read_from_its_end(timed: SqlTriageStore) -> None:
    for number in range(4):
        timed.audit.record(
            actor="ada" if number % 2 else "ben",
            role="lead",
            action="notice.pin",
            target=f"notice:{number}",
            detail={"n": number},
        )
    timed.audit.record(actor="ada", role="agent", action="key.create", outcome="refused", request_id="r-1")
    newest = timed.audit.list(limit=2)
    assert [(entry.action, entry.outcome, entry.request_id) for entry in newest] == [
        ("key.create", "refused", "r-1"),
        ("notice.pin", "done", None),
    ]
    assert [entry.target for entry in timed.audit.list(before_id=newest[-1].id, actor="ada")] == ["notice:1"]
    assert [entry.detail for entry in timed.audit.list(action="notice.pin", limit=1)] == [{"n": 3}]
