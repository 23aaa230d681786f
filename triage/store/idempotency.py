"""Idempotency keys: the same request twice gets the first answer (IETF draft-ietf-httpapi-idempotency-key-header)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, select, update

from triage.errors import IdempotencyConflict, IdempotencyInProgress
from triage.store.database import insert_new
from triage.store.documents import json_object, to_json
from triage.store.identity import name_key
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema_service import idempotency_keys as keys

LEASE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """The first answer to a request, byte for byte."""

    status: int
    answer: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class IdempotencyStore(Resource):
    """Requests by key, shared by all processes."""

    def begin(self, key: str, request_digest: bytes, *, lease: timedelta = LEASE) -> KeptAnswer | None:
        """Return the first answer to a request, or None where the caller has to give it.

        Args:
            key: The caller and the caller's key, joined, so that two callers never share one.
            request_digest: Digest of method, path and body.
            lease: How long the caller may take before a repetition may begin anew.

        Raises:
            IdempotencyConflict: If the key came with another request.
            IdempotencyInProgress: If the first request has not been answered yet.
        """
        now = self._now()
        with self._database.writing() as connection:
            if _insert(connection, key, request_digest, now, now + lease):
                return None
            row = connection.execute(select(keys).where(_is(key)).with_for_update()).one()
            if bytes(row.request_digest) != request_digest:
                raise IdempotencyConflict("the idempotency key came with another request: use a new key for each")
            if row.status is not None:
                return KeptAnswer(status=row.status, answer=bytes(row.answer), headers=json_object(row.headers))
            if row.leased_until > now:
                raise IdempotencyInProgress("the first request with this idempotency key is under way: repeat it later")
            connection.execute(update(keys).where(_is(key)).values(leased_until=now + lease))
            return None

    def finish(
        self,
        key: str,
        *,
        status: int,
        answer: bytes,
        headers: Mapping[str, str] | None = None,
        message_id: str | None = None,
    ) -> None:
        """Keep the answer that `begin` asked for; an answer that is kept already stays.

        Args:
            key: As it was given to `begin`.
            status: HTTP status.
            answer: The body, byte for byte.
            headers: Headers that are part of it.
            message_id: The message that it is about: the answer is deleted with its contact.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.writing() as connection:
            values = {
                "status": status,
                "answer": answer,
                "headers": to_json(headers or {}),
                "contact_id": None if message_id is None else contact_id_of(connection, message_id),
            }
            connection.execute(update(keys).where(_is(key), keys.c.status.is_(None)).values(values))

    def abandon(self, key: str) -> None:
        """Forget a request that failed, so that a repetition begins anew; one that was answered stays."""
        with self._database.writing() as connection:
            connection.execute(delete(keys).where(_is(key), keys.c.status.is_(None)))

    def purge(self, before: datetime) -> int:
        """Delete the keys of before a moment, and return how many there were."""
        with self._database.writing() as connection:
            return connection.execute(delete(keys).where(keys.c.created_at < before)).rowcount


def _is(key: str) -> ColumnElement[bool]:
    return keys.c.key_digest == name_key(key)


def _insert(connection: Connection, key: str, request_digest: bytes, now: datetime, leased_until: datetime) -> bool:
    row = {
        "key_digest": name_key(key),
        "request_digest": request_digest,
        "leased_until": leased_until,
        "created_at": now,
    }
    return insert_new(connection, keys, row, "key_digest")
