"""The words of the tripwire's rules: elements as numbers, and which of them a spelling stands for."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product

from triage.errors import SettingsError
from triage.safety_text import plain_word, read, slips, without_marks, word_forms

Phrase = tuple[str, ...]
Elements = frozenset[int]

_SHORTEST_MISSPELLED = 5
_KEPT_SPELLINGS = 50_000
_ENDINGS = re.compile(r"\(([^()]*)\)")
_PLAIN = re.compile("[a-z0-9_ *]+")
_STAR = "ⵣ"


@dataclass(frozen=True, slots=True)
class Word:
    """What the rules know about one spelling.

    Attributes:
        elements: Numbers of those that it is, alone, a phrase of.
        atoms: Words of the rules that it stands for, also inside longer phrases.
        phrases: Longer phrases that it begins, by their second word, with the numbers of their elements.
        filler: Whether it never counts as a word between two elements.
    """

    elements: Elements = frozenset()
    atoms: tuple[str, ...] = ()
    phrases: Mapping[str, tuple[tuple[Phrase, Elements], ...]] | None = None
    filler: bool = False


def spelled_out(text: str) -> list[str]:
    """Return all spellings of a word with endings in brackets: `burn(s|ing)` gives burns and burning."""
    if "(" not in text:
        return [text]
    pieces = _ENDINGS.split(text)
    choices = [piece.split("|") if at % 2 else [piece] for at, piece in enumerate(pieces)]
    return ["".join(choice) for choice in product(*choices)]


@cache
def phrase(text: str) -> Phrase:
    """Return the words of a phrase in the form in which texts are compared with them."""
    if _PLAIN.fullmatch(text):
        return tuple(plain_word(word) for word in text.replace("_", " ").split())
    words = read(text.replace("_", " ").replace("*", _STAR)).words
    # Behind Han and Hangul, whose characters are words of their own, the star has nothing left to say.
    return tuple(plain_word(word).replace(_STAR, "*") for word in words if word != _STAR)


class Lexicon:
    """All lists and elements of a rule file, each with a number of its own; closed by `compile`."""

    def __init__(self, lists: Mapping[str, Iterable[str]], fillers: Iterable[str], real_words: Iterable[str]) -> None:
        self._lists = {name: _phrases(entries) for name, entries in lists.items()}
        self._fillers = {word for entry in fillers for word in phrase(entry)}
        self._real_words = {word for entry in real_words for word in phrase(entry)}
        self._numbers: dict[frozenset[Phrase], int] = {}
        self._known: dict[str, int] = {}

    def element(self, text: str) -> int:
        """Return the number of an element such as `@gas|propane`.

        Raises:
            SettingsError: If it names a list that does not exist, or holds no word.
        """
        if (number := self._known.get(text)) is None:
            number = self._known[text] = self._numbers.setdefault(self._phrases_of(text), len(self._numbers))
        return number

    def _phrases_of(self, text: str) -> frozenset[Phrase]:
        found = [
            self._list(alternative[1:]) if alternative.startswith("@") else _phrases([alternative])
            for alternative in _alternatives(text)
        ]
        phrases = found[0] if len(found) == 1 else frozenset[Phrase]().union(*found)
        if not phrases:
            raise SettingsError(f"the element {text!r} of a safety rule holds no word")
        return phrases

    def _list(self, name: str) -> frozenset[Phrase]:
        if name not in self._lists:
            raise SettingsError(f"no list @{name} in the safety rules; there are: {', '.join(sorted(self._lists))}")
        return self._lists[name]

    def commonness(self) -> list[int]:
        """Return, by number, how common an element is likely to be: how many elements share its words."""
        shares: dict[Phrase, int] = {}
        for phrases in self._numbers:
            for words in phrases:
                shares[words] = shares.get(words, 0) + 1
        costs = {words: share + 1000 * self._fillers.issuperset(words) for words, share in shares.items()}
        return [sum(map(costs.__getitem__, phrases)) for phrases in self._numbers]

    def compile(self) -> "Vocabulary":
        """Return the vocabulary of everything asked for so far."""
        return Vocabulary(self._numbers, self._fillers, self._real_words)


class Vocabulary:
    """From a spelling to what the rules know about it; answers are kept, since words come back."""

    def __init__(self, numbers: Mapping[frozenset[Phrase], int], fillers: set[str], real_words: set[str]) -> None:
        self._fillers = fillers
        self._real_words = real_words
        self._elements: dict[Phrase, list[int]] = {}
        for phrases, number in numbers.items():
            for words in phrases:
                self._elements.setdefault(words, []).append(number)
        self._by_first: dict[str, list[Phrase]] = {}
        for words in self._elements:
            if len(words) > 1:
                self._by_first.setdefault(words[0], []).append(words)
        self._index({word for words in self._elements for word in words})
        self.word = lru_cache(_KEPT_SPELLINGS)(self._word)

    def _index(self, known: set[str]) -> None:
        self._spellings: dict[str, tuple[str, ...]] = {}
        self._prefixes: dict[str, str] = {}
        self._slips: dict[str, list[str]] = {}
        for word in sorted(known):
            if word.endswith("*"):
                self._prefixes[word[:-1]] = word
                continue
            for spelling in {word, without_marks(word)}:
                self._spellings[spelling] = (*self._spellings.get(spelling, ()), word)
            if len(word) >= _SHORTEST_MISSPELLED and word.isascii() and word.isalpha():
                for key in slips(word):
                    self._slips.setdefault(key, []).append(word)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._prefixes})

    def _word(self, token: str) -> Word:
        atoms = self._atoms(token)
        phrases: dict[str, tuple[tuple[Phrase, Elements], ...]] = {}
        elements: set[int] = set()
        for atom in atoms:
            elements.update(self._elements.get((atom,), ()))
            # The shortest first, and never in the order of a set, which is another one in every process.
            for words in sorted(self._by_first.get(atom, ()), key=lambda words: (len(words), words)):
                phrases[words[1]] = (*phrases.get(words[1], ()), (words, frozenset(self._elements[words])))
        filler = token in self._fillers or plain_word(token) in self._fillers
        return Word(elements=frozenset(elements), atoms=atoms, phrases=phrases or None, filler=filler)

    def _atoms(self, token: str) -> tuple[str, ...]:
        heard = [self._spellings.get(form, ()) + tuple(self._with_ending(form)) for form in word_forms(token)]
        if token.isascii():  # a stretched word may begin like one rule word and mean another: all count
            heard = [tuple(dict.fromkeys(atom for atoms in heard for atom in atoms))]
        if known := next(filter(None, heard), None):
            return known
        word = plain_word(token)
        if word in self._real_words or word in self._fillers:
            return ()
        return self._misspelled(word)

    def _with_ending(self, word: str) -> Iterator[str]:
        for length in self._prefix_lengths:
            if length > len(word):
                return
            if (starred := self._prefixes.get(word[:length])) is not None:
                yield starred

    def _misspelled(self, word: str) -> tuple[str, ...]:
        """Return the one word of the rules that this is a slip away from, if it is long enough to tell."""
        if len(word) < _SHORTEST_MISSPELLED or not word.isascii() or not word.isalpha():
            return ()
        return next(
            ((meant,) for key in slips(word) for meant in self._slips.get(key, ()) if _one_slip(word, meant)), ()
        )


def _one_slip(typed: str, meant: str) -> bool:
    """Tell whether a letter was left out, put in, swapped with its neighbor or, in a long word, exchanged."""
    if len(typed) != len(meant):
        return abs(len(typed) - len(meant)) == 1
    wrong = [at for at in range(len(meant)) if typed[at] != meant[at]]
    if len(wrong) == 2:
        return wrong[1] == wrong[0] + 1 and typed[wrong[0]] == meant[wrong[1]] and typed[wrong[1]] == meant[wrong[0]]
    return len(wrong) == 1 and len(meant) > _SHORTEST_MISSPELLED + 1


def _phrases(entries: Iterable[str]) -> frozenset[Phrase]:
    return frozenset(words for entry in entries for spelling in spelled_out(entry) if (words := phrase(spelling)))


def _alternatives(text: str) -> Sequence[str]:
    """Split at every `|` outside round brackets."""
    if "(" not in text:
        return text.split("|")
    depth = 0
    characters = []
    for character in text:
        depth += (character == "(") - (character == ")")
        characters.append("\n" if character == "|" and depth == 0 else character)
    return "".join(characters).split("\n")
