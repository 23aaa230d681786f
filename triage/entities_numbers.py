"""Numbers and contacts: telephone, e-mail, payment card, and the numbers that a city gives out.

Telephones, cards and e-mails are found by their form, whatever stands around them; a city's numbers by a cue word
and their format, by a prefix of their own ("SR-55102"), or, where the format says enough, bare.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
# A number far from its cue: five digits or more, or letters or groups with a hyphen, and no date.
_LIKE_A_NUMBER = re.compile(
    r"\d{5,14}|[A-Z]{1,6}-?\d{3,12}|(?:[A-Z]{1,6}-?){0,2}\d{1,12}(?:-[A-Z]{0,4}\d{1,10}|-[A-Z]){1,3}"
)
_NUMBER_WORDS = frozenset({
    "number", "num", "no", "nr", "nbr", "#", "№", "número", "numero", "núm", "số", "so", "mã", "номер", "номера",
    "号码", "號碼", "号", "號", "編號", "编号", "numbers", "nos", "nº", "numéro", "numeros", "números", "код", "code",
    "номером", "номеру", "номере", "nimewo", "رقم", "رقمه", "رقمها", "برقم", "الرقم", "شماره",
    "번호", "번호는", "번호가",
})  # fmt: skip
# What a sentence puts between a cue and its number where no word for "number" stands there: "the account … is 4471-2".
_LINKS = frozenset({
    "is", "was", "are", "s", "es", "era", "son", "là", "la", "el", "lo", "это", "це", "é", "est", "le", "se", "ay",
    "هو", "هي", "está", "estaba", "reads", "says", "shows", "saying", "under", "called", ":", "#", "=", "as", "(",
    "mang", "是", "为", "為", "terminada", "ending", "dash",
})  # fmt: skip
# Behind a number: "88213047 is my account".
_BEHIND_LINKS = frozenset({
    "is", "was", "s", "'", "that", "which", "the", "my", "our", "(", "-", "es", "era", "mi", "de", "la", "el", "là",
    "của", "số", "это", "мой", "моя", "номер", "моего", "est", "mon", "é", "minha", "meu", "o", "number", "no",
    "número", "numero", "是我的", "是我", "是", "ang", "ko",
})  # fmt: skip
# Quantities that stand beside a cue and are no number of it; and what else a number can be.
_MEASURES = frozenset({
    "dollars", "dollar", "bucks", "cents", "usd", "sq", "sqft", "square", "ft", "feet", "foot", "gal", "gals",
    "gallons",
    "miles", "kwh", "kw", "ccf", "units", "percent", "people", "times", "days", "hours", "years", "cars", "lumens",
    "watts", "liters", "litros", "galones", "dólares", "dolares", "pesos", "pies", "metros", "personas", "veces",
    "años",
    "đô", "đồng", "mét", "долларов", "рублей", "руб", "кубов", "галлонов", "метров", "тысяч", "euros", "mètres",
    "reais", "doláres", "piso", "дол", "доларів", "гривень", "달러", "원", "دولار", "دلار", "street", "st", "ave",
    "avenue", "blvd", "rd", "block", "am", "pm",
})  # fmt: skip
_MEASURES_HAN = ("元", "块", "塊", "美", "平方", "英尺", "加仑", "加侖", "年", "人", "度", "달러", "원")
_OTHER_NUMBERS = frozenset({
    "balance", "fee", "fees", "cost", "costs", "price", "budget", "amount", "total", "valuation", "zip", "model",
    "reading", "readings", "usage", "year", "bus", "route", "zone", "badge", "saldo", "lectura", "lecturas", "costo",
    "precio", "monto", "modelo", "leitura", "ruta", "postal", "показания", "показание", "показаний", "показаниях",
    "сумма", "модель", "автобус", "индекс", "баланс", "показники", "relevé", "modèle", "phone", "tel", "telephone",
    "cell", "mobile", "teléfono", "telefono", "celular", "sđt", "телефон", "тел", "телефону", "téléphone", "telefone",
    "هاتف", "هاتفي", "تلفن", "전화", "전화번호",
})  # fmt: skip
_OTHER_NUMBERS_HAN = ("电话", "電話", "手机", "手機", "读数", "讀數", "金额", "金額", "型号", "型號", "전화")
_READINGS = frozenset({
    "lectura", "lecturas", "leitura", "показания", "показание", "показаний", "показники", "relevé", "قراءة", "قرائت",
})  # fmt: skip
_SENTENCE_ENDS = frozenset("?!;。？！；؟")
_FAR_REACH, _SENTENCE_REACH, _VAGUE_REACH, _BEHIND_REACH, _FAR_ORDER = 25, 15, 8, 10, 7
# No house number has six digits, so that such a number far from its cue still goes before an address.
_LONG = 6
_DISTINCT = re.compile(r"[A-Z]{1,5}-\d{4,10}(?:-\d{1,8})?|[A-Z]{0,5}-?\d{2,4}-\d{4,8}(?:-\d{1,4})?|[A-Z]\d{6,9}")
_DATE = re.compile(r"\d{1,2}-\d{1,2}-\d{2,4}|(?:19|20)\d\d-\d{1,2}(?:-\d{1,2})?|\d{1,2}-(?:19|20)\d\d")
_LIST_MARKS = frozenset({",", "&", "and", "y", "и", "và", "or", "o", "和"})
_THOUSANDS = 3
_MOST_GROUPS, _MOST_READ_OUT = 4, 14
_LEAST_SPOKEN = 5
_LONGEST_PREFIX, _LONGEST_LETTERS = 3, 4
_SPOKEN_JOINTS = frozenset({"-", ",", ".", "dash", "hyphen", "guion", "guión"})
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
    vague: frozenset[str]


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
            vague=frozenset(word_list(row.get("vague", ()))),
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
        runs = dict.fromkeys(self._start(tokens, at) for at in numeric)
        told = [found for at in runs for found in self._numbered(tokens, at)]
        yield from told
        yield from _alike(tokens, runs, told)
        yield from self._spoken(tokens)
        if "dot" in tokens.words:
            yield from _spoken_emails(tokens)

    # --- the city's numbers ---------------------------------------------------------------------------------------

    def _start(self, tokens: Tokens, at: int) -> int:
        """Return where a number begins, behind a cue written in one with it: "acct4471902"."""
        start = _run_start(tokens, at)
        while start < at and len(tokens.words[start]) > _LONGEST_PREFIX and tokens.words[start] in self._by_cue:
            start += 1 + tokens.is_(start + 1, "-")
        return min(start, at)

    def _numbered(self, tokens: Tokens, at: int) -> Iterator[Found]:
        end = _run_end(tokens, at)
        if end - at == 1 and len(tokens.words[at]) < 2 and not _is_read_out(tokens, at):
            return
        value = tokens.plain[tokens.starts[at] : tokens.ends[end - 1]].upper()
        form = self._by_prefix.get(tokens.words[at])
        if form is not None and len(value) >= 5 and form.format.fullmatch(value):
            yield Found(form.kind, tokens.starts[at], tokens.ends[end - 1], 0.97, 2)
            return
        form = self._cue_before(tokens, at) or self._plate_before(tokens, at) or self._cue_behind(tokens, end)
        # What may be an account's number is rather hidden once too often: a measure behind it says too little.
        quantity = _is_price(tokens, at, end) or (
            _is_measured(tokens, at, end) and not (form is not None and form.kind == EntityKind.ACCOUNT)
        )
        if form is not None and not quantity and (found := _fitting(tokens, form, at, end, 0.97, 2)) is not None:
            yield found
            return
        if not quantity:
            yield from self._far(tokens, at, end)
        for form in self._formats:
            if form.bare is not None and form.bare.fullmatch(value) and not tokens.is_(at - 1, "$"):
                yield Found(form.kind, tokens.starts[at], tokens.ends[end - 1], 0.6, 5)

    def _cue_before(self, tokens: Tokens, at: int) -> NumberFormat | None:
        """Return the format whose cue leads to a token, over at most six fillers or numbers of the same list."""
        listed = crossed = False
        for back in range(at - 1, max(-1, at - 1 - _CUE_REACH), -1):
            if tokens.breaks(back + 1) and tokens.has(back, Word.DIGITS):
                return None
            form = self._cue_at(tokens, back)
            if form is not None and not _tells_reading(tokens, back, form):
                # "request, 7018 Rhodes" goes on with something else; "accounts 4471 and 5182" goes on with a list.
                goes_on = crossed or not listed or len(tokens.words[at]) >= _LONG
                return self._settled(tokens, back, form) if goes_on else None
            first_part = back == at - 1 and any(_is_letters_of(tokens, back, other) for other in self._formats)
            if form is not None or not (first_part or self._may_lie_between(tokens, back)):
                return None
            crossed = crossed or tokens.has(back, Word.DIGITS)
            listed = listed or tokens.words[back] in _LIST_MARKS
        return None

    def _cue_behind(self, tokens: Tokens, end: int) -> NumberFormat | None:
        """Return the format whose cue follows a number: "88213047 is my account", unless it leads to the next one."""
        if not tokens.has(end - 1, Word.DIGITS) or len(tokens.words[end - 1]) < _LEAST_SPOKEN:
            return None
        for near in range(end, min(len(tokens), end + _CUE_REACH)):
            form = self._cue_at(tokens, near)
            if form is not None:
                follows = any(tokens.has(behind, Word.DIGITS) for behind in range(near + 1, near + 4))
                return form if near > end and not follows else None
            if tokens.words[near] not in _BEHIND_LINKS:
                return None
        return None

    def _far(self, tokens: Tokens, at: int, end: int) -> Iterator[Found]:
        """Yield a number that its sentence ties to a cue farther away: "my permit …, number B-221"."""
        start, wider = _grouped(tokens, at, end)
        value = tokens.plain[tokens.starts[start] : tokens.ends[wider - 1]].upper()
        joined = _joined(value)
        short = joined.isdigit() and len(joined) == 4 and not joined.startswith(("19", "20"))
        if not (short and _is_number_word(tokens, start - 1)) and not _LIKE_A_NUMBER.fullmatch(joined):
            return
        form = self._far_cue(tokens, start, wider, joined)
        if form is not None:
            sure = _count_digits(joined) >= _LONG and not self._may_be_phone(tokens, start, value)
            yield Found(form.kind, tokens.starts[start], tokens.ends[wider - 1], 0.8, 2 if sure else _FAR_ORDER)

    def _may_be_phone(self, tokens: Tokens, at: int, value: str) -> bool:
        """Return whether a number of a telephone's form is told as one, or written as nothing else is."""
        if _PHONE.fullmatch(value) is None:
            return False
        groups = _DIGIT_GROUPS.findall(value)
        before = range(max(0, at - _CUE_REACH), at)
        told = any(tokens.has(near, Word.PHONE_CUE) and not _is_number_word(tokens, near) for near in before)
        mine = any(
            tokens.is_(near, "my", "mi", "мой", "tôi") and _is_number_word(tokens, near + 1) for near in before[:-1]
        )
        return told or mine or len(groups) > 2 or not self._exchanges.isdisjoint((groups[0], value[3:6]))

    def _far_cue(self, tokens: Tokens, at: int, end: int, value: str) -> NumberFormat | None:
        """Return the format of the nearest cue that the number fits: wide around "number …", else in its sentence."""
        named = any(_is_number_word(tokens, near) for near in range(max(0, at - 3), at))
        linked = tokens.is_(at - 1, *_LINKS) or (tokens.is_(at - 2, *_LINKS) and tokens.is_(at - 1, *_LINKS, "the"))
        if not (named or linked or _DISTINCT.fullmatch(value)) or _DATE.fullmatch(value):
            return None
        reach = _FAR_REACH if named else _SENTENCE_REACH
        for near in range(at - 1, max(-1, at - 1 - reach), -1):
            if _is_other_number(tokens, near) or (not named and _ends_sentence(tokens, near)):
                return None
            form = self._cue_at(tokens, near)
            if form is not None and form.kind != EntityKind.PLATE and _fits(form, value):
                return None if _tells_reading(tokens, near, form) else self._settled(tokens, near, form)
        behind = range(end, min(len(tokens), end + _BEHIND_REACH)) if named else ()
        forms = (form for near in behind if (form := self._cue_at(tokens, near)) is not None)
        form = next(forms, None)
        return form if form is not None and _fits(form, value) else None

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
            return self._han_cue(word)
        return None

    def _han_cue(self, word: str) -> NumberFormat | None:
        """Return the format of the last cue in a run of signs, but of a vague one only where it is alone."""
        there = [(self._by_cue[cue][0], cue) for cue in self._han_cues if cue in word]
        told = [(form, cue) for form, cue in there if cue not in form.vague] or there
        return max(told, key=lambda pair: (word.rfind(pair[1]) + len(pair[1]), len(pair[1])))[0] if told else None

    def _settled(self, tokens: Tokens, at: int, form: NumberFormat) -> NumberFormat:
        """Return what a vague cue stands for: the citation of "parking …, ticket", the permit of "permit …, ref"."""
        if tokens.words[at] in form.vague or (
            tokens.words[at] > "\u3000" and any(v in tokens.words[at] for v in form.vague)
        ):
            return self._told_before(tokens, at) or form
        if (
            tokens.is_(at, "ticket")
            and form.kind == EntityKind.CASE
            and any(flags & Word.CITATION_CUE for flags in tokens.flags)
        ):
            return next((other for other in self._formats if other.kind == EntityKind.CITATION), form)
        return form

    def _told_before(self, tokens: Tokens, at: int) -> NumberFormat | None:
        for back in range(at - 1, max(-1, at - 1 - _VAGUE_REACH), -1):
            if _ends_sentence(tokens, back) or tokens.has(back, Word.DIGITS):
                return None
            form = self._cue_at(tokens, back)
            if form is not None and tokens.words[back] not in form.vague and form.kind != EntityKind.PLATE:
                return form
        return None

    def _may_lie_between(self, tokens: Tokens, at: int) -> bool:
        if (
            tokens.has(at, Word.FILLER)
            or _is_number_word(tokens, at)
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
                or (words[end] in _SPOKEN_JOINTS and end + 1 < len(words) and words[end + 1] in digits)
            ):
                end += 1
            yield from self._spoken_run(tokens, at, end)
            at = end

    def _spoken_run(self, tokens: Tokens, at: int, end: int) -> Iterator[Found]:
        count = sum(tokens.words[place] in self._digit_words for place in range(at, end))
        if count < _LEAST_SPOKEN:
            return
        span = tokens.starts[at], tokens.ends[end - 1]
        form = self._cue_before(tokens, at) or self._far_cue(tokens, at, end, "9" * count)
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
    return (at, end) if form.kind == EntityKind.PLATE else _grouped(tokens, at, end)


