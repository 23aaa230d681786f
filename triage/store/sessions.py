"""Sessions of people who signed in, shared by all processes; also the state of a sign-in that is under way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select

from triage.store.documents import json_object, to_json
from triage.store.resource import Resource
from triage.store.schema_service import sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """Who is signed in, as what, until when.

    Attributes:
        subject: The person's lasting identity at the identity provider.
        name: What a console shows.
        role: The role in which the person acts.
        data: What the sign-in needs to remember, JSON values.
        created_at: When the session began.
        expires_at: When it ends by itself.
    """

    subject: str
    name: str
    role: str
    data: Mapping[str, Any]
    created_at: datetime
    expires_at: datetime


class SessionStore(Resource):
    """Sessions by the digest of their random token; the token itself is not kept."""

    def open(
        self,
        *,
        digest: bytes,
        subject: str,
        name: str,
        role: str,
        expires_at: datetime,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin a session."""
        row = {
            "digest": digest,
            "subject": subject,
            "name": name,
            "role": role,
            "data": to_json(data or {}),
            "created_at": self._now(),
            "expires_at": expires_at,
        }
        with self._database.writing() as connection:
            connection.execute(insert(sessions).values(row))

    def find(self, digest: bytes) -> StoredSession | None:
        """Return a session; None where there is none or it has ended."""
        with self._database.reading() as connection:
            row = connection.execute(select(sessions).where(sessions.c.digest == digest)).one_or_none()
        return self._unexpired(row)

    def take(self, digest: bytes) -> StoredSession | None:
        """Return a session and end it, so that nobody else gets it: what a sign-in remembers is good for once."""
        with self._database.writing() as connection:
            row = connection.execute(delete(sessions).where(sessions.c.digest == digest).returning(sessions))
            return self._unexpired(row.one_or_none())

    def close(self, digest: bytes) -> None:
        """End a session; one that has ended stays so."""
        self._delete(sessions.c.digest == digest)

    def close_all(self, subject: str) -> int:
        """End every session of a person, and return how many there were."""
        return self._delete(sessions.c.subject == subject)

    def purge(self) -> int:
        """Delete what has expired, and return how many sessions that were."""
        return self._delete(sessions.c.expires_at <= self._now())

    def _delete(self, chosen: ColumnElement[bool]) -> int:
        with self._database.writing() as connection:
            return connection.execute(delete(sessions).where(chosen)).rowcount

    def _unexpired(self, row: Row[Any] | None) -> StoredSession | None:
        if row is None or row.expires_at <= self._now():
            return None
        return StoredSession(
            subject=row.subject,
            name=row.name,
            role=row.role,
            data=json_object(row.data),
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
