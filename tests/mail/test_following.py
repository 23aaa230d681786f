"""An inbox that runs: waits with IDLE or without, comes back after losses, stops when told to, checks itself."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from tests.mail.conftest import fresh_user
from tests.mail.desks import WATER, desk_of, mail_of, settings_of
from tests.mail.imap_server import PASSWORD, ImapServer
from tests.mail.smtp_server import Post
from triage.errors import MailboxLost
from triage.inbox import Mailbox
from triage.inbox_running import LONGEST_PAUSE_S, Inbox, pause_s
from triage.inbox_settings import InboxSettings, MailboxSettings
from triage.store import SqlTriageStore, open_store

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


@contextmanager
def running(inbox: Inbox) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=inbox.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def at_once(settings: InboxSettings, **changed: float) -> InboxSettings:
    return replace(settings, mailboxes=(replace(settings.mailboxes[0], **changed),))  # type: ignore[arg-type]


def test_pauses_double_up_to_five_minutes_with_jitter() -> None:
    assert [pause_s(losses, lambda: 1.0) for losses in (1, 2, 3, 9, 10, 500)] == [1, 2, 4, 256, 300, 300]
    assert [pause_s(losses, lambda: 0.0) for losses in (1, 2)] == [0.5, 1]
    assert LONGEST_PAUSE_S == 300


@pytest.mark.system
def test_with_idle_new_mail_is_seen_at_once(dovecot: ImapServer, store: SqlTriageStore, user: str) -> None:
    settings = at_once(settings_of(dovecot, user), poll_s=600)
    with running(Inbox(settings, desk_of(store))):
        dovecot.put(user, [mail_of(1)])
        assert within(15, lambda: len(dovecot.mails(user, WATER)) == 1)
        dovecot.put(user, [mail_of(2)])
        assert within(15, lambda: len(dovecot.mails(user, WATER)) == 2)


@pytest.mark.system
def test_a_server_without_idle_is_looked_at_every_poll(
    dovecot_without_move: ImapServer, store: SqlTriageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = dovecot_without_move
    user = fresh_user(server)
    from imapclient import IMAPClient

    able = IMAPClient.has_capability
    monkeypatch.setattr(IMAPClient, "has_capability", lambda self, name: name != "IDLE" and able(self, name))
    with running(Inbox(settings_of(server, user), desk_of(store))):
        server.put(user, [mail_of(1)])
        assert within(15, lambda: len(server.mails(user, WATER)) == 1)


@pytest.mark.system
def test_an_inbox_comes_back_after_every_loss(dovecot: ImapServer, store: SqlTriageStore, user: str) -> None:
    tries: list[int] = []

    def flaky(mailbox: MailboxSettings) -> Mailbox:
        tries.append(1)
        if len(tries) < 4:
            raise MailboxLost("connect: Connection refused")
        box = Mailbox.open(mailbox)
        if len(tries) < 6:
            box._client.socket().shutdown(socket.SHUT_RDWR)
        return box

    dovecot.put(user, [mail_of(1)])
    with running(Inbox(settings_of(dovecot, user), desk_of(store), connect=flaky, draw=lambda: -0.99)):
        assert within(15, lambda: len(dovecot.mails(user, WATER)) == 1)
    assert len(tries) == 6


@pytest.mark.system
def test_several_mailboxes_are_read_side_by_side_and_a_broken_one_holds_up_no_other(
    dovecot: ImapServer, store: SqlTriageStore, user: str
) -> None:
    other = fresh_user(dovecot)
    settings = settings_of(dovecot, user)
    broken = replace(settings.mailboxes[0], name="broken", password="wrong")
    both = replace(settings, mailboxes=(broken, *settings.mailboxes, *settings_of(dovecot, other).mailboxes))
    dovecot.put(user, [mail_of(1)])
    dovecot.put(other, [mail_of(2)])
    with running(Inbox(both, desk_of(store))):
        assert within(20, lambda: [len(dovecot.mails(name, WATER)) for name in (user, other)] == [1, 1])


def written(path: Path, server: ImapServer, user: str, post: Post | None = None, more: str = "") -> Path:
    port = post.port if post else 0
    outgoing = f"outgoing: {{host: 127.0.0.1, port: {port}, security: none, address: 311@example.org}}\n"
    path.write_text(
        (outgoing if post else "")
        + f"""mailboxes:
  - name: city
    host: 127.0.0.1
    port: {server.port}
    security: none
    user: {user}
    password_env: CITY_MAIL_PASSWORD
    addresses: [311@example.org]
    departments: {{"Water utility": {WATER}}}
    {more}
"""
    )
    return path


@pytest.mark.system
def test_check_says_what_would_be_done_what_is_there_and_what_is_in_the_way(
    dovecot: ImapServer, post: Post, user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITY_MAIL_PASSWORD", PASSWORD)
    path = written(tmp_path / "inbox.yaml", dovecot, user, post, "{review: For people}".strip("{}"))
    department = next(iter(_departments()))
    path.write_text(path.read_text().replace("Water utility", department))
    monkeypatch.setenv("TRIAGE_INBOX", str(path))
    dovecot.put(user, [mail_of(1)])
    found = CliRunner().invoke(app, ["inbox", "check"])
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        f"city: INBOX of {user} at 127.0.0.1:{dovecot.port}",
        f"  decided by itself, {department}: moved to {WATER}",
        "  everything else: moved to For people",
        "  spam: moved to Spam; bounces, loops and automatic answers: moved to Automatic",
        "  service type and urgency set as: nothing",
        "  acknowledgment: none",
        "  connected: 1 not read yet; the server can IDLE, MOVE, UIDPLUS, keywords",
        "  folders: Automatic, Departments/Water, INBOX, Review, Spam",
        f"outgoing: 127.0.0.1:{post.port} answers",
    ]
    assert found.stderr == "problem: city: the folder For people is missing: --create makes it\n"
    assert CliRunner().invoke(app, ["inbox", "check", "--create"]).exit_code == 0
    assert CliRunner().invoke(app, ["inbox", "check"]).exit_code == 0
    assert dovecot.mails(user, "INBOX") == [mail_of(1)[: len(mail_of(1))]] or len(dovecot.mails(user, "INBOX")) == 1
    monkeypatch.setenv("CITY_MAIL_PASSWORD", "wrong")
    refused = CliRunner().invoke(app, ["inbox", "check"])
    assert "log in: the server does not let this user in: check user and password" in refused.stderr
    assert refused.exit_code == 1


def _departments() -> list[str]:
    from triage import taxonomy

    return [each.department for each in taxonomy.load().service_types]


def test_without_a_file_the_inbox_says_what_to_set() -> None:
    environment = {**os.environ, "TRIAGE_INBOX": ""}
    command = [sys.executable, "-c", "import cli; cli.main()", "inbox", "check"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert "TRIAGE_INBOX must name the YAML file of the mailboxes, see docs/operations.md, got none" in run.stderr
