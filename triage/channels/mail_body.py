"""The parts of a mail to one text and a list of files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Part
from email.utils import collapse_rfc2231_value
from typing import Final

from triage.channels.mail_files import MailFile, mail_file
from triage.channels.mail_html import MAX_HTML, html_links, html_text
from triage.channels.mail_text import decoded_text, header_text
from triage.channels.outlook import TNEF_TYPES, unpacked_tnef

MAX_TEXT: Final = 400_000  # characters of a body; what the message keeps is less
MAX_LINKS: Final = 500
_STUB: Final = re.compile(
    r"(?:does not|doesn't|cannot|can't|no) support html|view (?:this|it) (?:\w+ )?in (?:a|your) browser", re.I
)
_LINK: Final = re.compile(r"\bhttps?://[^\s<>\"')\]]{1,2000}", re.IGNORECASE)
_FLOWED: Final = re.compile(r"^(?!--? $)(?P<line>.*) \n(?!>)", re.MULTILINE)
_READ: Final = ("text/", "application/xhtml+xml")
# Stands for a mail's own text where HTML is all there is; these are listed instead.
_LISTED: Final = ("text/calendar", "text/vcard", "text/x-vcard", "text/csv", "text/rfc822-headers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the parts of a mail come to."""

    text: str
    files: tuple[MailFile, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text in its order, a file, a link or a warning."""

    text: str = ""
    file: MailFile | None = None
    links: tuple[tuple[str, str], ...] = ()
    warning: str = ""


def content_of(part: Part) -> Content:
    """Return the text, files and links of a mail or a part of one."""
    pieces = tuple(_pieces(part))
    text = "\n\n".join(piece.text for piece in pieces if piece.text.strip())[:MAX_TEXT]
    links = [link for piece in pieces for link in piece.links] + [(link, link) for link in _LINK.findall(text)]
    files = tuple(piece.file for piece in pieces if piece.file)
    unread = tuple(f"{file.name} {file.unread}" for file in files if file.unread)
    return Content(
        text=text,
        files=files,
        links=tuple(dict.fromkeys(links))[:MAX_LINKS],
        warnings=(*(piece.warning for piece in pieces if piece.warning), *unread),
    )


def _pieces(part: Part) -> Iterator[_Piece]:
    kind = part.get_content_type()
    payload = part.get_payload()
    below = [each for each in payload if isinstance(each, Part)] if isinstance(payload, list) else []
    if not below and part.get_content_maintype() == "multipart":
        kind = "text/plain"  # it names no boundary, or one that never comes
    if kind == "multipart/alternative" and below:
        yield from _best_of(below)
    elif kind == "message/rfc822" and below:
        yield from _forwarded(below[0])
    elif below and part.get_content_maintype() == "multipart":
        for each in below:
            yield from _pieces(each)
    elif below:  # message/delivery-status and the like: fields, not text
        content = b"\n".join(each.as_bytes() for each in below)
        yield _Piece(file=mail_file(_name(part), kind, content))
    else:
        yield from _leaf(part, kind)


def _best_of(parts: list[Part]) -> Iterator[_Piece]:
    """Yield the plain alternative, or the richer one where the plain one says nothing; files inside both."""
    alternatives = [tuple(_pieces(each)) for each in parts]
    said = [(number, "".join(piece.text for piece in pieces)) for number, pieces in enumerate(alternatives)]
    useful = [(number, text) for number, text in said if text.strip() and not _is_stub(text)]
    chosen = useful[0][0] if useful else next((number for number, text in said if text.strip()), 0)
    for number, pieces in enumerate(alternatives):
        for piece in pieces:
            yield piece if number == chosen else _Piece(file=piece.file, links=piece.links, warning=piece.warning)


def _is_stub(text: str) -> bool:
    return len(text) < 300 and _STUB.search(text) is not None


def _forwarded(inner: Part) -> Iterator[_Piece]:
    """Yield a mail that is attached to another: its subject and text are part of what is said."""
    subject = header_text(inner.get("Subject", ""))
    if subject:
        yield _Piece(text=subject)
    yield from _pieces(inner)


def _leaf(part: Part, kind: str) -> Iterator[_Piece]:
    content = _decoded(part)
    is_file = _is_file(part, kind)
    if kind in TNEF_TYPES or (is_file and _name(part).lower() == "winmail.dat"):
        yield from _outlook(content)
    elif is_file or kind in _LISTED or not kind.startswith(_READ):
        if content or is_file:
            yield _Piece(file=mail_file(_name(part), kind, content, part.get_content_charset()))
    elif kind in ("text/html", "application/xhtml+xml"):
        markup = decoded_text(content[: MAX_HTML * 2], part.get_content_charset() or _meta_charset(content))
        text = html_text(markup)
        warning = "" if text or not markup.strip() else "the mail's HTML holds no text that can be read"
        yield _Piece(text=text, links=html_links(markup), warning=warning)
    else:
        text = decoded_text(content[: MAX_TEXT * 4], part.get_content_charset())
        yield _Piece(text=_unflowed(text) if part.get_param("format", "", "content-type") == "flowed" else text)


def _is_file(part: Part, kind: str) -> bool:
    """Tell an attachment from a body: a disposition alone does not, as some mailers put it on bodies too."""
    disposition = (part.get_content_disposition() or "").lower()
    return (
        disposition == "attachment"
        or bool(part.get_filename())
        or (disposition == "inline" and not kind.startswith("text/"))
    )


def _outlook(content: bytes) -> Iterator[_Piece]:
    try:
        unpacked = unpacked_tnef(content)
    except ValueError as error:
        file = mail_file("winmail.dat", TNEF_TYPES[0], content)
        yield _Piece(file=file, warning=f"winmail.dat {error}")
        return
    yield _Piece(
        text=unpacked.text if unpacked.text.strip() else html_text(unpacked.html), links=html_links(unpacked.html)
    )
    for name, inner in unpacked.files:
        yield _Piece(file=mail_file(name, "application/octet-stream", inner))


def _decoded(part: Part) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _name(part: Part) -> str:
    """Return a file's name, which mailers write in four ways."""
    given = part.get_filename()
    return header_text(collapse_rfc2231_value(given)) if given else ""


def _meta_charset(content: bytes) -> str | None:
    found = re.search(rb"<meta[^>]{0,200}charset=[\"']?([\w.:-]{1,40})", content[:4_000], re.IGNORECASE)
    return found[1].decode("ascii", "replace") if found else None


def _unflowed(text: str) -> str:
    """Join lines that were broken for the way (RFC 3676)."""
    return _FLOWED.sub(r"\g<line> ", text)
