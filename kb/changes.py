"""What differs between two versions of an article: lines first, then the words inside the lines that changed."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

# A word, a run of space or of signs; scripts that are written without spaces are compared letter by letter.
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf"\s+|[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]+")
MOST_PAIRS: Final = 4_000_000  # of words that are compared within one change; above, the whole stretch is exchanged


class ChangeKind(StrEnum):
    """What happened to a stretch of the text."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A stretch of the text; what is the same and what was removed make the old text, in this order."""

    kind: ChangeKind
    text: str


def changes(before: str, after: str) -> tuple[Change, ...]:
    """Return the stretches that make one text into another, in the order of the text; a removal comes before the
    addition in its place.

    Joined, `same` and `removed` are `before`; `same` and `added` are `after`. Neighbors are of different kinds.
    """  # noqa: D205 (one sentence)
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Change] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Change(kind=ChangeKind.SAME, text="".join(old[i:j])))
        else:
            found.extend(_within("".join(old[i:j]), "".join(new[k:m])))
    return tuple(_joined(found))


def _within(before: str, after: str) -> Iterator[Change]:
    """Yield the changes of words within a stretch of changed lines."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if len(old) * len(new) > MOST_PAIRS:
        yield from _exchanged(old, new)
        return
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Change(kind=ChangeKind.SAME, text="".join(old[i:j]))
        else:
            yield from _exchanged(old[i:j], new[k:m])


def _exchanged(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    if old:
        yield Change(kind=ChangeKind.REMOVED, text="".join(old))
    if new:
        yield Change(kind=ChangeKind.ADDED, text="".join(new))


def _joined(found: Iterable[Change]) -> Iterator[Change]:
    """Yield neighbors of one kind as one."""
    waiting: Change | None = None
    for change in found:
        if waiting is not None and waiting.kind is change.kind:
            waiting = Change(kind=change.kind, text=waiting.text + change.text)
            continue
        if waiting is not None:
            yield waiting
        waiting = change
    if waiting is not None:
        yield waiting
