"""Bytes and headers of a mail to text: the charset it names, else the one it is in; nothing is ever dropped."""

import codecs
import re
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Final

from charset_normalizer import from_bytes

MAX_HEADER: Final = 2_000
MAX_GUESSED: Final = 64_000  # bytes that are looked at to tell a charset
# Names that mailers write and Python does not know, and names that promise less than the bytes hold.
_ALIASES: Final = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "x-mac-roman": "mac_roman",
    "utf8mb4": "utf-8",
    "x-unknown": "",
    "unknown-8bit": "",
    "8bit": "",
    "default": "",
}
# Codecs of Python that are no charset of a mail, and cost time or memory.
_NO_CHARSET: Final = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_LATIN: Final = {"cp1252", "iso8859-15", ""}
_CONTROL: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), " ")
# A run of encoded words (RFC 2047); the space between two of them is no part of the text.
_ENCODED_WORDS: Final = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=(?:\s+=\?[^?\s]+\?[bBqQ]\?[^?]*\?=)*")
_SPACE: Final = re.compile(r"\s+")


def decoded_text(raw: bytes, charset: str | None) -> str:
    """Return the text of a body.

    Valid UTF-8 wins over a Western charset, which decodes everything and is what old mailers name by default; a charset
    that does not fit, is unknown or is missing gives way to the one that the bytes look like.

    Args:
        raw: The body, its transfer encoding undone.
        charset: What the mail says; None where it says nothing.
    """
    name = _codec(charset)
    if name in _LATIN:
        name = "utf-8" if _fits(raw, "utf-8") else name
    if name and _fits(raw, name):
        return sound(raw.decode(name))
    guessed = from_bytes(raw[:MAX_GUESSED]).best()
    return sound(raw.decode(guessed.encoding if guessed else "cp1252", "replace"))


def header_text(raw: object) -> str:
    """Return a header in one line: encoded words decoded, no control character, at most MAX_HEADER characters.

    A line break in it, folded or smuggled in by an encoded word, becomes a space: no header can be injected.
    """
    text = _ENCODED_WORDS.sub(_decoded_words, plain_header(str(raw)[: MAX_HEADER * 4]))
    return _SPACE.sub(" ", sound(text).replace("\x85", " ")).strip()[:MAX_HEADER].strip()


def plain_header(value: str) -> str:
    """Return a header as its bytes read: mailers write UTF-8 and worse into headers without saying so."""
    return value if value.isascii() else decoded_text(value.encode("utf-8", "surrogateescape"), None)


def sound(text: str) -> str:
    """Return text that every store can keep: no NUL, no other control character, no half surrogate pair."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROL)


def _decoded_words(words: "re.Match[str]") -> str:
    try:
        parts = decode_header(words[0])
    except (HeaderParseError, ValueError, LookupError):
        return words[0]
    return "".join(part if isinstance(part, str) else decoded_text(part, charset) for part, charset in parts)


def _codec(charset: str | None) -> str:
    """Return Python's name of a charset; empty where it has none."""
    given = (charset or "").strip().strip("'\"").lower()
    wanted = _ALIASES.get(given, given)
    try:
        name = codecs.lookup(wanted).name if wanted else ""
    except (LookupError, ValueError):
        return ""
    return "" if name in _NO_CHARSET else name


def _fits(raw: bytes, name: str) -> bool:
    try:
        raw.decode(name)
    except (UnicodeError, LookupError, ValueError):
        return False
    return True
