"""Finds statements of one rule with different figures: "$35 is added after 21 days" here, $45 there.

Two sentences are compared where they state a fact of the same kind with no value in common. They count as one rule
when their vectors are near, both with the figures masked, and most of what each says is found in the other or in its
title and heading, rare words counting more. Measured when this was written: 13 of 18 planted contradictions and no
false alarm on 127 articles without one; the thresholds were set on these.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from math import fsum, log
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from kb.articles import Article
from kb.facts import Fact, facts_of, figures_of, masked
from kb.lexical import informative, stem, words_of
from kb.sections import Section
from triage.languages import BY_CODE
from triage.protocols import Encoder
from triage.types import Language, Vectors

Places: TypeAlias = npt.NDArray[np.int64]

MIN_SIMILARITY = 0.45
MIN_SHARED_WORDS = 3
MIN_COVERED = 0.62
BATCH = 256
_ROWS = 1024  # of the matrix of similarities at a time
_WEEKDAY = re.compile(
    r"\b(mon|tue|wed|thu|fri|sat|sun)[a-z]*day|\b(daily|every day|weekdays|weekends?|holidays?)\b", re.IGNORECASE
)
_ABOUT_TIME = frozenset({"hours", "time"})


@dataclass(frozen=True)
class Statement:
    """A sentence that states facts, with where it stands."""

    article: Article
    section: Section
    sentence: str
    facts: tuple[Fact, ...]

    @cached_property
    def masked(self) -> str:
        """The sentence with its facts replaced by their kinds."""
        return masked(self.sentence, self.facts)

    @cached_property
    def words(self) -> frozenset[str]:
        """Stems of its informative words, facts masked."""
        return self._stems(self.masked)

    @cached_property
    def words_around(self) -> frozenset[str]:
        """Its stems, those of the article's title, and of the section's heading."""
        return self.words | self._stems(f"{self.article.title} {self.section.heading}")

    @cached_property
    def weekdays(self) -> frozenset[str]:
        """The days of the week that it names."""
        return frozenset((match[1] or match[2]).lower() for match in _WEEKDAY.finditer(self.sentence))

    @cached_property
    def figures(self) -> frozenset[str]:
        """All numbers in it, with or without a unit: "above 95 or below 35 degrees" says both."""
        return figures_of(self.sentence)

    def values(self, kind: str) -> frozenset[str]:
        """What it says of a kind."""
        return frozenset(fact.value for fact in self.facts if fact.kind == kind)

    def _stems(self, text: str) -> frozenset[str]:
        words = informative(words_of(text))
        return frozenset(stem(word, self.article.language) for word in words if word != "some")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two statements of one rule; `kinds` are the facts in which they differ, `covered` is in [0, 1]."""

    first: Statement
    second: Statement
    kinds: tuple[str, ...]
    covered: float


def contradictions(
    articles: Sequence[Article], encoder: Encoder, progress: Callable[[str, int, int], None] = lambda *_: None
) -> list[Contradiction]:
    """Return pairs of statements that contradict each other, the surest first.

    Articles in different languages, or never valid on the same day, are not compared, nor is a sentence with itself.
    Memory grows with the statements, not with their pairs.
    """
    statements = [statement for article in articles for statement in _statements(article)]
    vectors = _encoded(statements, encoder, progress)
    weights = _Weights(statements)
    found = [
        contradiction
        for first, second in _near(statements, vectors)
        if (contradiction := _contradiction(statements[first], statements[second], weights)) is not None
    ]
    return sorted(found, key=lambda each: (-each.covered, each.first.article.id, each.second.article.id))


def _statements(article: Article) -> Iterator[Statement]:
    from triage.nlp import sentences

    texts = [section.text for section in article.sections]
    for section, spans in zip(article.sections, sentences(texts, article.language), strict=True):
        for start, end in spans:
            sentence = section.text[start:end]
            facts = facts_of(sentence)
            if facts:
                yield Statement(article, section, sentence, facts)


def _encoded(statements: Sequence[Statement], encoder: Encoder, progress: Callable[[str, int, int], None]) -> Vectors:
    parts: list[Vectors] = [np.zeros((0, encoder.dim), dtype=np.float32)]
    for start in range(0, len(statements), BATCH):
        batch = statements[start : start + BATCH]
        progress("compare statements", start, len(statements))
        parts.append(encoder.encode([each.masked for each in batch], [_language(each.article) for each in batch]))
    progress("compare statements", len(statements), len(statements))
    return np.concatenate(parts)


