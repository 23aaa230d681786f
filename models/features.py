"""Words and letters of a text as TF-IDF features: word 1–2-grams and, inside words, character 2–5-grams.

The same as scikit-learn's `TfidfVectorizer` (sublinear tf, smooth idf, each of the two blocks brought to unit
length), but without its import, and fast: the character grams of a word are looked up once and remembered.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import numpy.typing as npt

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
DIGIT = re.compile(r"\d")
ACCENT = re.compile("[\u0300-\u036f]")
MAX_CACHED_WORDS = 50_000
CHAR_SIZES = (2, 3, 4, 5)


def words_of(text: str) -> list[str]:
    """Return the lower-case words of a text without accents; every digit becomes 0: numbers weigh by their shape.

    Residents leave accents out as often as not, in Vietnamese above all: `ổ gà` and `o ga` are the same words.
    """
    return [word.replace("’", "'") for word in WORD.findall(DIGIT.sub("0", without_accents(text.lower())))]


def as_written(text: str) -> dict[str, str]:
    """Return the word grams that the text spells with accents, by how `words_of` spells them."""
    if text.isascii():
        return {}
    written = WORD.findall(unicodedata.normalize("NFC", text.lower()))
    plain = words_of(text)
    if len(written) != len(plain):
        return {}
    return {gram: shown for gram, shown in zip(word_grams(plain), word_grams(written), strict=True) if gram != shown}


def without_accents(text: str) -> str:
    """Return the text with its combining marks of Latin and Cyrillic letters taken off, and đ as d."""
    if text.isascii():
        return text
    bare = ACCENT.sub("", unicodedata.normalize("NFD", text)).replace("đ", "d")
    return unicodedata.normalize("NFC", bare)


def word_grams(words: Sequence[str]) -> Iterator[str]:
    """Yield the words, then the pairs of neighbors joined by a space."""
    yield from words
    for first, second in pairwise(words):
        yield f"{first} {second}"


def char_grams(word: str) -> Iterator[str]:
    """Yield the 2- to 5-character pieces of ` word `, padded so that beginnings and ends are told apart."""
    padded = f" {word} "
    for size in CHAR_SIZES:
        for start in range(max(1, len(padded) - size + 1)):
            yield padded[start : start + size]
        if size >= len(padded):
            break


@dataclass(frozen=True, slots=True)
class SparseRow:
    """One text: feature numbers and their weights; the first `n_words` are word grams, the rest characters."""

    indices: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    n_words: int


class TfidfFeatures:
    """Two blocks of features with one numbering: word grams first, then character grams."""

    def __init__(
        self, word_vocabulary: Sequence[str], char_vocabulary: Sequence[str], idf: npt.NDArray[np.float32]
    ) -> None:
        self.word_vocabulary, self.char_vocabulary, self.idf = tuple(word_vocabulary), tuple(char_vocabulary), idf
        self._words = {gram: number for number, gram in enumerate(self.word_vocabulary)}
        self._chars = {gram: number for number, gram in enumerate(self.char_vocabulary, start=len(self._words))}
        self._chars_of_word: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.word_vocabulary) + len(self.char_vocabulary)

    @classmethod
    def fit(cls, texts: Sequence[str], *, min_count: int = 2, max_words: int = 30_000, max_chars: int = 60_000) -> Self:
        """Choose the vocabulary from texts.

        Args:
            texts: Training texts.
            min_count: In how many texts a gram must stand.
            max_words: At most this many word grams, the most frequent ones; ties go to the alphabet.
            max_chars: The same for character grams.
        """
        words: Counter[str] = Counter()
        chars: Counter[str] = Counter()
        for text in texts:
            tokens = words_of(text)
            words.update(set(word_grams(tokens)))
            chars.update({gram for token in set(tokens) for gram in char_grams(token)})
        word_vocabulary = _most_frequent(words, min_count, max_words)
        char_vocabulary = _most_frequent(chars, min_count, max_chars)
        counts = [words[gram] for gram in word_vocabulary] + [chars[gram] for gram in char_vocabulary]
        idf = np.log((1 + len(texts)) / (1 + np.array(counts, dtype=np.float64))) + 1
        return cls(word_vocabulary, char_vocabulary, idf.astype(np.float32))

    def row(self, text: str) -> SparseRow:
        """Return the features of one text; each block has unit length, or is empty where nothing is known."""
        tokens = words_of(text)
        words = Counter(self._words[gram] for gram in word_grams(tokens) if gram in self._words)
        chars: Counter[int] = Counter()
        for token in tokens:
            chars.update(self._char_numbers(token))
        word_numbers, word_weights = self._block(words)
        char_numbers, char_weights = self._block(chars)
        return SparseRow(
            np.concatenate([word_numbers, char_numbers]),
            np.concatenate([word_weights, char_weights]),
            len(word_numbers),
        )

    def _block(self, counts: Counter[int]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        indices = np.fromiter(counts.keys(), dtype=np.int32, count=len(counts))
        counted = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        weights = (1 + np.log(counted)) * self.idf[indices]
        length = float(np.sqrt(weights @ weights))
        return indices, weights / length if length else weights

    def _char_numbers(self, word: str) -> tuple[int, ...]:
        numbers = self._chars_of_word.get(word)
        if numbers is None:
            numbers = tuple(self._chars[gram] for gram in char_grams(word) if gram in self._chars)
            if len(self._chars_of_word) < MAX_CACHED_WORDS:
                self._chars_of_word[word] = numbers
        return numbers


def _most_frequent(counts: Counter[str], min_count: int, most: int) -> list[str]:
    enough = (gram for gram, count in counts.items() if count >= min_count)
    return sorted(sorted(enough, key=lambda gram: (-counts[gram], gram))[:most])


def stacked(rows: Iterable[SparseRow]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return (data, indices, indptr) of the rows, as a compressed sparse row matrix wants them."""
    listed = list(rows)
    sizes = np.array([0, *(len(row.indices) for row in listed)], dtype=np.int64)
    return (
        np.concatenate([row.weights for row in listed]),
        np.concatenate([row.indices for row in listed]),
        np.cumsum(sizes),
    )
