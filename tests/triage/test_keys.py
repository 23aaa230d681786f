"""Keys: shown once, stored as digests, refused when they have expired, are revoked or were never made."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from triage.access import Kind, Right, Role, rights_of
from triage.errors import DataError, Unauthenticated
from triage.keys import actor_of_key, create_key
from triage.store import SqlTriageStore, open_store
from triage.store.keys import StoredKey

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}", now=clock) as opened:
        yield opened


def made(store: SqlTriageStore, *scopes: Right, name: str = "crm", role: Role = Role.SERVICE) -> tuple[StoredKey, str]:
    expires_at = NOON + timedelta(days=1)
    return create_key(store.keys, name=name, role=role, scopes=scopes, expires_at=expires_at, created_by="jo")


def test_a_key_has_256_random_bits_and_only_its_digest_is_stored(store: SqlTriageStore, tmp_path: Path) -> None:
    stored, secret = made(store)
    _, another = made(store)
    assert secret.startswith("t311_")
    assert len(secret) == len("t311_") + 43  # 32 bytes in base64 without padding
    assert secret != another
    assert stored.prefix == secret[:11]
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert secret.encode() not in written
    assert sha256(secret.encode()).digest() in written


def test_a_key_stands_for_its_name_role_and_scopes(store: SqlTriageStore) -> None:
    stored, secret = made(store, Right.TRIAGE)
    actor = actor_of_key(store.keys, secret)
    assert (actor.id, actor.name, actor.kind) == (f"key:{stored.id}", "crm", Kind.KEY)
    assert actor.roles == (Role.SERVICE,)
    assert actor.rights == {Right.TRIAGE}


def test_a_key_without_scopes_may_what_its_role_may(store: SqlTriageStore) -> None:
    _, secret = made(store, role=Role.AUDITOR)
    assert actor_of_key(store.keys, secret).rights == rights_of([Role.AUDITOR])


@pytest.mark.parametrize("wrong", ["", "t311_", "t311_" + "A" * 43, "Ω", "\udcff"])
def test_a_key_that_was_never_made_is_refused(store: SqlTriageStore, wrong: str) -> None:
    made(store)
    with pytest.raises(Unauthenticated, match=r"^this key is unknown, expired or revoked"):
        actor_of_key(store.keys, wrong)


def test_a_key_is_refused_from_the_moment_it_expires(store: SqlTriageStore, clock: Clock) -> None:
    _, secret = made(store)
    clock.now = NOON + timedelta(days=1) - timedelta(microseconds=1)
    assert actor_of_key(store.keys, secret).name == "crm"
    clock.now = NOON + timedelta(days=1)
    with pytest.raises(Unauthenticated):
        actor_of_key(store.keys, secret)


def test_a_revoked_key_is_refused(store: SqlTriageStore) -> None:
    stored, secret = made(store)
    store.keys.revoke(stored.id)
    with pytest.raises(Unauthenticated):
        actor_of_key(store.keys, secret)


def test_a_scope_beyond_the_role_and_a_blank_name_are_refused_and_nothing_is_stored(store: SqlTriageStore) -> None:
    with pytest.raises(DataError, match=r"are rights of its role; service has no models:write$"):
        made(store, Right.TRIAGE, Right.MODELS_WRITE)
    with pytest.raises(DataError, match="needs the name of what uses it"):
        made(store, name=" ")
    assert store.keys.list() == ()
