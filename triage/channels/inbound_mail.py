"""Mail that a provider posts: SendGrid's form and Postmark's JSON, put back into the mail that they were."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import compat32
from typing import Any, Final

from triage.channels.email import Mail, read_mail
from triage.channels.mail_rebuilding import as_it_came, rebuilt_mail
from triage.channels.mail_text import decoded_text, header_text
from triage.errors import MessageRejected

MAX_FILES: Final = 100
# What Python's parser of mails raises on damaged or hostile ones.
_DAMAGED: Final = (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedMail:
    """A mail that a provider posted, and the bytes that it was read from, which a reply goes back by."""

    mail: Mail
    raw: bytes


@contextmanager
def _read_or_rejected() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise MessageRejected(f"is no mail that can be read ({type(error).__name__}); have it sent again") from None


@_read_or_rejected()
def of_sendgrid(body: bytes, content_type: str) -> PostedMail:
    """Return the mail of a SendGrid Inbound Parse form, raw (`email`) or in fields.

    Raises:
        MessageRejected: If it is no such form, or as `read_mail`.
    """
    fields, files = _form(body, content_type)
    if "email" in fields:
        return _read(fields["email"])
    headers = [line.partition(":")[::2] for line in _unfolded(_decoded(fields, "headers"))]
    given = {name.strip().lower() for name, _ in headers}
    headers += [(name, _decoded(fields, name)) for name in ("from", "to", "subject") if name not in given]
    return _read(rebuilt_mail(headers, text=_decoded(fields, "text"), html=_decoded(fields, "html"), files=files))


@_read_or_rejected()
def of_postmark(raw: object) -> PostedMail:
    """Return the mail of a Postmark inbound webhook.

    Raises:
        MessageRejected: If it is no such object, or as `read_mail`.
    """
    if not isinstance(raw, Mapping):
        raise MessageRejected("must be a JSON object as Postmark sends it")
    if isinstance(raw.get("RawEmail"), str):
        return _read(raw["RawEmail"].encode("utf-8", "surrogateescape" if raw["RawEmail"].isascii() else "replace"))
    headers = [(_text(each, "Name"), _text(each, "Value")) for each in _objects(raw, "Headers")]
    given = {name.lower() for name, _ in headers}
    named = {"From": "From", "To": "To", "Subject": "Subject", "Date": "Date", "Reply-To": "ReplyTo"}
    headers += [(name, _text(raw, key)) for name, key in named.items() if name.lower() not in given]
    if "message-id" not in given and _text(raw, "MessageID"):
        headers.append(("Message-ID", f"<{_text(raw, 'MessageID')}@inbound.postmarkapp.com>"))
    files = [
        (_text(each, "Name"), _text(each, "ContentType"), _bytes(_text(each, "Content")))
        for each in _objects(raw, "Attachments")[:MAX_FILES]
    ]
    return _read(rebuilt_mail(headers, text=_text(raw, "TextBody"), html=_text(raw, "HtmlBody"), files=files))


def _read(raw: bytes) -> PostedMail:
    return PostedMail(mail=read_mail(raw), raw=raw)


def _form(body: bytes, content_type: str) -> tuple[dict[str, bytes], list[tuple[str, str, bytes]]]:
    """Return the fields and the files of a multipart form, which is MIME."""
    head = f"Content-Type: {header_text(content_type)}\r\n\r\n".encode()
    form = BytesParser(policy=compat32).parsebytes(head + body)
    parts = form.get_payload()
    if form.get_content_type() != "multipart/form-data" or not isinstance(parts, list):
        raise MessageRejected("must be multipart/form-data as SendGrid sends it")
    fields: dict[str, bytes] = {}
    files: list[tuple[str, str, bytes]] = []
    for part in (each for each in parts[:MAX_FILES] if isinstance(each, Part)):
        name = part.get_param("name", "", "content-disposition")
        content = _content(part)
        if part.get_filename() is not None:
            files.append((header_text(part.get_filename()), part.get_content_type(), content))
        elif isinstance(name, str):
            fields[name] = content
    return fields, files


def _content(part: Part) -> bytes:
    """Return a part's bytes; Python has taken apart those that are mails or have parts themselves."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return b"\n".join(as_it_came(each) for each in payload if isinstance(each, Part))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decoded(fields: Mapping[str, bytes], name: str) -> str:
    return decoded_text(fields.get(name, b""), "utf-8")


def _unfolded(headers: str) -> list[str]:
    return [line for line in re.sub(r"\n[ \t]+", " ", headers).splitlines() if ":" in line]


def _objects(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = raw.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def _bytes(content: str) -> bytes:
    try:
        return base64.b64decode(content)
    except (binascii.Error, ValueError):
        raise MessageRejected("an attachment is no base64; send it as Postmark does") from None
