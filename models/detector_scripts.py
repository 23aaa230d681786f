"""Scripts of the languages that the detector tells apart, by code point.

A script that only one of our languages writes decides alone; Latin, Cyrillic, Arabic, Devanagari and Han are left to
the profiles.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x10000  # beyond the Basic Multilingual Plane are emoji and rare ideographs: read as a space


class Script(IntEnum):
    """A writing system; NONE is everything that is not a letter."""

    NONE = 0
    LATIN = 1
    CYRILLIC = 2
    ARABIC = 3
    DEVANAGARI = 4
    HAN = 5
    KANA = 6
    HANGUL = 7
    ETHIOPIC = 8
    GURMUKHI = 9
    THAI = 10
    HEBREW = 11
    GREEK = 12
    ARMENIAN = 13
    GEORGIAN = 14
    BENGALI = 15
    KHMER = 16
    LAO = 17
    BURMESE = 18
    GUJARATI = 19
    TAMIL = 20
    TELUGU = 21
    KANNADA = 22
    MALAYALAM = 23


SIMPLIFIED, TRADITIONAL, JAPANESE, SHARED = "\ue000\ue001\ue002\ue003"  # private use: no text has them

DECIDED = {
    Script.KANA: "ja",
    Script.HANGUL: "ko",
    Script.ETHIOPIC: "am",
    Script.GURMUKHI: "pa",
    Script.THAI: "th",
    Script.HEBREW: "he",
    Script.GREEK: "el",
    Script.ARMENIAN: "hy",
    Script.GEORGIAN: "ka",
    Script.BENGALI: "bn",
    Script.KHMER: "km",
    Script.LAO: "lo",
    Script.BURMESE: "my",
    Script.GUJARATI: "gu",
    Script.TAMIL: "ta",
    Script.TELUGU: "te",
    Script.KANNADA: "kn",
    Script.MALAYALAM: "ml",
}

_RANGES = (
    (0x0041, 0x005A, Script.LATIN),
    (0x0061, 0x007A, Script.LATIN),
    (0x00C0, 0x00D6, Script.LATIN),
    (0x00D8, 0x00F6, Script.LATIN),
    (0x00F8, 0x02AF, Script.LATIN),
    (0x1E00, 0x1EFF, Script.LATIN),
    (0x0370, 0x03FF, Script.GREEK),
    (0x1F00, 0x1FFF, Script.GREEK),
    (0x0400, 0x052F, Script.CYRILLIC),
    (0x0531, 0x0587, Script.ARMENIAN),
    (0x05D0, 0x05F2, Script.HEBREW),
    (0x0620, 0x06FF, Script.ARABIC),
    (0x0750, 0x077F, Script.ARABIC),
    (0xFB50, 0xFDFF, Script.ARABIC),
    (0xFE70, 0xFEFC, Script.ARABIC),
    (0x0900, 0x097F, Script.DEVANAGARI),
    (0x0980, 0x09FF, Script.BENGALI),
    (0x0A00, 0x0A7F, Script.GURMUKHI),
    (0x0A80, 0x0AFF, Script.GUJARATI),
    (0x0B80, 0x0BFF, Script.TAMIL),
    (0x0C00, 0x0C7F, Script.TELUGU),
    (0x0C80, 0x0CFF, Script.KANNADA),
    (0x0D00, 0x0D7F, Script.MALAYALAM),
    (0x0E00, 0x0E7F, Script.THAI),
    (0x0E80, 0x0EFF, Script.LAO),
    (0x1000, 0x109F, Script.BURMESE),
    (0x10A0, 0x10FF, Script.GEORGIAN),
    (0x1100, 0x11FF, Script.HANGUL),
    (0x3130, 0x318F, Script.HANGUL),
    (0xAC00, 0xD7AF, Script.HANGUL),
    (0x1200, 0x139F, Script.ETHIOPIC),
    (0x1780, 0x17FF, Script.KHMER),
    (0x3041, 0x30FF, Script.KANA),
    (0xFF66, 0xFF9F, Script.KANA),
    (0x3400, 0x4DBF, Script.HAN),
    (0x4E00, 0x9FFF, Script.HAN),
    (0xF900, 0xFAFF, Script.HAN),
)


def script_table() -> npt.NDArray[np.uint8]:
    """Return the `Script` of every code point of the Basic Multilingual Plane, shape (65536,)."""
    table = np.zeros(CODE_POINTS, dtype=np.uint8)
    for first, last, script in _RANGES:
        table[first : last + 1] = script
    return table


def script_of_letter(letter: str) -> Script:
    """Return the script of one character."""
    return next((script for first, last, script in _RANGES if first <= ord(letter) <= last), Script.NONE)


def han_class(character: str) -> str:
    """Return what an ideograph says: one that stands for its kind.

    The national character sets know: GB 2312 was made for simplified Chinese, Big5 for traditional, JIS X 0208
    for Japanese. The kinds are simplified only, traditional only, Japanese only, and none of these.
    """
    simplified, traditional = _is_in(character, "gb2312"), _is_in(character, "big5")
    if simplified == traditional:
        return JAPANESE if not simplified and _is_in(character, "shift_jis") else SHARED
    return SIMPLIFIED if simplified else TRADITIONAL


def _is_in(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
