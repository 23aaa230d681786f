"""The audit: who did what, when, and what came of it. It is only ever added to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from triage.store.database import insert_row
from triage.store.documents import json_object, to_json
from triage.store.resource import Resource
from triage.store.schema_service import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did.

    Attributes:
        id: Grows with time.
        actor: A person's name or a key's.
        role: The role in which it was done.
        action: What was done, such as `notice.pin`.
        target: What it was done to; None where there is nothing to name.
        outcome: `done`, `refused` or `failed`.
        detail: JSON values; never what a resident wrote.
        request_id: The request's, for the logs.
        created_at: When.
    """

    id: int
    actor: str
    role: str
    action: str
    target: str | None
    outcome: str
    detail: Mapping[str, Any]
    request_id: str | None
    created_at: datetime


class AuditLog(Resource):
    """The audit's entries."""

    def record(
        self,
        *,
        actor: str,
        role: str,
        action: str,
        target: str | None = None,
        outcome: str = "done",
        detail: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> int:
        """Add an entry, and return its number."""
        row = {
            "actor": actor,
            "role": role,
            "action": action,
            "target": target,
            "outcome": outcome,
            "detail": to_json(detail or {}),
            "request_id": request_id,
            "created_at": self._now(),
        }
        with self._database.writing() as connection:
            return insert_row(connection, audit, row)

    def list(
        self,
        *,
        before_id: int | None = None,
        limit: int = 100,
        actor: str | None = None,
        action: str | None = None,
    ) -> tuple[AuditEntry, ...]:
        """Return entries, newest first.

        Args:
            before_id: Only those before this number, the last of the page before.
            limit: How many at most.
            actor: Only this one's.
            action: Only of this kind.
        """
        statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before_id is not None:
            statement = statement.where(audit.c.id < before_id)
        if actor is not None:
            statement = statement.where(audit.c.actor == actor)
        if action is not None:
            statement = statement.where(audit.c.action == action)
        with self._database.reading() as connection:
            return tuple(_entry(row) for row in connection.execute(statement))


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        actor=row.actor,
        role=row.role,
        action=row.action,
        target=row.target,
        outcome=row.outcome,
        detail=json_object(row.detail),
        request_id=row.request_id,
        created_at=row.created_at,
    )
