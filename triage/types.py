"""Frozen values that walk through the pipeline; `Triage` is the public answer, field for field.

Offsets (`start`, `end`) count Python characters (Unicode code points) of the original `Message.text`.
Every `probability` is calibrated and lies in [0, 1]; every `similarity` is a cosine in [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]


class Channel(StrEnum):
    """How a message reached the city."""

    CALL = "call"
    TRANSCRIPT = "transcript"
    EMAIL = "email"
    WEB = "web"
    SMS = "sms"
    CHAT = "chat"
    APP = "app"
    TICKET = "ticket"


class UrgencyLevel(StrEnum):
    """Six levels, gravest first; `rank` orders them."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for info up to 5 for emergency."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(reversed(UrgencyLevel))}


class RequestKind(StrEnum):
    """What the resident wants from the message, beside its type."""

    REPORT = "report"
    QUESTION = "question"
    STATUS = "status"
    COMPLAINT = "complaint"
    PRAISE = "praise"
    OTHER = "other"


class EntityKind(StrEnum):
    """Places, numbers and dates that a crew or a desk needs."""

    ADDRESS = "address"
    INTERSECTION = "intersection"
    LANDMARK = "landmark"
    ACCOUNT = "account"
    PERMIT = "permit"
    CITATION = "citation"
    LICENSE = "license"
    CASE = "case"
    METER = "meter"
    PLATE = "plate"
    PHONE = "phone"
    EMAIL = "email"
    CARD = "card"
    DATE = "date"


class Owner(StrEnum):
    """Whose matter a place is."""

    CITY = "city"
    COUNTY = "county"
    STATE = "state"


class TranslationStatus(StrEnum):
    """What became of the translation into English."""

    MACHINE = "machine"
    DOUBTFUL = "doubtful"
    UNAVAILABLE = "unavailable"
    PENDING = "pending"
    NOT_NEEDED = "not_needed"


class Translate(StrEnum):
    """When a text is put into English: before the answer, after it as an update, or not at all."""

    WAIT = "wait"
    LATER = "later"
    NO = "no"

    @classmethod
    def of(cls, channel: Channel) -> "Translate":
        """Return what a channel can wait for: who is on the line cannot, who wrote can."""
        return cls.LATER if channel in (Channel.CALL, Channel.TRANSCRIPT) else cls.WAIT


class AnswerStatus(StrEnum):
    """Whether the knowledge base answers the message."""

    ANSWER = "answer"
    POSSIBLE = "possible"
    NONE = "none"


