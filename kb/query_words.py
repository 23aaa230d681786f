"""The words of a query that are looked for: stemmed, and in English with their spelling mended."""

from collections.abc import Sequence
from functools import lru_cache

from kb.index import Snapshot
from kb.lexical import informative, stem, words_of
from triage.types import Query

MAX_WORDS = 2_000  # of a query that are read by BM25
MAX_MENDED = 30  # unknown words of a query that are looked up by their letters
LEAST_LIKENESS = 0.45  # cosine of character 3–5-grams from which an unknown word is taken for a known one
LEAST_FOREIGN_LETTERS = 4  # shorter words of another language agree with English ones by accident


class QueryWords:
    """Reads queries for one snapshot. Safe to share between threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._known = snapshot.bm25.postings.numbers
        self._spelling = snapshot.spelling
        self._mended = lru_cache(maxsize=10_000)(self._nearest_known)

    def stems(self, query: Query) -> list[str]:
        """Return the stems to look for: in English with its spelling mended, else only longer words."""
        words = informative(words_of(query.text))[:MAX_WORDS]
        if query.language not in ("en", "und"):
            long = [word for word in words if len(word) >= LEAST_FOREIGN_LETTERS or not word.isascii()]
            return [stem(word, language) for word in long for language in dict.fromkeys((query.language, "en"))]
        return self._mend(words) if query.language == "en" else [stem(word) for word in words]

    def _mend(self, words: Sequence[str]) -> list[str]:
        stems: list[str] = []
        left = MAX_MENDED
        for word in words:
            stemmed = stem(word)
            if stemmed not in self._known and left and len(word) > 3 and word.isalpha():
                stemmed = stem(self._mended(word) or word)
                left -= 1
            stems.append(stemmed)
        return stems

    def _nearest_known(self, word: str) -> str | None:
        nearest = self._spelling.nearest(word)
        return nearest[0] if nearest is not None and nearest[1] >= LEAST_LIKENESS else None
