"""Finds mails anew: what lies in a mailbox gets its rows, and the cursor moves behind it.

A UID means something under its UIDVALIDITY alone (RFC 3501, section 2.3.1.1).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Update, select, update

from triage.store.database import chunks, insert_ignoring, insert_new
from triage.store.mail_records import MailState
from triage.store.schema_mail import mails
from triage.store.schema_service import cursors

OVER: Final = (MailState.DONE.value, MailState.GONE.value)


def discover(
    connection: Connection, dialect: str, mailbox: str, validity: int, uids: Sequence[int], now: datetime
) -> None:
    """Write down mails that lie in a mailbox, and move its cursor behind them (see `MailLog.discover`)."""
    rows = [_found(mailbox, validity, uid, now) for uid in sorted(set(uids))]
    unknown = insert_ignoring(dialect, mails, "mailbox", "validity", "uid")
    known, last = position_of(connection, mailbox)
    if known not in (None, validity):
        stale = (mails.c.mailbox == mailbox) & (mails.c.validity != validity) & mails.c.state.not_in(OVER)
        connection.execute(update(mails).where(stale).values(state=MailState.GONE.value, finished_at=now))
        for chunk in chunks(rows):
            connection.execute(_found_again(mailbox, validity, [row["uid"] for row in chunk], now))
    for chunk in chunks(rows):
        connection.execute(unknown, chunk)
    highest = max([row["uid"] for row in rows[-1:]] + [last if known == validity else 0])
    _set_position(connection, mailbox, f"{validity}:{highest}", now)


def position_of(connection: Connection, mailbox: str) -> tuple[int | None, int]:
    """Return UIDVALIDITY and the highest UID that was found under it; None and 0 before the first."""
    statement = select(cursors.c.position).where(cursors.c.name == _cursor_name(mailbox))
    found = connection.execute(statement).scalar_one_or_none()
    if found is None:
        return None, 0
    validity, _, uid = found.partition(":")
    return int(validity), int(uid)


def _set_position(connection: Connection, mailbox: str, position: str, now: datetime) -> None:
    row = {"name": _cursor_name(mailbox), "position": position, "updated_at": now}
    if not insert_new(connection, cursors, row, "name"):
        connection.execute(update(cursors).where(cursors.c.name == row["name"]).values(row))


def _cursor_name(mailbox: str) -> str:
    return f"imap:{mailbox}"


def _found(mailbox: str, validity: int, uid: int, now: datetime) -> dict[str, Any]:
    return {
        "mailbox": mailbox,
        "validity": validity,
        "uid": uid,
        "state": MailState.FOUND.value,
        "attempts": 0,
        "failures": 0,
        "next_attempt_at": now,
        "created_at": now,
    }


def _found_again(mailbox: str, validity: int, uids: Sequence[int], now: datetime) -> Update:
    here = (mails.c.mailbox == mailbox) & (mails.c.validity == validity) & mails.c.uid.in_(uids)
    anew = {
        "state": MailState.FOUND.value,
        "next_attempt_at": now,
        "leased_by": None,
        "leased_until": None,
        "finished_at": None,
    }
    return update(mails).where(here, mails.c.state == MailState.GONE.value).values(anew)
