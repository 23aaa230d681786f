"""Messages in two languages: the one with more of the words decides, the other is named."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from triage.languages import MIXED
from triage.protocols import LanguageDetector
from triage.types import Language

LEAST_WORDS: Final = 5  # of a passage: names, streets and greetings are shorter
SURE: Final = 0.95  # of a passage's language
LEAST_SHARE: Final = 0.2  # of the second language, of all words whose language is sure
MOST_PASSAGES: Final = 24
# A passage of one is easily taken for the other, and who writes either is understood in both.
RELATED: Final = (
    {"es", "pt", "it", "fr", "ht", "ro"},
    {"ru", "uk", "bg"},
    {"zh-Hans", "zh-Hant", "yue", "ja"},
    {"fa", "ar", "ur", "ps"},
    {"de", "nl"},
)

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|[。！？\n]+")
_LATIN_RUN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ][A-Za-zÀ-ɏḀ-ỿ'’\-,\s]*")  # digits end it: addresses fall apart
_WORD = re.compile(r"[^\W\d_]+")
_DENSE = re.compile(r"[぀-ヿ㐀-鿿가-힣]")


class MixedTextDetector:
    """Adds to a detector of whole texts what becomes visible only in their passages.

    Args:
        detector: Tells the language of a text as a whole, and of each passage.
    """

    def __init__(self, detector: LanguageDetector) -> None:
        self._detector = detector
        self.version = detector.version

    def detect(self, texts: Sequence[str], hints: Sequence[str | None]) -> list[Language]:
        """Return one language a text; that of a mixed text has its share of the words as its probability.

        The runner-up of a mixed text is its second language, and its method is `mixed`.
        """
        found = self._detector.detect(texts, hints)
        passages = [_Passage(number, piece) for number, text in enumerate(texts) for piece in passages_of(text)]
        if not passages:
            return found
        languages = self._detector.detect([passage.text for passage in passages], [None] * len(passages))
        words: dict[int, Counter[str]] = {}
        for passage, language in zip(passages, languages, strict=True):
            if language.probability >= SURE:
                words.setdefault(passage.number, Counter())[language.code] += word_count(passage.text)
        for number, counts in words.items():
            found[number] = _mixed(counts) or found[number]
        return found


@dataclass(frozen=True, slots=True)
class _Passage:
    number: int  # of the text
    text: str


def passages_of(text: str) -> list[str]:
    """Return the sentences, cut where the script changes, that have words enough; none where there is but one."""
    pieces = [run for sentence in _SENTENCE_END.split(text) for run in _runs(sentence)]
    kept = [piece for piece in pieces if word_count(piece) >= LEAST_WORDS]
    return kept[:MOST_PASSAGES] if len(kept) > 1 else []


def word_count(text: str) -> int:
    """Return the number of words; two signs of a script without spaces count as one."""
    dense = len(_DENSE.findall(text))
    return dense // 2 + len(_WORD.findall(_DENSE.sub(" ", text)))


def _runs(sentence: str) -> list[str]:
    """Return a sentence of one script whole, else its Latin words and what stands between them."""
    letters = [character for character in sentence if character.isalpha()]
    latin = sum(character < "ɐ" or "Ḁ" <= character <= "ỿ" for character in letters)
    if latin in (0, len(letters)):
        return [sentence]
    return [*_LATIN_RUN.findall(sentence), _LATIN_RUN.sub(" ", sentence)]


def _mixed(counts: Counter[str]) -> Language | None:
    (first, most), *others = counts.most_common()
    second = next(((code, words) for code, words in others if not _are_related(first, code)), None)
    if second is None or second[1] < LEAST_SHARE * counts.total():
        return None
    return Language(code=first, probability=round(most / counts.total(), 4), runner_up=second[0], method=MIXED)


def _are_related(one: str, other: str) -> bool:
    return any(one in family and other in family for family in RELATED)
