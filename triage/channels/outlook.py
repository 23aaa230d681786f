"""Outlook's own formats: `winmail.dat` inside a mail, and a `.msg` file as the mail that it stands for."""

import struct
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import Final, cast

from oxmsg import Message as OutlookMessage
from oxmsg.attachment import Attachment as OutlookAttachment
from oxmsg.storage import Storage
from tnefparse import TNEF

from triage.channels.mail_rebuilding import MAIL, rebuilt_mail
from triage.channels.mail_text import decoded_text, sound
from triage.errors import MessageRejected

MAX_INNER: Final = 20  # mails inside mails, each of which is put together anew with all below it
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
_INNER_MAIL: Final = "__substg1.0_3701000D"  # [MS-OXMSG] 2.2.2.1: where an attachment keeps a mail
_PROPERTIES: Final = "__properties_version1.0"
_INNER_HEAD: Final = 24  # bytes before the properties of such a mail
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
        whole = cast("Storage", OutlookMessage.load(content)._storage)  # the only way to the mails inside it
        return _as_mime(whole)
    except _DAMAGED as error:
        raise MessageRejected(f"is no whole Outlook .msg file ({type(error).__name__}); send it as .eml") from None


def _as_mime(storage: Storage, depth: int = 0) -> bytes:
    if depth > MAX_INNER:
        raise MessageRejected(f"holds more than {MAX_INNER} mails inside each other; have an agent look at it")
    outlook = OutlookMessage(storage)
    given = {name.lower(): value for name, value in outlook.message_headers.items()}
    headers = [(name, given[name.lower()]) for name in _KEPT_HEADERS if name.lower() in given]
    headers += [("From", given.get("from") or outlook.sender or ""), ("Subject", outlook.subject)]
    if outlook.sent_date and "date" not in given:
        headers.append(("Date", format_datetime(outlook.sent_date)))
    files = [_file(each, depth) for each in storage.iter_attachment_storages()]
    return rebuilt_mail(headers, text=outlook.body or "", html=outlook.html_body or "", files=files)


def _file(storage: Storage, depth: int) -> tuple[str, str, bytes]:
    """Return name, media type and content of an attachment; a mail inside the mail as a mail."""
    attachment = OutlookAttachment(storage)
    name = attachment.file_name or ""
    inner = next((each for each in storage.storages if each.name == _INNER_MAIL), None)
    if inner is not None:
        return name, MAIL, _as_mime(_as_outermost(inner), depth + 1)
    return name, attachment.mime_type or "", attachment.file_bytes or b""


def _as_outermost(storage: Storage) -> Storage:
    """Return a mail's storage as in a file of its own, where 8 reserved bytes more stand before its properties."""
    streams = (
        replace(each, bytes_=each.bytes_[:_INNER_HEAD] + bytes(8) + each.bytes_[_INNER_HEAD:])
        if each.name == _PROPERTIES
        else each
        for each in storage.streams
    )
    return replace(storage, streams=tuple(streams))


def _body(body: object) -> str:
    if isinstance(body, bytes):
        return decoded_text(body.rstrip(b"\0"), None)
    return sound(str(body or "").rstrip("\0"))


def _plain(name: object) -> str:
    return _body(name).strip()
