"""Texts in known languages, cut into short pieces; every tenth line is held out before anything is learned.

Half of the held-out lines calibrate, the other half is measured on. A line that is learned from shares no six words
in a row with a held-out one.
"""

import gzip
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from models.detector_scripts import Script, script_of_letter
from models.detector_text import words_of
from triage.errors import DataError

BUCKETS = {"1 word": (1, 1), "2 words": (2, 2), "3-5 words": (3, 5), "6-12 words": (6, 12)}
PIECES_PER_LINE = 2
UNSPACED = frozenset({"zh-Hans", "zh-Hant", "yue", "ja"})  # two characters stand for a word

# Beside lid/train, which has little of these two; every source's license lets counts be given away (see CARD.md).
MORE_SOURCES = {
    "ht": ("civic-ma-eviction", "civic-phila", "civic-beacon-dispatch", "storybooks", "covid-terms"),
    "hmn": ("covid-terms",),
}
LEARNED_ONLY = {"ht": ("bible-haitian",)}  # archaic: nobody's message sounds like it
_TWO_IDEOGRAPHS = re.compile("[\u3000-\uffef]{1,2}|[^\u3000-\uffef]+")
_FILE_CODES = {"zh-Hans": "zh-cn", "zh-Hant": "zh-tw"}


class Part(StrEnum):
    """What a line is used for."""

    LEARN = "learn"
    CALIBRATE = "calibrate"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A few words in a known language."""

    text: str
    code: str
    bucket: str


def part_of(line: str) -> Part:
    """Return the part that a line belongs to: one line in twenty tests, one in twenty calibrates, by hash alone."""
    number = int.from_bytes(blake2b(line.encode(), digest_size=4).digest(), "big") % 20
    return Part.TEST if number == 0 else Part.CALIBRATE if number == 1 else Part.LEARN


def lines_of(data: Path, code: str, part: Part) -> list[str]:
    """Return the lines of one language and part, in the order of their files.

    Args:
        data: The folder of TRIAGE_DATA_DIR.
        code: A language of `lid/train`.
        part: Lines to learn from come without those that share six words in a row with a held-out one.

    Raises:
        DataError: If a file is missing.
    """
    lines = list(_identified(data, code))
    lines += [line for source in MORE_SOURCES.get(code, ()) for line in _parallel(data, code, source)]
    if part is not Part.LEARN:
        return [line for line in lines if part_of(line) is part]
    lines += [line for source in LEARNED_ONLY.get(code, ()) for line in _parallel(data, code, source)]
    held_out = {run for line in lines if part_of(line) is not Part.LEARN for run in _runs(line)}
    return [line for line in lines if part_of(line) is Part.LEARN and held_out.isdisjoint(_runs(line))]


def pieces_of(lines: Sequence[str], code: str, *, most: int = 300) -> list[Piece]:
    """Cut lines into pieces of one, two, three to five and six to twelve words; the text alone decides where.

    Args:
        lines: What was held out.
        code: Its language. Two characters stand for a word where none are spaced; a piece without a letter of
            the language's own script (a brand, a number) is left out.
        most: Pieces a bucket at most.
    """
    own = _script(lines)
    pieces = []
    for bucket in BUCKETS:
        drawn = [piece for line in lines for piece in _draws(line, code, bucket, own)]
        random.Random(bucket).shuffle(drawn)
        pieces += drawn[:most]
    return pieces


def _draws(line: str, code: str, bucket: str, own: Script) -> Iterator[Piece]:
    units = _TWO_IDEOGRAPHS.findall(line) if code in UNSPACED else line.split()
    numbers = random.Random(f"{line}{bucket}")
    for _ in range(PIECES_PER_LINE):
        length = numbers.randint(*BUCKETS[bucket])
        if length > len(units):
            continue
        start = numbers.randint(0, len(units) - length)
        text = ("" if code in UNSPACED else " ").join(units[start : start + length])
        if own in set(map(script_of_letter, "".join(words_of(text).words))):
            yield Piece(text=text, code=code, bucket=bucket)


def _script(lines: Sequence[str]) -> Script:
    """Return the script of most letters."""
    scripts = [script for line in lines for script in map(script_of_letter, line) if script is not Script.NONE]
    return max(set(scripts), key=scripts.count) if scripts else Script.NONE


def _identified(data: Path, code: str) -> Iterator[str]:
    return _lines(data / "lid" / "train" / f"{_FILE_CODES.get(code, code)}.txt.gz")


def _parallel(data: Path, code: str, source: str) -> Iterator[str]:
    for line in _lines(data / "parallel" / code / f"{source}.tsv.gz"):
        yield line.split("\t")[0].strip()


def _lines(path: Path) -> Iterator[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from filter(None, map(str.strip, file))
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error}); is TRIAGE_DATA_DIR the folder of the measuring data?"
        ) from error


def _runs(line: str) -> Iterator[tuple[str, ...]]:
    words = words_of(line).words
    return (words[start : start + 6] for start in range(len(words) - 5))