def _grouped(tokens: Tokens, at: int, end: int) -> tuple[int, int]:
    """Return a run with the short groups of digits behind it and a letter before it: "70 118 442", "G 551 2207"."""
    if _is_read_out(tokens, at):
        while _is_digit(tokens, end) and end - at < _MOST_READ_OUT:
            end += 1
        return at, end
    if (
        tokens.is_(end, "/")
        and tokens.touches(end)
        and tokens.touches(end + 1)
        and len(tokens.words[end - 1]) in (2, 4)
    ):
        long = tokens.has(end + 1, Word.DIGITS) and len(tokens.words[end + 1]) >= _LEAST_SPOKEN
        return at, end + 2 * long
    last = end
    while (
        last - at < _MOST_GROUPS
        and len(tokens.words[last - 1]) <= 4
        and tokens.has(last, Word.DIGITS)
        and tokens.starts[last] - tokens.ends[last - 1] == 1
        and tokens.plain[tokens.ends[last - 1]] == " "
        and 2 <= len(tokens.words[last]) <= 5
        and _run_end(tokens, last) == last + 1
        and not _PHONE.match(tokens.plain, tokens.starts[last])
        and not _is_price(tokens, last, last + 1)
        and not _is_measured(tokens, last, last + 1)
    ):
        last += 1
    if last > end and tokens.has(last, Word.LATIN) and tokens.capital[last] and not tokens.has(last, Word.STOP):
        last = end  # "account 4471 2210 Florin": the group begins an address
    letter = tokens.has(at - 1, Word.LATIN) and len(tokens.words[at - 1]) == 1 and tokens.capital[at - 1]
    return (at - 1 if letter and last > end and not tokens.touches(at - 1) else at), last


