"""An inbox that is killed over and over under load: counted by what lies on the servers in the end."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mail.conftest import fresh_user
from tests.mail.desks import WATER, mail_of, settings_of
from tests.mail.dying import Death, forked
from tests.mail.imap_server import ImapServer
from tests.mail.smtp_server import Post
from triage.inbox_settings import InboxSettings
from triage.store import SqlTriageStore, open_store
from triage.store.deliveries import DeliveryState

pytestmark = pytest.mark.system

LOAD = 60
KILLS = 100  # on each database: two hundred in all


class Load:
    """Mails that arrive while processes die: some by themselves, some for people, some spam, some twice."""

    def __init__(self, server: ImapServer, user: str) -> None:
        self.server = server
        self.user = user
        self.put: list[tuple[bytes, str]] = []

    def arrive(self, number: int) -> None:
        first = len(self.put)
        for count in range(first, first + number):
            kind = count % 5
            if kind == 4:
                mail = self.put[-1][0], self.put[-1][1]  # the same mail once more
            elif kind == 3:
                mail = _mail(count, "Win now.", "X-Spam-Flag: YES"), "Spam"
            else:
                mail = _mail(count, "My street." if kind else "Hello."), WATER if kind else "Review"
            self.put.append(mail)
        self.server.put(self.user, [raw for raw, _ in self.put[first:]])

    def under_way(self) -> int:
        return len(self.server.mails(self.user, "INBOX"))


def _mail(number: int, text: str, headers: str = "") -> bytes:
    return mail_of(number, text, sender=f"r{number}@example.com", headers=headers)


def ended(child: int, *, kill_after_s: float = 20) -> bool:
    """Wait for a process, and tell whether it was killed; one that hangs is a failing test."""
    until = time.monotonic() + kill_after_s
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("an inbox process hung")


def killed(url: str, settings: InboxSettings, deaths: Sequence[Death]) -> int:
    """Run as many processes side by side as there are deaths, and return how many died by them."""
    children = [forked(url, settings, death) for death in deaths]
    return sum([ended(child) for child in children])


def check(server: ImapServer, user: str, post: Post, store: SqlTriageStore, load: Load) -> None:
    """Count: every mail is in its folder once, every sender has at most one acknowledgment, and none is missing."""
    lying = {folder: Counter(mails) for folder, mails in server.all_mails(user).items()}
    wanted: dict[str, Counter[bytes]] = {folder: Counter() for folder in lying}
    for raw, folder in load.put:
        wanted[folder][raw] += 1
    assert lying == wanted
    messages = {raw for raw, _ in load.put}
    assert store.counts().contacts == len(messages)
    assert {count.state.value for count in store.mails.counts()} == {"done"}
    assert sum(count.number for count in store.mails.counts()) == len(load.put)
    taken = Counter(each.recipients[0] for each in post.taken if each.sender == "")
    assert set(taken.values()) == {1}
    unknown = store.outbox.list(DeliveryState.DEAD, limit=1_000)
    assert {dead.last_error for dead in unknown} <= {
        "unknown whether it was taken; an acknowledgment is not sent twice"
    }
    due_an_answer = {f"r{n}@example.com" for n, (_, folder) in enumerate(load.put) if n % 5 != 4 and folder != "Spam"}
    assert unknown, "no process died between the mail server's answer and the word of it: the test tests too little"
    given_up = {dead.delivery.payload["to"] for dead in unknown}
    assert set(taken) | given_up == due_an_answer
    forwarded = Counter(str(each.mail["Message-ID"]) for each in post.taken if each.sender)
    assert len(forwarded) == sum(folder == WATER and n % 5 != 4 for n, (_, folder) in enumerate(load.put))
    assert store.receipts.verify().problems == ()


def run(server: ImapServer, user: str, post: Post, url: str, *, seed: int, together: int) -> None:
    settings = settings_of(server, user, post, acknowledge=True, forward={"Water": "water@example.org"})
    draw = random.Random(seed)
    load = Load(server, user)
    load.arrive(LOAD)
    deaths = 0
    open_store(url).close()
    while deaths < KILLS:
        if load.under_way() < 10:
            load.arrive(20)
        deaths += killed(url, settings, [Death.drawn(draw) for _ in range(together)])
    for _ in range(5):
        assert not ended(forked(url, settings, None))
        if not load.under_way():
            break
    with open_store(url) as store:
        check(server, user, post, store, load)


def test_an_inbox_killed_a_hundred_times_on_sqlite_loses_doubles_and_repeats_nothing(
    dovecot: ImapServer, post: Post, tmp_path: Path, user: str
) -> None:
    run(dovecot, user, post, f"sqlite:///{tmp_path / 'city.db'}", seed=1, together=1)


def test_two_inboxes_killed_a_hundred_times_on_postgresql_lose_double_and_repeat_nothing(
    dovecot_without_move: ImapServer, post: Post, schema_url: str
) -> None:
    run(dovecot_without_move, fresh_user(dovecot_without_move), post, schema_url, seed=2, together=2)
