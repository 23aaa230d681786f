"""One-method contracts between the pipeline and everything that may be exchanged.

What gains from it takes a batch and answers in its order, one value an input; rules take one text. A component
that cannot do its work raises; the pipeline names it in `degraded` and goes on. `version` names what the component
is made of, changes when its answers may change, and travels in every triage.
"""

from collections.abc import Sequence
from typing import Protocol

from triage.taxonomy import ServiceType
from triage.types import (
    Channel,
    Decision,
    Encoded,
    Entity,
    Language,
    Message,
    Prediction,
    Query,
    RequestKind,
    Safety,
    SafetyHit,
    SearchResult,
    ServiceTypeSuggestion,
    Translation,
    Triage,
    Urgency,
    Vectors,
)


class Tripwire(Protocol):
    """Finds what threatens life; needs no model and is never skipped."""

    @property
    def version(self) -> str: ...

    def check(self, text: str) -> tuple[SafetyHit, ...]:
        """Return the hits in order of their position, offsets into `text`."""
        ...


class DangerFinder(Protocol):
    """A learned part beside the tripwire: it adds hits, and no hit that is sure falls by it."""

    @property
    def version(self) -> str: ...

    def find(
        self,
        texts: Sequence[str],
        alarms: Vectors,
        languages: Sequence[Language],
        hits: Sequence[Sequence[SafetyHit]],
    ) -> list[tuple[SafetyHit, ...] | None]:
        """Return the dangers heard in each text, None where it cannot be judged: then every rule stands.

        Args:
            texts: What the residents wrote.
            alarms: What the encoder's ear heard, shape (n_texts, 2); NaN where nobody listened.
            languages: One a text.
            hits: What the tripwire found in each.
        """
        ...


class EntityFinder(Protocol):
    """Finds places, numbers and dates."""

    def find(self, text: str) -> tuple[Entity, ...]:
        """Return entities in order of their position, not overlapping, offsets into `text`."""
        ...


class KindTeller(Protocol):
    """Tells a report from a question, a status inquiry, a complaint or praise."""

    def kind_of(self, text: str) -> RequestKind:
        """Return what the resident wants."""
        ...


class UrgencyRater(Protocol):
    """Says how fast someone must act."""

    def rate(self, text: str, *, service_type: ServiceType, safety: Safety, kind: RequestKind) -> Urgency:
        """Return the level with the phrases that moved it away from the type's default, offsets into `text`."""
        ...


class LanguageDetector(Protocol):
    """Tells the language of a text."""

    @property
    def version(self) -> str: ...

    def detect(self, texts: Sequence[str], hints: Sequence[str | None]) -> list[Language]:
        """Return one language a text; `hints` are BCP 47 codes that a form or phone queue gave, or None."""
        ...


class Encoder(Protocol):
    """Puts texts into one vector space, whatever their language."""

    @property
    def version(self) -> str: ...

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        ...

    def encode(self, texts: Sequence[str], languages: Sequence[Language]) -> Vectors:
        """Return float32 embeddings of shape (n_texts, dim), rows of unit length (all zero for an empty text)."""
        ...


class ListeningEncoder(Encoder, Protocol):
    """An encoder that listens for danger while it reads."""

    def read(self, texts: Sequence[str], languages: Sequence[Language]) -> Encoded:
        """Return the embeddings of `encode`, and what was heard."""
        ...


class Classifier(Protocol):
    """Ranks labels for a text."""

    @property
    def version(self) -> str: ...

    def classify(self, texts: Sequence[str], vectors: Vectors) -> list[tuple[Prediction, ...]]:
        """Return the five likeliest labels a text, best first; ties go to the label first in the alphabet.

        Args:
            texts: What the resident wrote, cut of greeting and signature.
            vectors: Their embeddings, shape (n_texts, dim); an all-zero row says "no vector", words alone decide.
        """
        ...


class Translator(Protocol):
    """Puts a text into English."""

    @property
    def version(self) -> str: ...

    def reads(self, language: str) -> bool:
        """Tell whether texts of this language can be put into English at all."""
        ...

    def translate(self, texts: Sequence[str], languages: Sequence[str]) -> list[Translation]:
        """Return one translation a text; an unknown language is `unavailable`, never an error."""
        ...


class KnowledgeBase(Protocol):
    """Finds the section that answers a message."""

    @property
    def version(self) -> str: ...

    def search(self, queries: Sequence[Query], *, k: int = 3) -> list[SearchResult]:
        """Return up to k answers a query, best first, at most one an article."""
        ...


class Policy(Protocol):
    """Decides what the service does with its own suggestion."""

    @property
    def version(self) -> str: ...

    def decide(
        self,
        suggestions: Sequence[ServiceTypeSuggestion],
        *,
        safety: Safety,
        language: Language,
        translation: Translation,
        degraded: Sequence[str],
        channel: Channel = Channel.WEB,
    ) -> Decision:
        """Return the mode, the route and why; a safety hit with a line, or a degraded step, always asks."""
        ...


class TriageStore(Protocol):
    """Keeps messages and what was said of them."""

    def save(self, pairs: Sequence[tuple[Message, Triage]]) -> None:
        """Store every pair in one transaction; when it returns, they survive a power cut."""
        ...
