"""The tripwire's pattern language: patterns are compiled once, then found in time linear in the text.

A pattern is a line of elements; an element is one or more words or lists with `|` between them:

    @smell ~2 @gas             a phrase of the list `smell`, at most two other words, a phrase of the list `gas`
    cant|cannot breath(|e)     words; `(a|b)` spells endings out; `_` is a space inside a phrase; `x*` any ending
    really? bleeding           `?` the element may be missing
    @child & @car & @heat      all of them, in any order, in one sentence
    @child && @car             all of them, in any order, within 30 words, whatever the sentences
    on fire ~1 @room !         `!` at the end: so sure that no learned part is asked

Between elements the words of the list of fillers ("a", "the", "really") do not count; `~` alone means three others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from triage.errors import SettingsError
from triage.safety_lexicon import Elements, Lexicon, Vocabulary, Word
from triage.safety_text import Reading

SURE = "!"
_GAP = 3
_MAX_FILLERS = 5
_NEAR = 14
_APART = 30
_WINDOW = 160
_OVERLAP = 60


@dataclass(frozen=True, slots=True)
class Step:
    """One element of a pattern: its number, and how many words may stand before it; `strict` counts fillers too."""

    element: int
    gap: int
    strict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One way of saying something: sequences of steps, all to be found at most `reach` words apart.

    `language` is that of its words; "" where they are read in every language.
    """

    owner: str
    language: str
    sure: bool
    sequences: tuple[tuple[Step, ...], ...]
    required: frozenset[int]
    reach: int
    crosses_sentences: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Where one sequence of a pattern was found: words [start, end), and those of them that its steps took."""

    start: int
    end: int
    taken: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern was found; `parts` are in the order of the pattern's sequences."""

    owner: str
    start: int
    end: int
    parts: tuple[Part, ...]
    sure: bool
    language: str = ""


def parse_pattern(
    line: str, owner: str, lexicon: Lexicon, *, strict: bool = False, language: str = ""
) -> Iterator[Pattern]:
    """Yield the patterns of a line: one, or one for every choice of the elements marked optional.

    Args:
        line: The pattern, as the head of this module explains it.
        owner: What its matches are found under.
        lexicon: Gives the numbers of its elements.
        strict: Whether fillers count as words too, and elements without `~` must touch.
        language: Of its words.

    Raises:
        SettingsError: If an element is empty or names an unknown list.
    """
    words = line.split()
    sure = words[-1:] == [SURE]
    if sure:
        words.pop()
    optional = [at for at, word in enumerate(words) if word.endswith("?")]
    for kept in product((True, False), repeat=len(optional)):
        dropped = {at for at, keep in zip(optional, kept, strict=True) if not keep}
        kept_words = [word.rstrip("?") for at, word in enumerate(words) if at not in dropped]
        yield _pattern(kept_words, owner, lexicon, strict=strict, sure=sure, language=language)


def _pattern(words: Sequence[str], owner: str, lexicon: Lexicon, *, strict: bool, sure: bool, language: str) -> Pattern:
    sequences: list[list[Step]] = [[]]
    usual = gap = 0 if strict else 1
    for word in words:
        if word in {"&", "&&"}:
            sequences.append([])
        elif word.startswith("~"):
            gap = int(word[1:] or _GAP) + 1
        else:
            sequences[-1].append(Step(lexicon.element(word), gap, strict))
            gap = usual
    if not all(sequences):
        raise SettingsError(f"the safety pattern {' '.join(words)!r} has nothing beside an &")
    apart = "&&" in words
    return Pattern(
        owner=owner,
        language=language,
        sure=sure,
        sequences=tuple(map(tuple, sequences)),
        required=frozenset(step.element for steps in sequences for step in steps),
        reach=_APART if apart else _NEAR,
        crosses_sentences=apart,
    )


class Spotted:
    """The elements found in one text, to be asked for matches; `inert` words take no part in any."""

    def __init__(self, reading: Reading, vocabulary: Vocabulary) -> None:
        self.reading = reading
        self._words: list[Word] = [vocabulary.word(word) for word in reading.words]
        self.elements = [word.elements for word in self._words]
        self.phrases: dict[int, list[tuple[int, Elements]]] = {}
        self.weights = _running_count(self._words)
        self._places: dict[int, dict[int, list[int]]] = {}
        self._spot_phrases()

    def _spot_phrases(self) -> None:
        words, sentences = self._words, self.reading.sentences
        for at, word in enumerate(words[:-1]):
            if word.phrases is None:
                continue
            for second in words[at + 1].atoms:
                for phrase, elements in word.phrases.get(second, ()):
                    end = at + len(phrase)
                    if end <= len(words) and sentences[end - 1] == sentences[at] and self._stands(phrase, at):
                        self.phrases.setdefault(at, []).append((end, elements))

    def _stands(self, phrase: Sequence[str], at: int) -> bool:
        return all(part in self._words[at + offset].atoms for offset, part in enumerate(phrase[2:], start=2))

    def without(self, inert: Iterable[int]) -> "Spotted":
        """Return the same text in which these words say nothing."""
        hidden = set(inert)
        if not hidden:
            return self
        other = object.__new__(Spotted)
        other.reading, other._words, other.weights = self.reading, self._words, self.weights
        other._places = {}
        other.elements = [frozenset() if at in hidden else found for at, found in enumerate(self.elements)]
        other.phrases = {
            at: [(end, found) for end, found in spans if hidden.isdisjoint(range(at, end))]
            for at, spans in self.phrases.items()
        }
        return other

    def places(self, low: int, high: int) -> Mapping[int, Sequence[int]]:
        """Return, for each element that begins at words [low, high), at which, in order; found once a window."""
        if (places := self._places.get(low)) is None:
            places = self._places[low] = {}
            for at in range(low, high):
                spans = self.phrases.get(at, ())
                for element in self.elements[at].union(*(found for _, found in spans)):
                    places.setdefault(element, []).append(at)
        return places

    def ends(self, element: int, at: int) -> Iterator[int]:
        """Yield where the phrases of an element that begin at a word end, the shortest first."""
        if element in self.elements[at]:
            yield at + 1
        for end, found in self.phrases.get(at, ()):
            if element in found:
                yield end


