"""Decides on a mail inside one transaction: counts its like, stores the answer, the plan and what is sent.

The head `mail` is locked first: one transaction at a time decides on a mail, so that two workers never both believe
that a sender has one acknowledgment left.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, distinct, func, select, update

from triage.store.deciding import standing_decisions
from triage.store.dispatching import Dispatch
from triage.store.documents import to_json
from triage.store.identity import name_key
from triage.store.mail_records import MailRow, MailState, Settlement, Situation
from triage.store.outbox import add_deliveries
from triage.store.reading import answers_to
from triage.store.records import StoredDecision
from triage.store.saving import Arrival, store_arrivals, store_triages
from triage.store.schema import heads
from triage.store.schema_mail import mails
from triage.store.setting_aside import set_aside
from triage.types import Message

HEAD: Final = "mail"
SAME_TEXT_WITHIN: Final = timedelta(days=7)
FLOOD_WITHIN: Final = timedelta(hours=1)
_LOCK: Final = select(heads.c.number).where(heads.c.name == HEAD).with_for_update()


def lock_mail(connection: Connection) -> None:
    """Let no other transaction decide on a mail, or begin to move one, before this one ends."""
    connection.execute(_LOCK)


def settle(
    connection: Connection,
    row: MailRow,
    message: Message,
    decide: Callable[[Situation], Settlement],
    dispatch: Dispatch,
    now: datetime,
) -> Settlement:
    """Store what `decide` makes of a mail; an answer that its text has already stays the first."""
    lock_mail(connection)
    [place] = store_arrivals(connection, [Arrival(message=message)], now)
    standing = standing_decisions(connection, [place.contact_id]).get(place.contact_id)
    settlement = decide(_situation(connection, row, standing, now))
    if not answers_to(connection, message):
        store_triages(connection, [settlement.triage], [place], dispatch, now)
    if settlement.set_aside:
        set_aside(connection, place.contact_id, settlement.set_aside, dispatch, now)
    sent = [*settlement.forwards, *([settlement.acknowledgment] if settlement.acknowledgment else [])]
    add_deliveries(connection, sent, now, contact_id=place.contact_id)
    values: dict[str, Any] = {"state": MailState.DECIDED.value, "plan": to_json(settlement.plan)}
    if settlement.acknowledgment_id:
        values |= {"ack_key": name_key(settlement.acknowledgment_id), "ack_decided_at": now}
    connection.execute(update(mails).where(mails.c.id == row.id).values(values))
    return settlement


def _situation(connection: Connection, row: MailRow, standing: StoredDecision | None, now: datetime) -> Situation:
    here = connection.execute(select(mails).where(mails.c.id == row.id)).one()
    # A mail without a sender, or with a short text, is like no other: a comparison with nothing would find them all.
    repeated = here.text_key is not None and here.sender_key is not None
    return Situation(
        standing=standing,
        same_text_other_senders=connection.execute(_same_text(here, now)).scalar_one() if repeated else 0,
        from_sender_in_hour=connection.execute(_from_sender(here, now)).scalar_one() if here.sender_key else 0,
        acknowledged_to_sender=tuple(
            connection.execute(_acknowledged().where(mails.c.sender_key == here.sender_key)).scalars()
        ),
        acknowledged_in_thread=tuple(
            connection.execute(_acknowledged().where(mails.c.thread_key == here.thread_key)).scalars()
        ),
        now=now,
    )


def _same_text(here: Row[Any], now: datetime) -> Select[int]:
    like = (mails.c.text_key == here.text_key) & (mails.c.created_at > now - SAME_TEXT_WITHIN)
    return select(func.count(distinct(mails.c.sender_key))).where(like, mails.c.sender_key != here.sender_key)


def _from_sender(here: Row[Any], now: datetime) -> Select[int]:
    recent = mails.c.created_at > now - FLOOD_WITHIN
    return select(func.count()).select_from(mails).where(mails.c.sender_key == here.sender_key, recent)


def _acknowledged() -> Select[datetime]:
    return select(mails.c.ack_decided_at).where(mails.c.ack_decided_at.is_not(None))
