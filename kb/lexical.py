"""Words and letters: BM25 over stems, and character 3–5-gram TF-IDF, which forgives typing mistakes.

Both are sparse inner products over kept postings, so they share one structure. BM25 is Robertson's with the
non-negative idf of Lucene; fields are weighted by their term frequency (BM25F with one saturation).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import Stemmer

from triage.types import Vectors

Places: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.float64]

K1, B = 0.9, 0.4
CHAR_SIZES = (3, 4, 5)

# Scripts written without spaces are cut into overlapping pairs of signs.
_UNSPACED = "぀-ヿ㐀-䶿一-鿿豈-﫿฀-๿"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*")
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")  # the same, several times as fast
_STEMMERS: Mapping[str, str] = {
    "en": "english", "es": "spanish", "fr": "french", "pt": "portuguese", "ru": "russian", "ar": "arabic",
    "de": "german", "it": "italian", "ro": "romanian", "hi": "hindi",
}  # fmt: skip
# Function words only: "no", "not", "off", "out", "on" tell service types apart and stay.
_FUNCTION_WORDS = """
a about again also am an and any are as at be because been being but by can can't could did didn't do does
doesn't doing don't dont for from get got had has have having he her here hers him his how i i'd i'll i'm i've
if im in into is isn't it it's its ive just know let like may me might more most much must my myself need of or
our ours please really said same say she should so some such tell than thank thanks that that's thats the their
them then there there's theres these they this those to too u ur us very want was we we're were what what's
whats when where which who whom whose why will with would you you're your yours hello hi hey
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


def words_of(text: str) -> list[str]:
    """Return the words of a text in order: lower case, compatibility forms unified, unspaced scripts in pairs."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    return list(chain.from_iterable(_pieces(word) for word in _WORD.findall(folded)))


def _pieces(word: str) -> Iterable[str]:
    if len(word) > 2 and not word.isascii() and re.match(f"[{_UNSPACED}]", word):
        return [word[i : i + 2] for i in range(len(word) - 1)]
    return (word,)


@cache
def _stemmer(language: str) -> Stemmer.Stemmer:
    # Its own cache is off: it is not safe between threads, ours is.
    return Stemmer.Stemmer(_STEMMERS[language], 0)


@lru_cache(maxsize=100_000)
def stem(word: str, language: str = "en") -> str:
    """Return the Snowball stem of a lower-case word; the word itself where the language has no stemmer."""
    base = language.split("-")[0]
    without_owner = word.removesuffix("'s")
    if base not in _STEMMERS:
        return without_owner
    stemmed: str = _stemmer(base).stemWord(without_owner)
    return stemmed


def informative(words: Iterable[str]) -> list[str]:
    """Return the words that are not function words, in order."""
    return [word for word in words if word not in STOP_WORDS]


def stems_of(text: str, language: str = "en") -> list[str]:
    """Return the stems of the informative words of a text, in order, repeated as there."""
    return [stem(word, language) for word in informative(words_of(text))]


@lru_cache(maxsize=50_000)
def char_grams(word: str) -> tuple[str, ...]:
    """Return the 3- to 5-character pieces of ` word `, padded so that beginnings and ends are told apart."""
    padded = f" {word} "
    return tuple(padded[i : i + size] for size in CHAR_SIZES for i in range(len(padded) - size + 1))


def joined_ranges(firsts: Places, sizes: Places) -> Places:
    """Return `firsts[i] … firsts[i] + sizes[i] - 1` for every i, one range after the other, without a Python loop."""
    return np.repeat(firsts - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())


@dataclass(frozen=True, slots=True)
class Postings:
    """For every term the rows that hold it and with what weight: a sparse matrix by columns.

    Attributes:
        numbers: Term → its place in `starts`.
        starts: int64, shape (n_terms + 1,): where the postings of a term begin and end.
        rows: int32, shape (n_postings,), ascending inside a term.
        weights: float32, shape (n_postings,).
        idf: float32, shape (n_terms,).
        n_rows: How many rows there are, empty ones too.
    """

    numbers: Mapping[str, int]
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    weights: Vectors
    idf: Vectors
    n_rows: int

    def products(self, terms: Mapping[str, float]) -> Numbers:
        """Return the inner product of weighted terms with every row, shape (n_rows,); unknown terms add nothing."""
        known = self.known(terms)
        places = self.places(known)
        wanted = np.array([weight for term, weight in terms.items() if term in self.numbers], dtype=np.float64)
        return self.summed(
            places, self.weights[places] * np.repeat(wanted, self.starts[known + 1] - self.starts[known])
        )

    def known(self, terms: Iterable[str]) -> Places:
        """Return the numbers of the terms that any row holds, in their order."""
        numbers = self.numbers
        return np.array([numbers[term] for term in terms if term in numbers], dtype=np.int64)

    def places(self, known: Places) -> Places:
        """Return where the postings of numbered terms lie, one term after the other."""
        firsts = self.starts[known]
        return joined_ranges(firsts, self.starts[known + 1] - firsts)

    def rows_of(self, number: int) -> npt.NDArray[np.int32]:
        """Return the rows that hold a numbered term, ascending."""
        return self.rows[self.starts[number] : self.starts[number + 1]]

    def summed(self, places: Places, values: npt.NDArray[np.floating[Any]]) -> Numbers:
        """Return the sum of the values of each row's postings, shape (n_rows,)."""
        return np.bincount(self.rows[places], values, minlength=self.n_rows).astype(np.float64, copy=False)

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]]) -> Self:
        """Return the postings of rows of term → frequency; `idf` is Lucene's, ln(1 + (n - df + .5) / (df + .5))."""
        terms = sorted(set(chain.from_iterable(rows)))
        numbers = {term: number for number, term in enumerate(terms)}
        sizes = [len(row) for row in rows]
        columns = np.fromiter((numbers[term] for row in rows for term in row), dtype=np.int64, count=sum(sizes))
        weights = np.fromiter(chain.from_iterable(row.values() for row in rows), dtype=np.float32, count=sum(sizes))
        order = np.argsort(columns, kind="stable")
        found = np.bincount(columns, minlength=len(terms))
        idf = np.log1p((len(rows) - found + 0.5) / (found + 0.5)).astype(np.float32)
        row_numbers = np.repeat(np.arange(len(rows), dtype=np.int32), sizes)
        starts = np.concatenate([[0], np.cumsum(found)]).astype(np.int64)
        return cls(numbers, starts, row_numbers[order], weights[order], idf, len(rows))