class Audience(StrEnum):
    """Who may read a text: residents, or agents only."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Mode(StrEnum):
    """What the service does with its own suggestion, most independent first."""

    AUTO = "auto"
    PRESELECT = "preselect"
    SUGGEST = "suggest"
    ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one resident said, once, over one channel."""

    id: str
    text: str
    channel: Channel = Channel.WEB
    subject: str | None = None
    language_hint: str | None = None
    received_at: datetime | None = None
    thread_id: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("a message needs an id")
        if self.received_at is not None and self.received_at.tzinfo is None:
            raise ValueError(f"received_at of message {self.id} has no time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """The language of a message: a BCP 47 code of `triage.languages`, or `und`."""

    code: str
    probability: float
    runner_up: str | None = None
    method: str = "und"

    @classmethod
    def unknown(cls) -> Self:
        """The value that stands where no language could be told."""
        return cls(code="und", probability=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """English for people to read; `text` is None unless status is machine or doubtful."""

    status: TranslationStatus
    text: str | None = None
    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """Whom to call when the language is not English, translated or not.

    Attributes:
        language: English name; "unknown" where it could not be told.
        native_name: As its speakers write it, to show to the resident; None where unknown.
        script: Of the message's language; None where unknown.
        ask_for: What to ask the interpreting service for.
        dialect_question: What to ask the resident first; None where one interpreter serves all.
    """

    language: str
    native_name: str | None
    script: str | None
    ask_for: str
    dialect_question: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A label with its calibrated probability and the words of the text that speak for it."""

    label: str
    probability: float
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTypeSuggestion:
    """A prediction over the taxonomy, with what an agent needs to read."""

    code: str
    name: str
    department: str
    probability: float
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherType:
    """A second problem in the same message, and where it is told."""

    code: str
    probability: float
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A rule and the phrase that set it off; no offsets where the phrase is not in the text."""

    rule: str
    text: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """How fast someone must act, and the phrases that say so."""

    level: UrgencyLevel
    probability: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What the encoder made of some texts.

    Attributes:
        vectors: Embeddings, float32, shape (n_texts, dim), rows of unit length (all zero for an empty text).
        alarms: What the danger model's ear heard, float32, shape (n_texts, 2): logits of a danger, and of a danger
            being a crisis; NaN where nobody listened.
    """

    vectors: Vectors
    alarms: Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyHit:
    """One life-safety finding; `line` is the number to call, `911`, `988` or None.

    `sure` tells whether it stands by itself: what is not sure falls where the learned part judges the message harmless.
    """

    rule: str
    text: str
    start: int | None
    end: int | None
    line: str | None
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """All findings of the tripwire; `line` is the gravest one's."""

    emergency: bool = False
    line: str | None = None
    reasons: tuple[SafetyHit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CityPlace:
    """A place on the city's map: its name there, the district it lies in, and whose matter it is."""

    name: str
    district: str
    owner: Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A span of the original text that names a place, a number, a person's contact or a date.

    `place` is what the city's map knows of it, None where it knows nothing.
    """

    kind: EntityKind
    text: str
    start: int
    end: int
    probability: float = 1.0
    place: CityPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilter:
    """What an article or section must be, to be looked at at all; None takes everything.

    Attributes:
        audience: Of the section.
        language: BCP 47 code of the article; `zh` takes every Chinese.
        department: Its name, whatever the case.
        on: The day on which the article must be valid; None is today.
    """

    audience: Audience | None = None
    language: str | None = None
    department: str | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to the knowledge base: the whole message, its vector and its likely types.

    Attributes:
        text: The message without greeting, signature and quoted mail.
        vector: Embedding, float32, shape (dim,), unit length; all zero where there is none.
        service_types: Likely types, best first; they raise an article, they never filter.
        language: BCP 47 code of the text; an article's version in that language is preferred.
        filter: Applied before the search, never after.
    """

    text: str
    vector: Vectors
    service_types: tuple[Prediction, ...] = ()
    language: str = "en"
    filter: SearchFilter = SearchFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A section that may answer, quoted, with its source and its date.

    Attributes:
        condition: Whom, where or when it holds, where the message does not say so: what to ask before reading it out.
        language: BCP 47 code of the article; None for a notice that holds in every language.
        pinned_until: When a pinned notice expires, ISO 8601; None for an article.
        contradicts: The ids of the articles that a pinned notice overrules while it holds.
    """

    article_id: str
    title: str
    section: str
    quote: str
    probability: float
    url: str | None
    reviewed_on: str | None
    audience: Audience = Audience.PUBLIC
    condition: str | None = None
    language: str | None = "en"
    pinned_until: str | None = None
    contradicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What the knowledge base knows, best first; empty where status is none."""

    status: AnswerStatus = AnswerStatus.NONE
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens next with the message, and why."""

    mode: Mode
    service_type: str | None
    department: str | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What produced a triage, so that it can be explained later; None where a part is absent."""

    classifier: str | None = None
    encoder: str | None = None
    detector: str | None = None
    translator: str | None = None
    safety: str | None = None
    taxonomy: str | None = None
    kb: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """The answer to one message: the public contract, every field always present."""

    message_id: str
    channel: Channel
    language: Language
    translation: Translation
    service_types: tuple[ServiceTypeSuggestion, ...]
    also: tuple[FurtherType, ...]
    request_kind: RequestKind
    urgency: Urgency
    safety: Safety
    dispatch: Mapping[str, str | None] | None
    interpreter: Interpreter | None
    next_question: str | None
    missing: tuple[str, ...]
    entities: tuple[Entity, ...]
    answers: tuple[Answer, ...]
    answer_status: AnswerStatus
    similar: tuple[str, ...]
    decision: Decision
    warnings: tuple[str, ...]
    degraded: tuple[str, ...]
    versions: Versions
    timings_ms: Mapping[str, float] = field(default_factory=dict)
