"""A fake for every contract of `triage/protocols.py`: small, honest, quick; and one of each that fails.

A failing fake raises `ComponentError` on every text, or only on those that hold its marker, and otherwise answers as
the fake it stands for.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from triage import taxonomy
from triage.errors import ComponentError, StoreError
from triage.pipeline import Parts
from triage.policy import ThresholdPolicy
from triage.taxonomy import ServiceType, Taxonomy
from triage.types import (
    Answer,
    AnswerStatus,
    Channel,
    Decision,
    Encoded,
    Entity,
    EntityKind,
    Language,
    Message,
    Prediction,
    Query,
    Reason,
    RequestKind,
    Safety,
    SafetyHit,
    SearchResult,
    ServiceTypeSuggestion,
    Translation,
    TranslationStatus,
    Triage,
    Urgency,
    Vectors,
)

POISON = "[poison]"
DIM = 8
ANSWER = Answer(
    article_id="bulky-item-pickup",
    title="Bulky item pickup",
    section="How to book",
    quote="Two pickups a year are free.",
    probability=0.8,
    url="https://city.example/bulky",
    reviewed_on="2026-05-01",
)


@cache
def shipped_taxonomy() -> Taxonomy:
    """The taxonomy that ships, read once for all tests."""
    return taxonomy.load()


class FakeDangerFinder:
    """Hears danger where a text says `uncanny`, none where it says `serene`, and cannot judge any other."""

    version = "fake"

    def find(
        self,
        texts: Sequence[str],
        alarms: Vectors,
        languages: Sequence[Language],
        hits: Sequence[Sequence[SafetyHit]],
    ) -> list[tuple[SafetyHit, ...] | None]:
        hit = SafetyHit(rule="learned.danger", text="uncanny", start=None, end=None, line="911")
        return [(hit,) if "uncanny" in text else () if "serene" in text else None for text in texts]


class FakeDetector:
    """Knows a language by a word that stands in the text; English where none does."""

    version = "fake-detector"

    def __init__(self, codes: Mapping[str, str] | None = None) -> None:
        self.codes = {"basura": "es", "мусор": "ru", "qwxz": "und"} if codes is None else codes

    def detect(self, texts: Sequence[str], hints: Sequence[str | None]) -> list[Language]:
        return [self._language(text, hint) for text, hint in zip(texts, hints, strict=True)]

    def _language(self, text: str, hint: str | None) -> Language:
        told = next((code for word, code in self.codes.items() if word in text.lower()), hint or "en")
        if told == "und" or not any(character.isalpha() for character in text):
            return Language.unknown()
        return Language(code=told, probability=0.99, runner_up="pt", method="fake")


class FakeEncoder:
    """Adds up one fixed direction for each word, so that texts with the same words are neighbors."""

    version = "fake-encoder"

    def __init__(self, dim: int = DIM) -> None:
        self.dim = dim

    def encode(self, texts: Sequence[str], languages: Sequence[Language] = ()) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.lower().split():
                row += np.random.default_rng(zlib.crc32(word.encode("utf-8", "replace"))).normal(size=self.dim)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit

    def read(self, texts: Sequence[str], languages: Sequence[Language] = ()) -> Encoded:
        alarms = np.full((len(texts), 2), np.nan, dtype=np.float32)
        return Encoded(vectors=self.encode(texts, languages), alarms=alarms)


class FakeClassifier:
    """Knows a type by a word of the text; the five are then the type and the first others of the alphabet."""

    version = "fake-classifier"

    def __init__(self, labels: Mapping[str, str] | None = None, *, probability: float = 0.9) -> None:
        self.labels = {"couch": "waste.dumping", "street": "water.main_break"} if labels is None else labels
        self.probability = probability

    def classify(self, texts: Sequence[str], vectors: Vectors) -> list[tuple[Prediction, ...]]:
        return [self._ranked(text) for text, _ in zip(texts, vectors, strict=True)]

    def _ranked(self, text: str) -> tuple[Prediction, ...]:
        word, best = next(
            ((word, label) for word, label in self.labels.items() if word in text.lower()), ("", "city.other")
        )
        others = [label for label in sorted(shipped_taxonomy().codes) if label != best][:4]
        because = (word,) if word else ()
        return (
            Prediction(label=best, probability=self.probability, because=because),
            *(Prediction(label=label, probability=(1 - self.probability) / 5) for label in others),
        )


class FakeTripwire:
    """Hits wherever one of its phrases stands; each phrase is its own rule."""

    version = "fake-tripwire"

    def __init__(self, lines: Mapping[str, str | None] | None = None, *, sure: bool = True) -> None:
        self.lines = {"gas smell": "911", "want to die": "988", "lead pipe": None} if lines is None else lines
        self.sure = sure

    def check(self, text: str) -> tuple[SafetyHit, ...]:
        places = sorted((text.lower().find(phrase), phrase) for phrase in self.lines)
        return tuple(
            SafetyHit(
                rule=phrase.replace(" ", "_"),
                text=text[start : start + len(phrase)],
                start=start,
                end=start + len(phrase),
                line=self.lines[phrase],
                sure=self.sure,
            )
            for start, phrase in places
            if start >= 0
        )


class FakeEntityFinder:
    """Finds the first place of each phrase it knows."""

    def __init__(self, kinds: Mapping[str, EntityKind] | None = None) -> None:
        self.kinds = {"2210 Florin Rd": EntityKind.ADDRESS} if kinds is None else kinds

    def find(self, text: str) -> tuple[Entity, ...]:
        places = sorted((text.find(phrase), phrase) for phrase in self.kinds)
        return tuple(
            Entity(kind=self.kinds[phrase], text=phrase, start=start, end=start + len(phrase))
            for start, phrase in places
            if start >= 0
        )


class FakeKindTeller:
    """A question mark makes a question; all else is a report."""

    def kind_of(self, text: str) -> RequestKind:
        return RequestKind.QUESTION if "?" in text else RequestKind.REPORT


class FakeUrgencyRater:
    """The type's default level, and one phrase that is quoted as a reason where it stands."""

    def __init__(self, phrase: str = "right now") -> None:
        self.phrase = phrase

    def rate(self, text: str, *, service_type: ServiceType, safety: Safety, kind: RequestKind) -> Urgency:
        start = text.find(self.phrase)
        reason = Reason(rule="now", text=self.phrase, start=start, end=start + len(self.phrase))
        return Urgency(level=service_type.default_urgency, probability=0.7, reasons=(reason,) if start >= 0 else ())


