"""An inbox process that is killed: forked from the test, with SIGKILL at the n-th thing it does, or by a timer.

What it does is counted where it meets the world: a statement or a commit of the database, a command to the IMAP server,
a line to the mail server. It dies right before or right after the one that is drawn.
"""

import itertools
import os
import random
import signal
import smtplib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from imaplib import IMAP4
from typing import Any

from imapclient import IMAPClient
from sqlalchemy import Engine, event

from tests.mail.desks import mail_sender
from tests.store.samples import triage_of
from triage.errors import MailboxError, StoreError
from triage.inbox import Mailbox
from triage.inbox_settings import InboxSettings
from triage.inbox_worker import Desk, InboxWorker
from triage.outbox import OutboxWorker
from triage.store import SqlTriageStore, open_store
from triage.types import Decision, Message, Mode, Triage

MOVES = ("move", "copy", "add_flags", "uid_expunge")
LEASE = timedelta(milliseconds=300)
AUTO = Decision(mode=Mode.AUTO, service_type="water.leak", department="Water")
ASK = Decision(mode=Mode.ASK, service_type="city.other", department="City")


@dataclass(frozen=True, kw_only=True)
class Death:
    """When a process dies: before or after its n-th step, or some seconds after it began.

    Steps are statements, commits and commands, or only those of one kind that change what lies on another server.
    """

    step: int = 0
    before: bool = True
    only: tuple[str, ...] = ()
    after_s: float = 0.0

    @classmethod
    def drawn(cls, draw: random.Random) -> "Death":
        kind, before = draw.random(), draw.random() < 0.5
        if kind < 0.25:
            return cls(after_s=draw.uniform(0.005, 0.4))
        if kind < 0.45:
            return cls(step=draw.randint(1, 6), before=before, only=MOVES)
        if kind < 0.65:
            return cls(step=draw.randint(1, 4), before=before, only=("data",))
        return cls(step=draw.randint(1, 120), before=before)


def triage(message: Message) -> Triage:
    return triage_of(message.id, AUTO if "street" in message.text else ASK)


def forked(url: str, settings: InboxSettings, death: Death | None) -> int:
    """Start a process that works off the first mailbox and sends what is due; return its id."""
    child = os.fork()
    if child:
        return child
    try:
        if death is not None:
            _arrange(death)
        _work(url, settings)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _work(url: str, settings: InboxSettings) -> None:
    [mailbox] = settings.mailboxes
    with open_store(url) as store:
        worker = InboxWorker(mailbox, settings, Desk(mails=store.mails, triage=triage), lease=LEASE)
        sender = _hurried(mail_sender(store, settings))
        box = Mailbox.open(mailbox)
        try:
            until, asked = time.monotonic() + 10, itertools.count()
            while time.monotonic() < until:
                # A few mails at a time, so that moving and sending alternate within a short life.
                if not worker.work_off(box, lambda: next(asked) % 6 == 5) + sender.work_off():
                    if _is_over(store):
                        return
                    time.sleep(0.02)  # what a dead one has leased is free soon
        except (MailboxError, StoreError):
            return


def _hurried(sender: OutboxWorker) -> OutboxWorker:
    sender._lease = LEASE
    return sender


def _is_over(store: SqlTriageStore) -> bool:
    under_way = [count for count in store.mails.counts() if count.state.value not in ("done", "gone")]
    return not under_way and store.outbox.counts()["due"] == 0  # type: ignore[index]


def _arrange(death: Death) -> None:
    if death.after_s:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, death.after_s)
        return
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == death.step:
            os.kill(os.getpid(), signal.SIGKILL)

    for owner, names in ((IMAPClient, MOVES), (smtplib.SMTP, ("data",))):
        for name in death.only or names:
            if name in names:
                _count(owner, name, step, death.before)
    if not death.only:
        event.listen(Engine, "before_cursor_execute" if death.before else "after_cursor_execute", lambda *_: step())
        event.listen(Engine, "commit", lambda *_: step())
        _count(IMAP4, "_command" if death.before else "_command_complete", step, death.before)


def _count(owner: type, name: str, step: Callable[[], None], before: bool) -> None:
    does: Any = getattr(owner, name)

    def counted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        if before:
            step()
        result = does(*arguments, **named)
        if not before:
            step()
        return result

    setattr(owner, name, counted)
