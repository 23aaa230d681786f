"""The inbox against a real IMAP server and a real SMTP server."""

import json
from collections import Counter
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest

from tests.mail.conftest import fresh_user
from tests.mail.desks import OWN, WATER, desk_of, mail_of, mail_sender, quick_triage, settings_of, work_off
from tests.mail.imap_server import ImapServer
from tests.mail.smtp_server import Post
from tests.store.clock import Clock
from triage.channels.email import read_mail
from triage.inbox_worker import Desk
from triage.store import SqlTriageStore, Status, open_store
from triage.store.contact_list import ContactFilter
from triage.store.deliveries import DeliveryState
from triage.store.mail_records import MailState
from triage.store.resource import utc_now

pytestmark = pytest.mark.system

MAILS = Path(__file__).parents[1] / "data" / "mail"
GOLDEN: dict[str, dict[str, Any]] = json.loads((MAILS / "golden.json").read_text("utf-8"))
RAW = {name: (MAILS / f"{name}.eml").read_bytes() for name in GOLDEN}


def folder_of(told: dict[str, Any]) -> str:
    """Where a mail of the golden file belongs, by what a person wrote down of it."""
    if told["kind"] != "ordinary":
        return "Automatic"
    if told["spam"]:
        return "Spam"
    words = f"{told['subject']} {told['text']}".lower()
    return WATER if "street" in words else "Review"


def states(store: SqlTriageStore) -> Counter[str]:
    return Counter({count.state.value: count.number for count in store.mails.counts()})


def test_every_mail_of_the_collection_is_stored_answered_and_put_where_it_belongs(
    dovecot: ImapServer, post: Post, tmp_path: Path, user: str
) -> None:
    settings = settings_of(dovecot, user, post, acknowledge=True)
    clock = Clock()
    clock.now = utc_now()
    with open_store(f"sqlite:///{tmp_path / 'city.db'}", now=clock) as store:
        for raw in RAW.values():  # not all at once: a flood from one sender is a sign of spam
            dovecot.put(user, [raw])
            assert work_off(settings, desk_of(store)) == 1
            clock.pass_by(minutes=5)
        found = {folder: sorted(mails) for folder, mails in dovecot.all_mails(user).items()}
        wanted: dict[str, list[bytes]] = {folder: [] for folder in found}
        for name, told in GOLDEN.items():
            wanted[folder_of(told)].append(RAW[name].replace(b"\0", b"\x80"))  # IMAP has no NUL: Dovecot's way out
        assert {folder: len(mails) for folder, mails in found.items()} == {f: len(m) for f, m in wanted.items()}
        assert found == {folder: sorted(mails) for folder, mails in wanted.items()}
        assert store.counts().contacts == len(GOLDEN)
        assert states(store) == {"done": len(RAW)}
        closed = store.contacts.list(ContactFilter(status=Status.CLOSED), limit=100).contacts
        assert len(closed) == sum(told["kind"] != "ordinary" or told["spam"] for told in GOLDEN.values())
        mail_sender(store, settings).work_off()
    answered = [told for told in GOLDEN.values() if told["answered"] and folder_of(told) not in ("Spam", "Automatic")]
    assert Counter(each.recipients[0] for each in post.taken) == Counter(_answer_to(RAW[n]) for n in _names(answered))
    assert set(post.times_taken().values()) == {1}
    assert {each.sender for each in post.taken} == {""}


def _names(chosen: list[dict[str, Any]]) -> list[str]:
    return [name for name, told in GOLDEN.items() if told in chosen]


def _answer_to(raw: bytes) -> str:
    mail = read_mail(raw)
    return mail.reply_to or mail.sender


