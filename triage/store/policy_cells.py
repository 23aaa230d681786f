"""The policy's cells: which mode is granted to which class, channel and language, by whom and why."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, or_, select

from triage.store.database import insert_row
from triage.store.documents import json_object, to_json
from triage.store.events import EventKind, publish
from triage.store.records import Action, Actor
from triage.store.resource import Resource
from triage.store.schema import contacts, decisions, standing, triages
from triage.store.schema_service import policy_cells as cells
from triage.types import Mode

_KEY = ("service_type", "channel", "language")
_ACTING: Final = (Mode.PRESELECT.value, Mode.AUTO.value)  # modes that go beyond a suggestion
_policy, _person = decisions.alias("policy"), decisions.alias("person")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoOutcome:
    """What became of the contacts that auto mode routed.

    Attributes:
        contacts: How many there are.
        reviewed: How many of them a person has decided on since.
        overridden: How many of those stand with another type or department, or with none.
    """

    contacts: int
    reviewed: int
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
        statement = select(cells).where(_stands()).order_by(*(cells.c[name] for name in _KEY))
        with self._database.reading() as connection:
            return _read(connection, statement)

    def history(self, limit: int = 100) -> tuple[PolicyCell, ...]:
        """Return how cells were set, newest first."""
        with self._database.reading() as connection:
            return _read(connection, select(cells).order_by(cells.c.id.desc()).limit(limit))

    def override_rates(self, since: datetime) -> tuple[OverrideRate, ...]:
        """Count what people made, since a moment, of the policy's decisions, by cell.

        A person's first word on a decision counts; that an answer was used is one only where nothing else was said. A
        person who accepts, uses the answer or closes agrees where the service type stays; who changes it, or takes
        the decision back, overrides. The type of the cell is the one that the policy chose.
        """
        with self._database.reading() as connection:
            return tuple(_rate(row) for row in connection.execute(_rates(since)))

    def rates_since_set(self, since: datetime) -> dict[int, tuple[OverrideRate, ...]]:
        """Count the same for each cell that stands and acts, by its id, of what the policy did since the cell was set.

        What was only suggested, as under the cell's threshold, is left out; decisions that a narrower cell is about
        are counted for both.
        """
        found: dict[int, list[OverrideRate]] = defaultdict(list)
        with self._database.reading() as connection:
            for row in connection.execute(_rates_by_cell(since)):
                found[row.cell_id].append(_rate(row))
        return {cell_id: tuple(rates) for cell_id, rates in found.items()}

    def auto_outcome(self, since: datetime, until: datetime) -> AutoOutcome:
        """Return what became of the contacts stored from one moment to before another that auto mode routed."""
        with self._database.reading() as connection:
            row = connection.execute(_auto(since, until)).one()
        return AutoOutcome(contacts=row.contacts, reviewed=row.reviewed or 0, overridden=row.overridden or 0)


def _stands() -> ColumnElement[bool]:
    return cells.c.id.in_(select(func.max(cells.c.id)).group_by(*(cells.c[name] for name in _KEY)))


def _rates(since: datetime, *more: ColumnElement[Any]) -> Select[Any]:
    """Select, by cell and by what else is given, how often people's word on a decision of the policy changed it."""
    changed = (_person.c.action == Action.UNDO.value) | (
        func.coalesce(_person.c.service_type, "") != _policy.c.service_type
    )
    key = (*more, _policy.c.service_type, contacts.c.channel, triages.c.language)
    overridden = func.sum(case((changed, 1), else_=0)).label("overridden")
    return (
        select(*key, func.count().label("decided"), overridden)
        .select_from(_person)
        .join(_policy, (_policy.c.contact_id == _person.c.contact_id) & (_person.c.version == _first_word()))
        .join(contacts, contacts.c.id == _person.c.contact_id)
        .join(triages, triages.c.id == _policy.c.triage_id)
        .where(_person.c.actor == Actor.PERSON.value, _policy.c.actor == Actor.POLICY.value)
        .where(_person.c.decided_at >= since, _policy.c.service_type.is_not(None))
        .group_by(*key)
        .order_by(*key)
    )


def _first_word() -> ColumnElement[Any]:
    """Return the version that tells what was made of a decision: the next that does more than use an answer."""
    later = decisions.alias("later")
    telling = select(func.min(later.c.version)).where(
        later.c.contact_id == _policy.c.contact_id,
        later.c.version > _policy.c.version,
        later.c.action != Action.ANSWER_USED.value,
    )
    return func.coalesce(telling.correlate(_policy).scalar_subquery(), _policy.c.version + 1)


def _rates_by_cell(since: datetime) -> Select[Any]:
    is_about = and_(
        or_(cells.c.service_type == "", cells.c.service_type == _policy.c.service_type),
        or_(cells.c.channel == "", cells.c.channel == contacts.c.channel),
        or_(cells.c.language == "", cells.c.language == triages.c.language),
    )
    return (
        _rates(since, cells.c.id.label("cell_id"))
        .join(cells, is_about)
        .where(_stands(), cells.c.mode.in_(_ACTING))
        .where(_policy.c.mode.in_(_ACTING), _policy.c.decided_at >= cells.c.created_at)
    )


def _auto(since: datetime, until: datetime) -> Select[Any]:
    """Count the contacts whose last decision by the policy routed them, and what stands on them now."""
    last = select(func.max(decisions.c.version)).where(
        decisions.c.contact_id == _policy.c.contact_id, decisions.c.actor == Actor.POLICY.value
    )
    is_reviewed = standing.c.actor == Actor.PERSON.value
    changed = [
        func.coalesce(standing.c[name], "") != func.coalesce(_policy.c[name], "")
        for name in ("service_type", "department")
    ]
    counted: tuple[ColumnElement[Any], ...] = (
        func.count().label("contacts"),
        func.sum(case((is_reviewed, 1), else_=0)).label("reviewed"),
        func.sum(case((is_reviewed & or_(*changed), 1), else_=0)).label("overridden"),
    )
    return (
        select(*counted)
        .select_from(_policy)
        .join(contacts, contacts.c.id == _policy.c.contact_id)
        .join(standing, standing.c.contact_id == _policy.c.contact_id)
        .where(_policy.c.version == last.correlate(_policy).scalar_subquery())
        .where(_policy.c.mode == Mode.AUTO.value, contacts.c.created_at >= since, contacts.c.created_at < until)
    )


def _rate(row: Row[Any]) -> OverrideRate:
    return OverrideRate(
        service_type=row.service_type,
        channel=row.channel,
        language=row.language,
        decided=row.decided,
        overridden=row.overridden,
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
