"""Dates as residents write them: "3/14", "March 3rd", "last tuesday", "el 15 de marzo", "two weeks ago", "tonight"."""

from collections.abc import Iterator

from triage.entities_text import Tokens, Word

_COUNTED = frozenset({"a", "few", "couple", "un", "una", "unos", "dos", "tres"})
_ANCHOR = Word.DIGITS | Word.MONTH | Word.WEEKDAY | Word.DAY | Word.DAY_PART | Word.NUMBER
_AGO = frozenset({"ago", "назад", "trước"})
_CHINESE = (
    "昨天",
    "今天",
    "明天",
    "前天",
    "后天",
    "後天",
    "昨晚",
    "今晚",
    "今早",
    "上周",
    "上週",
    "上星期",
    "下周",
    "下週",
    "下星期",
    "上个月",
    "上個月",
    "星期",
    "周末",
)


def dates(tokens: Tokens) -> Iterator[tuple[int, int]]:
    """Yield the tokens [start, end) of each date."""
    for at, flags in enumerate(tokens.flags):
        if flags & _ANCHOR or tokens.words[at] in _COUNTED:
            yield from _dates_at(tokens, at, flags)


def _dates_at(tokens: Tokens, at: int, flags: int) -> Iterator[tuple[int, int]]:
    if flags & Word.DIGITS:
        end = _numeric(tokens, at) or _chinese_date(tokens, at) or _vietnamese_date(tokens, at) or _ago(tokens, at)
        if end:
            yield at, end
    elif flags & Word.NUMBER or tokens.words[at] in _COUNTED:
        end = _ago(tokens, at)
        if end:
            yield at, end
    if flags & Word.MONTH:
        yield from _month(tokens, at)
    if flags & (Word.WEEKDAY | Word.DAY | Word.DAY_PART):
        yield from _day(tokens, at, flags)


def _day(tokens: Tokens, at: int, flags: int) -> Iterator[tuple[int, int]]:
    if flags & Word.WEEKDAY and not tokens.is_(at - 1, "every", "each", "cada") and not _is_a_verb(tokens, at):
        yield _with_month_day(tokens, *_with_relative(tokens, at, at + 1))
    if flags & Word.DAY and not (tokens.is_(at, "mañana") and tokens.is_(at - 1, "la")):
        yield at, at + 1 + tokens.has(at + 1, Word.DAY_PART)
    if flags & Word.DAY_PART:
        yield from _day_part(tokens, at)


def _is_a_verb(tokens: Tokens, at: int) -> bool:
    """Return whether "sat", "wed" or "sun" in small letters is no day."""
    return not tokens.capital[at] and tokens.is_(at - 1, "i", "we", "he", "she", "they", "the", "just", "lop")


def _with_month_day(tokens: Tokens, start: int, end: int) -> tuple[int, int]:
    """Return "Friday, March 7" whole."""
    month = end + tokens.is_(end, ",")
    if not tokens.has(month, Word.MONTH):
        return start, end
    return start, max((last for _, last in _month(tokens, month)), default=end)


def chinese_dates(plain: str) -> Iterator[tuple[int, int]]:
    """Yield the characters [start, end) of Chinese words for a day."""
    if plain.isascii():
        return
    for word in _CHINESE:
        at = plain.find(word)
        while at >= 0:
            weekday = word == "星期" or (
                word[-1] in "期周週" and at + len(word) < len(plain) and plain[at + len(word)] in "一二三四五六日天末"
            )
            if word != "星期" or plain[at + 2 : at + 3] in set("一二三四五六日天"):
                yield at, at + len(word) + weekday
            at = plain.find(word, at + len(word))


def _numeric(tokens: Tokens, at: int) -> int | None:
    """Return the end of 3/14, 3/14/26, 03-14-2026 or 2026-03-14."""
    if tokens.touches(at) and (tokens.words[at - 1] in "/-.:$#" or tokens.has(at - 1, Word.LATIN)):
        return None
    parts, end, mark = [tokens.words[at]], at + 1, ""
    while (
        len(parts) < 3
        and tokens.touches(end)
        and tokens.is_(end, mark or "/", mark or "-", mark or ".")
        and tokens.touches(end + 1)
        and tokens.has(end + 1, Word.DIGITS)
    ):
        mark = tokens.words[end]
        parts.append(tokens.words[end + 1])
        end += 2
    if (tokens.touches(end) and tokens.words[end] in "/-%") or (tokens.touches(end) and tokens.has(end, Word.LATIN)):
        return None
    return end if _is_date(parts, mark) else None


