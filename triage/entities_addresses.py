"""Addresses: a house number and a street, with the unit and the city behind them; blocks; the Spanish order."""

from collections.abc import Iterator

from triage.entities_streets import ANY_SUFFIX, Street, StreetReader, Strength, is_name, is_shouted, prefixed
from triage.entities_text import Tokens, Word

_LEAST_BARE_NUMBER = 100
_CITY_WORDS = 3
_ZIP_DIGITS = 5
_YEARS = range(1900, 2040)
NOT_AFTER = frozenset({
    "grade", "grader", "graders", "grades", "floor", "floors", "time", "times", "notice", "notices", "day", "days",
    "week", "weeks", "month", "months", "of", "quarter", "attempt", "story", "stories", "place", "hand", "degree",
    "opinion", "person", "shift", "half", "one",
})  # fmt: skip

Found = tuple[int, int, float]  # tokens [start, end), and how surely they are an address


class AddressReader:
    """Finds addresses in the tokens of one text."""

    def __init__(self, streets: StreetReader) -> None:
        self._streets = streets

    def numbered(self, tokens: Tokens, at: int) -> Iterator[Found]:
        """Yield the address that begins with the number at a token."""
        number = house_number(tokens, at)
        if number is None:
            return
        end, value, spelled = number
        if tokens.has(end, Word.BLOCK):
            yield from self._block(tokens, at, end, value)
            return
        end = _behind_of(tokens, end)
        street = self._streets.forward(tokens, end)
        if street is None:
            return
        probability = self._address_probability(tokens, at, value, spelled, street)
        if probability:
            yield at, _with_city(tokens, _with_unit(tokens, street.end)), probability

    def _block(self, tokens: Tokens, at: int, end: int, value: int) -> Iterator[Found]:
        name = end + 1
        if tokens.is_(name, "of", "on", "de", "."):
            name += 1
        if tokens.is_(name, "la", "the"):
            name += 1
        if value < _LEAST_BARE_NUMBER:
            return
        street = self._streets.forward(tokens, name)
        if street is not None and street.strength > Strength.COMMON:
            yield at, street.end, 0.97

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
            return 0.9 if value >= _LEAST_BARE_NUMBER and not tokens.is_(street.end, *NOT_AFTER) else 0.0
        return self._bare_probability(tokens, at, value, street, cued)

    def _bare_probability(self, tokens: Tokens, at: int, value: int, street: Street, cued: bool) -> float:
        closed = (
            tokens.ends_segment(street.end)
            or tokens.has(street.end, Word.UNIT | Word.STOP)
            or tokens.is_(street.end, "#")
        )
        if tokens.has(street.start, Word.GIVEN_NAME) or tokens.has(street.end, ANY_SUFFIX):
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

    def behind_name(self, tokens: Tokens, at: int) -> Iterator[Found]:
        """Yield "Calle Roble 123" and "Avenida Juárez #45", the Spanish order."""
        street = prefixed(tokens, at)
        if street is None or tokens.has(street.end - 1, Word.DIGITS):
            return
        end = street.end
        for _ in range(3):
            if tokens.is_(end, ",", "#", "no", "num", "núm", "número", "numero", "."):
                end += 1
        if tokens.has(end, Word.DIGITS) and not tokens.is_(end + 1, "-", "/", ":") and len(tokens.words[end]) <= 6:
            yield at, _with_city(tokens, _with_unit(tokens, end + 1)), 0.9


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


def _with_city(tokens: Tokens, end: int) -> int:
    """Return the end of an address with its ", Sacramento, CA 95822", ", San Francisco 94116" or ", 95825"."""
    if not tokens.is_(end, ",") or tokens.breaks(end + 1):
        return end
    at = end + 1
    while at < end + 1 + _CITY_WORDS and is_name(tokens, at) and not tokens.breaks(at):
        at += 1
    city = at > end + 1
    at += city and tokens.is_(at, ",")
    if len(tokens) > at and len(tokens.words[at]) == 2 and is_shouted(tokens, at):
        at += 1
    zipped = (
        tokens.has(at, Word.DIGITS) and len(tokens.words[at]) == _ZIP_DIGITS and not tokens.has(at + 1, Word.DIGITS)
    )
    return at + 1 if zipped else end


def _is_address_cue(tokens: Tokens, at: int) -> bool:
    """Return whether "address is", "address:" or "live at number" stands right before a token."""
    return any(
        tokens.is_(at - back, "address", "addr", "dirección", "direccion", "domicilio", "địa", "адрес", "地址")
        for back in (1, 2, 3)
    )
