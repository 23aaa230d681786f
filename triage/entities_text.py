"""The finder's reading of a text: small tokens with exact offsets, and what the settings say of each word.

Width and digits of other scripts are made plain character by character; where invisible characters, markup or
loose accents stand in the text, a map leads back to the original offsets.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_TOKEN = re.compile(rf"[0-9]+|[{LATIN}]+|[\u0400-\u052f]+|[^\W\d_{LATIN}\u0400-\u052f]+|\S")
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,200}>|&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[a-zA-Z]{2,8});")
_MIXED_SCRIPT = re.compile(r"[A-Za-z][асеорхуіАСЕОРХУІВНКМТ]|[асеорхуіАСЕОРХУІВНКМТ][A-Za-z]")
_LOOKALIKES = dict(zip("асеорхуіАСЕОРХУІВНКМТ", "aceopxyiACEOPXYIBHKMT", strict=True))
_SHOUTED_SHARE = 0.7
_KEPT_SPELLINGS, _KEPT_LENGTH = 50_000, 24


def _plain_characters() -> dict[int, str]:
    """Return the characters that stand for one plain character each: full-width forms, foreign digits, dashes."""
    wide = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    zeros = (0x0660, 0x06F0, 0x0966, 0x09E6, 0x17E0)
    digits = {zero + value: str(value) for zero in zeros for value in range(10)}
    return (
        wide
        | digits
        | {ord(dash): "-" for dash in "‐‑‒–—−"}
        | {ord(mark): "'" for mark in "’‘ʼ´"}
        | {0x00A0: " ", 0x3000: " "}
    )


_PLAIN = _plain_characters()


class Word:
    """What the settings say of a word, as bits; plain integers, because flags of `enum` cost a microsecond a look."""

    STOP = 1 << 0
    ORDINARY = 1 << 1
    STREET = 1 << 2
    SUFFIX = 1 << 3
    WEAK_SUFFIX = 1 << 4
    PREFIX = 1 << 5
    DIRECTION = 1 << 6
    UNIT = 1 << 7
    BLOCK = 1 << 8
    JOINER = 1 << 9
    CORNER = 1 << 10
    PLACE_CUE = 1 << 11
    LANDMARK = 1 << 12
    GIVEN_NAME = 1 << 13
    NUMBER = 1 << 14
    ORDINAL = 1 << 15
    TENS = 1 << 16
    MONTH = 1 << 17
    WEEKDAY = 1 << 18
    DAY = 1 << 19
    DAY_PART = 1 << 20
    RELATIVE = 1 << 21
    TIME_UNIT = 1 << 22
    FILLER = 1 << 23
    PHONE_CUE = 1 << 24
    CITATION_CUE = 1 << 25
    DIGITS = 1 << 26
    LATIN = 1 << 27


SETTINGS: Mapping[str, int] = {
    "stop_words": Word.STOP,
    "ordinary_words": Word.ORDINARY,
    "street_words": Word.STREET,
    "street_suffixes": Word.SUFFIX,
    "weak_suffixes": Word.WEAK_SUFFIX,
    "street_prefixes": Word.PREFIX,
    "directions": Word.DIRECTION,
    "units": Word.UNIT,
    "blocks": Word.BLOCK,
    "joiners": Word.JOINER,
    "corner_words": Word.CORNER,
    "place_cues": Word.PLACE_CUE,
    "landmark_words": Word.LANDMARK,
    "given_names": Word.GIVEN_NAME,
    "number_words": Word.NUMBER,
    "ordinal_words": Word.ORDINAL,
    "tens_words": Word.TENS,
    "months": Word.MONTH,
    "weekdays": Word.WEEKDAY,
    "day_words": Word.DAY,
    "day_parts": Word.DAY_PART,
    "relative": Word.RELATIVE,
    "time_units": Word.TIME_UNIT,
    "fillers": Word.FILLER,
    "phone_cues": Word.PHONE_CUE,
    "ticket_is_citation": Word.CITATION_CUE,
}


class Lexicon:
    """What the settings say of each spelling; answers are kept, because a city's messages share their words."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._flags: dict[str, int] = {}
        for name, flag in SETTINGS.items():
            for word in word_list(document.get(name, ())):
                self._flags[word] = self._flags.get(word, 0) | flag
        self._kept: dict[str, tuple[str, int, bool]] = {}

    def look(self, spelling: str) -> tuple[str, int, bool]:
        """Return the word in lower case, its `Word` flags, and whether it begins with a capital."""
        kept = self._kept.get(spelling)
        if kept is None:
            word = spelling.lower()
            kept = word, self._flags.get(word, 0) | _shape(word), spelling[0].isupper()
            if len(self._kept) < _KEPT_SPELLINGS and len(spelling) <= _KEPT_LENGTH:
                self._kept[spelling] = kept
        return kept


