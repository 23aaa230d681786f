"""No message that something is measured with stands in what is learned from, told by its sequences of five words.

A phrase that anybody would write ("how do i get a copy of") is no sign of copying; half of a message's sequences in one
and the same message that is learned from is.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from models.datasets import default_data

ROOT = Path(__file__).parents[2]
MEASURED = sorted((ROOT / "benchmarks" / "data").glob("*.jsonl"))
WORDS = 5
LEAST = 3  # a greeting is nobody's
COPIED = 0.5  # share of a message's five-word sequences that stand in one and the same message
_WORD = re.compile(r"\w+")


def grams(text: str) -> set[tuple[str, ...]]:
    """Return every five words in a row, all words of a shorter text; characters in a script without spaces."""
    words = _WORD.findall(text.lower())
    if len(words) < LEAST:
        return set()
    pieces = list("".join(words)) if len(text) / len(words) > 12 else words
    return {tuple(pieces[start : start + WORDS]) for start in range(max(1, len(pieces) - WORDS + 1))}


@cache
def learned_from() -> dict[tuple[str, ...], list[str]]:
    """Return where each sequence stands in what is learned from, `FILE:LINE`."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in sorted(default_data().glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            for gram in grams(json.loads(line)["text"]):
                places[gram].append(f"{path.name}:{number}")
    return places


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        row = json.loads(line)
        yield from ((number, value) for value in (row.get("text"), *row.get("texts", {}).values()) if value)


def copies(texts: Iterator[tuple[int, str]]) -> list[str]:
    """Return the texts too many of whose sequences stand in one message that is learned from."""
    found = []
    for number, text in texts:
        own = grams(text)
        shared = Counter(place for gram in own for place in learned_from().get(gram, ()))
        place, n = max(shared.items(), key=lambda item: item[1], default=("", 0))
        if own and n / len(own) >= COPIED:
            found.append(f"line {number} shares {n} of {len(own)} sequences with {place}")
    return found


@pytest.mark.parametrize("path", MEASURED, ids=lambda path: path.name)
def test_nothing_that_is_measured_with_is_learned_from(path: Path) -> None:
    assert copies(texts_of(path)) == []


def test_a_copied_message_would_be_found() -> None:
    first = json.loads((default_data() / "en-a.jsonl").read_text("utf-8").splitlines()[0])["text"]
    assert len(copies(iter([(1, f"{first} please")]))) == 1
    assert copies(iter([(1, "something nobody wrote")])) == []
