"""Works off one mailbox: each mail is stored, triaged, decided and moved, each step after the one before is kept.

What the store says is where a mail is: a worker that dies anywhere is followed by one that goes on from there. A mail
that makes trouble waits, and holds up no other.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from triage.channels.email import MAX_BYTES, Mail, read_mail, with_thread
from triage.channels.spam import text_digest
from triage.errors import MailboxError, MailboxLost, MessageRejected, StoreError
from triage.inbox import Fetched, Mailbox
from triage.inbox_settings import InboxSettings, MailboxSettings
from triage.mail_intake import attachment_of
from triage.mail_routing import Arrived, Plan, Router
from triage.store.mail_records import MailRow, MailState, StoredMail
from triage.store.mails import LEASE, MailLog
from triage.types import Message, Triage

log = logging.getLogger(__name__)

BEGINNING: Final = 1_000_000  # bytes that are read of a mail that is too large to be read whole
TRIES: Final = 3  # at triage, after which people look at the mail without one
TOO_LARGE: Final = f"it has over {MAX_BYTES:,} bytes: only its beginning was read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a mail is worked on with.

    Attributes:
        mails: Where mails under way are kept.
        triage: Answers a message.
        then: Called with what was triaged, after it is stored.
    """

    mails: MailLog
    triage: Callable[[Message], Triage]
    then: Callable[[Message, Triage], None] = lambda message, triage: None


