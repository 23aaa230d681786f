"""The search: which section answers a message, quoted, or an honest "nothing found".

Every section is compared with the query three ways: its own vector, the best of its article's title and aliases, and
BM25. A weighted sum ranks them; an article counts as its best section. The weights were fitted on public question
sets by `benchmarks/retrieval.py`, each set judged by weights fitted without it: the two cosines came out level and
BM25 at half of either, while a character n-gram member earned nothing beside vectors and is used to mend spelling.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import groupby

import numpy as np

from kb.articles import Article, Section
from kb.candidates import Candidates, Numbers, Scored, best_places, positive
from kb.conditions import asked_for
from kb.index import Mask, Rows, Snapshot
from kb.lexical import informative, stem, stems_of, words_of
from kb.no_answer import LOOKED_AT, NoAnswerModel, Signals
from kb.quotes import best_quote
from triage.types import Answer, AnswerStatus, Audience, Query, SearchFilter, SearchResult, Vectors

CANDIDATES = 24  # at least, of each member; what all three miss cannot win
FEW_ROWS = 4_000  # vectors up to which comparing all is quicker than choosing
MAX_WORDS = 2_000  # of a query that are read by BM25
MAX_MENDED = 30  # unknown words of a query that are looked up by their letters
LEAST_LIKENESS = 0.45  # cosine of character 3–5-grams from which an unknown word is taken for a known one
LEAST_SHARE_OF_BEST = 0.05  # of the best answer's probability that a further answer must have
_NOTHING: Rows = np.zeros(0, dtype=np.int64)
LEAST_FOREIGN_LETTERS = 4  # shorter words of another language agree with English ones by accident


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
class _Scope:
    """What a filter leaves on a day; None where that is everything."""

    articles: Mask | None = None
    sections: Mask | None = None
    questions: Mask | None = None


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
        self._scope = lru_cache(maxsize=64)(self._scope_of)
        self._everything = lru_cache(maxsize=8)(self._all_candidates)
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

    def _scope_of(self, chosen: SearchFilter) -> _Scope:
        """Return the articles, sections and questions that a filter with its day leaves."""
        snapshot = self.snapshot
        articles = np.array([_passes(article, chosen) for article in snapshot.articles])
        sections = articles[snapshot.article_of_section]
        if chosen.audience is not None:
            sections &= np.array([section.audience is chosen.audience for section in snapshot.sections])
            articles = np.zeros_like(articles)
            articles[snapshot.article_of_section[sections]] = True
        if articles.all() and sections.all():
            return _Scope()
        return _Scope(articles, sections, articles[snapshot.article_of_question])

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

    def _nearest(self, vectors: Vectors, scope: _Scope) -> list[Rows]:
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
        words = self.snapshot.bm25.weights_of(self._stems(query))
        lexical, scope = self.snapshot.bm25.similarities(words), self._scope(chosen)
        candidates = self._everything(chosen) if near is None else self._joined(near, lexical, scope)
        if hidden:
            kept = [article for article in candidates.articles.tolist() if article not in hidden]
            candidates = Candidates.of(self.snapshot, np.array(kept, dtype=np.int64))
        if not len(candidates.articles):
            return _Ranking(found=(), words=words)
        scored = self._scored(query, vector, lexical, candidates, scope)
        return _Ranking(found=self._found(query, scored, words, k), words=words)

    def _joined(self, near: Rows, lexical: Numbers, scope: _Scope) -> Candidates:
        """Return the articles near by vector or by BM25, and their versions in other languages."""
        allowed = lexical if scope.sections is None else np.where(scope.sections, lexical, 0.0)
        articles = np.unique(np.concatenate([near, self.snapshot.article_of_section[positive(allowed, CANDIDATES)]]))
        groups = self.snapshot.groups
        if groups is not None:
            articles = np.flatnonzero(np.isin(groups, groups[articles]))
            articles = articles if scope.articles is None else articles[scope.articles[articles]]
        return Candidates.of(self.snapshot, articles)

    def _scored(self, query: Query, vector: Vectors, lexical: Numbers, candidates: Candidates, scope: _Scope) -> Scored:
        weights, sizes = self.weights, candidates.section_sizes
        by_section = (candidates.section_vectors @ vector).astype(np.float64)
        by_question = np.repeat(candidates.question_cosines(vector, by_section), sizes)
        by_words = lexical[candidates.sections]
        fused = weights.section * by_section + weights.question * by_question + weights.lexical * by_words
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
            found.append(
                Found(
                    article=int(scored.candidates.articles[shown]),
                    section=int(scored.candidates.sections[scored.same_row(row, place, shown)]),
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
            key=lambda version: _likeness(self.snapshot.articles[articles[version]].language, language),
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
        answers = tuple(self._answer(one, ranking.words) for one in kept)
        if answers[0].condition is not None:
            status = AnswerStatus.POSSIBLE
        return SearchResult(status=status, answers=answers)

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
            condition=asked_for(article, words),
            language=article.language,
        )

    def _quote(self, number: int, section: Section, words: Mapping[str, float]) -> str:
        whole = sum(words.values()) or 1.0
        shares = {stem: weight / whole for stem, weight in words.items()}
        matched = [shares.keys() & stems for stems in self._sentence_stems(number)]
        return best_quote(section.text, self.snapshot.sentences[number], matched, shares)


def _passes(article: Article, chosen: SearchFilter) -> bool:
    """Whether an article passes a filter, whose day is given; of its sections `audience` decides."""
    return (
        (chosen.on is None or article.is_valid_on(chosen.on))
        and (chosen.department is None or article.department.casefold() == chosen.department.casefold())
        and (chosen.language is None or chosen.language in (article.language, _base(article.language)))
    )


def _likeness(language: str, wanted: str) -> int:
    """Return 3 for the same language, 2 for one of the same base, 1 for English, which every agent reads, else 0."""
    if language == wanted:
        return 3
    return 2 if _base(language) == _base(wanted) else int(language == "en")


def _base(language: str) -> str:
    return language.partition("-")[0]


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
