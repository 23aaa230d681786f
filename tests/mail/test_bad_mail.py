"""Mail and servers that break rules: a clear answer, the mail kept, nothing lost, nothing doubled."""

import io
import socket
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.mail.desks import FOLDERS, WATER, desk_of, mail_of, settings_of, work_off
from tests.mail.imap_server import ImapServer, imap_server
from tests.mail.test_inbox import states
from triage.channels.email import MAX_BYTES
from triage.errors import MailboxError, MailboxLost
from triage.inbox import Mailbox
from triage.inbox_settings import MailboxSettings, Security
from triage.inbox_worker import TOO_LARGE
from triage.store import SqlTriageStore, open_store
from triage.store.mail_records import MailState
from triage.types import Channel

pytestmark = pytest.mark.system


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


def with_file(text: str, name: str, content: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "jo@example.com", f"<{name}@example.com>"
    mail.set_content(text)
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes().replace(b"\n", b"\r\n")


def test_of_a_mail_of_forty_megabytes_the_beginning_is_triaged_and_people_get_the_whole(
    dovecot: ImapServer, store: SqlTriageStore, user: str
) -> None:
    raw = with_file("The street is flooded.", "video.mov", b"\0" * (MAX_BYTES * 3 // 4))
    assert len(raw) > MAX_BYTES
    dovecot.put(user, [raw])
    assert work_off(settings_of(dovecot, user), desk_of(store)) == 1
    assert [len(mail) for mail in dovecot.mails(user, "Review")] == [len(raw)]
    [contact] = store.recent()
    assert contact.message.text == "The street is flooded."
    assert contact.triage is not None
    assert TOO_LARGE in contact.triage.answer["warnings"]


def test_two_hundred_parts_inside_parts_are_kept_and_go_to_people(
    dovecot: ImapServer, store: SqlTriageStore, user: str
) -> None:
    opened = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(201))
    raw = f"From: jo@example.com\r\n{opened}Content-Type: text/plain\r\n\r\nThe street.\r\n".encode()
    dovecot.put(user, [raw, mail_of(2)])
    assert work_off(settings_of(dovecot, user), desk_of(store)) == 2
    assert dovecot.mails(user, "Review") == [raw]
    assert len(dovecot.mails(user, WATER)) == 1
    counts = store.counts()
    assert (counts.contacts, counts.rejections) == (1, 1)


def test_a_zip_bomb_is_listed_and_not_unpacked(dovecot: ImapServer, store: SqlTriageStore, user: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 500_000_000)
    dovecot.put(user, [with_file("See the street.", "bomb.docx", packed.getvalue())])
    work_off(settings_of(dovecot, user), desk_of(store))
    [contact] = store.recent()
    [file] = store.links.attachments(contact.message.id)
    assert (file.name, file.size_bytes, file.text) == ("bomb.docx", len(packed.getvalue()), None)
    assert contact.triage is not None
    assert "bomb.docx unpacks to 500,000,000 bytes" in contact.triage.answer["warnings"][0]


@contextmanager
def line_cut_after(port: int, most: int) -> Iterator[int]:
    """Stand between client and server, and hang up after so many bytes from the server; give the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket, left: int) -> None:
        try:
            while left > 0 and (chunk := source.recv(min(65_536, left))):
                target.sendall(chunk)
                left -= len(chunk)
        except OSError:
            pass
        for end in (source, target):
            hang_up(end)
        source.close()

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=pump, args=(server, client, most), daemon=True).start()
            threading.Thread(target=pump, args=(client, server, 1 << 40), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def test_a_server_that_hangs_up_within_a_literal_costs_nothing_but_time(
    dovecot: ImapServer, store: SqlTriageStore, user: str
) -> None:
    dovecot.put(user, [with_file("The street.", "big.bin", b"\1" * 3_000_000), mail_of(2)])
    settings = settings_of(dovecot, user)
    with line_cut_after(dovecot.port, 1_000_000) as port:
        cut = replace(settings, mailboxes=(replace(settings.mailboxes[0], port=port),))
        with pytest.raises(MailboxLost, match="fetch"):
            work_off(cut, desk_of(store))
    assert states(store) == {"found": 2}
    assert store.counts().contacts == 0
    assert work_off(settings, desk_of(store)) == 1  # the large one waits a little before it is tried again
    assert [count.failed for count in store.mails.counts() if count.state is MailState.FOUND] == [1]


@pytest.mark.parametrize("most", [10, 60, 300, 700, 1_200, 1_500])
def test_a_server_that_hangs_up_anywhere_is_told_as_lost(dovecot: ImapServer, user: str, most: int) -> None:
    dovecot.put(user, [mail_of(1)])
    [mailbox] = settings_of(dovecot, user).mailboxes
    with line_cut_after(dovecot.port, most) as port, pytest.raises(MailboxLost):
        look_often(replace(mailbox, port=port))


def look_often(mailbox: MailboxSettings) -> None:
    box = Mailbox.open(mailbox)
    try:
        for _ in range(20):
            box.uids_after(0)
            box.fetch(1, most=MAX_BYTES, beginning=1_000)
    finally:
        box.close()


@pytest.mark.parametrize(
    "lines",
    [
        b"* OK hello\r\nxx\r\n",
        b"* OK hello\r\n* BAD \xff\xfe\r\n",
        b"* OK hello\r\n* 1 FETCH (BODY[] {99999999}\r\nabc",
        b"\0\0\0",
        b"* BYE too many\r\n",
    ],
)
def test_a_server_that_speaks_no_imap_is_told_as_lost(dovecot: ImapServer, lines: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            line, _ = listener.accept()
            line.sendall(lines)
            line.recv(100)
            line.close()

        threading.Thread(target=answer, daemon=True).start()
        [mailbox] = settings_of(dovecot, "nobody").mailboxes
        with pytest.raises(MailboxError):
            Mailbox.open(replace(mailbox, port=listener.getsockname()[1]))


def test_a_wrong_password_says_what_to_do_and_not_what_it_was(dovecot: ImapServer, user: str) -> None:
    [mailbox] = settings_of(dovecot, user).mailboxes
    with pytest.raises(MailboxError, match="log in: the server does not let this user in") as caught:
        Mailbox.open(replace(mailbox, password="hunter2"))
    assert "hunter2" not in str(caught.value)


def test_a_folder_that_is_missing_keeps_the_mail_where_it_is_until_it_is_made(
    dovecot: ImapServer, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user, departments={"Water": "Nowhere"})
    dovecot.put(user, [mail_of(1), mail_of(2, "Hello")])
    assert work_off(settings, desk_of(store)) == 1
    assert len(dovecot.mails(user, "INBOX")) == 1
    assert states(store) == {"done": 1, "moving": 1}
    box = Mailbox.open(settings.mailboxes[0])
    assert box.missing() == ("Nowhere",)
    box.make("Nowhere")
    assert box.missing() == ()
    box.close()


def test_a_connection_is_private_and_the_servers_name_is_checked(store: SqlTriageStore, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    with imap_server(("city",), certificate=(certificate, key)) as server:
        server.make_folders("city", FOLDERS)
        [mailbox] = settings_of(server, "city").mailboxes
        for port, security in ((server.port, Security.STARTTLS), (server.tls_port, Security.TLS)):
            private = replace(mailbox, host="localhost", port=port, security=security, ca_file=certificate)
            box = Mailbox.open(private)
            assert box.abilities == {"IDLE": True, "MOVE": True, "UIDPLUS": True, "keywords": True}
            box.close()
            with pytest.raises(MailboxLost, match="connect"):
                Mailbox.open(replace(private, ca_file=None))
            with pytest.raises(MailboxLost, match="connect"):
                Mailbox.open(replace(private, host="127.0.0.1"))


def test_what_was_rejected_is_kept_by_its_bytes(dovecot: ImapServer, store: SqlTriageStore, user: str) -> None:
    raw = b"From: jo@example.com\r\n\r\n"
    dovecot.put(user, [raw])
    assert work_off(settings_of(dovecot, user), desk_of(store)) == 1
    assert dovecot.mails(user, "Review") == [raw]
    store.keep_rejected(raw, "again", Channel.EMAIL)
    assert store.counts().rejections == 1


def test_a_crowded_folder_is_asked_about_in_parts(
    dovecot: ImapServer, store: SqlTriageStore, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.inbox._CROWD", 3)
    settings = settings_of(dovecot, user)
    dovecot.put(user, [mail_of(number) for number in range(10)])
    with dovecot.client(user) as client:
        client.select_folder("INBOX")
        client.delete_messages([1, 2, 3, 4])
        client.expunge()
    box = Mailbox.open(settings.mailboxes[0])
    assert box.uids_after(0) == [5, 6]
    assert box.uids_after(6) == [7, 8, 9]
    assert box.uids_after(9) == [10]
    assert box.uids_after(10) == []
    box.close()
    assert work_off(settings, desk_of(store)) == 2
    assert work_off(settings, desk_of(store)) == 3
