"""A mail (RFC 5322, MIME), of every kind that mailers send, to a `Message`; any bytes give one or `MessageRejected`.

The text is what the sender wrote: plain text before HTML, without quoted mail and signature; a forward keeps what it
forwards; a mail that says only "see attached" brings the text of the letter along. A file that cannot be read is listed
and says why: it takes no mail with it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import Message as Part
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from hashlib import sha256
from typing import Final

from triage.channels.mail_body import Content, content_of
from triage.channels.mail_files import MailFile
from triage.channels.mail_quotes import own_words
from triage.channels.mail_text import header_text, plain_header
from triage.channels.outlook import mail_of_msg
from triage.channels.request import MAX_CHARACTERS, MAX_ID
from triage.errors import MessageRejected
from triage.types import Channel, Message

MAX_BYTES: Final = 40_000_000
MAX_PARTS: Final = 200
MAX_WORK: Final = 10_000_000  # lines times parts inside parts: each line is compared with each boundary
MAX_HEADERS: Final = 1_000
MAX_PARENTS: Final = 50
SHORT: Final = 200  # characters; a shorter text is a cover note for the letter that is attached
MAX_ATTACHED: Final = 10_000  # characters that letters add to a cover note
OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CONTAINER: Final = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_ID: Final = re.compile(r"<([^<>\s]{1,998})>")
_ADDRESS: Final = re.compile(  # without an encoded word, which has no place in one (RFC 2047, section 5)
    r"(?:(?!=\?)[^\s@<>,;:\"()\[\]\\]){1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail as it was read.

    Attributes:
        message: What is triaged.
        sender: The address it is from, lower case; empty where it names none.
        sender_name: The name beside it; empty where there is none.
        reply_to: Where an answer is wanted; empty where the mail does not say.
        recipients: Addresses of To and Cc, lower case.
        parents: Identities of the mails it answers, nearest first: In-Reply-To, then References from the end.
        headers: Values by name in lower case, in one line each; the top ones first.
        content_type: Of the whole mail, lower case.
        files: What is attached, calendar parts included.
        links: Addresses and shown words of the links in its HTML, and of those that stand in its text.
        cut: Quoted mail and signature, which are no part of the text.
        warnings: What could not be read as it should.
    """

    message: Message
    sender: str
    sender_name: str = ""
    reply_to: str = ""
    recipients: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    content_type: str = "text/plain"
    files: tuple[MailFile, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    cut: str = ""
    warnings: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """Return the first value of a header; empty where it is missing."""
        return next(iter(self.headers.get(name.lower(), ())), "")


class _AsWritten(Compat32):
    """Gives headers as they were written: nothing else survives what mailers do to them."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return plain_header(value)


def read_mail(raw: bytes, *, received_at: datetime | None = None) -> Mail:
    """Read a mail: the bytes of an .eml file or of IMAP, or an Outlook .msg file.

    Args:
        raw: The bytes as they came.
        received_at: When the mailbox got it, aware; where None, what the last mail server says, else the sender.

    Raises:
        MessageRejected: If it breaks a limit, is damaged beyond reading, or holds neither text, subject nor file.
    """
    _check_size(raw)
    if raw.startswith(OLE_MAGIC):
        raw = mail_of_msg(raw)
    part = _parsed(raw)
    headers = _headers(part)
    try:
        content = content_of(part)
    except (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MessageRejected(
            f"is no mail whose parts can be read ({type(error).__name__}); have it sent again"
        ) from None
    subject = _first(headers, "subject")
    parents = _parents(headers)
    text, cut = _text(content, subject, is_answer=bool(parents))
    if not (text or content.files):
        raise MessageRejected("holds neither text nor subject nor a file; have an agent look at it")
    message = Message(
        id=_identity(headers, content),
        text=text[:MAX_CHARACTERS],
        channel=Channel.EMAIL,
        subject=subject or None,
        received_at=received_at or _time(headers),
        thread_id=parents[0] if parents else None,
    )
    name, sender = _mailbox(_first(headers, "from") or _first(headers, "sender"))
    return Mail(
        message=message,
        sender=sender,
        sender_name=name,
        reply_to=_mailbox(_first(headers, "reply-to"))[1],
        recipients=_addresses((*headers.get("to", ()), *headers.get("cc", ()))),
        parents=parents,
        headers=headers,
        content_type=part.get_content_type(),
        files=content.files,
        links=content.links,
        cut=cut,
        warnings=(*content.warnings, *_warnings(text, sender)),
    )


def with_thread(mail: Mail, thread_of: Mapping[str, str]) -> Mail:
    """Return the mail in the thread of the nearest mail that it answers and that is known.

    Args:
        mail: As it was read: its thread is the mail that it answers.
        thread_of: Threads of known mails by their identity.
    """
    known = next((thread_of[parent] for parent in mail.parents if parent in thread_of), None)
    return mail if known is None else replace(mail, message=replace(mail.message, thread_id=known))


def _check_size(raw: bytes) -> None:
    if len(raw) > MAX_BYTES:
        raise MessageRejected(
            f"has {len(raw):,} bytes, at most {MAX_BYTES:,} are read; ask for a smaller file or a link"
        )
    if not raw.strip():
        raise MessageRejected("is empty; have it sent again")
    containers = sum(1 for _ in _CONTAINER.finditer(raw))
    if containers > MAX_PARTS:
        raise MessageRejected(
            f"has {containers:,} parts inside parts, at most {MAX_PARTS} are read; have an agent look"
        )
    if containers * raw.count(b"\n") > MAX_WORK:
        raise MessageRejected(f"is too long for its {containers} parts inside parts; have an agent look at it")


def _parsed(raw: bytes) -> Part:
    try:
        part = BytesParser(policy=_AsWritten()).parsebytes(raw)
        count = sum(1 for _ in part.walk())
    except (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MessageRejected(f"is no mail that can be read ({type(error).__name__}); have it sent again") from None
    if count > MAX_PARTS:
        raise MessageRejected(f"has {count:,} parts, at most {MAX_PARTS} are read; have an agent look at it")
    return part


def _headers(part: Part) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in part.items()[:MAX_HEADERS]:
        key = header_text(name).lower()
        found[key] = (*found.get(key, ()), header_text(value))
    return found


def _first(headers: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(headers.get(name, ())), "")


def _text(content: Content, subject: str, *, is_answer: bool) -> tuple[str, str]:
    """Return the sender's words and what was cut: the subject where there are no others, letters after a short note."""
    own = own_words(content.text, subject=subject, is_answer=is_answer)
    text = own.text
    letters = [f"[{file.name}]\n{file.text}" for file in content.files if file.text]
    if letters and len(text) < SHORT:
        text = "\n\n".join(filter(None, (text, "\n\n".join(letters)[:MAX_ATTACHED])))
    return text or subject, own.cut


def _identity(headers: Mapping[str, Sequence[str]], content: Content) -> str:
    """Return the Message-ID without its brackets; a hash where it is missing or unfit, the same for the same mail."""
    given = _ID.search(_first(headers, "message-id")) or re.fullmatch(
        r"([^<>\s]+@[^<>\s]+)", _first(headers, "message-id")
    )
    if given and len(given[1]) <= MAX_ID:
        return given[1]
    names = ("message-id", "from", "to", "date", "subject")
    digests = (sha256(file.content).hexdigest() for file in content.files)
    parts = (*(_first(headers, name) for name in names), content.text, *digests)
    return f"mail-{sha256(chr(0).join(parts).encode('utf-8', 'replace')).hexdigest()[:32]}"


def _parents(headers: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    answered = _ID.findall(" ".join(headers.get("in-reply-to", ())))
    references = _ID.findall(" ".join(headers.get("references", ())))
    unique = dict.fromkeys((*answered, *reversed(references)))
    return tuple(parent for parent in unique if len(parent) <= MAX_ID)[:MAX_PARENTS]


def _time(headers: Mapping[str, Sequence[str]]) -> datetime | None:
    """Return when the last mail server got it, else when it was sent; None where neither says a time that can be."""
    for value in (_first(headers, "received").rpartition(";")[2], _first(headers, "date")):
        try:
            told = parsedate_to_datetime(value)
            moment = (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
        if moment >= _EARLIEST:
            return moment
    return None


def _mailbox(value: str) -> tuple[str, str]:
    """Return name and address; the address empty where it is none that a mail could be sent to."""
    name, address = parseaddr(value)
    if _ADDRESS.fullmatch(address):
        return name, address.lower()
    found = re.search(rf"<({_ADDRESS.pattern})>", value)  # names with an unquoted comma or an at sign
    return (value[: found.start()].strip(' "'), found[1].lower()) if found else (name, "")


def _addresses(values: Sequence[str]) -> tuple[str, ...]:
    found = (address.lower() for _, address in getaddresses(list(values)) if _ADDRESS.fullmatch(address))
    return tuple(dict.fromkeys(found))


def _warnings(text: str, sender: str) -> tuple[str, ...]:
    told = (
        (len(text) > MAX_CHARACTERS, f"the text is longer than {MAX_CHARACTERS:,} characters and was cut"),
        (not sender, "the mail names no sender that can be answered"),
    )
    return tuple(warning for is_so, warning in told if is_so)
