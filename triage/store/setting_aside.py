"""Closes a contact that no agent need see, such as spam: kept, shown to whoever looks, and opened again by a person."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from triage.store.chain import append_links, decision_link
from triage.store.deciding import decision_row, insert_decisions, standing_decisions
from triage.store.dispatching import Dispatch, dispatch_decisions
from triage.store.events import EventKind, publish
from triage.store.records import Action, Actor, Status
from triage.store.standing import stand_decisions


def set_aside(connection: Connection, contact_id: int, note: str, dispatch: Dispatch, now: datetime) -> None:
    """Close a contact in the policy's name, unless a person has decided or it is closed already."""
    standing = standing_decisions(connection, [contact_id]).get(contact_id)
    if standing is None or standing.actor is Actor.PERSON or standing.status is Status.CLOSED:
        return
    closed = replace(
        standing, version=standing.version + 1, action=Action.POLICY, status=Status.CLOSED, note=note, decided_at=now
    )
    row = decision_row(contact_id, closed)
    [decision_id] = insert_decisions(connection, [row])
    stand_decisions(connection, {contact_id: closed})
    dispatch_decisions(connection, dispatch, [(contact_id, decision_id, closed)], now)
    append_links(connection, [decision_link(decision_id, row)], now)
    detail = {"version": closed.version, "action": closed.action.value, "status": closed.status.value}
    publish(connection, [(EventKind.DECIDED, contact_id, detail)], now)
