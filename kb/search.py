"""The search: which section answers a message, quoted, or an honest "nothing found".

Every section is compared with the query three ways: its own vector, the best of its article's title and aliases, and
BM25. A weighted sum ranks them; an article counts as its best section. The weights were fitted on public question
sets by `benchmarks/retrieval.py`, each set judged by weights fitted without it: the two cosines came out level and
BM25 at half of either, while a character n-gram member earned nothing beside vectors and is used to mend spelling.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from kb.articles import Article, Section
from kb.index import Mask, Rows, Snapshot
from kb.lexical import informative, joined_ranges, stem, stems_of, words_of
from kb.no_answer import LOOKED_AT, NoAnswerModel, Signals
from kb.quotes import best_quote
from triage.types import Answer, AnswerStatus, Audience, Query, SearchResult, Vectors

CANDIDATES = 24  # at least, of each member; what all three miss cannot win
FEW_ROWS = 4_000  # vectors up to which comparing all is quicker than choosing
MAX_WORDS = 2_000  # of a query that are read by BM25
MAX_MENDED = 30  # unknown words of a query that are looked up by their letters
LEAST_LIKENESS = 0.45  # cosine of character 3–5-grams from which an unknown word is taken for a known one
LEAST_SHARE_OF_BEST = 0.05  # of the best answer's probability that a further answer must have
LEAST_FOREIGN_LETTERS = 4  # shorter words of another language agree with English ones by accident

Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each member counts.

    Attributes:
        section: Of the cosine with the section.
        question: Of the best cosine with title and aliases.
        lexical: Of BM25.
        internal: Taken from sections for agents: they name other articles' subjects.
        service_type: Of the probability of the article's main type; other types of it count half.
    """

    section: float = 0.4
    question: float = 0.4
    lexical: float = 0.2
    internal: float = 0.05
    service_type: float = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One article that may answer, by its best section.

    Attributes:
        article: Its number in the snapshot.
        section: The number of its best section.
        similarity: The weighted sum that ranks.
        signals: What its probability is computed from.
        probability: That it answers; never above that of one found before.
    """

    article: int
    section: int
    similarity: float
    signals: Signals
    probability: float


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Articles that are compared with a query, and where their sections and questions lie.

    `sections` and `questions` hold the rows of all articles one after the other; `section_starts` has an entry an
    article, `question_starts` one for each article that has questions, which `asked` tells.
    """

    articles: Rows
    sections: Rows
    section_starts: Rows
    section_sizes: Rows
    questions: Rows
    question_starts: Rows
    asked: Mask
    section_vectors: Vectors
    question_vectors: Vectors

    @classmethod
    def of(cls, snapshot: Snapshot, articles: Rows) -> Self:
        """Gather the rows of some articles, in their order."""
        section_firsts, question_firsts = snapshot.sections_from[articles], snapshot.questions_from[articles]
        section_sizes = snapshot.sections_from[articles + 1] - section_firsts
        question_sizes = snapshot.questions_from[articles + 1] - question_firsts
        asked = question_sizes > 0
        sections = joined_ranges(section_firsts, section_sizes)
        questions = joined_ranges(question_firsts, question_sizes)
        return cls(
            articles=articles,
            sections=sections,
            section_starts=np.cumsum(section_sizes) - section_sizes,
            section_sizes=section_sizes,
            questions=questions,
            question_starts=(np.cumsum(question_sizes) - question_sizes)[asked],
            asked=asked,
            section_vectors=snapshot.section_index.vectors[sections],
            question_vectors=snapshot.question_index.vectors[questions],
        )


@dataclass(frozen=True, slots=True)
class _Scored:
    """Members and weighted sum of every section of the candidates, aligned with `candidates.sections`.

    Only `coverage` is of all sections, by their number.
    """

    candidates: _Candidates
    section: Numbers
    question: Numbers
    lexical: Numbers
    coverage: Numbers
    fused: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ranking:
    """What was found, and the query's stems with their idf."""

    found: tuple[Found, ...]
    words: Mapping[str, float]


