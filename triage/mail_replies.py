"""Replies that agents write to a mail: whom to, in which thread, and the mail that leaves.

A reply is repeated until the server has taken it; it keeps its Message-ID, by which a mailbox knows the second one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, Final

from triage.channels.autoreply import MAX_REFERENCES, sent_header
from triage.channels.email import OLE_MAGIC, Mail, read_mail
from triage.errors import MessageRejected

REPLY: Final = "mail.reply"
MAX_SUBJECT: Final = 200
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_PLAIN: Final = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n"  # the first ones count


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """Where a reply to a mail goes.

    Attributes:
        to: Who gets it.
        written_to: The addresses that the mail was for, lower case.
        subject: Of the mail; empty where it had none.
        thread: Identities of the mails before the reply, oldest first; the last one is answered.
    """

    to: str
    written_to: tuple[str, ...]
    subject: str
    thread: tuple[str, ...]


def way_back(raw: bytes | None) -> WayBack | None:
    """Return where a reply to a mail goes; None where it names nobody, or is no mail."""
    try:
        mail = _head_of(raw or b"")
    except MessageRejected:
        return None
    to = mail.reply_to or mail.sender
    if not (to and to.isascii()):
        return None
    parents = tuple(reversed(mail.parents[: MAX_REFERENCES - 1]))
    return WayBack(
        to=to,
        written_to=mail.recipients,
        subject=mail.header("subject"),
        thread=(*parents, mail.message.id) if "@" in mail.message.id else (),
    )


def reply_mail(payload: Mapping[str, Any], *, key: str, own_address: str, now: datetime) -> EmailMessage:
    """Return a reply as a mail.

    Args:
        payload: A `WayBack` as JSON values, with the reply's `text` and its `language`, which may be None.
        key: Names the reply for good.
        own_address: Whom it is from.
        now: Aware.
    """
    subject = sent_header(payload["subject"]) or "your message"
    answer = EmailMessage()
    answer["From"] = own_address
    answer["To"] = payload["to"]
    answer["Subject"] = (subject if subject.lower().startswith("re:") else f"Re: {subject}")[:MAX_SUBJECT]
    answer["Date"] = format_datetime(now)
    answer["Message-ID"] = f"<reply-{sha256(key.encode()).hexdigest()[:32]}@{own_address.rpartition('@')[2]}>"
    if payload["thread"]:
        answer["In-Reply-To"] = f"<{sent_header(payload['thread'][-1])}>"
        answer["References"] = " ".join(f"<{sent_header(each)}>" for each in payload["thread"])
    answer.set_content(payload["text"])  # which takes away what is there of Content-…
    if payload["language"]:
        answer["Content-Language"] = payload["language"]
    return answer


def _head_of(raw: bytes) -> Mail:
    """Read a mail without its parts, which may take long and tell nothing of where it came from."""
    if raw.startswith(OLE_MAGIC):
        return read_mail(raw)
    return read_mail(_PLAIN + _HEAD_END.split(raw.lstrip(), maxsplit=1)[0] + b"\r\n\r\n.")