def test_an_acknowledgment_is_in_the_residents_language_and_marked(
    dovecot: ImapServer, post: Post, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user, post, acknowledge=True)
    dovecot.put(user, [mail_of(1, "La basura no se recoge en mi street.")])
    work_off(settings, desk_of(store))
    mail_sender(store, settings).work_off()
    [taken] = post.taken
    mail = taken.mail
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert (
        payload.decode().strip() == "Gracias por comunicarse con el 311. Recibimos su mensaje y lo estamos revisando."
    )
    assert {
        name: mail[name] for name in ("Auto-Submitted", "X-Auto-Response-Suppress", "In-Reply-To", "From", "To")
    } == {
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All",
        "In-Reply-To": "<m-1@example.com>",
        "From": OWN,
        "To": "jo@example.com",
    }
    assert (taken.sender, taken.recipients) == ("", ("jo@example.com",))
    assert str(make_header(decode_header(str(mail["Subject"])))) == "Auto: Report"


def test_whoever_may_be_in_danger_is_told_whom_to_call_and_waits_for_people(
    dovecot: ImapServer, post: Post, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user, post, acknowledge=True)
    spam = "X-Spam-Flag: YES"
    dovecot.put(user, [mail_of(1, "There is a gas smell in my street.", headers=spam)])
    work_off(settings, desk_of(store))
    mail_sender(store, settings).work_off()
    assert len(dovecot.mails(user, "Review")) == 1
    assert "call 911 now" in post.taken[0].raw.decode()
    assert store.contacts.list(ContactFilter(status=Status.OPEN)).contacts[0].message.id == "m-1@example.com"


def test_a_sender_gets_so_many_acknowledgments_a_day_and_a_thread_gets_one(
    dovecot: ImapServer, post: Post, store: SqlTriageStore, user: str
) -> None:
    from dataclasses import replace

    settings = replace(settings_of(dovecot, user, post, acknowledge=True), acknowledgments_per_day=3)
    reply = mail_of(9, "The street again.", sender="ann@example.com", headers="In-Reply-To: <m-8@example.com>")
    dovecot.put(user, [mail_of(number, f"street {number}") for number in range(6)])
    dovecot.put(user, [mail_of(8, "street", sender="ann@example.com"), reply])
    work_off(settings, desk_of(store))
    mail_sender(store, settings).work_off()
    assert Counter(each.recipients[0] for each in post.taken) == {"jo@example.com": 3, "ann@example.com": 1}


def test_replies_join_the_thread_of_the_first_mail_even_by_way_of_the_acknowledgment(
    dovecot: ImapServer, post: Post, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user, post, acknowledge=True)
    dovecot.put(user, [mail_of(1)])
    work_off(settings, desk_of(store))
    mail_sender(store, settings).work_off()
    answer_id = post.taken[0].mail["Message-ID"]
    dovecot.put(
        user, [mail_of(2, headers=f"In-Reply-To: {answer_id}"), mail_of(3, headers="References: <m-2@example.com>")]
    )
    work_off(settings, desk_of(store))
    threads = {contact.message.id: contact.message.thread_id for contact in store.recent()}
    assert threads == {
        "m-1@example.com": None,
        "m-2@example.com": "m-1@example.com",
        "m-3@example.com": "m-1@example.com",
    }


def test_the_same_mail_in_two_mailboxes_is_one_contact_acknowledged_and_forwarded_once(
    dovecot: ImapServer, post: Post, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user, post, acknowledge=True, forward={"Water": "water@example.org"})
    dovecot.put(user, [mail_of(1), mail_of(1)])
    work_off(settings, desk_of(store))
    mail_sender(store, settings).work_off()
    assert len(dovecot.mails(user, WATER)) == 2
    assert store.counts().contacts == 1
    assert Counter(each.recipients[0] for each in post.taken) == {"jo@example.com": 1, "water@example.org": 1}
    [forward] = [each for each in post.taken if each.recipients == ("water@example.org",)]
    assert forward.sender == OWN
    assert forward.raw.replace(b"\r\n", b"\n").endswith(mail_of(1).replace(b"\r\n", b"\n").split(b"\n\n", 1)[1])
    assert forward.mail["Message-ID"] == "<m-1@example.com>"
    assert forward.mail["Resent-To"] == "<water@example.org>"


