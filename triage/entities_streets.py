"""Names of streets, read from a token on or up to a token: "9th", "Calle 5", "El Camino Real", "Oak".

Every reading is bounded (a street name has at most four words), so that the whole is linear in the text.
"""

from dataclasses import dataclass
from enum import IntEnum

from triage.entities_text import Tokens, Word

NAME_WORDS = 4
_NAME_PARTICLES = frozenset(
    {"el", "la", "las", "los", "del", "de", "san", "santa", "van", "von", "st", "saint", "mt", "ft", "lake"}
)
_ABBREVIATIONS = frozenset(
    {"st", "jr", "sr", "mt", "ft", "dr", "n", "s", "e", "w", "ave", "av", "blvd", "rd", "ln", "pl", "ct"}
)
_NO_NAME = (
    Word.STOP
    | Word.MONTH
    | Word.WEEKDAY
    | Word.DAY
    | Word.DIGITS
    | Word.NUMBER
    | Word.UNIT
    | Word.BLOCK
    | Word.TIME_UNIT
)
ANY_SUFFIX = Word.SUFFIX | Word.WEAK_SUFFIX
_SENTENCE_MARKS = frozenset('!?;:()[]"。！？，、,')


class Strength(IntEnum):
    """How much a street name says by itself."""

    COMMON = 0  # an everyday word in small letters
    SMALL = 1  # another word in small letters
    CAPITAL = 2  # a name with a capital
    ORDINAL = 3  # "9th", "ninth"
    STREET = 4  # with a suffix or a prefix, or on the list of the city's streets


@dataclass(frozen=True, slots=True)
class Street:
    """Tokens [start, end) that may be a street."""

    start: int
    end: int
    strength: Strength


class StreetReader:
    """Finds street names in the tokens of one text.

    Args:
        streets: Streets known without suffix, as tuples of words.
    """

    def __init__(self, streets: frozenset[tuple[str, ...]]) -> None:
        self._streets = streets
        self._street_starts = frozenset(street[0] for street in streets)

    def forward(self, tokens: Tokens, at: int) -> Street | None:
        """Return the street that begins at a token."""
        start = at
        if at >= len(tokens):
            return None
        if tokens.has(at, Word.DIRECTION) and not tokens.ends_segment(at + 1 + tokens.is_(at + 1, ".")):
            at += 1 + tokens.is_(at + 1, ".")
        if tokens.has(at, Word.PREFIX):
            behind_prefix = prefixed(tokens, at)
            if behind_prefix is not None:
                return Street(start, behind_prefix.end, Strength.STREET)
        end = ordinal_end(tokens, at)
        if end is not None:
            return _finished(tokens, start, end, Strength.ORDINAL)
        listed = self._listed(tokens, at)
        if listed is not None:
            return _finished(tokens, start, listed, Strength.STREET)
        named = _named(tokens, at)
        if named is not None:
            return Street(start, _behind_direction(tokens, named), Strength.STREET)
        return _bare(tokens, start, at)

    def backward(self, tokens: Tokens, end: int) -> Street | None:
        """Return the street that ends before a token: the longest reading that ends there."""
        last = end - 1 - tokens.is_(end - 1, ".")
        best: Street | None = None
        for start in range(last, max(-1, last - NAME_WORDS - 2), -1):
            if tokens.words[start] in _SENTENCE_MARKS or tokens.breaks(start + 1):
                break
            street = self.forward(tokens, start)
            if street is None or street.end != last + 1:
                continue
            if (
                best is None
                or street.strength > best.strength
                or (street.strength == best.strength and _is_better_start(tokens, street))
            ):
                best = street
        return best

    def _listed(self, tokens: Tokens, at: int) -> int | None:
        if tokens.words[at] not in self._street_starts:
            return None
        lengths = [len(street) for street in self._streets if tuple(tokens.words[at : at + len(street)]) == street]
        return at + max(lengths) if lengths else None


