"""Mails under way between a mailbox and their folders: what was found, stored, decided, moved and acknowledged.

Each copy of a mail has one row and goes one way: found → stored → decided → moving → done. A step is written down in
the transaction that does it, so that a worker that dies anywhere leaves what the next one goes on from. A row is leased
like a text in `pending`; a worker whose lease has ended writes nothing any more.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, func, select, update

from triage.store.database import Database, insert_ignoring
from triage.store.dispatching import Dispatch
from triage.store.documents import json_object, to_json
from triage.store.identity import name_key
from triage.store.links import Attachment
from triage.store.mail_finding import OVER, discover, position_of
from triage.store.mail_records import MailCount, MailRow, MailState, Settlement, Situation, StoredMail
from triage.store.mail_settling import lock_mail, settle
from triage.store.rejecting import store_rejected
from triage.store.resource import Resource, utc_now
from triage.store.saving import Arrival, expect_triages, store_arrivals
from triage.store.schema import attachments, contacts
from triage.store.schema_mail import mails
from triage.types import Channel, Message

LEASE: Final = timedelta(minutes=5)
LONGEST_WAIT: Final = timedelta(hours=1)
_FIRST_WAIT_S: Final = 5


class MailLog(Resource):
    """Mails of every mailbox, shared by any number of workers in any number of processes.

    Args:
        database: Where they are kept, with this release's tables.
        now: Tells the time that rows are stamped with, aware.
        dispatch: Knows which systems have to be told of a decision.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now, dispatch: Dispatch) -> None:
        super().__init__(database, now=now)
        self._dispatch = dispatch

    def cursor(self, mailbox: str, validity: int) -> int:
        """Return the highest UID that was found under this UIDVALIDITY; 0 before the first."""
        with self._database.reading() as connection:
            known, uid = position_of(connection, mailbox)
        return uid if known == validity else 0

    def discover(self, mailbox: str, validity: int, uids: Sequence[int]) -> None:
        """Write down mails that lie in a mailbox, and move its cursor behind them.

        Under another UIDVALIDITY than before, what had not reached its folder is found anew by its new UID: the old
        row is closed as gone. Under one that comes back, what was closed so and lies there is found again.
        """
        with self._database.writing() as connection:
            discover(connection, self._database.dialect, mailbox, validity, uids, self._now())

    def claim(
        self, worker: str, mailbox: str, validity: int, limit: int = 8, lease: timedelta = LEASE
    ) -> tuple[MailRow, ...]:
        """Take mails that are under way and due, those first that were tried least, then the oldest."""
        now = self._now()
        is_free = mails.c.leased_until.is_(None) | (mails.c.leased_until <= now)
        is_due = mails.c.state.not_in(OVER) & (mails.c.next_attempt_at <= now) & is_free
        here = (mails.c.mailbox == mailbox) & (mails.c.validity == validity)
        due = select(mails.c.id).where(here, is_due).order_by(mails.c.attempts, mails.c.id).limit(limit)
        with self._database.writing() as connection:
            ids = list(connection.execute(due.with_for_update(skip_locked=True)).scalars())
            if not ids:
                return ()
            taken = {"leased_by": worker, "leased_until": now + lease, "attempts": mails.c.attempts + 1}
            connection.execute(update(mails).where(mails.c.id.in_(ids)).values(taken))
            rows = connection.execute(
                select(mails).where(mails.c.id.in_(ids)).order_by(mails.c.attempts, mails.c.id)
            ).all()
        return tuple(_mail_row(row) for row in rows)

    def release(self, worker: str, rows: Sequence[MailRow]) -> None:
        """Give mails back that were not worked on; they are due at once."""
        ids = [row.id for row in rows]
        free = {"leased_by": None, "leased_until": None, "attempts": mails.c.attempts - 1}
        with self._database.writing() as connection:
            connection.execute(update(mails).where(mails.c.id.in_(ids), mails.c.leased_by == worker).values(free))

    def threads_of(self, message_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the threads of known mails, and of the acknowledgments of mails, by their identity."""
        named = {name_key(message_id): message_id for message_id in message_ids}
        by_contact = select(contacts.c.message_key, contacts.c.message_id, contacts.c.thread_id)
        by_contact = by_contact.where(contacts.c.message_key.in_(list(named)))
        joined = mails.join(contacts, contacts.c.id == mails.c.contact_id)
        by_answer = select(mails.c.ack_key, contacts.c.message_id, contacts.c.thread_id).select_from(joined)
        by_answer = by_answer.where(mails.c.ack_key.in_(list(named)))
        with self._database.reading() as connection:
            rows = [*connection.execute(by_answer), *connection.execute(by_contact)] if named else []
        return {named[bytes(key)]: thread_id or message_id for key, message_id, thread_id in rows}

    def store(self, worker: str, row: MailRow, mail: StoredMail) -> bool:
        """Keep a mail with its bytes and files, to be triaged; False where the lease has ended."""
        now = self._now()
        with self._database.writing() as connection:
            if not _is_mine(connection, worker, row):
                return False
            [place] = store_arrivals(connection, [Arrival(message=mail.message, raw=mail.raw)], now)
            expect_triages(connection, [place], now)
            files = [_file_row(place.contact_id, file, now) for file in mail.files]
            if files:
                connection.execute(
                    insert_ignoring(self._database.dialect, attachments, "contact_id", "name", "digest"), files
                )
            values = {
                "state": MailState.STORED.value,
                "contact_id": place.contact_id,
                "revision": place.revision,
                "sender_key": name_key(mail.sender) if mail.sender else None,
                "text_key": name_key(mail.text_digest) if mail.text_digest else None,
                "thread_key": name_key(mail.message.thread_id or mail.message.id),
            }
            connection.execute(update(mails).where(mails.c.id == row.id).values(values))
        return True

    def shelve(
        self, worker: str, row: MailRow, plan: Mapping[str, Any], *, rejected: tuple[bytes, str] | None = None
    ) -> bool:
        """Keep where a mail goes that was not triaged; False where the lease has ended.

        Args:
            worker: Who has it.
            row: The mail.
            plan: JSON values.
            rejected: The bytes of a mail that cannot become a message, and the rule that it broke.
        """
        with self._database.writing() as connection:
            if not _is_mine(connection, worker, row):
                return False
            if rejected is not None:
                store_rejected(connection, *rejected, Channel.EMAIL, self._now())
            values = {"state": MailState.DECIDED.value, "plan": to_json(plan)}
            connection.execute(update(mails).where(mails.c.id == row.id).values(values))
        return True

    def settle(
        self, worker: str, row: MailRow, message: Message, decide: Callable[[Situation], Settlement]
    ) -> Settlement | None:
        """Store the answer to a mail with where it goes and what is sent; None where the lease has ended.

        One transaction at a time does this, so that what `decide` is told to have been counted is still so.
        """
        with self._database.writing() as connection:
            if not _is_mine(connection, worker, row):
                return None
            return settle(connection, row, message, decide, self._dispatch, self._now())

    def begin_move(self, worker: str, row: MailRow, copy: str, lease: timedelta = LEASE) -> int | None:
        """Write down that a mail is being moved from now on, and lease it anew.

        Args:
            worker: Who has it.
            row: The mail.
            copy: Names its bytes and its folder; mails alike are moved one after the other.
            lease: How long that may take.

        Returns:
            How many mails alike have reached the folder; None where another is under way there, or the lease has ended.
        """
        key = name_key(copy)
        alike = mails.c.copy_key == key
        busy = select(mails.c.id).where(alike, mails.c.state == MailState.MOVING.value, mails.c.id != row.id)
        there = select(func.count()).select_from(mails).where(alike, mails.c.state == MailState.DONE.value)
        moving = {"state": MailState.MOVING.value, "copy_key": key, "leased_until": self._now() + lease}
        with self._database.writing() as connection:
            if not _is_mine(connection, worker, row):
                return None
            lock_mail(connection)
            if connection.execute(busy.limit(1)).first() is not None:
                return None
            connection.execute(update(mails).where(mails.c.id == row.id).values(moving))
            return connection.execute(there).scalar_one()

    def finish(self, worker: str, row: MailRow, state: MailState) -> bool:
        """Write down that a mail is in its folder, or that it was gone; False where the lease has ended."""
        over = {"state": state.value, "finished_at": self._now(), "leased_until": None, "last_error": None}
        return self._change(worker, row, over)

    def fail(self, worker: str, row: MailRow, error_kind: str) -> bool:
        """Give a mail back that could not be worked on; it waits longer each time, an hour at most.

        Args:
            worker: Who had it.
            row: The mail.
            error_kind: The kind of failure, never a text that may quote the mail.
        """
        wait = min(LONGEST_WAIT, timedelta(seconds=_FIRST_WAIT_S * 2 ** min(row.failures, 20)))
        again = {
            "failures": mails.c.failures + 1,
            "next_attempt_at": self._now() + wait,
            "last_error": error_kind,
            "leased_by": None,
            "leased_until": None,
        }
        return self._change(worker, row, again)

    def counts(self) -> tuple[MailCount, ...]:
        """Return how many mails of each mailbox are in each state, and how many of them have failed."""
        failed = func.sum(case(((mails.c.failures > 0) & mails.c.state.not_in(OVER), 1), else_=0))
        statement = select(mails.c.mailbox, mails.c.state, func.count().label("number"), failed.label("failed"))
        statement = statement.group_by(mails.c.mailbox, mails.c.state).order_by(mails.c.mailbox, mails.c.state)
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        return tuple(
            MailCount(mailbox=row.mailbox, state=MailState(row.state), number=row.number, failed=int(row.failed))
            for row in rows
        )

    def _change(self, worker: str, row: MailRow, values: Mapping[str, Any]) -> bool:
        with self._database.writing() as connection:
            changed = connection.execute(update(mails).where(*_mine(worker, row)).values(**values))
            return changed.rowcount == 1


def _mine(worker: str, row: MailRow) -> tuple[ColumnElement[bool], ...]:
    return (mails.c.id == row.id, mails.c.leased_by == worker, mails.c.state.not_in(OVER))


def _is_mine(connection: Connection, worker: str, row: MailRow) -> bool:
    """Tell whether the worker still has the mail, and keep it so until the transaction ends."""
    return connection.execute(select(mails.c.id).where(*_mine(worker, row)).with_for_update()).first() is not None


def _mail_row(row: Row[Any]) -> MailRow:
    return MailRow(
        id=row.id,
        mailbox=row.mailbox,
        validity=row.validity,
        uid=row.uid,
        state=MailState(row.state),
        plan=json_object(row.plan) if row.plan else {},
        failures=row.failures,
    )


def _file_row(contact_id: int, file: Attachment, now: datetime) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "name": file.name,
        "media_type": file.media_type,
        "digest": sha256(file.content or b"").digest(),
        "size_bytes": file.size_bytes,
        "content": file.content,
        "text": file.text,
        "created_at": now,
    }
