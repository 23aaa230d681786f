"""Addresses, intersections and landmarks: a small grammar over tokens, read from anchors (a number, a joiner).

Every reading is bounded (a street name has at most four words), so the whole is linear in the text. What a bare
name is worth depends on its company: `Strength` says how sure a street is by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from triage.entities_text import Tokens, Word
from triage.types import EntityKind

_NAME_WORDS = 4
_LEAST_BARE_NUMBER = 100
_YEARS = range(1900, 2040)
_CORNER_REACH = 4
_NAME_PARTICLES = frozenset(
    {"el", "la", "las", "los", "del", "de", "san", "santa", "van", "von", "st", "saint", "mt", "ft", "lake"}
)
_ABBREVIATIONS = frozenset(
    {"st", "jr", "sr", "mt", "ft", "dr", "n", "s", "e", "w", "ave", "av", "blvd", "rd", "ln", "pl", "ct"}
)
_LOOSE_JOINERS = frozenset(
    {"at", "@", "near", "nr", "off", "by", "with", "con", "crosses", "meets", "met", "intersects", "x"}
)
_NOT_AFTER = frozenset({
    "grade", "grader", "graders", "grades", "floor", "floors", "time", "times", "notice", "notices", "day", "days",
    "week", "weeks", "month", "months", "of", "quarter", "attempt", "story", "stories", "place", "hand", "degree",
    "opinion", "person", "shift", "half", "one",
})  # fmt: skip
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
_ANCHOR = Word.DIGITS | Word.NUMBER | Word.JOINER | Word.PREFIX | Word.LANDMARK
_ANY_SUFFIX = Word.SUFFIX | Word.WEAK_SUFFIX


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


@dataclass(frozen=True, slots=True)
class Place:
    """Tokens [start, end) that are a place."""

    kind: EntityKind
    start: int
    end: int
    probability: float


class PlaceReader:
    """Finds places in the tokens of one text.

    Args:
        streets: Streets known without suffix, as tuples of words.
        landmarks: Names of landmarks, as tuples of words.
    """

    def __init__(self, streets: frozenset[tuple[str, ...]], landmarks: frozenset[tuple[str, ...]]) -> None:
        self._streets = streets
        self._landmarks = landmarks
        self._street_starts = frozenset(street[0] for street in streets)
        self._landmark_starts = frozenset(landmark[0] for landmark in landmarks)

    def places(self, tokens: Tokens) -> Iterator[Place]:
        """Yield the places of a text; they may overlap, the longer one is meant then."""
        starts = self._landmark_starts
        for at, flags in enumerate(tokens.flags):
            if tokens.words[at] in starts:
                yield from self._listed_landmark(tokens, at)
            if not flags & _ANCHOR:
                continue
            if flags & (Word.DIGITS | Word.NUMBER):
                yield from self._address(tokens, at)
            if flags & Word.JOINER:
                yield from self._intersection(tokens, at)
            if flags & Word.PREFIX:
                yield from self._address_behind_name(tokens, at)
            if flags & Word.LANDMARK:
                yield from self._landmark(tokens, at)

    # --- addresses ------------------------------------------------------------------------------------------------

    def _address(self, tokens: Tokens, at: int) -> Iterator[Place]:
        number = house_number(tokens, at)
        if number is None:
            return
        end, value, spelled = number
        if tokens.has(end, Word.BLOCK):
            yield from self._block(tokens, at, end, value)
            return
        end = _behind_of(tokens, end)
        street = self._forward(tokens, end)
        if street is None:
            return
        probability = self._address_probability(tokens, at, value, spelled, street)
        if probability:
            yield Place(EntityKind.ADDRESS, at, _with_unit(tokens, street.end), probability)

    def _block(self, tokens: Tokens, at: int, end: int, value: int) -> Iterator[Place]:
        name = end + 1
        if tokens.is_(name, "of", "on", "de", "."):
            name += 1
        if tokens.is_(name, "la", "the"):
            name += 1
        if value < _LEAST_BARE_NUMBER:
            return
        street = self._forward(tokens, name)
        if street is not None and street.strength > Strength.COMMON:
            yield Place(EntityKind.ADDRESS, at, street.end, 0.97)

    def _address_probability(self, tokens: Tokens, at: int, value: int, spelled: int, street: Street) -> float:
        """Return how surely number and street make an address; 0 where they do not."""
        cued = tokens.has(at - 1, Word.PLACE_CUE) or _is_address_cue(tokens, at)
        if (
            value in _YEARS
            and not spelled
            and tokens.is_(at - 1, "in", "since", "until", "till", "from", "en", "desde", "of", "the", "a", "my", "by")
        ):
            return 0.0
        if spelled == 1 and not cued:
            return 0.0
        name = tokens.flags[street.start]
        if street.strength == Strength.STREET:
            small = not tokens.capital[street.start]
            if small and name & Word.ORDINARY and not name & (Word.STREET | Word.DIRECTION | Word.PREFIX):
                return 0.75 if value >= _LEAST_BARE_NUMBER and street.end - street.start <= 2 else 0.0
            return 0.98
        if street.strength == Strength.ORDINAL:
            return 0.9 if value >= _LEAST_BARE_NUMBER and not tokens.is_(street.end, *_NOT_AFTER) else 0.0
        return self._bare_probability(tokens, at, value, street, cued)

    def _bare_probability(self, tokens: Tokens, at: int, value: int, street: Street, cued: bool) -> float:
        closed = (
            tokens.ends_segment(street.end)
            or tokens.has(street.end, Word.UNIT | Word.STOP)
            or tokens.is_(street.end, "#")
        )
        if tokens.has(street.start, Word.GIVEN_NAME) or tokens.has(street.end, _ANY_SUFFIX):
            return 0.0
        if value < _LEAST_BARE_NUMBER or value in _YEARS:
            certain = cued and closed and value >= 10 and not tokens.has(street.start, Word.ORDINARY)
            return (
                0.7
                if certain and (street.strength == Strength.CAPITAL or tokens.has(street.start, Word.STREET))
                else 0.0
            )
        if street.strength == Strength.CAPITAL:
            return 0.85 if cued or closed else 0.0
        if street.strength == Strength.SMALL:
            plural = tokens.words[street.end - 1].endswith("s") and not tokens.has(street.end - 1, Word.STREET)
            return 0.8 if (cued and closed) or (tokens.ends_segment(street.end) and not plural) else 0.0
        return 0.0

    def _address_behind_name(self, tokens: Tokens, at: int) -> Iterator[Place]:
        """Yield "Calle Roble 123" and "Avenida Juárez #45", the Spanish order."""
        street = _prefixed(tokens, at)
        if street is None or tokens.has(street.end - 1, Word.DIGITS):
            return
        end = street.end
        for _ in range(3):
            if tokens.is_(end, ",", "#", "no", "num", "núm", "número", "numero", "."):
                end += 1
        if tokens.has(end, Word.DIGITS) and not tokens.is_(end + 1, "-", "/", ":") and len(tokens.words[end]) <= 6:
            yield Place(EntityKind.ADDRESS, at, _with_unit(tokens, end + 1), 0.9)

    # --- intersections --------------------------------------------------------------------------------------------

    def _intersection(self, tokens: Tokens, at: int) -> Iterator[Place]:
        behind = at + 1
        while behind < at + 3 and tokens.is_(behind, "the", "la", "el", "con", "đường", "duong"):
            behind += 1
        if tokens.is_(behind - 1, "con", "đường", "duong"):
            behind -= tokens.has(behind - 1, Word.PREFIX)
        right = self._forward(tokens, behind)
        if right is None:
            return
        left = self._backward(tokens, at)
        if left is None or tokens.breaks(at) or tokens.breaks(at + 1):
            return
        probability = _intersection_probability(tokens, left, at, right)
        if probability:
            yield Place(EntityKind.INTERSECTION, left.start, right.end, probability)

    # --- street names ---------------------------------------------------------------------------------------------

    def _forward(self, tokens: Tokens, at: int) -> Street | None:
        """Return the street that begins at a token."""
        start = at
        if at >= len(tokens):
            return None
        if tokens.has(at, Word.DIRECTION) and not tokens.ends_segment(at + 1 + tokens.is_(at + 1, ".")):
            at += 1 + tokens.is_(at + 1, ".")
        if tokens.has(at, Word.PREFIX):
            prefixed = _prefixed(tokens, at)
            if prefixed is not None:
                return Street(start, prefixed.end, Strength.STREET)
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

    def _backward(self, tokens: Tokens, end: int) -> Street | None:
        """Return the street that ends before a token: the longest reading that ends there."""
        last = end - 1 - tokens.is_(end - 1, ".")
        best: Street | None = None
        for start in range(last, max(-1, last - _NAME_WORDS - 2), -1):
            if tokens.words[start] in _SENTENCE_MARKS or tokens.breaks(start + 1):
                break
            street = self._forward(tokens, start)
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

    # --- landmarks ------------------------------------------------------------------------------------------------

    def _landmark(self, tokens: Tokens, at: int) -> Iterator[Place]:
        start = at
        while start > at - _NAME_WORDS and start > 0 and _is_name(tokens, start - 1) and not tokens.breaks(start):
            start -= 1
        if start < at and not (tokens.starts_segment(start) and start + 1 == at and tokens.has(start, Word.ORDINARY)):
            yield Place(EntityKind.LANDMARK, start, at + 1, 0.8)

    def _listed_landmark(self, tokens: Tokens, at: int) -> Iterator[Place]:
        for landmark in self._landmarks:
            if tuple(tokens.words[at : at + len(landmark)]) == landmark:
                yield Place(EntityKind.LANDMARK, at, at + len(landmark), 0.9)


_SENTENCE_MARKS = frozenset('!?;:()[]"。！？，、,')


def house_number(tokens: Tokens, at: int) -> tuple[int, int, int] | None:
    """Return (end, value, words) of the house number at a token, words being 0 for digits; None if there is none."""
    if tokens.touches(at) and (tokens.words[at - 1] in "#$-/:.,'+€£%_=" or tokens.has(at - 1, Word.LATIN)):
        return None
    if tokens.is_(at - 1, "$", "#"):
        return None
    return _digits(tokens, at) if tokens.has(at, Word.DIGITS) else _spelled(tokens, at)


def _digits(tokens: Tokens, at: int) -> tuple[int, int, int] | None:
    word = tokens.words[at]
    end = at + 1
    if len(word) > 6:
        return None
    if tokens.is_(end, "-") and tokens.touches(end) and tokens.has(end + 1, Word.DIGITS) and tokens.touches(end + 1):
        end += 2
    elif tokens.touches(end) and not tokens.has(end, Word.LATIN) and tokens.words[end] not in ",)":
        return (end, int(word), 0) if not tokens.words[end].isascii() and tokens.words[end].isalpha() else None
    elif tokens.touches(end) and tokens.has(end, Word.LATIN):
        if len(tokens.words[end]) != 1:
            return None
        end += 1
    if tokens.is_(end, "1") and tokens.is_(end + 1, "/"):
        end += 3
    return end, int(word), 0


def _spelled(tokens: Tokens, at: int) -> tuple[int, int, int] | None:
    if tokens.has(at - 1, Word.NUMBER):
        return None
    end = at
    while end < at + 8 and (
        tokens.has(end, Word.NUMBER) or (tokens.is_(end, "and", "-") and tokens.has(end + 1, Word.NUMBER))
    ):
        end += 1
    count = end - at
    return end, _LEAST_BARE_NUMBER if count > 1 else 1, count


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


def _prefixed(tokens: Tokens, at: int) -> Street | None:
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
    while end < start + _NAME_WORDS and _is_prefixed_name(tokens, start, end):
        end += 1
    return Street(at, end, Strength.STREET) if end > start else None


def _is_prefixed_name(tokens: Tokens, start: int, at: int) -> bool:
    if at >= len(tokens) or tokens.breaks(at) or not tokens.words[at][0].isalpha() or tokens.has(at, _NO_NAME):
        return False
    return at == start or tokens.capital[at] or tokens.has(at, Word.STREET)


def _named(tokens: Tokens, at: int) -> int | None:
    """Return where a name of one to four words and its suffix end; None where no suffix follows."""
    limit = min(len(tokens), at + 2 * _NAME_WORDS)
    words = 0
    end = at
    while end < limit and words <= _NAME_WORDS:
        if words and tokens.has(end, _ANY_SUFFIX) and not tokens.breaks(end) and _suffix_stands(tokens, at, end):
            longer = end + 1 < limit and tokens.has(end + 1, Word.SUFFIX) and not tokens.breaks(end + 1)
            return end + 2 if longer else end + 1
        if not _may_be_name(tokens, at, end) or (words and tokens.capital[at] and not _goes_on(tokens, end)):
            return None
        words += 1
        end = _behind_name_mark(tokens, end + 1)
    return None


def _goes_on(tokens: Tokens, at: int) -> bool:
    """Return whether a name that began with a capital goes on: "Alder is dark on Oak street" is not one name."""
    return tokens.capital[at] or tokens.words[at] in _NAME_PARTICLES or tokens.has(at, _ANY_SUFFIX)


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
            if _is_shouted(tokens, end) and not _is_shouted(tokens, at):
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


def _is_shouted(tokens: Tokens, at: int) -> bool:
    return len(tokens.words[at]) > 1 and tokens.plain[tokens.starts[at] : tokens.ends[at]].isupper()


def _small_strength(tokens: Tokens, at: int) -> Strength:
    if tokens.has(at, Word.STREET):
        return Strength.SMALL
    return (
        Strength.COMMON
        if tokens.has(at, Word.ORDINARY | Word.GIVEN_NAME | Word.LANDMARK | _ANY_SUFFIX)
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
    return (
        at + 1
        if tokens.has(at, Word.DIRECTION) and not tokens.is_(at, "e", "o", "este") and not tokens.breaks(at)
        else at
    )


def _behind_of(tokens: Tokens, at: int) -> int:
    """Step over "de la" in "el 2210 de la Calle Roble", and over the number sign of other languages."""
    if tokens.is_(at, "de") and (
        tokens.is_(at + 1, "la") or tokens.has(at + 1, Word.PREFIX) or tokens.capital[min(at + 1, len(tokens) - 1)]
    ):
        return at + 1 + tokens.is_(at + 1, "la")
    return at + tokens.is_(at, ",") * tokens.has(at + 1, Word.PREFIX)


def _with_unit(tokens: Tokens, end: int) -> int:
    """Return the end of an address with its "Apt 4", "# 12" or ", unit B"."""
    at = end + tokens.is_(end, ",", ".")
    if tokens.breaks(at) or tokens.breaks(end):
        return end
    named = tokens.has(at, Word.UNIT)
    at += named + (named and tokens.is_(at + 1, "."))
    if tokens.is_(at, "#"):
        named = True
        at += 1
    if not named or at >= len(tokens) or len(tokens.words[at]) > 5:
        return end
    if tokens.has(at, Word.DIGITS):
        letter = tokens.touches(at + 1) and tokens.has(at + 1, Word.LATIN) and len(tokens.words[at + 1]) == 1
        return at + 1 + letter
    if tokens.has(at, Word.LATIN) and len(tokens.words[at]) <= 2:
        lettered = tokens.touches(at + 1) and tokens.has(at + 1, Word.DIGITS)
        return at + 1 + lettered if len(tokens.words[at]) == 1 or lettered else end
    return at + 1 if tokens.has(at, Word.NUMBER) else end


def _is_address_cue(tokens: Tokens, at: int) -> bool:
    """Return whether "address is", "address:" or "live at number" stands right before a token."""
    return any(
        tokens.is_(at - back, "address", "addr", "dirección", "direccion", "domicilio", "địa", "адрес", "地址")
        for back in (1, 2, 3)
    )


def _is_name(tokens: Tokens, at: int) -> bool:
    return tokens.capital[at] and not tokens.has(at, _NO_NAME)


def _is_better_start(tokens: Tokens, street: Street) -> bool:
    """Return whether an earlier start makes a better name: it has a capital, or is a direction or no common word."""
    at = street.start
    if street.strength == Strength.ORDINAL:
        return tokens.has(at, Word.DIRECTION | Word.TENS)
    if tokens.capital[street.end - 1] and not tokens.capital[at]:
        return tokens.has(at, Word.PREFIX)
    if tokens.has(at, Word.PREFIX | Word.DIRECTION) or tokens.capital[at]:
        return not tokens.has(at, Word.STOP)
    return not tokens.has(at, Word.ORDINARY | Word.STOP)


def _intersection_probability(tokens: Tokens, left: Street, at: int, right: Street) -> float:
    low, high = sorted((left.strength, right.strength))
    corner = _corner_before(tokens, left.start) or _corner_behind(tokens, right.end)
    cued = corner or tokens.has(left.start - 1, Word.PLACE_CUE)
    meets = tokens.is_(at, "meets", "crosses", "intersects", "met") and any(
        tokens.is_(left.start - back, "where", "donde") for back in (1, 2)
    )
    if (
        tokens.is_(right.end, *_NOT_AFTER)
        or _is_named_date(tokens, left, right)
        or _is_abbreviation(tokens, left, at, right)
    ):
        return 0.0
    if tokens.words[at] in _LOOSE_JOINERS and not meets and not corner:
        sure = low >= Strength.ORDINAL or (
            low == Strength.CAPITAL and high > low and _is_street_like(tokens, left, cued)
        )
        return 0.85 if sure and not tokens.has(left.start, Word.GIVEN_NAME) else 0.0
    if low >= Strength.ORDINAL:
        ranks = (
            high == Strength.ORDINAL
            and not corner
            and tokens.is_(left.start - 1, "the", "my", "our", "his", "her", "their", "to")
        )
        words_only = high == Strength.ORDINAL and not cued and tokens.has(left.start, Word.ORDINAL)
        return 0.0 if ranks or words_only else 0.97
    return _mixed_probability(tokens, left, right, corner or meets, cued, tokens.words[at])


def _mixed_probability(tokens: Tokens, left: Street, right: Street, corner: bool, cued: bool, joiner: str) -> float:
    low, high = sorted((left.strength, right.strength))
    named = any(tokens.has(street.start, Word.GIVEN_NAME) for street in (left, right))
    if corner:
        return 0.0 if low == Strength.COMMON and high < Strength.ORDINAL else 0.93
    if named or low == Strength.COMMON:
        return 0.0
    if high >= Strength.ORDINAL:
        weak = left if left.strength == low else right
        word_only = high == Strength.ORDINAL and not any(
            tokens.has(street.start, Word.DIGITS) for street in (left, right)
        )
        known = tokens.has(weak.start, Word.STREET) or low == Strength.CAPITAL
        return (
            0.9
            if known and (cued or not word_only or tokens.starts_segment(left.start))
            else 0.7 * (cued or not word_only)
        )
    closed = tokens.starts_segment(left.start) and tokens.ends_segment(right.end) and left.start > 0
    if low == Strength.CAPITAL:
        common = any(
            tokens.has(street.start, Word.ORDINARY) and not tokens.has(street.start, Word.STREET)
            for street in (left, right)
        )
        return 0.8 if (cued or closed or joiner in "&/") and not common and (cued or right.end < len(tokens)) else 0.0
    streets = all(
        tokens.has(street.start, Word.STREET) or street.strength == Strength.CAPITAL for street in (left, right)
    )
    return (
        0.75
        if cued and streets and tokens.is_(left.start - 1, "at", "on", "@", "near", "by", "en", "ở", "на", "corner")
        else 0.0
    )


def _is_abbreviation(tokens: Tokens, left: Street, at: int, right: Street) -> bool:
    """Return whether the joiner stands in "w/", "PD/FD" or "Landscaping & Lighting"."""
    if tokens.is_(at, "/") and tokens.is_(at - 1, "w", "b", "h", "c") and tokens.touches(at):
        return True
    if max(left.strength, right.strength) > Strength.CAPITAL:
        return False
    last = left.end - 1, right.end - 1
    return any(_is_shouted(tokens, place) for place in last) or all(
        tokens.words[place].endswith("ing") for place in last
    )


def _is_street_like(tokens: Tokens, left: Street, cued: bool) -> bool:
    return cued or (tokens.starts_segment(left.start) and left.start > 0) or tokens.has(left.start, Word.STREET)


def _corner_before(tokens: Tokens, start: int) -> bool:
    """Return whether "corner of", "cross streets are" or "between" leads to a token."""
    for back in range(1, _CORNER_REACH + 1):
        at = start - back
        if at < 0 or tokens.words[at] in ".!?;":
            return False
        if tokens.flags[at] & Word.CORNER:
            return True
        if not tokens.flags[at] & (Word.STOP | Word.PREFIX | Word.PLACE_CUE) and tokens.words[at] not in (
            ":",
            "phố",
            "phó",
            "улиц",
        ):
            return False
    return False


def _corner_behind(tokens: Tokens, at: int) -> bool:
    """Return whether a Chinese word for corner follows: "9th和Oak路口"."""
    return at < len(tokens) and any(
        word in tokens.words[at] for word in ("路口", "交叉", "拐角", "转角", "轉角", "街角")
    )


def _is_named_date(tokens: Tokens, left: Street, right: Street) -> bool:
    """Return whether a side is a day of a month: "March 3rd and Friday", "the 3rd and 4th of May"."""
    day = tokens.has(left.start - 1, Word.MONTH) and tokens.has(left.start, Word.DIGITS)
    return day or (tokens.is_(right.end, "of") and tokens.has(right.end + 1, Word.MONTH))
