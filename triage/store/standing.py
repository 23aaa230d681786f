"""The standing of each contact: one row to list, filter and count by, kept in the same transaction as its causes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, update

from triage.store.database import insert_ignoring
from triage.store.records import Status, StoredDecision
from triage.store.schema import standing
from triage.types import UrgencyLevel

_here = standing.c.contact_id == bindparam("here")
_SET_LANGUAGE = update(standing).where(_here).values(language=bindparam("new_language"))
_FIELDS = ("version", "status", "actor", "mode", "service_type", "department", "urgency", "urgency_rank", "updated_at")
_SET_DECISION = update(standing).where(_here).values({name: bindparam(f"new_{name}") for name in _FIELDS})


def stand_new(connection: Connection, contact_ids: Sequence[int], now: datetime) -> None:
    """Give contacts that have none a row: open, of normal urgency until something is known."""
    rows = [
        {
            "contact_id": contact_id,
            "version": 0,
            "status": Status.OPEN.value,
            "urgency_rank": UrgencyLevel.NORMAL.rank,
            "updated_at": now,
        }
        for contact_id in contact_ids
    ]
    if rows:
        connection.execute(insert_ignoring(connection.dialect.name, standing, "contact_id"), rows)


def stand_languages(connection: Connection, languages: Mapping[int, str]) -> None:
    """Set the language of each contact's newest text."""
    if languages:
        rows = [{"here": contact_id, "new_language": language} for contact_id, language in languages.items()]
        connection.execute(_SET_LANGUAGE, rows)


def stand_decisions(connection: Connection, decided: Mapping[int, StoredDecision]) -> None:
    """Set what each contact's last decision says."""
    if decided:
        connection.execute(_SET_DECISION, [_row(contact_id, stored) for contact_id, stored in decided.items()])


def _row(contact_id: int, stored: StoredDecision) -> dict[str, Any]:
    return {
        "here": contact_id,
        "new_version": stored.version,
        "new_status": stored.status.value,
        "new_actor": stored.actor.value,
        "new_mode": stored.decision.mode.value,
        "new_service_type": stored.decision.service_type,
        "new_department": stored.decision.department,
        "new_urgency": stored.urgency.value if stored.urgency else None,
        "new_urgency_rank": (stored.urgency or UrgencyLevel.NORMAL).rank,
        "new_updated_at": stored.decided_at,
    }
