"""Phrases that rules are made of: named lists of word patterns, found in one pass over the words of a text.

A pattern is a line of elements; an element is one or more words with `|` between them:

    cant|cannot breathe        words, in the form without apostrophes and accents
    @child ~3 hurt|bleeding    a phrase of the list `child`, at most three other words, then one of two words
    flood*                     any ending
    shut_off                   `_` is a blank inside one alternative
    ^how                       the first word of a sentence

A pattern never crosses a sentence. The first word that fits an element is taken, so the search is linear.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product

from triage.errors import SettingsError
from triage.safety_text import Reading, read

_STEM = 3


@dataclass(frozen=True, slots=True)
class _Step:
    words: frozenset[str]
    stems: tuple[str, ...]
    gap: int

    def fits(self, word: str) -> bool:
        return word in self.words or (bool(self.stems) and word.startswith(self.stems))


@dataclass(frozen=True, slots=True)
class _Pattern:
    name: str
    steps: tuple[_Step, ...]
    opens: bool


@dataclass(frozen=True, slots=True)
class _Opened:
    """The patterns that one word begins: those that one certain word must follow, by that word, and the others."""

    others: list[_Pattern]
    followed: dict[str, list[_Pattern]]


@dataclass(frozen=True, slots=True)
class Found:
    """A named phrase at words [start, end) of a reading."""

    name: str
    start: int
    end: int


class Phrasebook:
    """Patterns by the words they begin with."""

    def __init__(self, rules: Mapping[str, Iterable[str]], lists: Mapping[str, Iterable[str]]) -> None:
        self._lists = {name: tuple(entry for line in lines for entry in line.split()) for name, lines in lists.items()}
        self._by_word: dict[str, _Opened] = {}
        self._by_stem: dict[str, list[_Pattern]] = {}
        for name, lines in rules.items():
            for line in lines:
                for pattern in self._patterns(name, line):
                    self._index(pattern)

    def find(self, words: Sequence[str], sentences: Sequence[int]) -> list[Found]:
        """Return every phrase found, in the order of their first words; linear in the number of words."""
        found = []
        by_word, by_stem = self._by_word, self._by_stem
        last = len(words) - 1
        for at, word in enumerate(words):
            for pattern in self._candidates(
                by_word.get(word), by_stem.get(word[:_STEM], ()), words[at + 1] if at < last else ""
            ):
                end = _end(pattern, at, words, sentences)
                if end:
                    found.append(Found(pattern.name, at, end))
        return found

    @staticmethod
    def _candidates(opened: _Opened | None, stemmed: Iterable[_Pattern], following: str) -> Iterable[_Pattern]:
        """Return the patterns that a word may begin, given the word behind it."""
        if opened is None:
            return stemmed
        followed = opened.followed.get(following)
        if followed is None and not stemmed:
            return opened.others
        return chain(opened.others, followed or (), stemmed)

    def _index(self, pattern: _Pattern) -> None:
        first = pattern.steps[0]
        for word in first.words:
            opened = self._by_word.setdefault(word, _Opened([], {}))
            second = pattern.steps[1] if len(pattern.steps) > 1 else None
            if second is None or second.gap or second.stems:
                opened.others.append(pattern)
            else:
                for following in second.words:
                    opened.followed.setdefault(following, []).append(pattern)
        for stem in first.stems:
            self._by_stem.setdefault(stem[:_STEM], []).append(pattern)

    def _patterns(self, name: str, line: str) -> Iterator[_Pattern]:
        opens = line.startswith("^")
        elements: list[list[tuple[_Step, ...]]] = []
        gap = 0
        for element in line.removeprefix("^").split():
            if element.startswith("~"):
                gap = int(element[1:])
                continue
            elements.append(list(self._alternatives(element, gap, line)))
            gap = 0
        for chosen in product(*elements):
            yield _Pattern(name, tuple(step for steps in chosen for step in steps), opens)

    def _alternatives(self, element: str, gap: int, line: str) -> Iterator[tuple[_Step, ...]]:
        """Yield one step for all single words of an element, and one sequence for each longer phrase."""
        singles: set[str] = set()
        stems: list[str] = []
        for alternative in self._spelled_out(element, line):
            words = tuple(map(plain, read(alternative.replace("_", " ").rstrip("*")).words))
            if not words:
                raise SettingsError(f"the phrase {line!r} has an element without a word: {element!r}")
            if len(words) > 1:
                yield (_Step(frozenset(words[:1]), (), gap), *(_Step(frozenset((word,)), (), 0) for word in words[1:]))
            elif alternative.endswith("*"):
                stems.append(words[0])
            else:
                singles.add(words[0])
        if any(len(stem) < _STEM for stem in stems):
            raise SettingsError(f"the phrase {line!r} has a stem of less than {_STEM} letters")
        if singles or stems:
            yield (_Step(frozenset(singles), tuple(stems), gap),)

    def _spelled_out(self, element: str, line: str) -> Iterator[str]:
        for alternative in element.split("|"):
            if not alternative.startswith("@"):
                yield alternative
            elif alternative[1:] in self._lists:
                yield from self._lists[alternative[1:]]
            else:
                raise SettingsError(
                    f"the phrase {line!r} names an unknown list {alternative}; there are: {', '.join(self._lists)}"
                )


def _end(pattern: _Pattern, at: int, words: Sequence[str], sentences: Sequence[int]) -> int:
    """Return the word behind the pattern that begins at a word, 0 if it does not fit."""
    if len(pattern.steps) == 1 and not pattern.opens:
        return at + 1 if pattern.steps[0].fits(words[at]) else 0
    sentence = sentences[at]
    if pattern.opens and at and sentences[at - 1] == sentence:
        return 0
    if not pattern.steps[0].fits(words[at]):
        return 0
    place = at + 1
    count = len(words)
    for step in pattern.steps[1:]:
        last = min(count, place + step.gap + 1)
        while place < last and sentences[place] == sentence and not step.fits(words[place]):
            place += 1
        if place >= last or sentences[place] != sentence:
            return 0
        place += 1
    return place


def plain(word: str) -> str:
    """Return a word without apostrophes, and without accents where its letters are Latin."""
    if word.isascii():
        return word.replace("'", "") if "'" in word else word
    if (word[0] >= "\u0400" and word[0] < "\u1e00") or word[0] > "\u1fff":
        return word
    bare = unicodedata.normalize("NFD", word.replace("đ", "d").replace("'", ""))
    return "".join(character for character in bare if not unicodedata.combining(character))


def plain_words(reading: Reading) -> list[str]:
    """Return the words of a reading in the form that patterns are written in."""
    return [plain(word) for word in reading.words]
