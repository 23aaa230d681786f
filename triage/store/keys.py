"""API keys: only their digests are kept, with what they allow and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from triage.errors import NotFound
from triage.store.database import insert_row
from triage.store.documents import json_strings, to_json
from triage.store.resource import Resource
from triage.store.schema_service import api_keys as keys

_STAMP_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key without its secret.

    Attributes:
        id: Names it in commands and in the audit.
        prefix: Its first characters, to recognize it by.
        name: What it is for.
        role: The role that it acts in.
        scopes: What it may do.
        created_by: Who made it.
        created_at: When.
        expires_at: From when on it is refused; None where it does not expire.
        revoked_at: When it was revoked; None where it was not.
        last_used_at: When it was last used, to the minute; None where it never was.
    """

    id: int
    prefix: str
    name: str
    role: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def is_valid_at(self, moment: datetime) -> bool:
        """Tell whether the key opens anything at a moment."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)


class KeyStore(Resource):
    """API keys by the digest of their secret."""

    def add(
        self,
        *,
        digest: bytes,
        prefix: str,
        name: str,
        role: str,
        scopes: Sequence[str],
        created_by: str,
        expires_at: datetime | None,
    ) -> StoredKey:
        """Store a new key.

        Args:
            digest: SHA-256 of the secret, which must be random: 32 bytes of it need no slow hash.
            prefix: Its first characters.
            name: What it is for.
            role: The role that it acts in.
            scopes: What it may do.
            created_by: Who makes it.
            expires_at: From when on it is refused; None for never.
        """
        row = {
            "digest": digest,
            "prefix": prefix,
            "name": name,
            "role": role,
            "scopes": to_json(tuple(scopes)),
            "created_by": created_by,
            "created_at": self._now(),
            "expires_at": expires_at,
        }
        with self._database.writing() as connection:
            key_id = insert_row(connection, keys, row)
            return _key_of(connection, key_id)

    def find(self, digest: bytes) -> StoredKey | None:
        """Return the valid key of a secret's digest; None where there is none, or it has expired or was revoked."""
        now = self._now()
        with self._database.reading() as connection:
            row = connection.execute(select(keys).where(keys.c.digest == digest)).one_or_none()
        found = _key(row) if row else None
        if found is None or not found.is_valid_at(now):
            return None
        if found.last_used_at is None or now - found.last_used_at >= _STAMP_EVERY:
            with self._database.writing() as connection:
                connection.execute(update(keys).where(keys.c.id == found.id).values(last_used_at=now))
        return found

    def list(self) -> tuple[StoredKey, ...]:
        """Return every key, newest first."""
        with self._database.reading() as connection:
            return tuple(_key(row) for row in connection.execute(select(keys).order_by(keys.c.id.desc())))

    def any_active(self) -> bool:
        """Tell whether any key opens anything now."""
        is_valid = keys.c.revoked_at.is_(None) & (keys.c.expires_at.is_(None) | (keys.c.expires_at > self._now()))
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(keys).where(is_valid)).scalar_one() > 0

    def revoke(self, key_id: int) -> StoredKey:
        """Refuse a key from now on; one that is revoked stays as it is.

        Raises:
            NotFound: If no key has that number.
        """
        with self._database.writing() as connection:
            _key_of(connection, key_id)
            unrevoked = (keys.c.id == key_id) & keys.c.revoked_at.is_(None)
            connection.execute(update(keys).where(unrevoked).values(revoked_at=self._now()))
            return _key_of(connection, key_id)


def _key_of(connection: Connection, key_id: int) -> StoredKey:
    row = connection.execute(select(keys).where(keys.c.id == key_id)).one_or_none()
    if row is None:
        raise NotFound(f"no API key has the number {key_id}")
    return _key(row)


def _key(row: Row[Any]) -> StoredKey:
    return StoredKey(
        id=row.id,
        prefix=row.prefix,
        name=row.name,
        role=row.role,
        scopes=json_strings(row.scopes),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