def _is_read_out(tokens: Tokens, at: int) -> bool:
    """Return whether single digits follow one another, as transcripts have them: "4 4 7 1 9 0 2"."""
    return not _is_digit(tokens, at - 1) and all(_is_digit(tokens, near) for near in range(at, at + _LEAST_SPOKEN))


def _is_digit(tokens: Tokens, at: int) -> bool:
    return tokens.has(at, Word.DIGITS) and len(tokens.words[at]) == 1


def _alike(tokens: Tokens, runs: Iterable[int], told: Sequence[Found]) -> Iterator[Found]:
    """Yield numbers written like one that its cue told: "account 33-90021, not 33-90012"."""
    shapes = {
        _shape(tokens.plain[found.start : found.end]): found.kind
        for found in told
        if found.order == 2 and _DISTINCT.fullmatch(tokens.plain[found.start : found.end].upper())
    }
    taken = {found.start for found in told}
    for at in runs if shapes else ():
        start, end = tokens.starts[at], tokens.ends[_run_end(tokens, at) - 1]
        kind = shapes.get(_shape(tokens.plain[start:end]))
        if kind is not None and start not in taken and not _PHONE.fullmatch(tokens.plain, start, end):
            yield Found(kind, start, end, 0.8, 5)


def _shape(number: str) -> str:
    return "".join("9" if character.isdigit() else character.upper() for character in number)