def ordinal_end(tokens: Tokens, at: int) -> int | None:
    """Return where "9th", "ninth" or "twenty-third" ends; None if no ordinal stands there."""
    if tokens.has(at, Word.DIGITS) and tokens.touches(at + 1) and len(tokens.words[at]) <= 3:
        if tokens.is_(at + 1, "st", "nd", "rd", "th"):
            return at + 2
        return at + 2 if tokens.is_(at + 1, "a", "ª", "º") and tokens.is_(at - 1, "la", "y", "con", "&", "/") else None
    if tokens.has(at, Word.TENS):
        second = at + 1 + tokens.is_(at + 1, "-")
        return second + 1 if tokens.has(second, Word.ORDINAL) else None
    return at + 1 if tokens.has(at, Word.ORDINAL) else None


def prefixed(tokens: Tokens, at: int) -> Street | None:
    """Return "Calle 5", "Avenida de la Rosa", "đường Oak", "Highway 99" from its prefix on."""
    end = at + 1 + tokens.is_(at + 1, ".", "/")
    while end < at + 4 and tokens.is_(end, "de", "la", "el", "los", "las", "del"):
        end += 1
    if tokens.has(end, Word.DIGITS):
        return Street(at, (ordinal_end(tokens, end) or end + 1), Strength.STREET)
    ordinal = ordinal_end(tokens, end)
    if ordinal is not None:
        return Street(at, ordinal, Strength.STREET)
    start = end
    while end < start + NAME_WORDS and _is_prefixed_name(tokens, start, end):
        end += 1
    return Street(at, end, Strength.STREET) if end > start else None


def _is_prefixed_name(tokens: Tokens, start: int, at: int) -> bool:
    if at >= len(tokens) or tokens.breaks(at) or not tokens.words[at][0].isalpha() or tokens.has(at, _NO_NAME):
        return False
    return at == start or tokens.capital[at] or tokens.has(at, Word.STREET)


def _named(tokens: Tokens, at: int) -> int | None:
    """Return where a name of one to four words and its suffix end; None where no suffix follows."""
    limit = min(len(tokens), at + 2 * NAME_WORDS)
    words = 0
    end = at
    while end < limit and words <= NAME_WORDS:
        if words and tokens.has(end, ANY_SUFFIX) and not tokens.breaks(end) and _suffix_stands(tokens, at, end):
            longer = end + 1 < limit and tokens.has(end + 1, Word.SUFFIX) and not tokens.breaks(end + 1)
            return end + 2 if longer else end + 1
        if not _may_be_name(tokens, at, end) or (words and tokens.capital[at] and not _goes_on(tokens, end)):
            return None
        words += 1
        end = _behind_name_mark(tokens, end + 1)
    return None


def _goes_on(tokens: Tokens, at: int) -> bool:
    """Return whether a name that began with a capital goes on: "Alder is dark on Oak street" is not one name."""
    return tokens.capital[at] or tokens.words[at] in _NAME_PARTICLES or tokens.has(at, ANY_SUFFIX)


def _suffix_stands(tokens: Tokens, start: int, at: int) -> bool:
    if tokens.has(at, Word.SUFFIX):
        # "St Mary" is a saint; "J St" is a street of one letter.
        return not (at == start + 1 and tokens.has(start, Word.SUFFIX) and not tokens.capital[start])
    return tokens.capital[at] or (tokens.has(start, Word.STREET) and not tokens.has(at, Word.LANDMARK))


def _may_be_name(tokens: Tokens, start: int, at: int) -> bool:
    if at >= len(tokens) or not tokens.has(at, Word.LATIN) or (at > start and tokens.breaks(at)):
        return False
    word = tokens.words[at]
    if tokens.has(at, _NO_NAME):
        particle = (word in _NAME_PARTICLES and not tokens.has(at + 1, Word.STOP & ~0)) or word in _NAME_PARTICLES
        letter = len(word) == 1 and tokens.capital[at]
        return (
            particle
            or letter
            or (tokens.capital[at] and tokens.has(at, Word.MONTH | Word.NUMBER) and tokens.has(at + 1, Word.SUFFIX))
        )
    return len(word) > 1 or at == start


