"""What the store gives back: frozen values, every datetime aware and in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from triage.types import Decision, Message, UrgencyLevel


class Actor(StrEnum):
    """Who decides: a person always wins over the policy."""

    PERSON = "person"
    POLICY = "policy"


class Action(StrEnum):
    """What was done with a contact; every action but the policy's is a person's."""

    POLICY = "policy"
    ACCEPT = "accept"
    OVERRIDE = "override"
    ANSWER_USED = "answer_used"
    CLOSE = "close"
    REROUTE = "reroute"
    UNDO = "undo"


class Status(StrEnum):
    """Whether somebody still has to do something for the resident."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTriage:
    """One answer as it was produced.

    Attributes:
        id: Grows with time; unique in the database.
        message_id: The message that was triaged.
        revision: Which text of the message, 1 for the first; the offsets in `answer` count in that text.
        answer: The public answer (a `Triage` as JSON values), field for field.
        suggestion: True where it could not decide: a person already had, or a newer text was known.
        created_at: When it was stored.
    """

    id: int
    message_id: str
    revision: int
    answer: Mapping[str, Any]
    suggestion: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """One decision on a contact; the one with the highest `version` stands.

    Attributes:
        version: 1 for the first decision on the contact, then one more each.
        actor: Whether a person or the policy decided.
        decided_by: The person's name or key, or the policy's version.
        decision: What was decided.
        urgency: The level that stands with it; None where nobody has told one.
        triage_id: The answer that the decision was made on; None where there was none.
        decided_at: When it was stored.
        action: What was done.
        status: What the contact's status is with it.
        note: Why, in the person's words.
        article_id: The article whose answer was used.
        section: Its section.
        undoes: The version that an `undo` took back.
    """

    version: int
    actor: Actor
    decided_by: str
    decision: Decision
    urgency: UrgencyLevel | None
    triage_id: int | None
    decided_at: datetime
    action: Action
    status: Status = Status.OPEN
    note: str | None = None
    article_id: str | None = None
    section: str | None = None
    undoes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContact:
    """A contact as it stands: its newest text, the newest answer to that text, the decision that stands.

    Attributes:
        message: The newest text; channel, thread and time are those of the first arrival.
        revision: Which text that is, 1 for the first.
        raw: The bytes that the message was read from; None where none were kept, and in most lists.
        triage: None until this text has been triaged.
        decision: None until something has been decided.
        created_at: When the contact was first stored.
    """

    message: Message
    revision: int
    raw: bytes | None
    triage: StoredTriage | None
    decision: StoredDecision | None
    created_at: datetime

    @property
    def version(self) -> int:
        """What `SqlTriageStore.decide` expects: 0 where nothing has been decided."""
        return self.decision.version if self.decision else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows of each kind are kept."""

    contacts: int
    messages: int
    triages: int
    decisions: int
    rejections: int
