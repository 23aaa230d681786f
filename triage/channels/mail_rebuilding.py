"""Puts a mail together again from what Outlook and mail providers keep of it: headers, bodies and files."""

import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import Compat32, default
from typing import Final, cast

from triage.channels.mail_text import header_text, sound

MAIL: Final = "message/rfc822"
# Leaves lines as they came: Python would read them to fold them, and fails on many that mailers write.
_AS_IT_CAME: Final = default.clone(refold_source="none")
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,60}")
_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,80}")
# They describe the parts of the mail as it was, which are put together anew.
_ABOUT_PARTS: Final = ("content-type", "content-transfer-encoding", "mime-version", "content-disposition")


def rebuilt_mail(
    headers: Sequence[tuple[str, str]], *, text: str, html: str, files: Sequence[tuple[str, str, bytes]]
) -> bytes:
    """Return a mail, for `email.read_mail`.

    Args:
        headers: Names and values, in their order; those that describe its parts are left out.
        text: Its plain body; empty where it has none.
        html: The same in HTML; empty where it has none.
        files: Name, media type and content of each; a mail among them is a part that is read.
    """
    mail = EmailMessage()
    if text.strip() or not html:
        mail.set_content(sound(text))
        if html:
            mail.add_alternative(sound(html), subtype="html")
    else:
        mail.set_content(sound(html), subtype="html")
    for name, given, content in files:
        _attach(mail, name, given.split(";")[0].strip().lower(), content)
    top = [
        f"{name.strip()}: {header_text(value)}\r\n"
        for name, value in headers
        if _NAME.fullmatch(name.strip()) and name.strip().lower() not in _ABOUT_PARTS
    ]
    return "".join(top).encode() + mail.as_bytes(policy=_AS_IT_CAME)


def as_it_came(part: Part) -> bytes:
    """Return the bytes of a mail that is a part of something else."""
    return part.as_bytes(policy=_AS_IT_CAME)


def _attach(mail: EmailMessage, name: str, kind: str, content: bytes) -> None:
    if kind == MAIL:
        inner = Part(policy=Compat32())
        inner["Content-Type"] = MAIL
        inner.set_payload([BytesParser(policy=Compat32()).parsebytes(content)])
        if mail.get_content_type() != "multipart/mixed":
            mail.make_mixed()
        mail.attach(cast("EmailMessage", inner))  # it takes any part
        return
    if not _TYPE.fullmatch(kind) or kind.startswith(("multipart/", "message/")):
        kind = "application/octet-stream"
    main, _, sub = kind.partition("/")
    mail.add_attachment(content, maintype=main, subtype=sub, filename=header_text(name))