def _fitting(tokens: Tokens, form: NumberFormat, at: int, end: int, probability: float, order: int) -> Found | None:
    """Return the widest run at a token that a format allows."""
    lettered = ((at - 1, end),) if form.kind != EntityKind.PLATE and _is_letters_of(tokens, at - 1, form) else ()
    for start, last in dict.fromkeys((*lettered, _widened(tokens, form, at, end), (at, end))):
        value = tokens.plain[tokens.starts[start] : tokens.ends[last - 1]].upper()
        if _fits(form, value) or (form.kind != EntityKind.PLATE and _fits(form, _joined(value))):
            return Found(form.kind, tokens.starts[start], tokens.ends[last - 1], probability, order)
    return None


def _is_letters_of(tokens: Tokens, at: int, form: NumberFormat) -> bool:
    """Return whether capitals before a number are its first part: "permit BLD 24-0412", not "request SR 24-0718"."""
    if at < 0 or tokens.touches(at + 1) or not tokens.capital[at] or not tokens.has(at, Word.LATIN):
        return False
    written = tokens.plain[tokens.starts[at] : tokens.ends[at]]
    is_word = tokens.has(at, Word.STOP | Word.FILLER | Word.ORDINARY) or written.lower() in form.cues
    return written.isupper() and 2 <= len(written) <= _LONGEST_LETTERS and not is_word