class InboxWorker:
    """Works off one mailbox; safe beside any number of others, in this process or another.

    Args:
        mailbox: Which, and what becomes of its mail.
        settings: Those of every mailbox.
        desk: What mails are worked on with.
        lease: How long a few mails may take before another worker may take them.
    """

    def __init__(
        self, mailbox: MailboxSettings, settings: InboxSettings, desk: Desk, *, lease: timedelta = LEASE
    ) -> None:
        self._key = mailbox.key
        self._router = Router(mailbox, settings)
        self._desk = desk
        self._lease = lease
        self._name = f"inbox-{mailbox.name}-{uuid4().hex}"

    def work_off(self, box: Mailbox, is_over: Callable[[], bool] = lambda: False) -> int:
        """Work on every mail that is due, and return how many reached their folder.

        Args:
            box: Open.
            is_over: Asked between two mails.

        Raises:
            MailboxLost: If the connection is gone; nothing is lost by it.
            StoreError: If the database cannot be reached.
        """
        mails = self._desk.mails
        mails.discover(self._key, box.validity, box.uids_after(mails.cursor(self._key, box.validity)))
        done = 0
        while not is_over():
            rows = mails.claim(self._name, self._key, box.validity, lease=self._lease)
            if not rows:
                break
            for place, row in enumerate(rows):
                if is_over():
                    mails.release(self._name, rows[place:])
                    break
                try:
                    done += self._work_on(box, row)
                except MailboxLost:
                    mails.release(self._name, rows[place + 1 :])
                    raise
        return done

    def _work_on(self, box: Mailbox, row: MailRow) -> bool:
        """Bring one mail as far as it comes; True where it reached its folder."""
        try:
            return self._brought(box, row)
        except MailboxError as error:
            self._failed(row, str(error))
            if isinstance(error, MailboxLost):
                raise
        except StoreError:
            raise
        except Exception as error:  # an edge: one mail that makes trouble must not hold up the others
            self._failed(row, type(error).__name__)
        return False

    def _brought(self, box: Mailbox, row: MailRow) -> bool:
        if row.state in (MailState.FOUND, MailState.STORED):
            fetched = self._fetched(box, row)
            if fetched is None:
                self._desk.mails.finish(self._name, row, MailState.GONE)
                return False
            plan = self._decided(row, fetched)
        else:
            fetched, plan = None, row.plan
        return plan is not None and self._moved(box, row, Plan.of(plan), fetched)

    def _fetched(self, box: Mailbox, row: MailRow) -> Fetched | None:
        return box.fetch(row.uid, most=MAX_BYTES, beginning=BEGINNING)

    def _decided(self, row: MailRow, fetched: Fetched) -> Mapping[str, Any] | None:
        """Store, triage and decide; return what is to be done, None where another worker has the mail or it failed."""
        digest = sha256(fetched.raw).hexdigest() if fetched.is_whole else None
        try:
            mail = self._in_thread(_read(fetched))
        except MessageRejected as error:
            plan = self._router.unread(row, fetched.size, digest, f"it {error}")
            kept = self._desk.mails.shelve(self._name, row, plan, rejected=(fetched.raw, str(error)))
            return plan if kept else None
        if not self._desk.mails.store(self._name, row, _stored(mail, fetched.raw)):
            return None
        arrived = Arrived(row=row, mail=mail, size=fetched.size, digest=digest)
        try:
            triage = self._desk.triage(mail.message)
            settlement = self._desk.mails.settle(
                self._name, row, mail.message, lambda situation: self._router.settle(arrived, triage, situation)
            )
        except StoreError:
            raise
        except Exception as error:  # an edge: a mail that cannot be triaged or answered goes to people in the end
            return self._untriaged(arrived, type(error).__name__)
        if settlement is None:
            return None
        self._desk.then(mail.message, settlement.triage)
        return settlement.plan

    def _untriaged(self, arrived: Arrived, kind: str) -> Mapping[str, Any] | None:
        """Try again later; a mail that has been tried often goes to people without a triage, its contact kept."""
        row = arrived.row
        if row.failures + 1 < TRIES:
            self._failed(row, kind)
            return None
        log.error("mail cannot be triaged", extra={"fields": {"mail": row.id, "failure": kind}})
        why = f"it could not be triaged ({kind})"
        plan = self._router.unread(row, arrived.size, arrived.digest, why, arrived.mail.header("message-id"))
        return plan if self._desk.mails.shelve(self._name, row, plan) else None

    def _moved(self, box: Mailbox, row: MailRow, plan: Plan, fetched: Fetched | None) -> bool:
        mails = self._desk.mails
        again = row.state is MailState.MOVING
        if not box.holds(row.uid):
            is_there = again and box.copies_of(plan) > 0
            mails.finish(self._name, row, MailState.DONE if is_there else MailState.GONE)
            return is_there
        there = mails.begin_move(self._name, row, f"{row.mailbox} {plan.folder} {plan.digest or row.id}", self._lease)
        if there is None:
            self._failed(row, "the same mail is being moved by another")
            return False
        # An earlier try has got as far as the copy where there is one more than mails alike that are done.
        is_copied = again and box.copies_of(plan) > (0 if plan.headers else there)
        box.carry_out(row.uid, plan, lambda: fetched or self._fetched(box, row), is_copied=is_copied)
        log.info("mail moved", extra={"fields": {"mail": row.id, "mailbox": row.mailbox, "folder": plan.folder}})
        return mails.finish(self._name, row, MailState.DONE)

    def _in_thread(self, mail: Mail) -> Mail:
        return with_thread(mail, self._desk.mails.threads_of(mail.parents)) if mail.parents else mail

    def _failed(self, row: MailRow, kind: str) -> None:
        self._desk.mails.fail(self._name, row, kind)
        fields = {"mail": row.id, "mailbox": row.mailbox, "failures": row.failures + 1, "failure": kind}
        log.warning("mail failed", extra={"fields": fields})


def _read(fetched: Fetched) -> Mail:
    try:
        mail = read_mail(fetched.raw, received_at=fetched.received_at)
    except MessageRejected:
        raise
    except Exception as error:  # an edge: what no rule foresaw is kept and goes to people like what breaks one
        raise MessageRejected(f"cannot be read ({type(error).__name__}); have an agent look at it") from error
    return mail if fetched.is_whole else replace(mail, warnings=(*mail.warnings, TOO_LARGE))


def _stored(mail: Mail, raw: bytes) -> StoredMail:
    """Return what is kept; its like is counted by where an answer goes, which is what the cap on them protects."""
    return StoredMail(
        message=mail.message,
        raw=raw,
        files=tuple(map(attachment_of, mail.files)),
        sender=mail.reply_to or mail.sender,
        text_digest=text_digest(mail),
    )
