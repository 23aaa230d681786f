"""The search: which section answers a message, quoted, or an honest "nothing found".

Every section is compared with the query three ways: its own vector, the best of its article's title, its aliases and
its own heading, and BM25 of the section mixed with that of the whole article. A weighted sum ranks them; an article
counts as its best section. The weights were chosen on ten question sets, each judged by weights chosen without it
(docs/decisions/0013-words-and-vectors.md): words count the more, the more of them a question has, while a character
n-gram member earned nothing beside vectors and is used to mend spelling.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial
from itertools import groupby

import numpy as np

from kb.answers import Answers, Found
from kb.articles import Article
from kb.candidates import Candidates, Numbers, Scored, best_places, positive
from kb.index import Rows, Snapshot
from kb.no_answer import LOOKED_AT, NoAnswerModel, Signals
from kb.query_words import QueryWords
from kb.scope import Scope, language_likeness, scope_of
from triage.types import Query, SearchFilter, SearchResult, Vectors

CANDIDATES = 24  # at least, of each member; what all three miss cannot win
FEW_ROWS = 4_000  # vectors up to which comparing all is quicker than choosing
_NOTHING: Rows = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each member counts.

    Attributes:
        section: Of the cosine with the section.
        question: Of the best cosine with title, aliases and heading.
        lexical: Of BM25, times what `trust_in_words` gives for the query's number of words.
        whole: Share of the whole article in BM25; the section has the rest.
        internal: Taken from sections for agents: they name other articles' subjects.
        service_type: Of the probability of the article's main type; other types of it count half.
    """

    section: float = 0.6
    question: float = 0.4
    lexical: float = 0.27
    whole: float = 0.65
    internal: float = 0.06
    service_type: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _ByWords:
    """BM25 of every section, of every article, and the two mixed for every section."""

    sections: Numbers
    articles: Numbers
    mixed: Numbers


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
        self._query_words = QueryWords(snapshot)
        self._answers = Answers(snapshot, no_answer)
        self._scope = lru_cache(maxsize=64)(partial(scope_of, snapshot))
        self._everything = lru_cache(maxsize=8)(self._all_candidates)
        self._types = _articles_by_type(snapshot.articles)
        self._penalty = snapshot.internal * self.weights.internal

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
        return [
            self._answers.of(ranking.found, ranking.words, k)
            for ranking in self._rankings(queries, max(k, LOOKED_AT), None)
        ]

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
        today = self._clock()
        filters = [query.filter if query.filter.on else replace(query.filter, on=today) for query in queries]
        left_out = hidden or [frozenset[int]()] * len(queries)
        return [
            self._ranked(query, vector, near, chosen, k, without)
            for query, vector, near, chosen, without in zip(
                queries, vectors, self._near(vectors, filters), filters, left_out, strict=True
            )
        ]

    def _vectors(self, queries: Sequence[Query]) -> Vectors:
        dim = self.snapshot.section_index.vectors.shape[1]
        wrong = next((query.vector.shape for query in queries if query.vector.shape != (dim,)), None)
        if wrong is not None:
            raise ValueError(f"a query's vector has shape {wrong}, the index holds ({dim},)")
        return np.stack([query.vector for query in queries]).astype(np.float32, copy=False)

    def _all_candidates(self, chosen: SearchFilter) -> Candidates:
        allowed = self._scope(chosen).articles
        numbers = np.arange(len(self.snapshot.articles)) if allowed is None else np.flatnonzero(allowed)
        return Candidates.of(self.snapshot, numbers)

    def _near(self, vectors: Vectors, filters: Sequence[SearchFilter]) -> list[Rows | None]:
        """Return for every query the articles near by vector, some twice, none for zeros; None says compare all."""
        if len(self.snapshot.section_index) + len(self.snapshot.question_index) <= FEW_ROWS:
            return [None if vector.any() else _NOTHING for vector in vectors]
        near: list[Rows | None] = []
        for chosen, group in groupby(range(len(vectors)), key=filters.__getitem__):
            near += self._nearest(vectors[list(group)], self._scope(chosen))
        return near

    def _nearest(self, vectors: Vectors, scope: Scope) -> list[Rows]:
        snapshot = self.snapshot
        sections = snapshot.section_index.nearest(vectors, k=CANDIDATES, allowed=scope.sections)
        questions = snapshot.question_index.nearest(vectors, k=CANDIDATES, allowed=scope.questions)
        return [
            np.concatenate(
                [
                    snapshot.article_of_section[by_section[by_section >= 0]],
                    snapshot.article_of_question[by_question[by_question >= 0]],
                ]
            )
            if vector.any()
            else _NOTHING
            for vector, by_section, by_question in zip(vectors, sections, questions, strict=True)
        ]

    def _ranked(
        self, query: Query, vector: Vectors, near: Rows | None, chosen: SearchFilter, k: int, hidden: frozenset[int]
    ) -> _Ranking:
        words = self.snapshot.bm25.weights_of(self._query_words.stems(query))
        by_words, scope = self._by_words(words), self._scope(chosen)
        candidates = self._everything(chosen) if near is None else self._joined(near, by_words, scope)
        if hidden:
            kept = [article for article in candidates.articles.tolist() if article not in hidden]
            candidates = Candidates.of(self.snapshot, np.array(kept, dtype=np.int64))
        if not len(candidates.articles):
            return _Ranking(found=(), words=words)
        weight = self.weights.lexical * trust_in_words(len(words))
        scored = self._scored(query, vector, by_words.mixed[candidates.sections], weight, candidates, scope)
        return _Ranking(found=self._found(query, scored, words, k), words=words)

    def _by_words(self, words: Mapping[str, float]) -> _ByWords:
        snapshot, whole = self.snapshot, self.weights.whole
        sections = snapshot.bm25.similarities(words)
        articles = snapshot.article_bm25.similarities(snapshot.article_bm25.weights_of(words))
        mixed = (1 - whole) * sections + whole * articles[snapshot.article_of_section]
        return _ByWords(sections=sections, articles=articles, mixed=mixed)

    def _joined(self, near: Rows, by_words: _ByWords, scope: Scope) -> Candidates:
        """Return the articles near by vector or by BM25, and their versions in other languages."""
        sections = by_words.sections if scope.sections is None else np.where(scope.sections, by_words.sections, 0.0)
        wholes = by_words.articles if scope.articles is None else np.where(scope.articles, by_words.articles, 0.0)
        best = self.snapshot.article_of_section[positive(sections, CANDIDATES)]
        articles = np.unique(np.concatenate([near, best, positive(wholes, CANDIDATES)]))
        groups = self.snapshot.groups
        if groups is not None:
            articles = np.flatnonzero(np.isin(groups, groups[articles]))
            articles = articles if scope.articles is None else articles[scope.articles[articles]]
        return Candidates.of(self.snapshot, articles)

    def _scored(
        self, query: Query, vector: Vectors, by_words: Numbers, weight: float, candidates: Candidates, scope: Scope
    ) -> Scored:
        weights, sizes = self.weights, candidates.section_sizes
        by_section = (candidates.section_vectors @ vector).astype(np.float64)
        by_question = candidates.question_cosines(vector, by_section)
        fused = weights.section * by_section + weights.question * by_question + weight * by_words
        fused -= self._penalty[candidates.sections]
        if query.service_types:
            fused += np.repeat(self._boosts(query, candidates.articles), sizes)
        if scope.sections is not None:
            fused[~scope.sections[candidates.sections]] = -np.inf
        return Scored(candidates, by_section, by_question, by_words, fused)

    def _boosts(self, query: Query, articles: Rows) -> Numbers:
        boosts = np.zeros(len(self.snapshot.articles))
        for likely in query.service_types:
            weight = self.weights.service_type * likely.probability
            for numbers, share in self._types.get(likely.label, ()):
                boosts[numbers] = np.maximum(boosts[numbers], weight * share)
        return boosts[articles]

    def _found(self, query: Query, scored: Scored, words: Mapping[str, float], k: int) -> tuple[Found, ...]:
        best = scored.best()
        leads = self._leads(scored, best, max(k, 2))
        rows = [scored.best_row(place) for place in leads[:k]]
        sections = scored.candidates.sections[rows].tolist()
        coverage = self.snapshot.bm25.coverage(words, sections)
        found: list[Found] = []
        ceiling, has_vector = 1.0, bool(query.vector.any())
        for place, row, covered in zip(leads, rows, coverage, strict=False):
            other = leads[1] if place == leads[0] and len(leads) > 1 else leads[0]
            signals = Signals(
                section=float(scored.section[row]),
                question=float(scored.question[row]),
                lexical=float(scored.lexical[row]),
                margin=float(best[place] - best[other]),
                coverage=covered,
                words=math.log1p(len(words)),
            )
            ceiling = min(ceiling, self.no_answer.probability(signals, has_vector=has_vector))
            shown = self._in_language(scored, place, query.language)
            section = scored.same_row(row, place, shown, self.snapshot.internal)
            found.append(
                Found(
                    article=int(scored.candidates.articles[shown]),
                    section=int(scored.candidates.sections[section]),
                    similarity=float(best[place]),
                    signals=signals,
                    probability=ceiling,
                )
            )
        return tuple(found)

    def _leads(self, scored: Scored, best: Numbers, k: int) -> list[int]:
        """Return the places of the best articles; of one article in several languages only the best version."""
        groups = self.snapshot.groups
        if groups is None:
            first: list[int] = best_places(best, k).tolist()
            return first
        leads: dict[int, int] = {}
        for place in np.argsort(-best, kind="stable").tolist():
            leads.setdefault(int(groups[scored.candidates.articles[place]]), place)
            if len(leads) == k:
                break
        return list(leads.values())

    def _in_language(self, scored: Scored, place: int, language: str) -> int:
        """Return the place of an article's version in a language, else of the English one, else of the one found."""
        groups, articles = self.snapshot.groups, scored.candidates.articles
        if groups is None:
            return place
        versions = np.flatnonzero(groups[articles] == groups[articles[place]]).tolist()
        return max(
            [place, *versions],
            key=lambda version: language_likeness(self.snapshot.articles[articles[version]].language, language),
        )


def trust_in_words(count: int) -> float:
    """Return how much BM25 is to be trusted with so many different informative words: one alone says almost nothing."""
    return math.log((1 + count) / 1.75)


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
