"""Outlook's own formats: `winmail.dat` inside a mail, and a `.msg` file as the mail that it stands for."""

import re
import struct
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from oxmsg import Message as OutlookMessage
from oxmsg.attachment import Attachment as OutlookAttachment
from tnefparse import TNEF

from triage.channels.mail_text import decoded_text, header_text, sound
from triage.errors import MessageRejected

TNEF_TYPES: Final = ("application/ms-tnef", "application/vnd.ms-tnef")
# What both parsers raise on damaged files.
_DAMAGED: Final = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)
_PLAIN_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}")
_KEPT_HEADERS: Final = (
    "Message-ID", "In-Reply-To", "References", "Date", "Return-Path", "Auto-Submitted", "Precedence", "X-Loop",
    "X-Auto-Response-Suppress", "List-Id", "List-Unsubscribe", "Reply-To", "To", "Cc",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What a winmail.dat holds: bodies and files as (name, content); each empty where it holds none."""

    text: str
    html: str
    files: tuple[tuple[str, bytes], ...]


def unpacked_tnef(content: bytes) -> Unpacked:
    """Return what a winmail.dat holds.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        tnef = TNEF(content, do_checksum=False)
        files = tuple((_plain(file.long_filename() or file.name), bytes(file.data)) for file in tnef.attachments)
        text, html = _body(tnef.body), _body(tnef.htmlbody)
    except _DAMAGED as error:
        raise ValueError(f"is no whole winmail.dat ({type(error).__name__})") from error
    if not (text or html or files):
        raise ValueError("holds nothing that can be read")
    return Unpacked(text=text, html=html, files=files)


def mail_of_msg(content: bytes) -> bytes:
    """Return the mail that an Outlook .msg file stands for, in MIME, for `email.read_mail`.

    Raises:
        MessageRejected: If it is no whole .msg file.
    """
    try:
        outlook = OutlookMessage.load(content)
        return _as_mime(outlook).as_bytes()
    except _DAMAGED as error:
        raise MessageRejected(f"is no whole Outlook .msg file ({type(error).__name__}); send it as .eml") from None


def _as_mime(outlook: OutlookMessage) -> EmailMessage:
    mail = EmailMessage()
    headers = {name.lower(): value for name, value in outlook.message_headers.items()}
    for name in _KEPT_HEADERS:
        if name.lower() in headers:
            mail[name] = header_text(headers[name.lower()])
    mail["From"] = header_text(headers.get("from") or outlook.sender or "")
    mail["Subject"] = header_text(outlook.subject)
    if outlook.sent_date and "Date" not in mail:
        mail["Date"] = outlook.sent_date
    body, markup = sound(outlook.body or ""), sound(outlook.html_body or "")
    if body.strip() or not markup:
        mail.set_content(body)
    if markup and body.strip():
        mail.add_alternative(markup, subtype="html")
    elif markup:
        mail.set_content(markup, subtype="html")
    for attachment in outlook.attachments:
        _attach(mail, attachment)
    return mail


def _attach(mail: EmailMessage, attachment: OutlookAttachment) -> None:
    given = (attachment.mime_type or "").lower()
    kind = given if _PLAIN_TYPE.fullmatch(given) else "application/octet-stream"
    main, _, sub = kind.partition("/")
    if main in ("multipart", "message"):
        main, sub = "application", "octet-stream"
    content = attachment.file_bytes or b""
    mail.add_attachment(content, maintype=main, subtype=sub, filename=header_text(attachment.file_name or ""))


def _body(body: object) -> str:
    if isinstance(body, bytes):
        return decoded_text(body.rstrip(b"\0"), None)
    return sound(str(body or "").rstrip("\0"))


def _plain(name: object) -> str:
    return _body(name).strip()