def _is_date(parts: list[str], mark: str) -> bool:
    if len(parts) < 2 or any(len(part) > 4 for part in parts):
        return False
    numbers = [int(part) for part in parts]
    if len(parts) == 3:
        if len(parts[0]) == 4:
            return 1900 <= numbers[0] < 2100 and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31
        day_and_month = sorted(numbers[:2])
        return len(parts[2]) in (2, 4) and 1 <= day_and_month[0] <= 12 and day_and_month[1] <= 31
    return (
        mark == "/"
        and 1 <= numbers[0] <= 12
        and 1 <= numbers[1] <= 31
        and len(parts[1]) <= 2
        and numbers != [1, 2]
        and numbers != [1, 4]
        and numbers != [3, 4]
    )


def _chinese_date(tokens: Tokens, at: int) -> int | None:
    """Return the end of 3月14日."""
    if not (at + 1 < len(tokens) and tokens.words[at + 1] in ("月", "年")):
        return None
    end = at + 2
    while tokens.has(end, Word.DIGITS) and end + 1 < len(tokens) and tokens.words[end + 1][0] in "月日号號":
        end += 2
    return end


def _vietnamese_date(tokens: Tokens, at: int) -> int | None:
    """Return the end of "14 tháng 3"."""
    month = tokens.is_(at + 1, "tháng", "thang") and tokens.has(at + 2, Word.DIGITS)
    return at + 3 if month and len(tokens.words[at]) <= 2 and len(tokens.words[at + 2]) <= 2 else None


def _ago(tokens: Tokens, at: int) -> int | None:
    """Return the end of "2 weeks ago", "a few days ago"; also of "hace 3 días" from its number on."""
    end = at + 1
    while end < at + 4 and (
        tokens.has(end, Word.NUMBER)
        or tokens.is_(end, "few", "couple", "of", "or", "more")
        or tokens.words[end : end + 1] == ["-"]
    ):
        end += 1
    if not tokens.has(end, Word.TIME_UNIT) or tokens.has(at - 1, Word.NUMBER) or tokens.is_(at - 1, "couple", "few"):
        return None
    if end + 1 < len(tokens) and tokens.words[end + 1] in _AGO:
        return end + 2
    return end + 1 if tokens.is_(at - 1, "hace") else None


def _month(tokens: Tokens, at: int) -> Iterator[tuple[int, int]]:
    day_before = at - 1 - tokens.is_(at - 1, "de", "of")
    ordinal = tokens.is_(day_before, "st", "nd", "rd", "th") and tokens.touches(day_before)
    start = day_before - ordinal
    if tokens.has(start, Word.DIGITS) and len(tokens.words[start]) <= 2 and not tokens.breaks(at):
        yield start, _with_year(tokens, at + 1)
        return
    end = at + 1 + (tokens.is_(at + 1, ".") and tokens.has(at + 2, Word.DIGITS))
    if tokens.has(end, Word.DIGITS) and len(tokens.words[end]) <= 2 and not tokens.is_(end + 1, ":", "%"):
        end += 1 + (tokens.touches(end + 1) and tokens.is_(end + 1, "st", "nd", "rd", "th"))
        yield at, _with_year(tokens, end)
    elif (tokens.has(end, Word.ORDINAL) and not tokens.is_(at, "may", "march", "mar")) or (
        tokens.has(end, Word.DIGITS) and len(tokens.words[end]) == 4 and tokens.words[end][:2] in ("19", "20")
    ):
        yield at, end + 1
    elif not tokens.is_(at, "may", "mar", "march", "dec", "jan", "jun", "mayo", "марта") or tokens.is_(
        at - 1, "in", "since", "last", "until", "en", "by"
    ):
        yield _with_relative(tokens, at, at + 1)


def _with_year(tokens: Tokens, end: int) -> int:
    year = end + tokens.is_(end, ",", "de", "del")
    stands = tokens.has(year, Word.DIGITS) and len(tokens.words[year]) == 4 and tokens.words[year][:2] in ("19", "20")
    return year + 1 if stands else end


def _with_relative(tokens: Tokens, at: int, end: int) -> tuple[int, int]:
    before = tokens.has(at - 1, Word.RELATIVE) and not tokens.breaks(at)
    after = tokens.is_(end, "pasado", "próximo", "proximo", "night", "morning", "afternoon", "evening")
    return at - before, end + after


def _day_part(tokens: Tokens, at: int) -> Iterator[tuple[int, int]]:
    if tokens.has(at - 1, Word.RELATIVE) and not tokens.has(at, Word.DAY):
        yield at - 1, at + 1
    elif tokens.is_(at + 1, "pasada", "pasado", "próxima", "proxima") and not tokens.has(at, Word.DAY):
        yield at, at + 2
