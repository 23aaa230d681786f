"""What a translation must not lose or make up: spans are tagged before it and put back after it, outputs are checked.

The faults are those that users of Argos Translate report: repeated words and loops of applause, invented sentences,
sources copied, digits lost (argos-translate#367, #444, #312, #382).
"""

import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

_NUMBER = re.compile(r"[#№]?\d(?:[\d.,:/-]*\d)?")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"\w+")
_TAG = re.compile(r"[Xx]\s?[Qq]\s?(\d{1,3})\s?[Xx]")
_LONGEST_LOOP = 6  # words
_TIMES = 3  # a phrase said so often in a row is a loop, unless the source says it too
_COPY_FROM = 4  # words; shorter ones may be names
_SHORTEST, _LONGEST = 0.3, 3.0  # words of the English to words of the source
_HAN_PER_WORD = 1.7  # signs
_RATIO_FROM = 5  # words


class Fault(StrEnum):
    """Why an output is doubted."""

    REPEATS = "repeats"
    LENGTH = "length"
    COPIED = "copied"
    DIGITS = "digits"
    SYMBOLS = "symbols"


def protected(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, tuple[str, ...]]:
    """Return the text with a tag in the place of each span and each other number, and what stood there.

    Overlapping spans count once, the first of them. Numbers of one or two digits stay: engines keep them, and a tag
    in every "2" would tear the sentence apart.
    """
    numbers = [match.span() for match in _NUMBER.finditer(text) if sum(c.isdigit() for c in match.group()) > 2]
    chosen: list[tuple[int, int]] = []
    for start, end in sorted((*spans, *numbers), key=lambda span: (span[0], -span[1])):
        if not chosen or start >= chosen[-1][1]:
            chosen.append((start, end))
    parts, kept, last = [], [], 0
    for number, (start, end) in enumerate(chosen):
        parts += [text[last:start], f"XQ{number}X"]
        kept.append(text[start:end])
        last = end
    return "".join(parts) + text[last:], tuple(kept)


def restored(output: str, kept: Sequence[str]) -> str:
    """Return the output with what stood in the place of each tag; what the engine lost is added in brackets."""
    seen: set[int] = set()

    def put_back(match: re.Match[str]) -> str:
        number = int(match.group(1))
        seen.add(number)
        return kept[number] if number < len(kept) else ""

    text = _TAG.sub(put_back, output)
    lost = [value for number, value in enumerate(kept) if number not in seen]
    return f"{text} [{'; '.join(lost)}]" if lost else text


def faults(source: str, english: str) -> list[Fault]:
    """Return what is wrong with one translated sentence, in the order of `Fault`."""
    checks = {
        Fault.REPEATS: _repeats(english) and not _repeats(source),
        Fault.LENGTH: _length_is_off(source, english),
        Fault.COPIED: _is_copied(source, english),
        Fault.DIGITS: bool(Counter(_DIGITS.findall(source)) - Counter(_DIGITS.findall(english))),
        Fault.SYMBOLS: bool(_WORD.search(source)) and not _WORD.search(english),
    }
    return [fault for fault, is_so in checks.items() if is_so]


def _repeats(text: str) -> bool:
    words = _WORD.findall(text.lower())
    return any(
        words[start : start + size] * _TIMES == words[start : start + size * _TIMES]
        for size in range(1, _LONGEST_LOOP + 1)
        for start in range(len(words) - size * _TIMES + 1)
    )


def _length_is_off(source: str, english: str) -> bool:
    dense = sum("\u3040" <= character <= "\u9fff" for character in source)
    expected = len(_WORD.findall(source)) if dense * 2 < len(source) else dense / _HAN_PER_WORD
    if expected < _RATIO_FROM:
        return len(_WORD.findall(english)) > 4 * _RATIO_FROM
    return not _SHORTEST <= len(_WORD.findall(english)) / expected <= _LONGEST


def _is_copied(source: str, english: str) -> bool:
    words = [word for word in _WORD.findall(source.lower()) if not word.isdigit()]
    same = set(words) & set(_WORD.findall(english.lower()))
    return len(words) >= _COPY_FROM and len(same) > 0.8 * len(set(words))
