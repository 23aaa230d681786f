"""Decisions: which one stands, and the row of a new one."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select

from triage.errors import DecisionConflict
from triage.store.database import chunks
from triage.store.documents import json_strings, to_json
from triage.store.records import Action, Actor, Status, StoredDecision
from triage.store.schema import decisions
from triage.types import Decision, Mode, UrgencyLevel


def _standing_statement() -> Select[Any]:
    highest = (
        select(decisions.c.contact_id, func.max(decisions.c.version).label("version"))
        .where(decisions.c.contact_id.in_(bindparam("contact_ids", expanding=True)))
        .group_by(decisions.c.contact_id)
        .subquery()
    )
    same = (decisions.c.contact_id == highest.c.contact_id) & (decisions.c.version == highest.c.version)
    return select(decisions).join(highest, same)


_INSERT = insert(decisions).returning(decisions.c.id, sort_by_parameter_order=True)
_STANDING = _standing_statement()


def standing_decisions(connection: Connection, contact_ids: Iterable[int]) -> dict[int, StoredDecision]:
    """Return the decision with the highest version of each contact that has one."""
    standing: dict[int, StoredDecision] = {}
    for chunk in chunks(contact_ids):
        rows = connection.execute(_STANDING, {"contact_ids": chunk})
        standing |= {row.contact_id: decision_of(row) for row in rows}
    return standing


def decisions_of(connection: Connection, contact_id: int) -> list[StoredDecision]:
    """Return every decision on a contact, oldest first."""
    statement = select(decisions).where(decisions.c.contact_id == contact_id).order_by(decisions.c.version)
    return [decision_of(row) for row in connection.execute(statement)]


def check_version(standing: StoredDecision | None, expected_version: int) -> None:
    """Let a person decide on what was seen unless another person has decided since; the policy never stands in the way.

    Raises:
        DecisionConflict: If a person decided after `expected_version`.
        ValueError: If no decision has that version yet.
    """
    current = standing.version if standing else 0
    if not 0 <= expected_version <= current:
        raise ValueError(f"expected_version must be in 0..{current}, the contact's version, got {expected_version}")
    # After a person, only people add versions: if any has since, the standing decision is a person's.
    if standing and standing.actor is Actor.PERSON and standing.version > expected_version:
        raise DecisionConflict(
            f"a person has decided since version {expected_version}, the contact is at {current}: read it again"
        )


def insert_decisions(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Append decisions, and return the number of each row, in their order."""
    return list(connection.execute(_INSERT, rows).scalars()) if rows else []


def decision_row(contact_id: int, stored: StoredDecision) -> dict[str, Any]:
    """Return the columns of a decision."""
    return {
        "contact_id": contact_id,
        "version": stored.version,
        "actor": stored.actor.value,
        "decided_by": stored.decided_by,
        "mode": stored.decision.mode.value,
        "service_type": stored.decision.service_type,
        "department": stored.decision.department,
        "urgency": stored.urgency.value if stored.urgency else None,
        "reasons": to_json(stored.decision.reasons),
        "triage_id": stored.triage_id,
        "decided_at": stored.decided_at,
        "action": stored.action.value,
        "status": stored.status.value,
        "note": stored.note,
        "article_id": stored.article_id,
        "section": stored.section,
        "undoes": stored.undoes,
    }


def decision_of(row: Row[Any]) -> StoredDecision:
    """Return the decision that a row of `decisions` keeps."""
    decision = Decision(
        mode=Mode(row.mode),
        service_type=row.service_type,
        department=row.department,
        reasons=json_strings(row.reasons),
    )
    return StoredDecision(
        version=row.version,
        actor=Actor(row.actor),
        decided_by=row.decided_by,
        decision=decision,
        urgency=UrgencyLevel(row.urgency) if row.urgency else None,
        triage_id=row.triage_id,
        decided_at=row.decided_at,
        action=Action(row.action),
        status=Status(row.status),
        note=row.note,
        article_id=row.article_id,
        section=row.section,
        undoes=row.undoes,
    )
