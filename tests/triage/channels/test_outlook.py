"""Outlook .msg files: what mailers write into their headers, and the mails inside them."""

import pytest

from tests.triage.channels.msg_files import BODY, HEADERS, SENDER_ADDRESS, SUBJECT, msg_file
from triage.channels.email import read_mail
from triage.channels.outlook import MAX_INNER
from triage.errors import MessageRejected


@pytest.mark.parametrize("given", ["<é@x>", "<[abc]@x>", "<abc@[10.0.0.1>", "<>", "a b", "=?utf-8?q?=0A?="])
@pytest.mark.parametrize("name", ["Message-ID", "To", "Date", "References"])
def test_an_unusual_header_takes_no_mail_with_it(name: str, given: str) -> None:
    raw = msg_file({SUBJECT: "Couch", BODY: "a couch", HEADERS: f"From: jo@example.org\r\n{name}: {given}\r\n\r\n"})
    mail = read_mail(raw)
    assert (mail.message.text, mail.sender) == ("a couch", "jo@example.org")


def test_a_mail_inside_an_outlook_file_is_read() -> None:
    inner = {SUBJECT: "Gás", BODY: "There is a gas smell", SENDER_ADDRESS: "lee@example.org"}
    raw = msg_file({SUBJECT: "Fw", BODY: "see below", SENDER_ADDRESS: "jo@example.org"}, {"a.txt": b"x"}, [inner])
    mail = read_mail(raw)
    assert mail.message.text.startswith("see below\n\nGás\n\nThere is a gas smell")
    assert [file.name for file in mail.files] == ["a.txt"]
    assert mail.sender == "jo@example.org"


def nested(depth: int) -> bytes:
    return msg_file({SUBJECT: "Fw", BODY: "see below"}, None, [{BODY: "gas smell"}] * depth)


def test_mails_inside_each_other_are_read_up_to_the_limit() -> None:
    assert read_mail(nested(MAX_INNER)).message.text.endswith("gas smell")
    with pytest.raises(MessageRejected, match="holds more than 20 mails inside each other"):
        read_mail(nested(MAX_INNER + 1))