def word_list(value: object) -> tuple[str, ...]:
    """Return the words of a setting: a text of words, or a list of them."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(map(str, value)) if isinstance(value, Iterable) else ()


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text: runs of digits, of letters of one script, and single other characters.

    Attributes:
        plain: The text with plain characters; token offsets count in it.
        words: The tokens in lower case.
        starts, ends: Where they stand in `plain`.
        flags: `Word` flags of each.
        capital: Whether each is written with a capital first letter, and that says something.
        offsets: Start and end in the original text of each character of `plain`; None where they are the same.
    """

    plain: str
    words: Sequence[str]
    starts: Sequence[int]
    ends: Sequence[int]
    flags: Sequence[int]
    capital: Sequence[bool]
    offsets: Sequence[tuple[int, int]] | None

    def __len__(self) -> int:
        return len(self.words)

    def has(self, at: int, flag: int) -> bool:
        """Return whether there is a token at that place, and it carries one of the flags."""
        return 0 <= at < len(self.words) and bool(self.flags[at] & flag)

    def is_(self, at: int, *words: str) -> bool:
        """Return whether there is a token at that place, and it is one of the words."""
        return 0 <= at < len(self.words) and self.words[at] in words

    def touches(self, at: int) -> bool:
        """Return whether a token follows its predecessor without a blank."""
        return 0 < at < len(self.words) and self.starts[at] == self.ends[at - 1]

    def ends_segment(self, at: int) -> bool:
        """Return whether nothing, or punctuation, or a new line stands at that place."""
        return at >= len(self.words) or self.words[at] in _STOPS or self.breaks(at)

    def starts_segment(self, at: int) -> bool:
        """Return whether nothing, or punctuation, or a new line stands before that place."""
        return at <= 0 or self.words[at - 1] in _STOPS or self.breaks(at)

    def breaks(self, at: int) -> bool:
        """Return whether a line ends between a token and its predecessor."""
        return 0 < at < len(self.words) and "\n" in self.plain[self.ends[at - 1] : self.starts[at]]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets in the original text of a span of `plain`."""
        if self.offsets is None:
            return start, end
        return self.offsets[start][0], self.offsets[end - 1][1]


_STOPS = frozenset('.,;:!?()[]|-。，、；：！？"“”…')


def tokenize(text: str, words: Lexicon) -> Tokens:
    """Split a text into tokens; linear in its length."""
    plain, offsets = plain_text(text)
    spans = [match.span() for match in _TOKEN.finditer(plain)]
    looked = [words.look(plain[start:end]) for start, end in spans]
    shouted = _is_shouted(plain)
    return Tokens(
        plain=plain,
        words=[word for word, _, _ in looked],
        starts=[start for start, _ in spans],
        ends=[end for _, end in spans],
        flags=[flags for _, flags, _ in looked],
        capital=[capital and not shouted for _, _, capital in looked],
        offsets=offsets,
    )


def _shape(word: str) -> int:
    first = word[0]
    if "0" <= first <= "9":
        return Word.DIGITS
    return Word.LATIN if first.isalpha() and (first < "\u0250" or "\u1e00" <= first <= "\u1eff") else 0


def _is_shouted(text: str) -> bool:
    """Return whether the text is written in capitals, so that a capital says nothing."""
    sample = text[:2_000]
    if sample[:200].upper() != sample[:200] and sample.islower():
        return False
    letters = [character for character in sample if character.isalpha()]
    return sum(map(str.isupper, letters)) > _SHOUTED_SHARE * len(letters)


def plain_text(text: str) -> tuple[str, Sequence[tuple[int, int]] | None]:
    """Return a text in plain characters, and where each of them comes from (None: from its own place)."""
    if text.isascii():
        needs_map = ("<" in text or "&" in text) and _MARKUP.search(text) is not None
        return _mapped(text) if needs_map else (text, None)
    plain = text.translate(_PLAIN)
    if _INVISIBLE.search(plain) or _MARKUP.search(plain) or not unicodedata.is_normalized("NFC", plain):
        return _mapped(plain)
    return _one_script(plain), None


def _one_script(text: str) -> str:
    """Return the text with Cyrillic letters inside Latin words made Latin; its length stays."""
    if _MIXED_SCRIPT.search(text) is None:
        return text
    return re.sub(r"\w+", lambda match: _latin(match.group()), text)


def _latin(word: str) -> str:
    if sum(character.isascii() for character in word) * 2 < len(word):
        return word
    return "".join(_LOOKALIKES.get(character, character) for character in word)


def _mapped(text: str) -> tuple[str, list[tuple[int, int]]]:
    characters: list[str] = []
    offsets: list[tuple[int, int]] = []
    at = 0
    for match in chain(_MARKUP.finditer(text), [None]):
        _compose(text, at, match.start() if match else len(text), characters, offsets)
        if match:
            inside = html.unescape(match.group()) if match.group()[0] == "&" else " "
            characters.append(inside if len(inside) == 1 else " ")
            offsets.append(match.span())
            at = match.end()
    return _one_script("".join(characters)), offsets


def _compose(text: str, low: int, high: int, characters: list[str], offsets: list[tuple[int, int]]) -> None:
    """Append the characters of text[low:high] without invisible ones, loose accents joined to their letters."""
    for at in range(low, high):
        character = text[at]
        if _INVISIBLE.match(character):
            continue
        if characters and unicodedata.combining(character):
            joined = unicodedata.normalize("NFC", characters[-1] + character)
            offsets[-1] = (offsets[-1][0], at + 1)
            if len(joined) == 1:
                characters[-1] = joined
            continue
        characters.append(character)
        offsets.append((at, at + 1))
