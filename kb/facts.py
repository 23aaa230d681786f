"""Facts in figures that a sentence states: money, percent, opening hours, times, phone numbers, dates, counted things.

A fact has a kind, so that only what can contradict each other is compared: three days with five days, never three
days with five dollars.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kb.lexical import STOP_WORDS, stem

_WORDS = """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
NUMBERS = {word: str(value) for value, word in enumerate(_WORDS.split(), start=1)}
_NUMBER_WORDS = NUMBERS | {
    "once": "1", "twice": "2", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90",
    "hundred": "100",
}  # fmt: skip
_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = _MONTH_NAMES.split()
# What qualifies a counted thing without being it.
_QUALIFYING = """
    more full whole total extra free separate different straight consecutive further calendar square cubic small
    large regular first single additional
"""
_QUALIFIERS = frozenset(_QUALIFYING.split())
_FIGURE = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_ANY_NUMBER = re.compile(rf"\b(?:{_FIGURE}|{'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE)
_CLOCK = r"(?:\d{1,2}(?::\d\d)?\s?(?:[ap]m\b|[ap]\.\s?m\.)|noon\b|midnight\b)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact, with its place in the text; `text` is how it stands there."""

    kind: str
    value: str
    start: int
    end: int
    text: str


def facts_of(text: str) -> tuple[Fact, ...]:
    """Return the facts of a text in order, none overlapping another; the kinds that say most are looked for first."""
    taken: list[tuple[int, int]] = []
    found: list[Fact] = []
    for pattern, read in _READERS:
        for match in pattern.finditer(text):
            told = read(match)
            if told is None or any(match.start() < end and start < match.end() for start, end in taken):
                continue
            kind, value = told
            taken.append(match.span())
            found.append(Fact(kind=kind, value=value, start=match.start(), end=match.end(), text=match[0]))
    return tuple(sorted(found, key=lambda fact: fact.start))


def figures_of(text: str) -> frozenset[str]:
    """Return all numbers of a text, in figures or words, each in one way of writing."""
    return frozenset(_number(match[0]) for match in _ANY_NUMBER.finditer(text))


def masked(text: str, facts: tuple[Fact, ...]) -> str:
    """Return the text with every fact replaced by its kind, so that two statements of one rule read alike."""
    return "".join(_masked_pieces(text, facts))


def _masked_pieces(text: str, facts: tuple[Fact, ...]) -> Iterator[str]:
    place = 0
    for fact in facts:
        yield text[place : fact.start]
        yield {"money": "some money", "percent": "some percent"}.get(fact.kind.split()[0], f"some {fact.kind}")
        place = fact.end
    yield text[place:]


def _money(match: "re.Match[str]") -> tuple[str, str]:
    return "money", _number(match[1] or match[2])


def _hours(match: "re.Match[str]") -> tuple[str, str]:
    opens, closes = _minutes(match[1], match[2]), _minutes(match[2], match[2])
    # "8 to 5:30 pm" begins in the morning, "2 to 5 pm" does not.
    return "hours", f"{opens - 720 if opens > closes and not _says_half(match[1]) else opens}-{closes}"


def _says_half(clock: str) -> bool:
    return re.search(r"[a-z]", clock, re.IGNORECASE) is not None


def _date(match: "re.Match[str]") -> tuple[str, str]:
    return "date", f"{_MONTHS.index(match[1].lower()) + 1}-{int(match[2])}"


def _counted(match: "re.Match[str]") -> tuple[str, str] | None:
    """Return the thing that is counted, by its stem: the first word behind the number that is no qualifier."""
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", match[2])]
    thing = next((word for word in words if word not in _QUALIFIERS), None)
    if thing is None or thing in STOP_WORDS:
        return None
    if thing in ("work", "working", "business") and len(words) > words.index(thing) + 1:
        thing = f"work {stem(words[words.index(thing) + 1])}"
        return thing, _number(match[1])
    return stem(thing), _number(match[1])


def _number(text: str) -> str:
    """Return a number in one way of writing: `1,200.50` and `1200.5` are the same."""
    plain = _NUMBER_WORDS.get(text.lower(), text).replace(",", "")
    return f"{float(plain):g}"


def _minutes(clock: str, other: str) -> int:
    """Return minutes since midnight; where am or pm is missing it is the other's."""
    words = clock.lower()
    if words in ("noon", "midnight"):
        return 720 if words == "noon" else 0
    hour, _, minute = re.sub(r"[^\d:]", "", words).partition(":")
    half = words if re.search("[ap]", words) else other.lower()
    return (int(hour) % 12 + (12 if "p" in half else 0)) * 60 + int(minute or 0)


_Read = Callable[["re.Match[str]"], tuple[str, str] | None]
_READERS: tuple[tuple["re.Pattern[str]", _Read], ...] = (
    (
        re.compile(rf"({_CLOCK}|\d{{1,2}}(?::\d\d)?)\s?(?:to|until|and|–|-|through)\s?({_CLOCK})", re.IGNORECASE),
        _hours,
    ),
    (re.compile(r"\b(?:\d{3}[-. ])?\d{3}[-.]\d{4}\b"), lambda match: ("phone", re.sub(r"\D", "", match[0])[-7:])),
    (re.compile(rf"\$\s?({_FIGURE})|\b({_FIGURE}) (?:dollars|dólares)\b", re.IGNORECASE), _money),
    (
        re.compile(rf"\b({_FIGURE})\s?(?:%|percent\b|por ciento\b)", re.IGNORECASE),
        lambda match: ("percent", _number(match[1])),
    ),
    (re.compile(rf"\b{_CLOCK}", re.IGNORECASE), lambda match: ("time", str(_minutes(match[0], match[0])))),
    (re.compile(rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}})\b", re.IGNORECASE), _date),
    (
        re.compile(rf"\b({_FIGURE}|{'|'.join(_NUMBER_WORDS)})((?:[ -][^\W\d_]+){{1,3}})", re.IGNORECASE),
        _counted,
    ),
)