def flags_of(server: ImapServer, user: str, folder: str) -> set[str]:
    """The flags of the one mail of a folder."""
    with server.client(user) as client:
        client.select_folder(folder, readonly=True)
        [flags] = client.get_flags(client.search()).values()
    return {flag.decode() for flag in flags}


def test_keywords_and_headers_say_what_was_decided(dovecot: ImapServer, store: SqlTriageStore, user: str) -> None:
    work_off_with = settings_of(dovecot, user, keywords=True, headers=True)
    dovecot.put(user, [mail_of(1)])
    with dovecot.client(user) as client:
        client.select_folder("INBOX")
        client.add_flags([1], ["\\Flagged", "\\Seen"])
    work_off(work_off_with, desk_of(store))
    [mail] = dovecot.mails(user, WATER)
    assert mail.endswith(mail_of(1)[-40:])
    top = mail.decode().split("From: ")[0].splitlines()
    assert top[1:] == [
        "X-Triage-Service-Type: water.main_break",
        "X-Triage-Department: Water",
        "X-Triage-Urgency: urgent",
        "X-Triage-Mode: auto",
    ]
    assert top[0].startswith(f"X-Triage-Mail: {user}/INBOX/")
    assert {"\\Flagged", "\\Seen"} <= flags_of(dovecot, user, WATER)
    assert {"311-water.main_break", "311-urgent"} <= flags_of(dovecot, user, WATER)
    assert dovecot.mails(user, "INBOX") == []


def test_a_server_without_move_gets_a_copy_and_a_removal(
    dovecot_without_move: ImapServer, store: SqlTriageStore
) -> None:
    server, user = dovecot_without_move, fresh_user(dovecot_without_move)
    server.put(user, [mail_of(1), mail_of(2, "Hello.")])
    assert work_off(settings_of(server, user), desk_of(store)) == 2
    counts = {folder: len(mails) for folder, mails in server.all_mails(user).items()}
    assert counts == {"INBOX": 0, "Review": 1, WATER: 1, "Spam": 0, "Automatic": 0}


def test_the_cursor_goes_on_behind_what_was_found_and_another_uidvalidity_finds_all_anew(
    dovecot: ImapServer, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user, folder="Incoming")
    dovecot.make_folders(user, ["Incoming"])
    dovecot.put(user, [mail_of(1), mail_of(2)], "Incoming")
    work_off(settings, desk_of(store))
    with dovecot.client(user) as client:
        before = client.select_folder("Incoming")[b"UIDVALIDITY"]
        client.unselect_folder()
        client.delete_folder("Incoming")
        client.create_folder("Incoming")
        after = client.select_folder("Incoming")[b"UIDVALIDITY"]
    assert before != after
    assert (store.mails.cursor(f"{user}/Incoming", before), store.mails.cursor(f"{user}/Incoming", after)) == (2, 0)
    dovecot.put(user, [mail_of(2), mail_of(3)], "Incoming")
    assert work_off(settings, desk_of(store)) == 2
    assert store.counts().contacts == 3
    assert (store.mails.cursor(f"{user}/Incoming", before), store.mails.cursor(f"{user}/Incoming", after)) == (0, 2)


def test_a_mail_that_a_person_moved_first_is_left_alone(dovecot: ImapServer, store: SqlTriageStore, user: str) -> None:
    settings = settings_of(dovecot, user)
    dovecot.put(user, [mail_of(1), mail_of(2)])

    def moved_meanwhile(message: Any) -> Any:  # noqa: ANN401
        with dovecot.client(user) as client:
            client.select_folder("INBOX")
            client.move(client.search(["HEADER", "Message-ID", message.id]), "Spam")
        return quick_triage(message)

    work_off(settings, Desk(mails=store.mails, triage=moved_meanwhile))
    assert {folder: len(mails) for folder, mails in dovecot.all_mails(user).items()}["Spam"] == 2
    assert states(store) == {MailState.GONE.value: 2}
    assert store.counts().contacts == 2


