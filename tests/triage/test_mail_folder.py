"""Mails dropped into a folder: .eml and .msg, each once, whatever happens in between; what cannot be read is kept."""

import os
from pathlib import Path
from typing import IO

import pytest

from tests.fakes import fake_parts
from tests.triage.channels.msg_files import BODY, HEADERS, SENDER_ADDRESS, SENDER_NAME, SUBJECT, msg_file
from triage.mail_folder import Dropped, MailFolder
from triage.mail_intake import MailIntake
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, Status, open_store
from triage.types import Channel, Message, Mode, Triage

MAIL = b"From: jo@example.org\r\nMessage-ID: <f-1@example.org>\r\nSubject: Couch\r\n\r\nsomeone dumped a couch\r\n"
OUTLOOK = {
    SUBJECT: "Couch",
    BODY: "someone dumped a couch, señor\r\n",
    SENDER_NAME: "Jo Sample",
    SENDER_ADDRESS: "jo@example.org",
    HEADERS: "From: Jo Sample <jo@example.org>\r\nTo: 311@example.org\r\nMessage-ID: <f-2@example.org>\r\n"
    "Date: Mon, 02 Mar 2026 09:00:00 -0800\r\n\r\n",
}


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> SqlTriageStore:
    return open_store(f"sqlite:///{tmp_path_factory.mktemp('city') / 'city.db'}")


@pytest.fixture
def noted() -> list[tuple[Message, Triage]]:
    return []


@pytest.fixture
def folder(tmp_path: Path, store: SqlTriageStore, noted: list[tuple[Message, Triage]]) -> MailFolder:
    return MailFolder(tmp_path, MailIntake(store, Pipeline(fake_parts()), noted.extend), store)


def outcomes(folder: MailFolder) -> list[Dropped]:
    return list(folder.work_off(settled_after_s=0))


def test_a_mail_is_stored_triaged_and_moved(
    folder: MailFolder, tmp_path: Path, store: SqlTriageStore, noted: list[tuple[Message, Triage]]
) -> None:
    (tmp_path / "a.EML").write_bytes(MAIL)
    assert outcomes(folder) == [Dropped(name="a.EML", outcome="stored", detail="f-1@example.org")]
    contact = store.contact_of("f-1@example.org")
    assert (contact.message.channel, contact.message.text, contact.raw) == (
        Channel.EMAIL,
        "someone dumped a couch",
        MAIL,
    )
    assert contact.triage is not None
    assert (tmp_path / "done" / "a.EML").read_bytes() == MAIL
    assert len(noted) == 1
    assert outcomes(folder) == []


def test_an_outlook_file_is_read_with_its_attachment(folder: MailFolder, tmp_path: Path, store: SqlTriageStore) -> None:
    raw = msg_file(OUTLOOK, {"note.txt": b"12 Elm St", "long.txt": b"couch " * 2_000})
    (tmp_path / "b.msg").write_bytes(raw)
    assert outcomes(folder) == [Dropped(name="b.msg", outcome="stored", detail="f-2@example.org")]
    contact = store.contact_of("f-2@example.org")
    assert contact.message.subject == "Couch"
    assert contact.message.text.startswith("someone dumped a couch, señor\n\n[note.txt]\n12 Elm St")
    assert str(contact.message.received_at) == "2026-03-02 17:00:00+00:00"
    files = store.links.attachments("f-2@example.org")
    assert [(file.name, file.size_bytes) for file in files] == [("note.txt", 9), ("long.txt", 12_000)]
    assert contact.raw == raw


def test_a_mail_that_was_dropped_twice_is_known(folder: MailFolder, tmp_path: Path, store: SqlTriageStore) -> None:
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes(MAIL)
    assert [each.outcome for each in outcomes(folder)] == ["stored", "known"]
    (tmp_path / "a.eml").write_bytes(MAIL)
    assert [each.outcome for each in outcomes(folder)] == ["known"]
    assert store.counts().contacts == 1
    assert sorted(path.name for path in (tmp_path / "done").iterdir()) == ["a-1.eml", "a.eml", "b.eml"]


def test_who_died_before_the_move_goes_on_without_a_second_contact(
    folder: MailFolder, tmp_path: Path, store: SqlTriageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", die)
        with pytest.raises(KeyboardInterrupt):
            outcomes(folder)
    assert [each.outcome for each in outcomes(folder)] == ["known"]
    assert (store.counts().contacts, store.counts().triages) == (1, 1)


@pytest.mark.parametrize(
    "raw", [msg_file(OUTLOOK)[:900], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut off", b"   ", b"x" * 40_000_001]
)
def test_what_cannot_be_read_is_kept_and_moved_aside(
    folder: MailFolder, tmp_path: Path, store: SqlTriageStore, raw: bytes
) -> None:
    (tmp_path / "a.msg").write_bytes(raw)
    [found] = outcomes(folder)
    assert found.outcome == "rejected"
    assert store.counts().rejections == 1
    assert (tmp_path / "rejected" / "a.msg").read_bytes() == raw


def test_what_no_agent_need_see_is_closed_and_says_why(
    folder: MailFolder, tmp_path: Path, store: SqlTriageStore
) -> None:
    (tmp_path / "a.eml").write_bytes(b"X-Spam-Flag: YES\r\n" + MAIL)
    assert [each.outcome for each in outcomes(folder)] == ["set aside"]
    decision = store.contact_of("f-1@example.org").decision
    assert decision is not None
    assert (decision.status, decision.decision.mode) == (Status.CLOSED, Mode.ASK)
    assert decision.note == "set aside: spam (the mail server's filter says so)"


def test_only_settled_visible_mails_are_read(folder: MailFolder, tmp_path: Path) -> None:
    for name in ("fresh.eml", ".hidden.eml", "letter.txt", "old.eml"):
        (tmp_path / name).write_bytes(MAIL)
    (tmp_path / "folder.eml").mkdir()
    os.utime(tmp_path / "old.eml", (1, 1))
    assert [path.name for path in folder.waiting()] == ["old.eml"]


def test_a_file_that_fails_stays_and_stops_no_other(
    folder: MailFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes(MAIL)
    opened = Path.open

    def refuse(path: Path, mode: str) -> IO[bytes]:
        if path.name == "a.eml":
            raise PermissionError(13, "Permission denied")
        return opened(path, "rb")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        assert outcomes(folder) == [
            Dropped(name="a.eml", outcome="failed", detail="PermissionError"),
            Dropped(name="b.eml", outcome="stored", detail="f-1@example.org"),
        ]
    assert [each.outcome for each in outcomes(folder)] == ["known"]


def test_a_file_that_another_process_moved_meanwhile_is_passed_over(
    folder: MailFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.eml").symlink_to(tmp_path / "gone")
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    assert (folder.waiting(), folder.unsettled()) == ([], 0)


def test_a_mail_that_was_just_written_is_told(folder: MailFolder, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)
    assert (folder.waiting(), folder.unsettled()) == ([], 1)
    os.utime(tmp_path / "a.eml", (1, 1))
    assert (folder.waiting(), folder.unsettled()) == ([tmp_path / "a.eml"], 0)
