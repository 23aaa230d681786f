"""What people decide: compare-and-set on the contact's version, written with its receipt and its deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from triage.errors import DecisionConflict
from triage.store.chain import append_links, decision_link
from triage.store.deciding import check_version, decision_row, decisions_of, insert_decisions, standing_decisions
from triage.store.deliveries import Delivery
from triage.store.dispatching import Dispatch, dispatch_decisions
from triage.store.events import EventKind, publish
from triage.store.outbox import add_deliveries
from triage.store.reading import contact_id_of
from triage.store.records import Action, Actor, Status, StoredDecision
from triage.store.schema import decisions
from triage.store.standing import stand_decisions
from triage.types import Decision, Mode, UrgencyLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a person decided, before it has a version."""

    decision: Decision
    by: str
    expected_version: int
    urgency: UrgencyLevel | None
    action: Action
    status: Status
    note: str | None
    article_id: str | None = None
    section: str | None = None

    def __post_init__(self) -> None:
        if not self.by:
            raise ValueError("a decision needs the name of the person who made it")
        if self.action is Action.POLICY:
            raise ValueError("a person's action is not that of the policy")


def decide(
    connection: Connection,
    message_id: str,
    verdict: Verdict,
    deliveries: Sequence[Delivery],
    dispatch: Dispatch,
    now: datetime,
) -> StoredDecision:
    """Store a person's decision, whatever the policy has decided meanwhile.

    Raises:
        NotFound: If no such message is stored.
        DecisionConflict: If another person has decided since the version that was seen.
        ValueError: If that version was never given out.
    """
    contact_id = contact_id_of(connection, message_id, lock=True)
    standing = standing_decisions(connection, [contact_id]).get(contact_id)
    check_version(standing, verdict.expected_version)
    decided = StoredDecision(
        version=standing.version + 1 if standing else 1,
        actor=Actor.PERSON,
        decided_by=verdict.by,
        decision=verdict.decision,
        urgency=verdict.urgency or (standing.urgency if standing else None),
        triage_id=_triage_seen(connection, contact_id, verdict.expected_version),
        decided_at=now,
        action=verdict.action,
        status=verdict.status,
        note=verdict.note,
        article_id=verdict.article_id,
        section=verdict.section,
    )
    return _store(connection, contact_id, decided, deliveries, dispatch, now)


def undo(
    connection: Connection,
    message_id: str,
    by: str,
    expected_version: int,
    note: str | None,
    deliveries: Sequence[Delivery],
    dispatch: Dispatch,
    now: datetime,
) -> StoredDecision:
    """Store a decision that says again what stood before the standing one, which must be the one that was seen.

    Raises:
        NotFound: If no such message is stored.
        DecisionConflict: If anything has been decided since.
        ValueError: If `by` is empty, or nothing has been decided.
    """
    if not by:
        raise ValueError("a decision needs the name of the person who made it")
    contact_id = contact_id_of(connection, message_id, lock=True)
    history = decisions_of(connection, contact_id)
    if not history or not 0 < expected_version <= history[-1].version:
        raise ValueError(f"there is no decision {expected_version} to undo on this contact")
    undone = history[-1]
    if undone.version != expected_version:
        raise DecisionConflict(f"the contact is at version {undone.version}, not {expected_version}: read it again")
    before = history[-2] if len(history) > 1 else None
    decided = StoredDecision(
        version=undone.version + 1,
        actor=Actor.PERSON,
        decided_by=by,
        decision=before.decision if before else Decision(mode=Mode.ASK, service_type=None, department=None),
        urgency=before.urgency if before else undone.urgency,
        triage_id=before.triage_id if before else None,
        decided_at=now,
        action=Action.UNDO,
        status=before.status if before else Status.OPEN,
        note=note,
        undoes=undone.version,
    )
    return _store(connection, contact_id, decided, deliveries, dispatch, now)


def _store(
    connection: Connection,
    contact_id: int,
    decided: StoredDecision,
    deliveries: Sequence[Delivery],
    dispatch: Dispatch,
    now: datetime,
) -> StoredDecision:
    row = decision_row(contact_id, decided)
    [decision_id] = insert_decisions(connection, [row])
    stand_decisions(connection, {contact_id: decided})
    add_deliveries(connection, deliveries, now, contact_id=contact_id, decision_id=decision_id)
    dispatch_decisions(connection, dispatch, [(contact_id, decision_id, decided)], now)
    append_links(connection, [decision_link(decision_id, row)], now)
    publish(connection, [(EventKind.DECIDED, contact_id, _shown(decided))], now)
    return decided


def _shown(decided: StoredDecision) -> dict[str, object]:
    """Return what a console needs to show a decision in its list."""
    return {
        "version": decided.version,
        "action": decided.action.value,
        "status": decided.status.value,
        "service_type": decided.decision.service_type,
    }


def _triage_seen(connection: Connection, contact_id: int, version: int) -> int | None:
    """Return the answer behind the decision that the person saw."""
    here = (decisions.c.contact_id == contact_id) & (decisions.c.version == version)
    seen: int | None = connection.execute(select(decisions.c.triage_id).where(here)).scalar()
    return seen
