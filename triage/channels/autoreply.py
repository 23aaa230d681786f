"""When a mail gets no automatic answer, and the marks of the one it gets (RFC 3834; see also RFC 5436 § 2.7.1)."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

from triage.channels.email import Mail
from triage.channels.mail_text import header_text

# The reverse path of an acknowledgment: empty, so that no machine answers it.
ENVELOPE_SENDER: Final = ""
MAX_REFERENCES: Final = 20
# Python encodes an identity that is longer than a line, and no mailbox knows it then: lines of RFC 5322's hard limit.
UNBROKEN: Final = SMTP.clone(cte_type="7bit", max_line_length=998)
_BULK: Final = frozenset({"bulk", "list", "junk", "auto_reply", "auto-reply"})
_ROBOT: Final = re.compile(
    r"^(?:mailer-daemon|postmaster|mail-?delivery.*|bounces?|no-?_?\.?reply|do-?_?\.?not-?_?\.?reply|donotreply|listserv"
    r"|majordomo|.*-bounces|.*-request|owner-.*|.*[-_.+]no-?reply|no-?reply[-_.+].*)$"
)
_SAID_BY_ROBOTS: Final = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-failed-recipients")


class MailKind(StrEnum):
    """Who writes: a resident, or a machine on behalf of nobody."""

    ORDINARY = "ordinary"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    LOOP = "loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """How many acknowledgments one sender gets; a thread gets `per_thread`, ever."""

    per_thread: int = 1
    per_sender: int = 5
    span: timedelta = timedelta(days=1)


def sent_header(raw: object) -> str:
    """Return what a header of a mail that leaves may say of what came in: `header_text` without encoded words.

    `EmailMessage` decodes encoded words once more when it is given a header: what was encoded several times would
    come out as further headers, or not at all.
    """
    return header_text(raw).replace("=?", "= ?")


def reasons_against_answer(mail: Mail, *, own_addresses: Collection[str]) -> tuple[str, ...]:
    """Return why a mail gets no automatic answer; empty where it may get one.

    Args:
        mail: As it was read.
        own_addresses: Every address that this service reads or sends from.
    """
    own = {address.lower() for address in own_addresses}
    automatic = mail.header("auto-submitted").split(";")[0].strip().lower()
    found = (
        ("auto-submitted" in mail.headers and automatic != "no", "Auto-Submitted says that a machine sent it"),
        (bool(_BULK & {value.strip().lower() for value in mail.headers.get("precedence", ())}), "Precedence is bulk"),
        (any(name.startswith("list-") for name in mail.headers), "it came over a list"),
        ("x-auto-response-suppress" in mail.headers, "X-Auto-Response-Suppress asks for none"),
        ("x-loop" in mail.headers, "X-Loop says that it has been answered before"),
        (any(name in mail.headers for name in _SAID_BY_ROBOTS), "it is marked as an automatic answer"),
        (_has_empty_return_path(mail), "its return path is empty"),
        (not mail.sender, "it names no sender that can be answered"),
        (_is_robot(mail.sender) or _is_robot(mail.reply_to), "its sender is a machine or takes no answers"),
        (bool({mail.sender, mail.reply_to} & own), "it is from the service's own address"),
        (mail.content_type == "multipart/report", "it is a delivery report"),
    )
    return tuple(reason for holds, reason in found if holds)


def kind_of(mail: Mail, *, own_addresses: Collection[str]) -> MailKind:
    """Return who writes; a mail that only gets no answer, such as one over a list, is ordinary."""
    own = {address.lower() for address in own_addresses}
    if mail.sender in own or any(
        set(re.split(r"[\s,;<>]+", value.lower())) & own for value in mail.headers.get("x-loop", ())
    ):
        return MailKind.LOOP
    local = mail.sender.partition("@")[0]
    if (
        mail.content_type == "multipart/report"
        or local in ("mailer-daemon", "postmaster")
        or "x-failed-recipients" in mail.headers
    ):
        return MailKind.BOUNCE
    automatic = mail.header("auto-submitted").split(";")[0].strip().lower()
    is_reply = automatic == "auto-replied" or any(name in mail.headers for name in _SAID_BY_ROBOTS)
    return MailKind.AUTOMATIC if is_reply else MailKind.ORDINARY


def is_within(
    cap: Cap, *, sent_to_sender: Sequence[datetime], sent_in_thread: Sequence[datetime], now: datetime
) -> bool:
    """Tell whether one more acknowledgment is within the cap.

    Args:
        cap: The cap.
        sent_to_sender: When the sender got earlier ones, aware.
        sent_in_thread: When the thread did.
        now: Aware.
    """
    recent = [moment for moment in sent_to_sender if moment > now - cap.span]
    return len(sent_in_thread) < cap.per_thread and len(recent) < cap.per_sender


def acknowledgment(
    mail: Mail, *, text: str, language: str, own_address: str, message_id: str, now: datetime
) -> EmailMessage:
    """Return the acknowledgment of a mail, marked so that no machine answers it; ENVELOPE_SENDER sends it.

    Args:
        mail: What is acknowledged; `reasons_against_answer` has found none.
        text: One of `triage.replies`.
        language: BCP 47 code of the text.
        own_address: Whom it is from.
        message_id: Its own Message-ID, the same for each try, without brackets.
        now: Aware.
    """
    answer = EmailMessage()
    answer["From"] = own_address
    answer["To"] = mail.reply_to or mail.sender
    answer["Subject"] = sent_header(f"Auto: {mail.message.subject or 'your message'}")[:200]
    answer["Date"] = format_datetime(now)
    answer["Message-ID"] = f"<{sent_header(message_id)}>"
    answer["Auto-Submitted"] = "auto-replied"
    answer["X-Auto-Response-Suppress"] = "All"
    answer["X-Loop"] = own_address
    if "@" in mail.message.id:  # else the mail came without an identity
        parents = [*reversed(mail.parents[: MAX_REFERENCES - 1]), mail.message.id]
        answer["In-Reply-To"] = f"<{sent_header(mail.message.id)}>"
        answer["References"] = " ".join(f"<{sent_header(parent)}>" for parent in parents)
    answer.set_content(text)  # which takes away what is there of Content-…
    answer["Content-Language"] = language
    return answer


def _has_empty_return_path(mail: Mail) -> bool:
    return any(value.replace(" ", "") == "<>" for value in mail.headers.get("return-path", ()))


def _is_robot(address: str) -> bool:
    return _ROBOT.match(address.partition("@")[0]) is not None
