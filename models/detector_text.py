"""What of a message speaks for its language: no signature, no address, no numbers; names count little.

A street sign, a surname or a mail program's "Sent from my iPhone" says nothing about the language that a resident
writes, yet carries as many letters as the rest of a short message.
"""

import re
import unicodedata
from dataclasses import dataclass

READ_CHARACTERS = 4_000
NAME_WEIGHT = 0.35
ENOUGH_WORDS = 4  # the first paragraph of a mail with that many decides

# Every letter and combining mark; left out are ASCII and Latin-1 signs, general and CJK punctuation, full-width signs,
# digits of all scripts that we serve, and everything from emoji upward.
_LETTERS = (
    "A-Za-zªºÀ-ÖØ-öø-ʯ\u0300-\u036fͰ-ͷͻ-ͽΆΈ-ҁҊ-՘ՠ-ֈ\u0591-\u05bdא-״ؐ-ؚؠ-\u065fٮ-ۓە-ۜ\u06df-\u06e8ۮۯۺ-ۿ"
    "܀-ॣॱ-\u09e5ৰ-\u0a65ੰ-\u0ae5ૹ-\u0b65ୱ-\u0be5\u0c00-\u0c65\u0c80-\u0ce5\u0d00-\u0d65\u0d80-\u0df3"
    "ก-ฺเ-๎ກ-\u0ecf\u0f00-\u0f1f\u0f40-\u0fffက-ဿၐ-\u10faჼ-፟ᎀ-៓\u1800-῾Ⰰ-ⷿ々〆ぁ-ヺー-㆏ㆠ-ㇿ㐀-䶿一-鿿ꀀ-퟿豈-\ufdff"
    "\ufe70-\ufefcＡ-Ｚａ-ｚｦ-ﾟ\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[{_LETTERS}]+")
_LETTERS_AND_SPACES = re.compile(f"[{_LETTERS} ]*")
_ADDRESS = re.compile(r"\S+@\S+|(?:https?://|www\.)\S+|\b[\w-]+\.(?:com|org|net|gov|edu|us)\b\S*", re.IGNORECASE)
_NUMBER = re.compile(r"[#$]?[A-Za-z0-9#$@&+/.,:_-]*[0-9#][A-Za-z0-9#@+/_-]*")
_BREAK = re.compile(r"\n[ \t\r]*\n")
_BOILERPLATE = re.compile(
    r"^[ \t>*_]*(?:--+[ \t]*$|__+[ \t]*$|>|-+ ?(?:original|forwarded) message"
    r"|(?:sent|get) (?:from|via|with|using) |get outlook|enviado (?:desde|do|de|a partir)|envoyé (?:de|depuis)"
    r"|inviato da"
    r"|von mein\w+ \w+ gesendet|gesendet von|wysłane z|trimis de|отправлено (?:с|из)|надіслано (?:з|із)|được gửi từ"
    r"|发自我的|從我的|傳送自我的|나의 .{2,12}에서 보냄|iPhoneから送信"
    r"|on .{6,80} wrote:|el .{6,80} escribió:|le .{6,80} a écrit|em .{6,80} escreveu:"
    r"|confidential|this (?:e-?mail|message|communication)\b|if you (?:are not|have received)"
    r"|please consider the environment"
    r"|disclaimer\b|aviso (?:de confidencialidad|legal)|este (?:mensaje|correo|e-?mail)\b|ce (?:message|courriel)\b)",
    re.IGNORECASE | re.MULTILINE,
)
_KINDS = (
    "St|Street|Ave|Av|Avenue|Blvd|Boulevard|Rd|Road|Dr|Drive|Ln|Lane|Ct|Court|Pl|Place|Pkwy|Parkway|Hwy|Highway|Fwy"
    "|Ter|Terrace|Cir|Circle|Sq|Square|Way|Bridge|Park"
)
_STREET = re.compile(
    rf"\b\d+(?:st|nd|rd|th)\s*(?:&|and|at)\s+[A-Z][\w'’]+|(?:\b[A-Z][\w'’.-]*\s+(?:(?:de|del|la|las|los|el|of|the)\s+)*){{1,4}}(?:{_KINDS})\b\.?"
)
_UNIT = re.compile(
    r"\b(?:apt|unit|ste|suite|bldg|sr|no|case|ref)\b[.:]?\s*(?:[#\d]\S*|[A-Z]\b)|\b[A-Z]{1,4}#\s*\S*", re.IGNORECASE
)
_CAPITAL = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĘĚĞĢĪĶĻŁŃŇŌŐŒŘŚŞŠȘŢŤȚŪŮŰŹŻŽ"
_PARTICLES = "de|del|la|las|los|el|du|des|le|da|do|dos|di|of|the|van|von|y|and|e"
_NAMES = re.compile(rf"(?<![\w'’])[{_CAPITAL}][\w'’.-]*(?:\s+(?:(?:{_PARTICLES})\s+){{0,2}}[{_CAPITAL}][\w'’.-]*)+")


@dataclass(frozen=True, slots=True)
class Words:
    """Lower-cased words of a message, in order.

    Attributes:
        words: Letters only, none empty.
        names: Positions in `words` that belong to a run of capitalized words.
    """

    words: tuple[str, ...]
    names: frozenset[int] = frozenset()


def words_of(text: str) -> Words:
    """Return the words that tell the language of `text`; none where it has fewer than two letters in a row."""
    body = _own_words(_normal(text))
    if not body.isupper():
        body = _STREET.sub(" ", body)
    if not _LETTERS_AND_SPACES.fullmatch(body):
        body = _NUMBER.sub(" ", _ADDRESS.sub(" ", _UNIT.sub(" ", body)))
    if body.isupper():
        return _meaningful(Words(tuple(_WORD.findall(body.lower()))))
    runs = [match.span() for match in _NAMES.finditer(body)]
    if not runs:
        return _meaningful(Words(tuple(_WORD.findall(body.lower()))))
    return _meaningful(_with_names(body, runs))


def _normal(text: str) -> str:
    text = text[:READ_CHARACTERS]
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _own_words(text: str) -> str:
    """Cut signature, disclaimer and quoted mail; of several paragraphs, keep the first that says something."""
    if "\n" not in text:
        return text
    end = _BOILERPLATE.search(text)
    own = text[: end.start()] if end and end.start() else text
    paragraphs = _BREAK.split(own)
    return next((paragraph for paragraph in paragraphs if _says_something(paragraph)), own)


def _says_something(paragraph: str) -> bool:
    words = _WORD.findall(paragraph)
    return sum(max(1, len(word) // 2) if word[0] >= "\u2e80" else 1 for word in words) >= ENOUGH_WORDS


def _with_names(body: str, runs: list[tuple[int, int]]) -> Words:
    words: list[str] = []
    names: set[int] = set()
    for match in _WORD.finditer(body):
        if any(start <= match.start() < end for start, end in runs):
            names.add(len(words))
        words.append(match.group().lower())
    return Words(tuple(words), frozenset(names) if len(names) < len(words) else frozenset())


def _meaningful(words: Words) -> Words:
    """A single Latin letter is an initial or a slip of the finger."""
    return words if any(len(word) > 1 or word > "\u024f" for word in words.words) else Words(())


_IDEOGRAPHS = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]{2,}")


def ideograph_pairs(word: str) -> list[str]:
    """Return every two neighboring ideographs: the words of a text that has no spaces."""
    return [run[start : start + 2] for run in _IDEOGRAPHS.findall(word) for start in range(len(run) - 1)]
