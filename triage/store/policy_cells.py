"""The policy's cells: which mode is granted to which class, channel and language, by whom and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, select

from triage.store.database import insert_row
from triage.store.documents import json_object, to_json
from triage.store.events import EventKind, publish
from triage.store.records import Action, Actor
from triage.store.resource import Resource
from triage.store.schema import contacts, decisions, triages
from triage.store.schema_service import policy_cells as cells

_KEY = ("service_type", "channel", "language")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCell:
    """One cell as it was set; an empty service type, channel or language stands for every one.

    Attributes:
        id: Grows with time; the newest of a key stands.
        service_type: A code, or empty.
        channel: A channel, or empty.
        language: BCP 47 code, or empty.
        mode: off, shadow, suggest, preselect or auto.
        threshold: Lowest probability, in [0, 1]; None where the policy's own holds.
        evidence: What it was granted from, such as precision and its lower bound.
        reason: Why, in words.
        set_by: A person, or the policy where it braked itself.
        created_at: When.
    """

    id: int
    service_type: str
    channel: str
    language: str
    mode: str
    threshold: float | None
    evidence: Mapping[str, Any]
    reason: str
    set_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideRate:
    """How many of the policy's decisions of a cell people decided on, and how many of those they changed."""

    service_type: str
    channel: str
    language: str
    decided: int
    overridden: int


class PolicyCells(Resource):
    """Modes over time; none is ever deleted."""

    def set(
        self,
        *,
        mode: str,
        reason: str,
        by: str,
        service_type: str = "",
        channel: str = "",
        language: str = "",
        threshold: float | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> PolicyCell:
        """Set a cell's mode; it stands until the cell is set again.

        Raises:
            ValueError: If the reason is empty.
        """
        if not reason.strip():
            raise ValueError("a mode is set for a reason: say it")
        now = self._now()
        row = {
            "service_type": service_type,
            "channel": channel,
            "language": language,
            "mode": mode,
            "threshold": threshold,
            "evidence": to_json(evidence or {}),
            "reason": reason,
            "set_by": by,
            "created_at": now,
        }
        with self._database.writing() as connection:
            cell_id = insert_row(connection, cells, row)
            publish(connection, [(EventKind.POLICY, None, {name: row[name] for name in (*_KEY, "mode")})], now)
            return _read(connection, select(cells).where(cells.c.id == cell_id))[0]

    def current(self) -> tuple[PolicyCell, ...]:
        """Return the cells that stand, by service type, channel and language."""
        newest = select(func.max(cells.c.id)).group_by(*(cells.c[name] for name in _KEY))
        statement = select(cells).where(cells.c.id.in_(newest)).order_by(*(cells.c[name] for name in _KEY))
        with self._database.reading() as connection:
            return _read(connection, statement)

    def history(self, limit: int = 100) -> tuple[PolicyCell, ...]:
        """Return how cells were set, newest first."""
        with self._database.reading() as connection:
            return _read(connection, select(cells).order_by(cells.c.id.desc()).limit(limit))

    def override_rates(self, since: datetime) -> tuple[OverrideRate, ...]:
        """Count people's first word on each of the policy's decisions since a moment, by cell.

        A person who accepts, uses the answer or closes agrees where the service type stays; who changes it, or takes
        the decision back, overrides. The type of the cell is the one that the policy chose.
        """
        with self._database.reading() as connection:
            rows = connection.execute(_rates(since)).all()
        return tuple(
            OverrideRate(
                service_type=row.service_type,
                channel=row.channel,
                language=row.language,
                decided=row.decided,
                overridden=row.overridden,
            )
            for row in rows
        )


def _rates(since: datetime) -> Select[Any]:
    person, policy = decisions.alias("person"), decisions.alias("policy")
    answered = and_(policy.c.contact_id == person.c.contact_id, policy.c.version == person.c.version - 1)
    changed = (person.c.action == Action.UNDO.value) | (
        func.coalesce(person.c.service_type, "") != policy.c.service_type
    )
    key = (policy.c.service_type, contacts.c.channel, triages.c.language)
    overridden = func.sum(case((changed, 1), else_=0)).label("overridden")
    return (
        select(*key, func.count().label("decided"), overridden)
        .select_from(person)
        .join(policy, answered)
        .join(contacts, contacts.c.id == person.c.contact_id)
        .join(triages, triages.c.id == policy.c.triage_id)
        .where(person.c.actor == Actor.PERSON.value, policy.c.actor == Actor.POLICY.value)
        .where(person.c.decided_at >= since, policy.c.service_type.is_not(None))
        .group_by(*key)
        .order_by(*key)
    )


def _read(connection: Connection, statement: Select[Any]) -> tuple[PolicyCell, ...]:
    return tuple(_cell(row) for row in connection.execute(statement))


def _cell(row: Row[Any]) -> PolicyCell:
    return PolicyCell(
        id=row.id,
        service_type=row.service_type,
        channel=row.channel,
        language=row.language,
        mode=row.mode,
        threshold=row.threshold,
        evidence=json_object(row.evidence),
        reason=row.reason,
        set_by=row.set_by,
        created_at=row.created_at,
    )
