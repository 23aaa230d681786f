"""Keys for programs: 256 random bits that are shown once; the database keeps their SHA-256.

A fast hash is right here: nobody can try out 2^256 secrets, and slow ones (argon2, bcrypt) protect passwords that
people choose. The beginning of a key is kept in clear, so that a list can tell one from another.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final

from triage.access import Actor, Kind, Right, Role, read_roles, read_scopes, rights_of
from triage.errors import DataError, Unauthenticated
from triage.store.keys import KeyStore, StoredKey

MARK: Final = "t311_"  # so that a scanner of leaked secrets can tell what it found
SHOWN: Final = len(MARK) + 6


def digest_of(secret: str) -> bytes:
    """Return the SHA-256 of a key or of a session's id: what is stored instead of it."""
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


def create_key(
    keys: KeyStore, *, name: str, role: Role, scopes: Iterable[Right], expires_at: datetime | None, created_by: str
) -> tuple[StoredKey, str]:
    """Store a new key.

    Args:
        keys: Where it is kept.
        name: What uses it; decisions and the audit trail say it.
        role: What it may do.
        scopes: Rights that it is narrowed to; all of the role's where there are none.
        expires_at: Aware; None for never.
        created_by: Who made it.

    Returns:
        The key as stored, and the secret, which cannot be had again.

    Raises:
        DataError: If the name is blank, or a scope is no right of the role.
    """
    wanted = tuple(scopes)
    beyond = [scope for scope in wanted if scope not in rights_of([role])]
    if beyond:
        raise DataError(f"the scopes of a key are rights of its role; {role} has no {', '.join(beyond)}")
    if not name.strip():
        raise DataError("a key needs the name of what uses it, got a blank one")
    secret = MARK + secrets.token_urlsafe(32)
    stored = keys.add(
        digest=digest_of(secret),
        prefix=secret[:SHOWN],
        name=name,
        role=role.value,
        scopes=[scope.value for scope in wanted],
        created_by=created_by,
        expires_at=expires_at,
    )
    return stored, secret


def actor_of_key(keys: KeyStore, secret: str) -> Actor:
    """Return who a key stands for.

    Raises:
        Unauthenticated: If it is unknown, expired or revoked; which of them is not said.
    """
    stored = keys.find(digest_of(secret))
    if stored is None:
        raise Unauthenticated("this key is unknown, expired or revoked; have a new one made with `triage key create`")
    roles = read_roles([stored.role])
    return Actor(
        id=f"key:{stored.id}",
        name=stored.name,
        kind=Kind.KEY,
        roles=roles,
        rights=rights_of(roles, read_scopes(stored.scopes)),
    )