class FakeKnowledgeBase:
    """Has one answer, to whatever names a couch; keeps the queries it was asked.

    Like a real index it refuses vectors of another dimension than its own; zeros say that there is none.
    """

    version = "fake-kb"

    def __init__(self, dim: int = DIM) -> None:
        self.dim = dim
        self.queries: list[Query] = []

    def search(self, queries: Sequence[Query], *, k: int = 3) -> list[SearchResult]:
        if any(query.vector.shape != (self.dim,) for query in queries):
            raise ValueError(f"the index holds vectors of {self.dim} numbers")
        self.queries.extend(queries)
        found = SearchResult(status=AnswerStatus.ANSWER, answers=(ANSWER,))
        return [found if "couch" in query.text else SearchResult() for query in queries]


class FakeTranslator:
    """Gives the English that it was told of, else says that it has none."""

    version = "fake-translator"

    def __init__(self, english: Mapping[str, str] | None = None) -> None:
        self.english = english or {}

    def reads(self, language: str) -> bool:
        return bool(self.english)

    def translate(self, texts: Sequence[str], languages: Sequence[str]) -> list[Translation]:
        return [self._translation(text, code) for text, code in zip(texts, languages, strict=True)]

    def _translation(self, text: str, code: str) -> Translation:
        if text not in self.english:
            return Translation(status=TranslationStatus.UNAVAILABLE)
        return Translation(status=TranslationStatus.MACHINE, text=self.english[text], engine=f"fake {code}→en")


@dataclass(frozen=True, kw_only=True)
class FakePolicy:
    """Always decides the same."""

    decision: Decision
    version: str = "fake-policy"

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
        return self.decision