class SectionSearch:
    """Searches one snapshot; see `protocols.KnowledgeBase`. Safe to share between threads."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        no_answer: NoAnswerModel,
        weights: Weights | None = None,
        clock: Callable[[], date] = date.today,
    ) -> None:
        self.snapshot = snapshot
        self.no_answer = no_answer
        self.weights = weights or Weights()
        self._clock = clock
        self._mended = lru_cache(maxsize=10_000)(self._nearest_known)
        self._sentence_stems = lru_cache(maxsize=20_000)(self._stems_of_sentences)
        self._valid_on = lru_cache(maxsize=4)(self._validity)
        self._everything = lru_cache(maxsize=2)(self._all_candidates)
        self._types = _articles_by_type(snapshot.articles)
        self._penalty = np.array([s.audience is Audience.INTERNAL for s in snapshot.sections]) * self.weights.internal

    @property
    def version(self) -> str:
        """Snapshot and fit of the answer probabilities."""
        return f"{self.snapshot.version}+{self.no_answer.version}"

    def search(self, queries: Sequence[Query], *, k: int = 3) -> list[SearchResult]:
        """Return up to k answers a query, best first, at most one an article; empty where the status is none.

        Answers that are very unlikely beside the best are left out.

        Raises:
            ValueError: If a vector has another dimension than the index, or k < 1.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        return [self._result(ranking, k) for ranking in self._rankings(queries, max(k, LOOKED_AT), None)]

    def rank(
        self, queries: Sequence[Query], *, k: int, hidden: Sequence[frozenset[int]] | None = None
    ) -> list[tuple[Found, ...]]:
        """Return the k best articles a query, best first, whatever their probability; ties go to the lower number.

        Args:
            queries: What to look for.
            k: At least 1.
            hidden: For measuring: article numbers that a query must not find.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        return [ranking.found for ranking in self._rankings(queries, k, hidden)]

    def _rankings(self, queries: Sequence[Query], k: int, hidden: Sequence[frozenset[int]] | None) -> list[_Ranking]:
        if not queries:
            return []
        vectors = self._vectors(queries)
        day = self._clock()
        left_out = hidden or [frozenset[int]()] * len(queries)
        near = self._near(vectors, self._valid_on(day))
        return [
            self._ranked(query, vector, self._everything(day) if articles is None else articles, k, without)
            for query, vector, articles, without in zip(queries, vectors, near, left_out, strict=True)
        ]

    def _vectors(self, queries: Sequence[Query]) -> Vectors:
        dim = self.snapshot.section_index.vectors.shape[1]
        wrong = next((query.vector.shape for query in queries if query.vector.shape != (dim,)), None)
        if wrong is not None:
            raise ValueError(f"a query's vector has shape {wrong}, the index holds ({dim},)")
        return np.stack([query.vector for query in queries]).astype(np.float32, copy=False)

    def _validity(self, day: date) -> Mask | None:
        """Return which articles may answer on a day; None where all may."""
        valid = np.array([article.is_valid_on(day) for article in self.snapshot.articles])
        return None if valid.all() else valid

    def _all_candidates(self, day: date) -> _Candidates:
        """Return all articles that may answer on a day."""
        valid = self._valid_on(day)
        numbers = np.arange(len(self.snapshot.articles)) if valid is None else np.flatnonzero(valid)
        return _Candidates.of(self.snapshot, numbers)

    def _near(self, vectors: Vectors, valid: Mask | None) -> list[Rows | None]:
        """Return for every query the articles near by vector, some twice, none for zeros; None says compare all."""
        snapshot, nothing = self.snapshot, np.zeros(0, dtype=np.int64)
        if len(snapshot.section_index) + len(snapshot.question_index) <= FEW_ROWS:
            return [None if vector.any() else nothing for vector in vectors]
        by_section, by_question = snapshot.article_of_section, snapshot.article_of_question
        near_sections = snapshot.section_index.nearest(
            vectors, k=CANDIDATES, allowed=None if valid is None else valid[by_section]
        )
        near_questions = snapshot.question_index.nearest(
            vectors, k=CANDIDATES, allowed=None if valid is None else valid[by_question]
        )
        return [
            np.concatenate([by_section[sections[sections >= 0]], by_question[questions[questions >= 0]]])
            if vector.any()
            else nothing
            for vector, sections, questions in zip(vectors, near_sections, near_questions, strict=True)
        ]

    def _ranked(
        self, query: Query, vector: Vectors, near: Rows | _Candidates, k: int, hidden: frozenset[int]
    ) -> _Ranking:
        words = self.snapshot.bm25.weights_of(self._stems(query))
        lexical, coverage = self.snapshot.bm25.similarities(words)
        candidates = near if isinstance(near, _Candidates) else self._joined(near, lexical)
        if hidden:
            kept = [article for article in candidates.articles.tolist() if article not in hidden]
            candidates = _Candidates.of(self.snapshot, np.array(kept, dtype=np.int64))
        if not len(candidates.articles):
            return _Ranking(found=(), words=words)
        scored = self._scored(query, vector, lexical, coverage, candidates)
        return _Ranking(found=self._found(scored, len(words), k, has_vector=bool(vector.any())), words=words)

    def _joined(self, near: Rows, lexical: Numbers) -> _Candidates:
        """Return the articles near by vector or by BM25 that may answer today."""
        articles = np.unique(np.concatenate([near, self.snapshot.article_of_section[_largest(lexical, CANDIDATES)]]))
        valid = self._valid_on(self._clock())
        return _Candidates.of(self.snapshot, articles if valid is None else articles[valid[articles]])

    def _scored(
        self, query: Query, vector: Vectors, lexical: Numbers, coverage: Numbers, candidates: _Candidates
    ) -> _Scored:
        weights, sizes = self.weights, candidates.section_sizes
        by_section = (candidates.section_vectors @ vector).astype(np.float64)
        by_question = np.repeat(_question_cosines(candidates, vector, by_section), sizes)
        by_words = lexical[candidates.sections]
        fused = weights.section * by_section + weights.question * by_question + weights.lexical * by_words
        fused -= self._penalty[candidates.sections]
        if query.service_types:
            fused += np.repeat(self._boosts(query, candidates.articles), sizes)
        return _Scored(candidates, by_section, by_question, by_words, coverage, fused)

    def _boosts(self, query: Query, articles: Rows) -> Numbers:
        boosts = np.zeros(len(self.snapshot.articles))
        for likely in query.service_types:
            weight = self.weights.service_type * likely.probability
            for numbers, share in self._types.get(likely.label, ()):
                boosts[numbers] = np.maximum(boosts[numbers], weight * share)
        return boosts[articles]

    def _found(self, scored: _Scored, n_words: int, k: int, *, has_vector: bool) -> tuple[Found, ...]:
        best = np.maximum.reduceat(scored.fused, scored.candidates.section_starts)
        order = np.argsort(-best, kind="stable")[: max(k, 2)].tolist()
        found: list[Found] = []
        ceiling = 1.0
        for place in order[:k]:
            other = order[1] if place == order[0] and len(order) > 1 else order[0]
            row = _best_row(scored, place)
            signals = self._signals(scored, row, n_words, margin=float(best[place] - best[other]))
            ceiling = min(ceiling, self.no_answer.probability(signals, has_vector=has_vector))
            found.append(
                Found(
                    article=int(scored.candidates.articles[place]),
                    section=int(scored.candidates.sections[row]),
                    similarity=float(best[place]),
                    signals=signals,
                    probability=ceiling,
                )
            )
        return tuple(found)

    def _signals(self, scored: _Scored, row: int, n_words: int, *, margin: float) -> Signals:
        return Signals(
            section=float(scored.section[row]),
            question=float(scored.question[row]),
            lexical=float(scored.lexical[row]),
            margin=margin,
            coverage=float(scored.coverage[scored.candidates.sections[row]]),
            words=math.log1p(n_words),
        )

    def _stems(self, query: Query) -> list[str]:
        """Return the stems to look for: in English with its spelling mended, else only longer words."""
        words = informative(words_of(query.text))[:MAX_WORDS]
        if query.language not in ("en", "und"):
            long = [word for word in words if len(word) >= LEAST_FOREIGN_LETTERS or not word.isascii()]
            return [stem(word, language) for word in long for language in dict.fromkeys((query.language, "en"))]
        return self._mend(words) if query.language == "en" else [stem(word) for word in words]

    def _mend(self, words: Sequence[str]) -> list[str]:
        known = self.snapshot.bm25.postings.numbers
        stems: list[str] = []
        left = MAX_MENDED
        for word in words:
            stemmed = stem(word)
            if stemmed not in known and left and len(word) > 3 and word.isalpha():
                stemmed = stem(self._mended(word) or word)
                left -= 1
            stems.append(stemmed)
        return stems

    def _nearest_known(self, word: str) -> str | None:
        nearest = self.snapshot.spelling.nearest(word)
        return nearest[0] if nearest is not None and nearest[1] >= LEAST_LIKENESS else None

    def _stems_of_sentences(self, number: int) -> tuple[frozenset[str], ...]:
        article = self.snapshot.articles[self.snapshot.article_of_section[number]]
        text = self.snapshot.sections[number].text
        spans = self.snapshot.sentences[number]
        return tuple(frozenset(stems_of(text[start:end], article.language)) for start, end in spans)

    def _result(self, ranking: _Ranking, k: int) -> SearchResult:
        found = ranking.found
        status = self.no_answer.status([one.probability for one in found])
        if status is AnswerStatus.NONE:
            return SearchResult()
        kept = [one for one in found[:k] if one.probability >= LEAST_SHARE_OF_BEST * found[0].probability]
        return SearchResult(status=status, answers=tuple(self._answer(one, ranking.words) for one in kept))

    def _answer(self, found: Found, words: Mapping[str, float]) -> Answer:
        article = self.snapshot.articles[found.article]
        section = self.snapshot.sections[found.section]
        return Answer(
            article_id=article.id,
            title=article.title,
            section=section.heading,
            quote=self._quote(found.section, section, words),
            probability=round(found.probability, 4),
            url=article.url,
            reviewed_on=article.reviewed_on.isoformat() if article.reviewed_on else None,
            audience=section.audience,
        )

    def _quote(self, number: int, section: Section, words: Mapping[str, float]) -> str:
        whole = sum(words.values()) or 1.0
        shares = {stem: weight / whole for stem, weight in words.items()}
        matched = [shares.keys() & stems for stems in self._sentence_stems(number)]
        return best_quote(section.text, self.snapshot.sentences[number], matched, shares)


def _question_cosines(candidates: _Candidates, vector: Vectors, by_section: Numbers) -> Numbers:
    """Return the best cosine with title and aliases of each article; where it has neither, with its sections."""
    if not candidates.asked.any():
        return np.maximum.reduceat(by_section, candidates.section_starts)
    best = np.maximum.reduceat(candidates.question_vectors @ vector, candidates.question_starts).astype(np.float64)
    if candidates.asked.all():
        return best
    cosines = np.maximum.reduceat(by_section, candidates.section_starts)
    cosines[candidates.asked] = best
    return cosines


def _best_row(scored: _Scored, place: int) -> int:
    """Return the row of the best section of an article; ties go to the earlier section."""
    start = int(scored.candidates.section_starts[place])
    size = int(scored.candidates.section_sizes[place])
    return start + int(scored.fused[start : start + size].argmax())


def _largest(values: Numbers, k: int) -> Rows:
    """Return the places of the k largest values above 0, in no order."""
    places = np.flatnonzero(values > 0)
    if len(places) <= k:
        return places
    return places[np.argpartition(-values[places], k)[:k]]


def _articles_by_type(articles: Sequence[Article]) -> Mapping[str, tuple[tuple[Rows, float], ...]]:
    """Return for every service type the articles whose main type it is, with 1, and the others, with ½."""
    main: dict[str, list[int]] = {}
    other: dict[str, list[int]] = {}
    for number, article in enumerate(articles):
        for place, code in enumerate(article.service_types):
            (other if place else main).setdefault(code, []).append(number)
    return {
        code: tuple(
            (np.array(numbers, dtype=np.int64), share)
            for numbers, share in ((main.get(code, []), 1.0), (other.get(code, []), 0.5))
            if numbers
        )
        for code in main | other
    }
