"""Mail: every file of tests/data/mail as the golden file says, limits, and any bytes at all."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triage.channels.autoreply import kind_of, reasons_against_answer
from triage.channels.email import MAX_BYTES, MAX_PARTS, Mail, read_mail, with_thread
from triage.channels.mail_quotes import own_words
from triage.channels.mail_text import header_text
from triage.channels.outlook import mail_of_msg
from triage.channels.spam import judged
from triage.errors import MessageRejected

MAILS = Path(__file__).parents[2] / "data" / "mail"
GOLDEN: dict[str, dict[str, Any]] = json.loads((MAILS / "golden.json").read_text("utf-8"))
OWN = ("311@example.org",)
RAW = {name: (MAILS / f"{name}.eml").read_bytes() for name in GOLDEN}


def told(mail: Mail) -> dict[str, Any]:
    made_up = re.fullmatch(r"mail-[0-9a-f]{32}", mail.message.id)
    return {
        "id": "hash" if made_up else mail.message.id,
        "sender": mail.sender,
        "subject": mail.message.subject,
        "thread": mail.message.thread_id,
        "text": mail.message.text,
        "files": [[file.name, file.media_type, file.size_bytes, file.text] for file in mail.files],
        "kind": kind_of(mail, own_addresses=OWN).value,
        "answered": not reasons_against_answer(mail, own_addresses=OWN),
        "spam": judged(mail).is_spam,
    }


def of(body: str, headers: str = "") -> Mail:
    return read_mail(f"From: jo@example.org\r\n{headers}\r\n{body}".encode())


def test_the_golden_file_and_the_folder_name_the_same_mails() -> None:
    assert sorted(path.stem for path in MAILS.glob("*.eml")) == sorted(GOLDEN)
    assert len(GOLDEN) >= 60


@pytest.mark.parametrize("name", GOLDEN)
def test_a_mail_is_read_as_a_person_would(name: str) -> None:
    assert told(read_mail(RAW[name])) == GOLDEN[name]


def test_a_file_that_cannot_be_read_says_why_and_takes_no_mail_with_it() -> None:
    names = ("attached-zip-bomb", "attached-xml-entities", "attached-broken-pdf", "winmail-dat-broken")
    assert [read_mail(RAW[name]).warnings[0] for name in names] == [
        "bomb.docx unpacks to over 200 times its size, which is a zip bomb",
        "form.docx cannot be read (DTDForbidden)",
        "bill.pdf cannot be read (PdfStreamError)",
        "winmail.dat holds nothing that can be read",
    ]


def test_a_made_up_identity_is_the_same_for_the_same_mail_and_another_for_another() -> None:
    raw = RAW["id-missing"]
    by_another_way = b"Received: from b.example.org; Wed, 4 Mar 2026 09:00:00 +0000\r\n" + raw
    assert read_mail(raw).message.id == read_mail(by_another_way).message.id
    assert read_mail(raw).message.id != read_mail(raw.replace(b"Oak", b"Elm")).message.id


def test_the_time_is_the_mailboxs_then_the_last_servers_then_the_senders() -> None:
    date = "Date: Tue, 03 Mar 2026 09:00:00 -0800\r\n"
    received = "Received: from x\r\n by y; Tue, 3 Mar 2026 17:00:05 +0000\r\n"
    given = datetime(2026, 3, 3, 17, 1, tzinfo=UTC)
    assert read_mail(f"{received}{date}\r\nhi".encode(), received_at=given).message.received_at == given
    assert of("hi", received + date).message.received_at == datetime(2026, 3, 3, 17, 0, 5, tzinfo=UTC)
    assert of("hi", date).message.received_at == datetime(2026, 3, 3, 17, tzinfo=UTC)
    assert of("hi", "Date: yesterday\r\n").message.received_at is None
    assert of("hi", "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n").message.received_at is None


def test_a_mail_joins_the_thread_of_the_nearest_mail_that_is_known() -> None:
    mail = of("hi", "In-Reply-To: <c@x>\r\nReferences: <a@x> <b@x> <c@x>\r\n")
    assert mail.parents == ("c@x", "b@x", "a@x")
    assert with_thread(mail, {"a@x": "root", "b@x": "other"}).message.thread_id == "other"
    assert with_thread(mail, {}).message.thread_id == "c@x"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b"x" * (MAX_BYTES + 1), "has 40,000,001 bytes, at most 40,000,000 are read"),
        (b"From: jo@example.org\r\n\r\n", "holds neither text nor subject nor a file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut off", "is no whole Outlook .msg file"),
    ],
)
def test_what_breaks_a_limit_is_rejected_with_the_rule(raw: bytes, said: str) -> None:
    with pytest.raises(MessageRejected, match=said):
        read_mail(raw)


def nested(depth: int) -> bytes:
    opened = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(depth))
    return f"From: jo@example.org\r\n{opened}Content-Type: text/plain\r\n\r\nA tree fell.\r\n".encode()


def test_parts_inside_parts_are_read_up_to_the_limit() -> None:
    assert read_mail(nested(MAX_PARTS - 1)).message.text == "A tree fell."
    with pytest.raises(MessageRejected, match="has 201 parts inside parts, at most 200 are read"):
        read_mail(nested(MAX_PARTS + 1))
    with pytest.raises(MessageRejected, match="parts inside parts"):
        read_mail(nested(5_000))


def test_a_long_mail_of_many_parts_inside_parts_is_rejected_before_it_costs_minutes() -> None:
    with pytest.raises(MessageRejected, match="is too long for its 150 parts inside parts"):
        read_mail(nested(150) + b"line\r\n" * 70_000)


def test_many_parts_side_by_side_are_read_up_to_the_limit() -> None:
    parts = "--b\r\n\r\nx\r\n" * (MAX_PARTS + 1)
    with pytest.raises(MessageRejected, match="has 202 parts, at most 200 are read"):
        of(parts, "Content-Type: multipart/mixed; boundary=b\r\n")


def test_an_outlook_file_that_is_none_is_rejected() -> None:
    with pytest.raises(MessageRejected, match=r"send it as \.eml"):
        mail_of_msg(b"no msg")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(raw=st.binary(max_size=400))
def test_any_bytes_give_a_mail_or_are_rejected(raw: bytes) -> None:
    check_read(raw)


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_damage_to_a_real_mail_gives_a_mail_or_is_rejected(data: st.DataObject) -> None:
    raw = RAW[data.draw(st.sampled_from(sorted(RAW)))]
    at = data.draw(st.integers(0, len(raw)))
    until = data.draw(st.integers(at, min(len(raw), at + 40)))
    check_read(raw[:at] + data.draw(st.binary(max_size=20)) + raw[until:])


def check_read(raw: bytes) -> None:
    try:
        mail = read_mail(raw)
    except MessageRejected:
        return
    mail.message.text.encode("utf-8")
    one_line = (
        mail.message.id,
        mail.message.subject or "",
        mail.sender,
        mail.sender_name,
        mail.message.thread_id or "",
    )
    assert [value for value in one_line if re.search(r"[\x00-\x1f\x7f]", value)] == []
    assert "\x00" not in mail.message.text


@pytest.mark.parametrize("sender", ["=?utf-8?q?=0A@example.org", "Jo <=?utf-8?q?=3D=3F=0A@example.org>"])
def test_an_address_in_encoded_words_is_none_that_can_be_answered(sender: str) -> None:
    mail = read_mail(f"From: {sender}\r\nReply-To: {sender}\r\nTo: {sender}\r\n\r\nHi".encode())
    assert (mail.sender, mail.reply_to, mail.recipients) == ("", "", ())


@given(value=st.text(max_size=80))
def test_a_header_is_one_line_whatever_it_holds(value: str) -> None:
    assert re.search(r"[\x00-\x1f\x7f\x85]", header_text(value)) is None


@given(
    lines=st.lists(st.sampled_from(["> a", "On 3 Mar Jo <j@x.org> wrote:", "From: a@x.org", "-- ", "To: b", "own", ""]))
)
def test_own_words_are_never_lost_altogether(lines: list[str]) -> None:
    found = own_words("\n".join(lines))
    assert bool(found.text) == any(line.strip(" >") for line in lines)
