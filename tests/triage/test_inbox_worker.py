"""Mails that make trouble: each waits or goes to people, holds up no other, and ends no mailbox."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.mail.desks import OWN, desk_of, mail_of, quick_triage
from tests.store.clock import Clock
from triage.inbox import Fetched
from triage.inbox_running import Inbox
from triage.inbox_settings import InboxSettings, MailboxSettings, Outgoing
from triage.inbox_worker import TRIES, Desk, InboxWorker
from triage.mail_routing import Plan
from triage.store import SqlTriageStore, open_store
from triage.store.deliveries import DeliveryState

BOX = MailboxSettings(
    name="city",
    host="imap.example.org",
    user="311",
    password_env="X",
    addresses=(OWN,),
    departments={"Water": "W"},
    acknowledge=True,
)
SETTINGS = InboxSettings(
    mailboxes=(BOX,), outgoing=Outgoing(host="mail.example.org", address=OWN), acknowledgments_per_day=2
)


class FakeMailbox:
    """A mailbox of these mails, numbered from 1; remembers where they went."""

    validity = 7

    def __init__(self, *mails: bytes, received_at: datetime | None = None) -> None:
        self._mails = dict(enumerate(mails, start=1))
        self._received_at = received_at
        self.moved: dict[int, str] = {}

    def missing(self) -> tuple[str, ...]:
        return ()

    def uids_after(self, uid: int) -> list[int]:
        return [each for each in self._mails if each > uid and each not in self.moved]

    def fetch(self, uid: int, *, most: int, beginning: int) -> Fetched | None:
        raw = self._mails[uid]
        return Fetched(raw=raw, size=len(raw), received_at=self._received_at, is_whole=True)

    def holds(self, uid: int) -> bool:
        return uid not in self.moved

    def carry_out(self, uid: int, plan: Plan, raw: object, *, is_copied: bool) -> None:
        self.moved[uid] = plan.folder

    def wait(self, stop: threading.Event) -> None:
        stop.set()

    def close(self) -> None: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}", now=clock) as opened:
        yield opened


def work_off(box: Any, desk: Desk, clock: Clock, times: int = 1) -> None:  # noqa: ANN401
    for _ in range(times):
        InboxWorker(BOX, SETTINGS, desk).work_off(box)
        clock.pass_by(minutes=10)


def fails(*_: object, **__: object) -> Any:  # noqa: ANN401
    raise UnicodeEncodeError("ascii", "é", 0, 1, "made to fail")


def test_a_mail_that_cannot_be_answered_goes_to_people_and_holds_up_no_other(
    store: SqlTriageStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = FakeMailbox(mail_of(1), mail_of(2, headers="List-Id: <a.example.org>"), received_at=clock.now)
    monkeypatch.setattr("triage.mail_routing.acknowledgment", fails)
    work_off(box, desk_of(store), clock, times=TRIES - 1)
    assert box.moved == {2: "W"}
    work_off(box, desk_of(store), clock)
    assert box.moved == {1: "Review", 2: "W"}
    assert store.counts().contacts == 2


def test_a_mail_that_no_rule_of_reading_foresaw_is_kept_and_goes_to_people(
    store: SqlTriageStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = FakeMailbox(mail_of(1))
    monkeypatch.setattr("triage.inbox_worker.read_mail", fails)
    work_off(box, desk_of(store), clock)
    assert box.moved == {1: "Review"}
    counts = store.counts()
    assert (counts.contacts, counts.rejections) == (0, 1)


def test_a_mail_that_others_cannot_be_told_of_is_moved_at_the_next_try(store: SqlTriageStore, clock: Clock) -> None:
    box = FakeMailbox(mail_of(1))
    work_off(box, Desk(mails=store.mails, triage=quick_triage, then=fails), clock, times=2)
    assert box.moved == {1: "W"}


def test_a_mailbox_is_read_again_after_what_nobody_foresaw(store: SqlTriageStore, clock: Clock) -> None:
    box, tries = FakeMailbox(mail_of(1)), list[int]()

    def flaky(mailbox: MailboxSettings) -> Any:  # noqa: ANN401
        tries.append(1)
        return fails() if len(tries) == 1 else box

    stop = threading.Event()
    Inbox(SETTINGS, desk_of(store), connect=flaky, draw=lambda: -0.99).follow(BOX, stop)
    assert (len(tries), box.moved) == (2, {1: "W"})


def test_an_address_gets_so_many_acknowledgments_a_day_whoever_asks_for_them(
    store: SqlTriageStore, clock: Clock
) -> None:
    mails = [mail_of(n, sender=f"s{n}@example.com", headers="Reply-To: jane@example.com") for n in range(4)]
    work_off(FakeMailbox(*mails, received_at=clock.now), desk_of(store), clock)
    sent = store.outbox.list(DeliveryState.DUE)
    assert Counter(each.delivery.payload["to"] for each in sent) == {"jane@example.com": 2}
