"""Mail without a mailbox: which thread it joins, and who is no loop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import fake_parts
from triage.channels.email import read_mail
from triage.mail_intake import MailIntake, TakenMail
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


def taken(store: SqlTriageStore, name: str, headers: str = "", to: str = "311@example.org") -> TakenMail:
    head = f"From: Jane Doe <jane@example.org>\r\nTo: {to}\r\nMessage-ID: <{name}@example.org>\r\n{headers}"
    raw = f"{head}\r\nSomeone dumped a couch.".encode()
    return MailIntake(store, Pipeline(fake_parts()), lambda pairs: None).take(read_mail(raw), raw)


def test_a_mail_joins_the_thread_of_the_mail_that_it_answers(store: SqlTriageStore) -> None:
    taken(store, "a")
    taken(store, "b", "In-Reply-To: <a@example.org>\r\n")
    taken(store, "c", "In-Reply-To: <b@example.org>\r\n")
    threads = {contact.message.id: contact.message.thread_id for contact in store.recent()}
    assert threads == {"a@example.org": None, "b@example.org": "a@example.org", "c@example.org": "a@example.org"}


def test_a_resident_who_writes_to_himself_too_waits_for_an_agent(store: SqlTriageStore) -> None:
    assert taken(store, "a", "Cc: jane@example.org\r\n").aside is None
    assert taken(store, "b", to="jane@example.org").aside is None


def test_a_mail_that_a_recipient_has_sent_before_is_a_loop(store: SqlTriageStore) -> None:
    found = taken(store, "a", "X-Loop: 311@example.org\r\n")
    assert found.aside == "set aside: a mail of this service that came back"
    assert taken(store, "b", "X-Loop: list@example.org\r\n").aside is None
