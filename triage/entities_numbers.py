"""Numbers and contacts: telephone, e-mail, payment card, and the numbers that a city gives out.

Telephones, cards and e-mails are found by their form, whatever stands around them; a city's numbers by a cue word
and their format, by a prefix of their own ("SR-55102"), or, where the format says enough, bare.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triage.entities_text import LATIN, Tokens, Word, word_list
from triage.errors import SettingsError
from triage.types import EntityKind

# North American numbers, and international ones with their plus sign; digits may not run on.
_PHONE = re.compile(
    r"(?<![0-9])(?:\+?1[ .\-]{0,2})?\(?[2-9][0-9]{2}\)?[ .\-/]{0,3}[2-9][0-9]{2}[ .\-]{0,2}[0-9]{4}(?![0-9])"
    r"|(?<![0-9])(?<![0-9][-./])[2-9][0-9]{2}[-.][0-9]{4}(?![0-9])(?![-./][0-9])"
    r"|\+[0-9]{1,3}(?:[ .\-()]{0,2}[0-9]{1,4}){3,6}(?![0-9])"
)
_LOCAL_PHONE = re.compile(r"(?<![0-9])(?<![0-9][-./ ])([0-9]{3}) ([0-9]{4})(?![0-9])")
_DIGIT_GROUPS = re.compile(r"[0-9]+")
_LOCAL_PART = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'")
_DOMAIN = re.compile(rf"(?:[A-Za-z0-9{LATIN}](?:[A-Za-z0-9{LATIN}-]{{0,62}})\.){{1,6}}[A-Za-z{LATIN}]{{2,24}}")
_SPOKEN_DOMAINS = frozenset({"com", "org", "net", "gov", "edu", "us", "info", "mx", "ru", "vn"})
_CARD_DIGITS = range(13, 20)
_CARD_STARTS = "23456"
_CUE_REACH = 6
# A number far from its cue: six digits or more, or letters or groups with a hyphen, and no date; a telephone number,
# an address or a date that reads the same digits wins.
_LIKE_A_NUMBER = re.compile(
    r"(?!\d{1,2}-\d{1,2}-\d{2,4}$)(?:\d{6,}|[A-Z]{1,5}-?\d{2,10}(?:-\d{1,8}){0,2}|\d{2,6}-\d{3,8}(?:-\d{1,8})?)"
)
_NUMBER_WORDS = frozenset({
    "number", "num", "no", "nr", "nbr", "#", "№", "número", "numero", "núm", "số", "so", "mã", "номер", "номера",
    "号码", "號碼", "号", "號", "編號", "编号",
})  # fmt: skip
_FAR_REACH, _BEHIND_REACH, _FAR_ORDER = 25, 10, 7
_LIST_MARKS = frozenset({",", "&", "and", "y", "и", "và", "or", "o", "和"})
_LEAST_SPOKEN = 5
_SPOKEN_PHONE = frozenset({7, 10})


@dataclass(frozen=True, slots=True)
class Found:
    """Characters [start, end) of the plain text that are a number or contact; the lower `order` wins an overlap."""

    kind: EntityKind
    start: int
    end: int
    probability: float
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """How a city writes one kind of number."""

    kind: EntityKind
    cues: Mapping[str, tuple[tuple[str, ...], ...]]
    format: re.Pattern[str]
    bare: re.Pattern[str] | None
    prefixes: frozenset[str]
    digits: int


def number_formats(document: Mapping[str, Any]) -> tuple[NumberFormat, ...]:
    """Read the formats of the settings, in their order.

    Raises:
        SettingsError: If a kind is unknown or a format is no regular expression.
    """
    return tuple(_number_format(kind, row) for kind, row in document.items())


def _number_format(kind: str, row: Mapping[str, Any]) -> NumberFormat:
    cues: dict[str, tuple[tuple[str, ...], ...]] = {}
    for cue in word_list(row.get("cues", ())):
        parts = tuple(cue.split("_"))
        cues[parts[-1]] = (*cues.get(parts[-1], ()), parts[:-1])
    try:
        return NumberFormat(
            kind=EntityKind(kind),
            cues=cues,
            format=re.compile(row["format"]),
            bare=re.compile(row["bare"]) if "bare" in row else None,
            prefixes=frozenset(row.get("prefixes", ())),
            digits=int(row.get("digits", 4)),
        )
    except (ValueError, KeyError, re.error) as error:
        raise SettingsError(f"the number format of {kind!r} in the entity settings is wrong: {error!r}") from error


class NumberReader:
    """Finds numbers and contacts in the tokens of one text."""

    def __init__(
        self, formats: Sequence[NumberFormat], digit_words: Mapping[str, int], exchanges: frozenset[str]
    ) -> None:
        self._formats = formats
        self._digit_words = digit_words
        self._exchanges = exchanges
        self._by_cue: dict[str, list[NumberFormat]] = {}
        self._by_prefix = {prefix: form for form in formats for prefix in form.prefixes}
        for form in formats:
            for cue in form.cues:
                self._by_cue.setdefault(cue, []).append(form)
        self._han_cues = _longest_first(cue for cue in self._by_cue if cue > "\u3000")

    def found(self, tokens: Tokens) -> Iterator[Found]:
        """Yield the numbers of a text; they may overlap."""
        plain = tokens.plain
        if "@" in plain:
            yield from emails(plain)
        numeric = [at for at, flags in enumerate(tokens.flags) if flags & Word.DIGITS]
        if numeric:
            yield from cards(plain)
            yield from _phones(plain)
            yield from self._local_phones(tokens)
        for at in dict.fromkeys(_run_start(tokens, at) for at in numeric):
            yield from self._numbered(tokens, at)
        yield from self._spoken(tokens)
        if "dot" in tokens.words:
            yield from _spoken_emails(tokens)

    # --- the city's numbers ---------------------------------------------------------------------------------------

    def _numbered(self, tokens: Tokens, at: int) -> Iterator[Found]:
        end = _run_end(tokens, at)
        if end - at == 1 and len(tokens.words[at]) < 2:
            return
        value = tokens.plain[tokens.starts[at] : tokens.ends[end - 1]].upper()
        form = self._by_prefix.get(tokens.words[at])
        if form is not None and len(value) >= 5 and form.format.fullmatch(value):
            yield Found(form.kind, tokens.starts[at], tokens.ends[end - 1], 0.97, 2)
            return
        form = self._cue_before(tokens, at) or self._plate_before(tokens, at)
        if form is not None:
            start, end = _widened(tokens, form, at, end)
            value = tokens.plain[tokens.starts[start] : tokens.ends[end - 1]].upper()
            if _count_digits(value) >= form.digits and form.format.fullmatch(value):
                yield Found(form.kind, tokens.starts[start], tokens.ends[end - 1], 0.97, 2)
                return
        if (form := self._far_cue(tokens, at, value)) is not None:
            yield Found(form.kind, tokens.starts[at], tokens.ends[end - 1], 0.8, _FAR_ORDER)
        for form in self._formats:
            if form.bare is not None and form.bare.fullmatch(value) and not tokens.is_(at - 1, "$"):
                yield Found(form.kind, tokens.starts[at], tokens.ends[end - 1], 0.6, 5)

    def _cue_before(self, tokens: Tokens, at: int) -> NumberFormat | None:
        """Return the format whose cue leads to a token, over at most six fillers or numbers of the same list."""
        listed = crossed = False
        for back in range(at - 1, max(-1, at - 1 - _CUE_REACH), -1):
            form = self._cue_at(tokens, back)
            if form is not None:
                # "request, 7018 Rhodes" goes on with something else; "accounts 4471 and 5182" goes on with a list.
                return self._settled(tokens, back, form) if crossed or not listed else None
            if not self._may_lie_between(tokens, back):
                return None
            crossed = crossed or tokens.has(back, Word.DIGITS)
            listed = listed or tokens.words[back] in _LIST_MARKS
        return None

    def _far_cue(self, tokens: Tokens, at: int, value: str) -> NumberFormat | None:
        """Return the format whose cue is nearest to a number that can be nothing else: "my permit …, number B-221"."""
        announced = any(tokens.is_(near, *_NUMBER_WORDS) for near in range(at - 3, at))
        if not announced or not _LIKE_A_NUMBER.fullmatch(value):
            return None
        before = range(at - 1, max(-1, at - 1 - _FAR_REACH), -1)
        behind = range(at + 1, min(len(tokens), at + _BEHIND_REACH))
        forms = (form for near in (*before, *behind) if (form := self._cue_at(tokens, near)) is not None)
        form = next(forms, None)
        fits = form is not None and _count_digits(value) >= form.digits and form.format.fullmatch(value)
        return form if fits else None

    def _plate_before(self, tokens: Tokens, at: int) -> NumberFormat | None:
        """Return the format of plates where "plate BXA" leads to the digits at a token."""
        lettered = tokens.has(at - 1, Word.LATIN) and len(tokens.words[at - 1]) <= 3 and tokens.capital[at - 1]
        form = self._cue_before(tokens, at - 1) if lettered else None
        return form if form is not None and form.kind == EntityKind.PLATE else None

    def _cue_at(self, tokens: Tokens, at: int) -> NumberFormat | None:
        word = tokens.words[at]
        for form in self._by_cue.get(word, ()):
            if any(
                tuple(tokens.words[at - len(before) : at]) == before for before in form.cues[word] if len(before) <= at
            ):
                return form
        if word > "\u3000":
            return next((self._by_cue[cue][0] for cue in self._han_cues if cue in word), None)
        return None

    def _settled(self, tokens: Tokens, at: int, form: NumberFormat) -> NumberFormat:
        """Return citation instead of case for a ticket that the police or a parking officer wrote."""
        if (
            tokens.is_(at, "ticket")
            and form.kind == EntityKind.CASE
            and any(flags & Word.CITATION_CUE for flags in tokens.flags)
        ):
            return next((other for other in self._formats if other.kind == EntityKind.CITATION), form)
        return form

    def _may_lie_between(self, tokens: Tokens, at: int) -> bool:
        if (
            tokens.has(at, Word.FILLER)
            or tokens.words[at] in "/-()\"'"
            or tokens.words[at] in _LIST_MARKS
            or tokens.words[at] == "s"
        ):
            return True
        if tokens.has(at, Word.DIGITS):
            return len(tokens.words[at]) >= 3
        return 1 <= len(tokens.words[at]) <= 4 and tokens.has(at, Word.LATIN) and tokens.words[at] in self._by_prefix

    def _local_phones(self, tokens: Tokens) -> Iterator[Found]:
        for match in _LOCAL_PHONE.finditer(tokens.plain):
            if match.group(1) in self._exchanges:
                yield Found(EntityKind.PHONE, *match.span(), 0.9, 3)

    # --- numbers read out loud ------------------------------------------------------------------------------------

    def _spoken(self, tokens: Tokens) -> Iterator[Found]:
        at = 0
        words, digits = tokens.words, self._digit_words
        while at < len(words):
            if words[at] not in digits:
                at += 1
                continue
            end = at + 1
            while end < len(words) and (
                words[end] in digits
                or (words[end] in ("-", ",", ".") and end + 1 < len(words) and words[end + 1] in digits)
            ):
                end += 1
            yield from self._spoken_run(tokens, at, end)
            at = end

    def _spoken_run(self, tokens: Tokens, at: int, end: int) -> Iterator[Found]:
        count = sum(tokens.words[place] in self._digit_words for place in range(at, end))
        if count < _LEAST_SPOKEN:
            return
        span = tokens.starts[at], tokens.ends[end - 1]
        form = self._cue_before(tokens, at)
        if form is not None and count >= form.digits:
            yield Found(form.kind, *span, 0.9, 2)
        elif count in _SPOKEN_PHONE or count > 10:
            yield Found(EntityKind.PHONE, *span, 0.85, 3)


def _longest_first(words: Iterator[str]) -> tuple[str, ...]:
    return tuple(sorted(words, key=len, reverse=True))


def _joins(tokens: Tokens, at: int) -> bool:
    return tokens.has(at, Word.DIGITS | Word.LATIN) or tokens.is_(at, "-")


def _run_start(tokens: Tokens, at: int) -> int:
    """Return where the run of letters, digits and hyphens begins that a token of digits ends or stands in."""
    while at > 0 and tokens.touches(at) and _joins(tokens, at - 1) and not tokens.is_(at - 1, "-"):
        at -= 1
    if (
        tokens.touches(at)
        and tokens.is_(at - 1, "-")
        and tokens.touches(at - 1)
        and tokens.has(at - 2, Word.LATIN | Word.DIGITS)
    ):
        return _run_start(tokens, at - 2)
    return at


def _run_end(tokens: Tokens, at: int) -> int:
    end = at + 1
    while end < len(tokens) and tokens.touches(end) and _joins(tokens, end):
        end += 1
    return end - 1 if tokens.is_(end - 1, "-") else end


def _widened(tokens: Tokens, form: NumberFormat, at: int, end: int) -> tuple[int, int]:
    """Return the run with a group before or behind it that belongs to it: "SR 240718", "7ABC 123", "1234 5678"."""
    before = at - 1
    wider = _run_end(tokens, end) if end < len(tokens) and not tokens.breaks(end) else end
    if form.kind == EntityKind.PLATE and 1 <= len(tokens.plain[tokens.starts[at] : tokens.ends[end - 1]]) <= 4:
        if wider > end and tokens.has(end, Word.LATIN | Word.DIGITS) and _is_plate_part(tokens, end, wider):
            return at, wider
        if (
            tokens.has(before, Word.LATIN)
            and len(tokens.words[before]) <= 3
            and not (tokens.has(before, Word.FILLER | Word.STOP) or tokens.words[before] in form.cues)
        ):
            return before, end
    grouped = form.kind == EntityKind.ACCOUNT and wider - end == 1 and tokens.has(end, Word.DIGITS)
    return (at, wider) if grouped and 3 <= len(tokens.words[end]) <= 5 and len(tokens.words[at]) <= 4 else (at, end)


def _is_plate_part(tokens: Tokens, at: int, end: int) -> bool:
    text = tokens.plain[tokens.starts[at] : tokens.ends[end - 1]]
    return len(text) <= 4 and (text.isdigit() or (text.isupper() and not tokens.has(at, Word.STOP)))


def _count_digits(value: str) -> int:
    return sum("0" <= character <= "9" for character in value)


# --- contacts -----------------------------------------------------------------------------------------------------


def _phones(plain: str) -> Iterator[Found]:
    for match in _PHONE.finditer(plain):
        text = match.group()
        grouped = not text.isdigit()
        start = match.start() + (text[0] == "(" and ")" not in text)
        yield Found(EntityKind.PHONE, start, match.end(), 0.98 if grouped else 0.85, 3 if grouped else 4)


def cards(plain: str) -> Iterator[Found]:
    """Yield payment card numbers: 13 to 19 digits, in groups or not, that pass the check of Luhn (ISO/IEC 7812-1)."""
    groups: list[re.Match[str]] = list(_DIGIT_GROUPS.finditer(plain))
    taken = 0
    for first, group in enumerate(groups):
        if group.start() < taken or group.group()[0] not in _CARD_STARTS:
            continue
        end = _card_end(plain, groups, first)
        if end is not None:
            taken = end
            yield Found(EntityKind.CARD, group.start(), end, 0.99, 0)


def _card_end(plain: str, groups: Sequence[re.Match[str]], first: int) -> int | None:
    digits = ""
    end = groups[first].start()
    best = None
    for group in groups[first : first + _CARD_DIGITS.stop]:
        between = plain[end : group.start()]
        if digits and not (len(between) <= 3 and set(between) <= {" ", "-", "."}):
            break
        digits += group.group()
        end = group.end()
        if len(digits) >= _CARD_DIGITS.stop:
            break
        if len(digits) in _CARD_DIGITS and passes_luhn(digits):
            best = end
    return best


def passes_luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (Luhn, ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def emails(plain: str) -> Iterator[Found]:
    """Yield e-mail addresses; each `@` is read outwards, at most 64 characters to the left (RFC 5321, 4.5.3.1)."""
    at = plain.find("@")
    while at >= 0:
        start = at
        while start > 0 and at - start < 64 and plain[start - 1] in _LOCAL_PART:
            start -= 1
        while start < at and plain[start] in ".-'%+":
            start += 1
        match = _DOMAIN.match(plain, at + 1)
        if match and start < at:
            yield Found(EntityKind.EMAIL, start, match.end(), 0.99, 1)
        at = plain.find("@", at + 1)


def _spoken_emails(tokens: Tokens) -> Iterator[Found]:
    """Yield "dana dot lee at example dot org", as transcripts have it."""
    for at, word in enumerate(tokens.words):
        if word != "dot" or not tokens.is_(at + 1, *_SPOKEN_DOMAINS):
            continue
        start = at - 1
        while start > 1 and tokens.is_(start - 1, "dot"):
            start -= 2
        if not tokens.is_(start - 1, "at", "@") or start < 2:
            continue
        start -= 2
        while start > 1 and tokens.is_(start - 1, "dot", "underscore", "dash", "hyphen"):
            start -= 2
        if start >= 0 and tokens.words[start][0].isalnum():
            yield Found(EntityKind.EMAIL, tokens.starts[start], tokens.ends[at + 1], 0.9, 1)