def _joined(value: str) -> str:
    return value.replace(" ", "").replace("/", "-")


def _fits(form: NumberFormat, value: str) -> bool:
    # A letter says as much as a digit: "meter K-114".
    least = form.digits - (value[:1].isalpha() and form.digits > 1)
    return _count_digits(value) >= least and form.format.fullmatch(value) is not None


def _is_price(tokens: Tokens, at: int, end: int) -> bool:
    """Return whether a number is a sum of money, a decimal, or goes on with grouped thousands."""
    if tokens.is_(at - 1, "$", "€", "£", "¥", "₽"):
        return True
    if not (tokens.touches(end) and tokens.touches(end + 1)):
        return False
    behind = len(tokens.words[end + 1]) if tokens.has(end + 1, Word.DIGITS) else 0
    return (tokens.is_(end, ".") and behind in (1, 2)) or (tokens.is_(end, ",") and behind == _THOUSANDS)


def _is_measured(tokens: Tokens, at: int, end: int) -> bool:
    """Return whether a measure follows plain digits: "12000 sq ft"."""
    if end - at > 1 or end >= len(tokens):
        return False
    word = tokens.words[end]
    return word in _MEASURES or word in "%$€₽" or word.startswith(_MEASURES_HAN)


def _is_number_word(tokens: Tokens, at: int) -> bool:
    return tokens.words[at] in _NUMBER_WORDS or tokens.words[at].startswith(("번호", "号码", "號碼"))


def _is_other_number(tokens: Tokens, at: int) -> bool:
    word = tokens.words[at]
    return word in _OTHER_NUMBERS or (word > "\u3000" and any(other in word for other in _OTHER_NUMBERS_HAN))


def _tells_reading(tokens: Tokens, at: int, form: NumberFormat) -> bool:
    """Return whether a cue tells what a meter shows, and not its number: "показания счётчика 60118"."""
    return form.kind == EntityKind.METER and any(tokens.is_(near, *_READINGS) for near in range(max(0, at - 2), at))


def _ends_sentence(tokens: Tokens, at: int) -> bool:
    if tokens.words[at] in _SENTENCE_ENDS or tokens.breaks(at):
        return True
    return tokens.is_(at, ".") and at + 1 < len(tokens) and not tokens.touches(at + 1) and len(tokens.words[at - 1]) > 4


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