def test_a_mail_that_cannot_be_triaged_holds_up_no_other_and_goes_to_people_in_the_end(
    dovecot: ImapServer, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user)
    dovecot.put(user, [mail_of(1, "poison"), mail_of(2)])

    def breaks(message: Any) -> Any:  # noqa: ANN401
        if "poison" in message.text:
            raise RuntimeError("made to fail")
        return quick_triage(message)

    desk = Desk(mails=store.mails, triage=breaks)
    assert work_off(settings, desk) == 1
    assert len(dovecot.mails(user, WATER)) == 1
    [count] = [count for count in store.mails.counts() if count.failed]
    assert (count.state, count.number) == (MailState.STORED, 1)


def test_spam_is_told_by_repetition_too(dovecot: ImapServer, store: SqlTriageStore, user: str) -> None:
    same = "Buy our wonderful water filters now, a street price that nobody else can offer you."
    link = " https://bit.ly/a http://10.0.0.1/"
    mails = [mail_of(number, same, sender=f"s{number}@example.com") for number in range(6)]
    dovecot.put(user, [*mails, mail_of("last", same + link, sender="last@example.com")])
    work_off(settings_of(dovecot, user), desk_of(store))
    assert len(dovecot.mails(user, "Spam")) == 1
    closed = store.contacts.list(ContactFilter(status=Status.CLOSED)).contacts
    assert [contact.message.id for contact in closed] == ["m-last@example.com"]
    [*_, decision] = store.decisions_of("m-last@example.com")
    assert (decision.note or "").startswith("set aside: spam (")
    assert decision.decision.mode.value == "ask"
    assert store.receipts.verify().problems == ()


def test_an_acknowledgment_whose_outcome_is_unknown_is_given_up(
    dovecot: ImapServer, post: Post, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user, post, acknowledge=True)
    dovecot.put(user, [mail_of(1)])
    work_off(settings, desk_of(store))
    post.answer = lambda taken: ""
    sender = mail_sender(store, settings)
    assert sender.work_off() == 0
    [dead] = store.outbox.list(DeliveryState.DEAD)
    assert "not sent twice" in (dead.last_error or "")
    store.outbox.retry(dead.id)
    post.answer = lambda taken: "250 taken"
    assert sender.work_off() == 0
    assert list(post.times_taken().values()) == [1]


def test_an_acknowledgment_that_was_refused_for_now_is_tried_again(
    dovecot: ImapServer, post: Post, store: SqlTriageStore, user: str
) -> None:
    settings = settings_of(dovecot, user, post, acknowledge=True)
    dovecot.put(user, [mail_of(1)])
    work_off(settings, desk_of(store))
    post.answer = lambda taken: "451 later"
    sender = mail_sender(store, settings)
    assert sender.work_off() == 0
    [due] = store.outbox.list(DeliveryState.DUE)
    assert due.last_error == "SMTP 451"
    store.outbox.retry(due.id)
    post.answer = lambda taken: "250 taken"
    assert sender.work_off() == 1
    post.answer = lambda taken: "550 never"
    dovecot.put(user, [mail_of(2)])
    work_off(settings, desk_of(store))
    assert sender.work_off() == 0
    assert [dead.last_error for dead in store.outbox.list(DeliveryState.DEAD)] == ["SMTP 550"]


def test_mails_that_name_no_sender_are_no_flood_from_one(dovecot: ImapServer, store: SqlTriageStore, user: str) -> None:
    nameless = [mail_of(number, sender="") for number in range(25)]
    dovecot.put(user, nameless)
    work_off(settings_of(dovecot, user), desk_of(store))
    assert len(dovecot.mails(user, WATER)) == 25
