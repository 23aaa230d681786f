"""No automatic answer where one would loop or bother; the marks of those that are sent."""

import base64
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest

from triage.channels.autoreply import (
    UNBROKEN,
    Cap,
    MailKind,
    acknowledgment,
    is_within,
    kind_of,
    reasons_against_answer,
)
from triage.channels.email import Mail, read_mail

OWN = ("311@example.org",)
NOW = datetime(2026, 3, 3, 17, tzinfo=UTC)


def encoded(text: str, times: int = 1) -> str:
    """A text as an encoded word (RFC 2047), as an encoded word, and so on."""
    for _ in range(times):
        text = f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="
    return text


def mail_with(headers: str = "", sender: str = "jo@example.org") -> Mail:
    head = f"From: {sender}\r\nMessage-ID: <m-1@example.org>\r\nSubject: Light\r\n{headers}"
    return read_mail(f"{head}\r\nThe light is out.".encode())


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ("Auto-Submitted: auto-generated\r\n", "Auto-Submitted says that a machine sent it"),
        ("Auto-Submitted: auto-replied; owner=x\r\n", "Auto-Submitted says that a machine sent it"),
        ("Precedence: bulk\r\n", "Precedence is bulk"),
        ("Precedence: List\r\n", "Precedence is bulk"),
        ("Precedence: junk\r\n", "Precedence is bulk"),
        ("Precedence: auto_reply\r\n", "Precedence is bulk"),
        ("List-Id: <a.example.org>\r\n", "it came over a list"),
        ("List-Unsubscribe: <https://example.org>\r\n", "it came over a list"),
        ("X-Auto-Response-Suppress: OOF\r\n", "X-Auto-Response-Suppress asks for none"),
        ("X-Loop: anything\r\n", "X-Loop says that it has been answered before"),
        ("Return-Path: <>\r\n", "its return path is empty"),
        ("Reply-To: 311@EXAMPLE.org\r\n", "it is from the service's own address"),
        ("Reply-To: no-reply@example.org\r\n", "its sender is a machine or takes no answers"),
        ("X-Autoreply: yes\r\n", "it is marked as an automatic answer"),
        ("Content-Type: multipart/report; boundary=b\r\n", "it is a delivery report"),
    ],
)
def test_each_rule_against_an_answer_is_named(headers: str, reason: str) -> None:
    assert reasons_against_answer(mail_with(headers), own_addresses=OWN) == (reason,)


@pytest.mark.parametrize("local", ["mailer-daemon", "MAILER-DAEMON", "noreply", "no-reply", "do_not_reply", "bounces"])
def test_a_machines_address_gets_no_answer(local: str) -> None:
    reasons = reasons_against_answer(mail_with(sender=f"{local}@example.org"), own_addresses=OWN)
    assert reasons == ("its sender is a machine or takes no answers",)


def test_a_residents_mail_is_answered() -> None:
    assert (
        reasons_against_answer(mail_with("Auto-Submitted: no\r\nPrecedence: first-class\r\n"), own_addresses=OWN) == ()
    )


@pytest.mark.parametrize(
    ("mail", "kind"),
    [
        (mail_with(), MailKind.ORDINARY),
        (mail_with("List-Id: <a.example.org>\r\n"), MailKind.ORDINARY),
        (mail_with("Auto-Submitted: auto-generated\r\n"), MailKind.ORDINARY),
        (mail_with("Auto-Submitted: auto-replied\r\n"), MailKind.AUTOMATIC),
        (mail_with(sender="mailer-daemon@example.org"), MailKind.BOUNCE),
        (mail_with("X-Loop: 311@example.org\r\n"), MailKind.LOOP),
        (mail_with(sender="311@example.org"), MailKind.LOOP),
    ],
)
def test_who_writes_is_told(mail: Mail, kind: MailKind) -> None:
    assert kind_of(mail, own_addresses=OWN) is kind


def test_a_thread_gets_one_acknowledgment_and_a_sender_five_a_day() -> None:
    hours = [NOW - timedelta(hours=hour) for hour in range(5)]
    assert is_within(Cap(), sent_to_sender=hours[:4], sent_in_thread=(), now=NOW)
    assert not is_within(Cap(), sent_to_sender=hours, sent_in_thread=(), now=NOW)
    assert is_within(Cap(), sent_to_sender=hours, sent_in_thread=(), now=NOW + timedelta(hours=21))
    assert not is_within(Cap(), sent_to_sender=(), sent_in_thread=hours[:1], now=NOW + timedelta(days=90))


def test_an_acknowledgment_carries_the_marks_and_is_answered_by_no_service_like_this_one() -> None:
    asked = mail_with("References: <m-0@example.org>\r\n")
    answer = acknowledgment(
        asked, text="Гotovo", language="ru", own_address=OWN[0], message_id="ack-1@example.org", now=NOW
    )
    assert {name: answer[name] for name in answer if not name.startswith(("Content", "MIME"))} == {
        "From": "311@example.org",
        "To": "jo@example.org",
        "Subject": "Auto: Light",
        "Date": "Tue, 03 Mar 2026 17:00:00 +0000",
        "Message-ID": "<ack-1@example.org>",
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All",
        "X-Loop": "311@example.org",
        "In-Reply-To": "<m-1@example.org>",
        "References": "<m-0@example.org> <m-1@example.org>",
    }
    back = read_mail(answer.as_bytes())
    assert back.message.text == "Гotovo"
    assert kind_of(back, own_addresses=OWN) is MailKind.LOOP


def test_a_long_identity_leaves_as_it_came() -> None:
    long = f"<{'x' * 90}@mail.example.org>"
    asked = mail_with(f"References: {long}\r\n")
    answer = acknowledgment(asked, text="Done", language="en", own_address=OWN[0], message_id="a@example.org", now=NOW)
    assert f"References: {long} <m-1@example.org>\r\n".encode() in answer.as_bytes(policy=UNBROKEN)


@pytest.mark.parametrize("times", [1, 2, 3, 4, 5])
def test_what_a_stranger_encoded_several_times_never_becomes_a_header_of_the_acknowledgment(times: int) -> None:
    smuggled = encoded("x\r\nBcc: a@example.com\r\n\r\nBuy pills", times)
    raw = (
        f"From: jo@example.org\r\nSubject: {smuggled}\r\n"
        f"Message-ID: <{encoded(f'm{smuggled}@example.org')}>\r\nReferences: <{smuggled}>\r\n\r\nHi"
    )
    answer = acknowledgment(
        read_mail(raw.encode()), text="Done", language="en", own_address=OWN[0], message_id=smuggled, now=NOW
    )
    sent = message_from_bytes(answer.as_bytes(policy=UNBROKEN))
    assert sent.get_payload(decode=True) == b"Done\r\n"
    assert "Bcc" not in sent
    assert sent["To"] == "jo@example.org"


@pytest.mark.parametrize("subject", ["é =?x?q?=E9", "é =?utf-8?b?0A==", "=?utf-8?q?=3D=3Futf-8=3Fq=3F=E9=3F=3D?= é"])
def test_a_broken_encoded_word_can_be_acknowledged(subject: str) -> None:
    asked = read_mail(f"From: jo@example.org\r\nSubject: {subject}\r\n\r\nHi".encode())
    answer = acknowledgment(asked, text="Done", language="en", own_address=OWN[0], message_id="a@example.org", now=NOW)
    assert b"\r\nSubject: " in answer.as_bytes(policy=UNBROKEN)
