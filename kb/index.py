"""Snapshots: everything that a search reads, built once, never changed. The only home of faiss."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from kb.articles import Article
from kb.lexical import Bm25, CharTfidf
from kb.sections import Section
from triage.types import Audience, Vectors

EXACT_UP_TO = 400_000  # rows
FEW_ROWS = 2_000  # rows that are compared at once, without a first look
OVERSAMPLED = 4
LISTS_READ = 64  # of 4 √n
ROWS_PER_LIST = 40  # that the lists are learned from: faiss asks for 39
ROUNDS = 10  # of learning them

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Span = tuple[int, int]


class VectorIndex:
    """Inner products over kept rows, exact up to EXACT_UP_TO of them.

    A first look at copies of a byte a number finds OVERSAMPLED times as many rows as are asked for; the float32 rows
    rank those. It reads a quarter of the memory, which is what the time of a search is spent on. Above EXACT_UP_TO
    rows the first look is at the nearest lists only.

    Args:
        vectors: float32, shape (n, dim).
        kept: What `kept` of an index of the same rows gave; None makes it anew.
    """

    def __init__(self, vectors: Vectors, kept: npt.NDArray[np.uint8] | None = None) -> None:
        self.vectors: Vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self.quick = faiss.deserialize_index(kept) if kept is not None else _quick_index(self.vectors)

    def __len__(self) -> int:
        return len(self.vectors)

    def nearest(self, queries: Vectors, *, k: int, allowed: Mask | None = None) -> Rows:
        """Return the rows with the largest inner product, best first, shape (n_queries, k).

        Args:
            queries: float32, shape (n_queries, dim).
            k: How many; where fewer rows are allowed the rest is -1.
            allowed: Which rows may be found, shape (n,); None is all. Applied before the search.

        Returns:
            Row numbers; ties go to the lower row.
        """
        rows = None if allowed is None else np.flatnonzero(allowed)
        if self.quick is None or (rows is not None and len(rows) <= FEW_ROWS):
            return self._exactly(queries, k, np.arange(len(self)) if rows is None else rows)
        looked_at = np.sort(self._first_look(queries, k * OVERSAMPLED, allowed), axis=1)
        return np.stack(
            [self._exactly(query[None], k, near[near >= 0])[0] for query, near in zip(queries, looked_at, strict=True)]
        )

    @property
    def kept(self) -> npt.NDArray[np.uint8] | None:
        """What is worth writing beside the rows: an index in lists, which takes minutes to make; else None."""
        return faiss.serialize_index(self.quick) if isinstance(self.quick, faiss.IndexIVF) else None

    def _exactly(self, queries: Vectors, k: int, rows: Rows) -> Rows:
        """Return the best of some rows, which are given in order."""
        chosen = self.vectors if len(rows) == len(self) else self.vectors[rows]
        order = np.argsort(-(queries @ chosen.T), axis=1, kind="stable")[:, :k]
        found = np.full((len(queries), k), -1, dtype=np.int64)
        found[:, : order.shape[1]] = rows[order]
        return found

    def _first_look(self, queries: Vectors, k: int, allowed: Mask | None) -> Rows:
        # The selector reads the bits for as long as the search runs.
        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        chosen = None if bits is None else faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
        quick: Any = self.quick
        if isinstance(quick, faiss.IndexIVF):
            parameters: Any = faiss.SearchParametersIVF(sel=chosen, nprobe=LISTS_READ)  # type: ignore[call-arg]
        else:
            parameters = faiss.SearchParameters(sel=chosen)  # type: ignore[call-arg]
        # Queries are rounded like the rows: where the processor multiplies bytes, faiss cuts them to whole numbers,
        # and a unit vector's would all be 0.
        found: Rows = quick.search(_rounded(queries), min(k, len(self)), params=parameters)[1]
        return found


def _rounded(vectors: Vectors) -> Vectors:
    """Return the rows stretched by one factor to whole numbers in [-127, 127], float32."""
    largest = float(np.abs(vectors).max())
    whole: Vectors = np.rint(vectors * np.float32(127 / largest)) if largest else vectors
    return np.ascontiguousarray(whole, dtype=np.float32)


def _quick_index(vectors: Vectors) -> faiss.Index | None:
    """Return an index of the rows rounded to a byte a number, in lists of neighbors above EXACT_UP_TO; None for few."""
    if len(vectors) <= FEW_ROWS:
        return None
    rounded = _rounded(vectors)
    kind, metric = faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
    dim = vectors.shape[1]
    if len(vectors) <= EXACT_UP_TO:
        quick: faiss.Index = faiss.IndexScalarQuantizer(dim, kind, metric)
    else:
        lists = 4 * math.isqrt(len(vectors))
        quick = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dim), dim, lists, kind, metric, False)
        quick.cp.niter = ROUNDS
        quick.train(rounded[:: max(1, len(rounded) // (lists * ROWS_PER_LIST))])
    quick.add(rounded)
    return quick


@dataclass(frozen=True, slots=True)
class Spelling:
    """Finds the word that a mistyped one was meant to be, by character 3–5-grams."""

    words: tuple[str, ...]
    letters: CharTfidf

    @classmethod
    def of(cls, words: Sequence[str]) -> Self:
        """Index distinct words."""
        return cls(tuple(words), CharTfidf.of([{word: 1.0} for word in words]))

    def nearest(self, word: str) -> tuple[str, float] | None:
        """Return the most similar word and its cosine, None where no letter group agrees; ties go to the alphabet."""
        similarities = self.letters.similarities([word])
        best = int(similarities.argmax()) if len(similarities) else 0
        if not len(similarities) or similarities[best] <= 0:
            return None
        return self.words[best], float(similarities[best])


@dataclass(frozen=True)
class Snapshot:
    """Articles and all that is computed from them.

    Sections are numbered through all articles in order; so are questions, which are the title and then the aliases
    of each article. `sections_from` and `questions_from` have one entry an article and one at the end.

    Attributes:
        version: Names articles, encoder and format.
        encoder_version: Whose vectors these are.
        articles: In the order of building.
        section_index: A vector a section, of title, heading and text.
        question_index: A vector a question.
        heading_vectors: A vector a section, of title and heading; zeros where it has no heading.
        bm25: A row a section.
        article_bm25: A row an article.
        sentences: For every section the (start, end) of its sentences in `Section.text`.
        spelling: The words of all articles, by their letters.
    """

    version: str
    encoder_version: str
    articles: tuple[Article, ...]
    section_index: VectorIndex
    question_index: VectorIndex
    heading_vectors: Vectors
    bm25: Bm25
    article_bm25: Bm25
    sentences: tuple[tuple[Span, ...], ...]
    spelling: Spelling

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All sections, in order."""
        return tuple(section for article in self.articles for section in article.sections)

    @cached_property
    def internal(self) -> Mask:
        """Which sections are for agents only, shape (n_sections,)."""
        return np.array([section.audience is Audience.INTERNAL for section in self.sections], dtype=np.bool_)

    @cached_property
    def sections_from(self) -> Rows:
        """Where the sections of each article begin, shape (n_articles + 1,)."""
        return np.cumsum([0, *(len(article.sections) for article in self.articles)], dtype=np.int64)

    @cached_property
    def questions_from(self) -> Rows:
        """Where the questions of each article begin, shape (n_articles + 1,)."""
        return np.cumsum([0, *(len(questions_of(article)) for article in self.articles)], dtype=np.int64)

    @cached_property
    def groups(self) -> Rows | None:
        """A number for every article, the same for its versions in other languages; None where none has any."""
        if not any(article.translations for article in self.articles):
            return None
        numbers = {article.id: number for number, article in enumerate(self.articles)}
        groups = np.arange(len(self.articles))
        for number, article in enumerate(self.articles):
            for _, other in article.translations:
                if other in numbers:
                    groups[groups == groups[numbers[other]]] = groups[number]
        return groups

    @cached_property
    def article_of_section(self) -> Rows:
        """The article of every section, shape (n_sections,)."""
        return np.repeat(np.arange(len(self.articles)), np.diff(self.sections_from))

    @cached_property
    def article_of_question(self) -> Rows:
        """The article of every question, shape (n_questions,)."""
        return np.repeat(np.arange(len(self.articles)), np.diff(self.questions_from))


def questions_of(article: Article) -> tuple[str, ...]:
    """Return the wordings that ask for an article: its title, if it has one, then its aliases."""
    return tuple(text for text in (article.title, *article.aliases) if text)


def heading_text(article: Article, section: Section) -> str:
    """Return how a section's heading asks for it, under its article's title; empty where it has no heading."""
    return " - ".join(text for text in (article.title, section.heading) if text) if section.heading else ""


def section_text(article: Article, section: Section) -> str:
    """Return what is encoded for a section."""
    return "\n".join(text for text in (article.title, section.heading, section.text) if text)
