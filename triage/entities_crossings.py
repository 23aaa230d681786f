"""Intersections: two streets however joined. What a bare name is worth depends on its company."""

from collections.abc import Iterator

from triage.entities_addresses import NOT_AFTER
from triage.entities_streets import Street, StreetReader, Strength, is_shouted
from triage.entities_text import Tokens, Word

_CORNER_REACH = 4
_LEAST_BEFORE_NAMES = 3  # tokens before two joined names that end a text: fewer, and they may be a signature
_LEADING = frozenset({"at", "on", "@", "near", "by", "en", "de", "ở", "o", "на", "corner", "about", "chỗ", "tại"})
_LOOSE_JOINERS = frozenset(
    {"at", "@", "near", "nr", "off", "by", "with", "con", "với", "voi", "crosses", "meets", "met", "intersects", "x"}
)


class CrossingReader:
    """Finds intersections in the tokens of one text."""

    def __init__(self, streets: StreetReader) -> None:
        self._streets = streets

    def joined(self, tokens: Tokens, at: int) -> Iterator[tuple[int, int, float]]:
        """Yield tokens [start, end) and probability of the intersection whose streets the token joins."""
        whole = self._streets.forward(tokens, at + 1)
        behind = at + 1
        while (
            (whole is None or whole.strength < Strength.STREET)
            and behind < at + 3
            and tokens.is_(behind, "the", "la", "el", "con", "đường", "duong")
        ):
            behind += 1
        if tokens.is_(behind - 1, "con", "đường", "duong"):
            behind -= tokens.has(behind - 1, Word.PREFIX)
        right = self._streets.forward(tokens, behind) or _lettered(tokens, at, behind)
        if right is None:
            return
        left = self._streets.backward(tokens, at)
        if left is None or tokens.breaks(at) or tokens.breaks(at + 1):
            return
        probability = _intersection_probability(tokens, left, at, right)
        if probability:
            yield left.start, right.end, probability


def _intersection_probability(tokens: Tokens, left: Street, at: int, right: Street) -> float:
    low, high = sorted((left.strength, right.strength))
    corner = _corner_before(tokens, left.start) or _corner_behind(tokens, right.end)
    cued = corner or tokens.has(left.start - 1, Word.PLACE_CUE)
    meets = tokens.is_(at, "meets", "crosses", "intersects", "met") and any(
        tokens.is_(left.start - back, "where", "donde") for back in (1, 2)
    )
    if (
        tokens.is_(right.end, *NOT_AFTER)
        or _is_named_date(tokens, left, right)
        or _is_abbreviation(tokens, left, at, right)
    ):
        return 0.0
    if tokens.words[at] in _LOOSE_JOINERS and not meets and not corner:
        sure = low >= Strength.ORDINAL or (
            low == Strength.CAPITAL
            and (_is_led_to(tokens, left) or (high > low and _is_street_like(tokens, left, cued)))
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
        if common:
            return 0.8 if _is_led_to(tokens, left) else 0.0
        signed = right.end >= len(tokens) and left.start < _LEAST_BEFORE_NAMES
        return 0.8 if cued or ((closed or joiner in "&/") and not signed) else 0.0
    streets = all(
        tokens.has(street.start, Word.STREET) or street.strength == Strength.CAPITAL for street in (left, right)
    )
    return (
        0.75
        if cued and streets and tokens.is_(left.start - 1, "at", "on", "@", "near", "by", "en", "ở", "на", "corner")
        else 0.0
    )


def _lettered(tokens: Tokens, at: int, behind: int) -> Street | None:
    """Return the street of one letter in "10th & R"."""
    letter = behind < len(tokens) and tokens.capital[behind] and len(tokens.words[behind]) == 1
    numbered = tokens.is_(at - 1, "st", "nd", "rd", "th") or tokens.has(at - 1, Word.ORDINAL)
    return Street(behind, behind + 1, Strength.CAPITAL) if letter and numbered else None


def _is_led_to(tokens: Tokens, left: Street) -> bool:
    """Return whether a word of place stands right before the first street: "at Silver & Mission"."""
    return tokens.is_(left.start - 1, *_LEADING)


def _is_abbreviation(tokens: Tokens, left: Street, at: int, right: Street) -> bool:
    """Return whether the joiner stands in "w/", "PD/FD" or "Landscaping & Lighting"."""
    if tokens.is_(at, "/") and tokens.is_(at - 1, "w", "b", "h", "c") and tokens.touches(at):
        return True
    if max(left.strength, right.strength) > Strength.CAPITAL:
        return False
    last = left.end - 1, right.end - 1
    return any(is_shouted(tokens, place) for place in last) or all(
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