def _running_count(words: Sequence[Word]) -> list[int]:
    """Return how many words that are no fillers stand before each word; one entry more than words."""
    counts = [0]
    for word in words:
        counts.append(counts[-1] + (not word.filler))
    return counts


class PatternSet:
    """Patterns indexed by their rarest element, so that a text costs only what it has the words for."""

    def __init__(self, patterns: Iterable[Pattern], commonness: Sequence[int]) -> None:
        self._by_key: dict[int, list[Pattern]] = {}
        for pattern in patterns:
            key = min(pattern.required, key=commonness.__getitem__)
            self._by_key.setdefault(key, []).append(pattern)

    def find(self, spotted: Spotted) -> list[Match]:
        """Return every match, without order; one that reaches over two windows comes twice."""
        count = len(spotted.elements)
        matches: list[Match] = []
        for low in range(0, max(1, count - _OVERLAP), _WINDOW - _OVERLAP):
            self._find_within(spotted, low, min(count, low + _WINDOW), matches)
        return matches

    def _find_within(self, spotted: Spotted, low: int, high: int, matches: list[Match]) -> None:
        places = spotted.places(low, high)
        present = places.keys()
        for key in present & self._by_key.keys():
            for pattern in self._by_key[key]:
                if pattern.required <= present:
                    matches.extend(_matches(pattern, spotted, places, high))


def _matches(pattern: Pattern, spotted: Spotted, places: Mapping[int, Sequence[int]], high: int) -> Iterator[Match]:
    found = [list(_parts(steps, spotted, places[steps[0].element], high)) for steps in pattern.sequences]
    for first in found[0]:
        parts = [first]
        for others in found[1:]:
            nearest = min(others, key=lambda part: _distance(part, first), default=None)
            if nearest is None or not _together(pattern, spotted.reading, first, nearest):
                break
            parts.append(nearest)
        else:
            start, end = min(part.start for part in parts), max(part.end for part in parts)
            yield Match(pattern.owner, start, end, tuple(parts), pattern.sure, pattern.language)


def _distance(one: Part, other: Part) -> int:
    return max(one.start - other.end, other.start - one.end, 0)


def _together(pattern: Pattern, reading: Reading, one: Part, other: Part) -> bool:
    if _distance(one, other) > pattern.reach:
        return False
    return pattern.crosses_sentences or reading.sentences[one.start] == reading.sentences[other.start]


def _parts(steps: tuple[Step, ...], spotted: Spotted, starts: Sequence[int], high: int) -> Iterator[Part]:
    failed: set[tuple[int, int]] = set()
    for start in starts:
        for end in spotted.ends(steps[0].element, start):
            spans = _rest(steps, 1, end, high, spotted, failed)
            if spans is not None:
                taken = tuple(at for low_, high_ in ((start, end), *spans) for at in range(low_, high_))
                yield Part(start, taken[-1] + 1, taken)
                break


def _rest(
    steps: tuple[Step, ...], number: int, after: int, high: int, spotted: Spotted, failed: set[tuple[int, int]]
) -> tuple[tuple[int, int], ...] | None:
    """Return the spans of the steps from `number` on, the first of them within its gap of `after`; None if none.

    A step that failed at a word fails there for good, which keeps the search linear.
    """
    if number == len(steps):
        return ()
    if (number, after) in failed:
        return None
    for start in _within_gap(steps[number], after, high, spotted):
        for end in spotted.ends(steps[number].element, start):
            spans = _rest(steps, number + 1, end, high, spotted, failed)
            if spans is not None:
                return ((start, end), *spans)
    failed.add((number, after))
    return None


def _within_gap(step: Step, after: int, high: int, spotted: Spotted) -> Iterator[int]:
    sentences, weights = spotted.reading.sentences, spotted.weights
    reach = step.gap + 1 + (0 if step.strict else _MAX_FILLERS)
    for start in range(after, min(high, after + reach)):
        if sentences[start] != sentences[after - 1] or weights[start] - weights[after] > step.gap:
            return
        yield start
