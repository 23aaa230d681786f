"""What the store keeps of mails under way: frozen values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from triage.store.deliveries import Delivery
from triage.store.links import Attachment
from triage.store.records import StoredDecision
from triage.types import Message, Triage


class MailState(StrEnum):
    """How far a mail has come."""

    FOUND = "found"
    STORED = "stored"
    DECIDED = "decided"
    MOVING = "moving"
    DONE = "done"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow:
    """A mail under way.

    Attributes:
        id: Its number in the store.
        mailbox: Where it lies.
        validity: The mailbox's UIDVALIDITY.
        uid: Its UID under it.
        state: How far it has come.
        plan: Where it goes and what is done to it; empty before that is decided.
        failures: How often something went wrong with it.
    """

    id: int
    mailbox: str
    validity: int
    uid: int
    state: MailState
    plan: Mapping[str, Any]
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMail:
    """What is kept of a mail: the message, the bytes, the files, and what its like is counted by."""

    message: Message
    raw: bytes
    files: Sequence[Attachment] = ()
    sender: str = ""
    text_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known at the moment in which a mail is decided.

    Attributes:
        standing: The decision that stands on its contact; None where nothing was decided.
        same_text_other_senders: Senders who sent the same text within a week, this one apart.
        from_sender_in_hour: Mails of this sender within an hour, this one included.
        acknowledged_to_sender: When acknowledgments to this sender were decided.
        acknowledged_in_thread: When acknowledgments in this thread were.
        now: Aware.
    """

    standing: StoredDecision | None
    same_text_other_senders: int
    from_sender_in_hour: int
    acknowledged_to_sender: tuple[datetime, ...]
    acknowledged_in_thread: tuple[datetime, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What was decided on a mail.

    Attributes:
        triage: The answer to store.
        plan: JSON values: where the mail goes and what is done to it.
        set_aside: Why the contact is closed at once, as spam or an automatic mail; None where it stays open.
        acknowledgment: What the sender is told; None for nothing.
        acknowledgment_id: Its Message-ID without brackets.
        forwards: To whom else the mail is sent.
    """

    triage: Triage
    plan: Mapping[str, Any]
    set_aside: str | None = None
    acknowledgment: Delivery | None = None
    acknowledgment_id: str | None = None
    forwards: tuple[Delivery, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCount:
    """How many mails of a mailbox are in a state, and how many of them failed at least once and are not over."""

    mailbox: str
    state: MailState
    number: int
    failed: int


class AckState(StrEnum):
    """What is known of an acknowledgment's sending."""

    NEW = "new"
    UNKNOWN = "unknown"
    SENT = "sent"