@dataclass(frozen=True, slots=True)
class Bm25:
    """BM25 over stems, in shares of the best that the query's words could earn."""

    postings: Postings

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]]) -> Self:
        """Index rows of stem → frequency, summed over the fields with their weights."""
        counted = Postings.of(rows)
        lengths = np.array([sum(row.values()) for row in rows], dtype=np.float64)
        norm = K1 * (1 - B + B * lengths / max(lengths.mean() if len(rows) else 0.0, 1e-9))
        frequencies = counted.weights
        saturated = frequencies / (frequencies + norm[counted.rows])
        idf = np.repeat(counted.idf, np.diff(counted.starts))
        weights = (idf * saturated).astype(np.float32)
        return cls(Postings(counted.numbers, counted.starts, counted.rows, weights, counted.idf, counted.n_rows))

    def similarities(self, weights: Mapping[str, float]) -> Numbers:
        """Return the BM25 of every row in shares of the query's whole idf, in [0, 1), shape (n_rows,).

        Args:
            weights: The query's stems with their idf, from `weights_of`; stems that no row holds count in the whole.
        """
        share = np.float32(1 / (sum(weights.values()) or 1.0))
        places = self.postings.places(self.postings.known(weights))
        return self.postings.summed(places, self.postings.weights[places] * share)

    def coverage(self, weights: Mapping[str, float], rows: Iterable[int]) -> list[float]:
        """Return for some rows the share of the query's idf, in [0, 1], whose stems stand there at all."""
        whole = sum(weights.values()) or 1.0
        held = [(idf, self.postings.rows_of(number)) for number, idf in self._numbered(weights)]
        return [sum(idf for idf, found in held if _holds(found, row)) / whole for row in rows]

    def _numbered(self, weights: Mapping[str, float]) -> list[tuple[int, float]]:
        numbers = self.postings.numbers
        return [(numbers[stem], idf) for stem, idf in weights.items() if stem in numbers]

    def weights_of(self, stems: Iterable[str]) -> dict[str, float]:
        """Return the idf of every distinct stem."""
        return {stem: self.weight_of(stem) for stem in dict.fromkeys(stems)}

    def weight_of(self, stem: str) -> float:
        """Return the idf of a stem; an unknown one has that of a stem in one row."""
        number = self.postings.numbers.get(stem)
        if number is None:
            return float(np.log1p((self.postings.n_rows - 0.5) / 1.5))
        return float(self.postings.idf[number])


def _holds(rows: npt.NDArray[np.int32], row: int) -> bool:
    """Tell whether a row is among rows that ascend."""
    place = int(rows.searchsorted(np.int32(row)))
    return place < len(rows) and int(rows[place]) == row


@dataclass(frozen=True, slots=True)
class CharTfidf:
    """Cosine of character 3–5-gram TF-IDF vectors with sublinear frequencies."""

    postings: Postings

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, float]]) -> Self:
        """Index rows of word → frequency."""
        counted = Postings.of([_grams(row) for row in rows])
        idf = np.repeat(counted.idf, np.diff(counted.starts))
        weights = (1 + np.log(np.maximum(counted.weights, 1))) * idf
        lengths = np.sqrt(np.bincount(counted.rows, weights.astype(np.float64) ** 2, minlength=len(rows)))
        unit = (weights / np.maximum(lengths[counted.rows], 1e-9)).astype(np.float32)
        return cls(Postings(counted.numbers, counted.starts, counted.rows, unit, counted.idf, counted.n_rows))

    def similarities(self, words: Iterable[str]) -> Numbers:
        """Return the cosine of the words with every row, in [0, 1]; grams that no row holds do not count."""
        grams = _grams(Counter(words))
        idf, numbers = self.postings.idf, self.postings.numbers
        weighted = {
            gram: (1 + np.log(max(count, 1))) * float(idf[numbers[gram]])
            for gram, count in grams.items()
            if gram in numbers
        }
        length = np.sqrt(sum(weight * weight for weight in weighted.values()))
        products = self.postings.products(weighted)
        return products / length if length else products


def _grams(words: Mapping[str, float]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for word, count in words.items():
        for gram in char_grams(word):
            counts[gram] = counts.get(gram, 0.0) + count
    return counts