class FakeStore:
    """Remembers what was saved."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Message, Triage]] = []

    def save(self, pairs: Sequence[tuple[Message, Triage]]) -> None:
        self.pairs.extend(pairs)


def _fail_on(texts: Iterable[str], marker: str | None) -> None:
    for text in texts:
        if marker is None or marker in text:
            raise ComponentError("made to fail")


@dataclass(frozen=True)
class FailingDetector:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None
    version: str = "failing-detector"

    def detect(self, texts: Sequence[str], hints: Sequence[str | None]) -> list[Language]:
        _fail_on(texts, self.marker)
        return FakeDetector().detect(texts, hints)


@dataclass(frozen=True)
class FailingEncoder:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None
    version: str = "failing-encoder"
    dim: int = DIM

    def encode(self, texts: Sequence[str], languages: Sequence[Language]) -> Vectors:
        _fail_on(texts, self.marker)
        return FakeEncoder().encode(texts, languages)

    def read(self, texts: Sequence[str], languages: Sequence[Language]) -> Encoded:
        _fail_on(texts, self.marker)
        return FakeEncoder().read(texts, languages)


@dataclass(frozen=True)
class FailingClassifier:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None
    version: str = "failing-classifier"

    def classify(self, texts: Sequence[str], vectors: Vectors) -> list[tuple[Prediction, ...]]:
        _fail_on(texts, self.marker)
        return FakeClassifier().classify(texts, vectors)


@dataclass(frozen=True)
class FailingTripwire:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None
    version: str = "failing-tripwire"

    def check(self, text: str) -> tuple[SafetyHit, ...]:
        _fail_on([text], self.marker)
        return FakeTripwire().check(text)


@dataclass(frozen=True)
class FailingDangerFinder:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None
    version: str = "failing-danger"

    def find(
        self,
        texts: Sequence[str],
        alarms: Vectors,
        languages: Sequence[Language],
        hits: Sequence[Sequence[SafetyHit]],
    ) -> list[tuple[SafetyHit, ...] | None]:
        _fail_on(texts, self.marker)
        return FakeDangerFinder().find(texts, alarms, languages, hits)


@dataclass(frozen=True)
class FailingEntityFinder:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None

    def find(self, text: str) -> tuple[Entity, ...]:
        _fail_on([text], self.marker)
        return FakeEntityFinder().find(text)


@dataclass(frozen=True)
class FailingKindTeller:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None

    def kind_of(self, text: str) -> RequestKind:
        _fail_on([text], self.marker)
        return FakeKindTeller().kind_of(text)


@dataclass(frozen=True)
class FailingUrgencyRater:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None

    def rate(self, text: str, *, service_type: ServiceType, safety: Safety, kind: RequestKind) -> Urgency:
        _fail_on([text], self.marker)
        return FakeUrgencyRater().rate(text, service_type=service_type, safety=safety, kind=kind)


@dataclass(frozen=True)
class FailingKnowledgeBase:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None
    version: str = "failing-kb"

    def search(self, queries: Sequence[Query], *, k: int = 3) -> list[SearchResult]:
        _fail_on([query.text for query in queries], self.marker)
        return FakeKnowledgeBase().search(queries, k=k)


@dataclass(frozen=True)
class FailingTranslator:
    """Raises on every text, or on those that hold the marker."""

    marker: str | None = None
    version: str = "failing-translator"

    def reads(self, language: str) -> bool:
        return True

    def translate(self, texts: Sequence[str], languages: Sequence[str]) -> list[Translation]:
        _fail_on(texts, self.marker)
        return FakeTranslator().translate(texts, languages)


@dataclass(frozen=True)
class FailingPolicy:
    """Raises on every message, or on those whose language is the marker."""

    marker: str | None = None
    version: str = "failing-policy"

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
        _fail_on([language.code], self.marker)
        return ThresholdPolicy().decide(
            suggestions, safety=safety, language=language, translation=translation, degraded=degraded, channel=channel
        )


class FailingStore:
    """Refuses every message."""

    def save(self, pairs: Sequence[tuple[Message, Triage]]) -> None:
        raise StoreError("the database did not do it (made to fail)")


def fake_parts(**overrides: object) -> Parts:
    """Return parts that are all fakes, but for the shipped taxonomy and the policy, which are plain values.

    Args:
        overrides: Fields of `Parts` to put in place of the fakes.
    """
    parts = Parts(
        taxonomy=shipped_taxonomy(),
        tripwire=FakeTripwire(),
        danger=FakeDangerFinder(),
        detector=FakeDetector(),
        entities=FakeEntityFinder(),
        encoder=FakeEncoder(),
        classifier=FakeClassifier(),
        kind=FakeKindTeller(),
        urgency=FakeUrgencyRater(),
        kb=FakeKnowledgeBase(),
        translator=FakeTranslator(),
        policy=ThresholdPolicy(),
    )
    return replace(parts, **overrides)  # type: ignore[arg-type]