def _behind_name_mark(tokens: Tokens, at: int) -> int:
    """Step over an apostrophe, a hyphen or the dot of an abbreviation inside a name."""
    if tokens.is_(at, "'", "-") and tokens.touches(at) and tokens.touches(at + 1):
        return at + 1
    if tokens.is_(at, ".") and tokens.words[at - 1] in _ABBREVIATIONS and not tokens.touches(at + 1):
        return at + 1
    return at


def _bare(tokens: Tokens, start: int, at: int) -> Street | None:
    """Return a name without suffix: up to three words with capitals, else up to two in small letters."""
    if not _is_bare_word(tokens, at):
        return None
    if tokens.capital[at]:
        end = at + 1
        if tokens.words[at] in ("st", "mt", "ft") and tokens.is_(end, "."):
            end += 1
        while (
            end < at + 4
            and end < len(tokens)
            and tokens.capital[end]
            and _is_bare_word(tokens, end)
            and not tokens.breaks(end)
        ):
            if is_shouted(tokens, end) and not is_shouted(tokens, at):
                break
            end += 1
        return Street(start, _behind_direction(tokens, end), Strength.CAPITAL)
    strength = _small_strength(tokens, at)
    end = at + 1
    if tokens.words[at] in _NAME_PARTICLES or (
        _is_bare_word(tokens, end) and not tokens.breaks(end) and _small_strength(tokens, end) > Strength.COMMON
    ):
        end += end < len(tokens)
    return Street(start, end, strength)


def is_shouted(tokens: Tokens, at: int) -> bool:
    """Return whether a word of more than one letter is written in capitals."""
    return len(tokens.words[at]) > 1 and tokens.plain[tokens.starts[at] : tokens.ends[at]].isupper()


def _small_strength(tokens: Tokens, at: int) -> Strength:
    if tokens.has(at, Word.STREET):
        return Strength.SMALL
    return (
        Strength.COMMON
        if tokens.has(at, Word.ORDINARY | Word.GIVEN_NAME | Word.LANDMARK | ANY_SUFFIX)
        else Strength.SMALL
    )


def _is_bare_word(tokens: Tokens, at: int) -> bool:
    if at >= len(tokens) or not tokens.has(at, Word.LATIN):
        return False
    if tokens.words[at] in _NAME_PARTICLES and tokens.has(at + 1 + tokens.is_(at + 1, "."), Word.LATIN):
        return tokens.capital[at] or tokens.words[at] in ("san", "santa", "del", "la", "el", "lake")
    return len(tokens.words[at]) > 1 and not tokens.has(at, _NO_NAME)


def _finished(tokens: Tokens, start: int, end: int, strength: Strength) -> Street:
    """Return a street with the suffix and the direction that follow its name."""
    if tokens.has(end, Word.SUFFIX) and not tokens.is_(end, "place") and not tokens.breaks(end):
        return Street(start, _behind_direction(tokens, end + 1), Strength.STREET)
    return Street(start, end, strength)


def _behind_direction(tokens: Tokens, at: int) -> int:
    """Step over "NW" behind a name; "se", "so" and "o" in small letters are Spanish words."""
    stands = tokens.has(at, Word.DIRECTION) and not tokens.breaks(at) and not tokens.is_(at, "este")
    return at + 1 if stands and (tokens.capital[at] or not tokens.is_(at, "e", "o", "se", "so", "no")) else at


def is_name(tokens: Tokens, at: int) -> bool:
    """Return whether a word has a capital and is none that names nothing."""
    return tokens.capital[at] and not tokens.has(at, _NO_NAME)


def _is_better_start(tokens: Tokens, street: Street) -> bool:
    """Return whether an earlier start makes a better name: it has a capital, or is a direction or no common word."""
    at = street.start
    if street.strength == Strength.ORDINAL:
        return tokens.has(at, Word.DIRECTION | Word.TENS)
    if tokens.capital[street.end - 1] and not tokens.capital[at]:
        return tokens.has(at, Word.PREFIX)
    if tokens.has(at, Word.PREFIX | Word.DIRECTION) or tokens.capital[at]:
        return not tokens.has(at, Word.STOP) or (tokens.capital[at] and tokens.words[at] in _NAME_PARTICLES)
    return not tokens.has(at, Word.ORDINARY | Word.STOP)