def _language(article: Article) -> Language:
    code = article.language if article.language in BY_CODE else "und"
    return Language(code=code, probability=1.0, runner_up=None, method="article")


def _near(statements: Sequence[Statement], vectors: Vectors) -> Iterator[tuple[int, int]]:
    """Yield pairs of statements, the earlier first, each once, under the first kind of fact that both state.

    Their vectors are near, and they share MIN_SHARED_WORDS: what shares fewer is never formed into a pair.
    """
    kinds = [frozenset(fact.kind for fact in statement.facts) for statement in statements]
    for kind, rows in _by_kind(statements):
        words = [statements[row].words for row in rows]
        postings = _postings(words)
        for start in range(0, len(rows), _ROWS):
            similarities = vectors[rows[start : start + _ROWS]] @ vectors[rows].T
            for place, near in enumerate(similarities >= MIN_SIMILARITY, start):
                near[: place + 1] = False
                for other in _sharing(words[place], near, postings):
                    pair = rows[place], rows[other]
                    if min(kinds[pair[0]] & kinds[pair[1]]) == kind:
                        yield pair


def _sharing(words: Set[str], near: npt.NDArray[np.bool_], postings: Mapping[str, Places]) -> list[int]:
    """Return the places among the near ones that share MIN_SHARED_WORDS of the words."""
    if len(words) < MIN_SHARED_WORDS or not near.any():
        return []
    shared = np.bincount(np.concatenate([postings[word] for word in words]), minlength=len(near))
    places: list[int] = np.flatnonzero(near & (shared >= MIN_SHARED_WORDS)).tolist()
    return places


def _postings(words: Sequence[Set[str]]) -> dict[str, Places]:
    """Return for every word the places that have it."""
    places: dict[str, list[int]] = {}
    for place, told in enumerate(words):
        for word in told:
            places.setdefault(word, []).append(place)
    return {word: np.array(found, dtype=np.int64) for word, found in places.items()}


def _by_kind(statements: Sequence[Statement]) -> list[tuple[str, list[int]]]:
    """Return the statements of each language that state a kind of fact, with the kind, in its order."""
    rows: dict[tuple[str, str], list[int]] = {}
    for number, statement in enumerate(statements):
        for kind in {fact.kind for fact in statement.facts}:
            rows.setdefault((statement.article.language, kind), []).append(number)
    return [(kind, numbers) for (_, kind), numbers in sorted(rows.items())]


def _contradiction(first: Statement, second: Statement, weights: "_Weights") -> Contradiction | None:
    kinds = tuple(sorted(_kinds_that_differ(first, second)))
    if not kinds or not _ever_together(first, second):
        return None
    covered = weights.covered(first, second)
    if covered < MIN_COVERED:
        return None
    return Contradiction(first=first, second=second, kinds=kinds, covered=covered)


def _kinds_that_differ(first: Statement, second: Statement) -> Iterator[str]:
    """Yield kinds of which neither says what the other says; hours of different weekdays do not differ."""
    for kind in {fact.kind for fact in first.facts} & {fact.kind for fact in second.facts}:
        is_other_day = kind in _ABOUT_TIME and first.weekdays != second.weekdays
        one, other = first.values(kind), second.values(kind)
        if not is_other_day and not one & (other | second.figures) and not other & first.figures:
            yield kind


def _ever_together(first: Statement, second: Statement) -> bool:
    one, other = first.article, second.article
    starts = [article.valid_from for article in (one, other) if article.valid_from]
    ends = [article.valid_until for article in (one, other) if article.valid_until]
    return not starts or not ends or max(starts) <= min(ends)


class _Weights:
    """How much a word says: its inverse document frequency among the statements."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._counts = Counter(word for statement in statements for word in statement.words)
        self._total = len(statements)

    def covered(self, first: Statement, second: Statement) -> float:
        """Return the share of what both say that the other says too, its title and heading counted, in [0, 1]."""
        whole = self._weight(first.words) + self._weight(second.words)
        shared = self._weight(first.words & second.words_around) + self._weight(second.words & first.words_around)
        return shared / whole if whole else 0.0

    def _weight(self, words: Set[str] | Iterable[str]) -> float:
        return fsum(log(1 + self._total / (self._counts[word] + 1)) for word in words)
