"""Which messages are held out: the newest ones, whole writers, or parts in which every label stands.

Near-duplicates of a message that is learned from are never measured on: they would be remembered, not understood.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from models.datasets import OUT_OF_SCOPE, Example
from models.duplicates import near_duplicates
from triage.errors import DataError

HELD_OUT_SHARE = 0.2
MOST_FITS = 1_500_000  # examples times labels; above it one part is held out, not several in turn


class Split(StrEnum):
    """How messages are held out; `auto` is by time where every message has one, else grouped."""

    AUTO = "auto"
    TIME = "time"
    GROUPED = "grouped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is held out.

    Attributes:
        outside: Masks of shape (n,), one a round: what is measured in it.
        inside: Masks of the same shape: what is learned from.
        kind: `time`, `writers` or `parts`, with how many rounds.
        leaked: Near-duplicates across the border, neither learned from nor measured on in their round.
    """

    outside: tuple[npt.NDArray[np.bool_], ...]
    inside: tuple[npt.NDArray[np.bool_], ...]
    kind: str
    leaked: int


def parts_of(examples: Sequence[Example], folds: int, seed: int, split: Split = Split.AUTO) -> Parts:
    """Choose what is held out.

    Args:
        examples: At least two labels.
        folds: How many parts take turns; one is held out where that would take too long.
        seed: Of the draw.
        split: How.

    Raises:
        DataError: If a time split is asked for and a message has no time, nothing can be held out, or fewer than two
            labels are left beside what is held out.
    """
    return checked(_chosen(examples, folds, seed, split), examples)


def checked(parts: Parts, examples: Sequence[Example]) -> Parts:
    """Return the parts, if something can be learned beside what is held out, and measured on it.

    Raises:
        DataError: If nothing is held out that is in scope, or fewer than two labels are left beside it.
    """
    in_scope = np.array([example.label != OUT_OF_SCOPE for example in examples])
    advice = "bring more of them, or take --split grouped" if parts.kind == "time" else "bring more of them"
    if not any((outside & in_scope).any() for outside in parts.outside):
        raise DataError(
            "no message can be held out: each is out of scope or nearly the same as one that is learned from; " + advice
        )
    for inside in parts.inside:
        labels = {examples[row].label for row in np.flatnonzero(inside & in_scope).tolist()}
        if len(labels) < 2:
            raise DataError(f"the messages beside those held out have one label only, {sorted(labels)}; {advice}")
    return parts


def _chosen(examples: Sequence[Example], folds: int, seed: int, split: Split) -> Parts:
    clusters = near_duplicates([example.text for example in examples])
    has_times = all(example.received_at for example in examples)
    if split is Split.TIME and not has_times:
        raise DataError("a time split needs received_at in every message; add it, or take --split grouped")
    if has_times and split is not Split.GROUPED:
        return _parts([_newest(examples)], clusters, "time")
    numbers, kind = fold_numbers(examples, folds, seed, clusters=clusters)
    rounds = int(numbers.max()) + 1
    if len(examples) * len({example.label for example in examples}) > MOST_FITS:
        numbers, kind = fold_numbers(examples, round(1 / HELD_OUT_SHARE), seed, clusters=clusters)
        rounds = 1
    return _parts([numbers == number for number in range(rounds)], clusters, kind)


def fold_numbers(
    examples: Sequence[Example], folds: int, seed: int, *, clusters: npt.NDArray[np.int64] | None = None
) -> tuple[npt.NDArray[np.int64], str]:
    """Return the fold of each example, and how it was found.

    Whole writers take turns where there are enough of them and each label has two; else near-duplicates stay
    together and are dealt out label by label.
    """
    writers = sorted({example.group for example in examples})
    if len(writers) >= folds and _has_two_writers_each(examples):
        places = {writer: place for place, writer in enumerate(writers)}
        return np.array([places[example.group] % folds for example in examples]), "writers"
    together = np.arange(len(examples)) if clusters is None else clusters
    order = np.random.default_rng(seed).permutation(len(examples))
    dealt: dict[str, int] = {}
    fold_of: dict[int, int] = {}
    for number in order.tolist():
        cluster, label = int(together[number]), examples[number].label
        if cluster not in fold_of:
            first = dealt.setdefault(label, len(dealt))  # each label begins at another fold
            fold_of[cluster] = first % folds
            dealt[label] += 1
    return np.array([fold_of[int(cluster)] for cluster in together], dtype=np.int64), "parts"


def _has_two_writers_each(examples: Sequence[Example]) -> bool:
    writers: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        writers[example.label].add(example.group)
    return all(len(of_label) > 1 for of_label in writers.values())


def _newest(examples: Sequence[Example]) -> npt.NDArray[np.bool_]:
    times = np.array([example.received_at.timestamp() if example.received_at else 0.0 for example in examples])
    order = np.argsort(times, kind="stable")
    newest = np.zeros(len(examples), dtype=np.bool_)
    newest[order[round(len(examples) * (1 - HELD_OUT_SHARE)) :]] = True
    return newest


def _parts(rounds: Sequence[npt.NDArray[np.bool_]], clusters: npt.NDArray[np.int64], kind: str) -> Parts:
    outside = [chosen & ~np.isin(clusters, clusters[~chosen]) for chosen in rounds]
    leaked = sum(int((chosen & ~kept).sum()) for chosen, kept in zip(rounds, outside, strict=True))
    described = kind if kind == "time" else f"{kind}, {len(rounds)} held out in turn"
    return Parts(outside=tuple(outside), inside=tuple(~chosen for chosen in rounds), kind=described, leaked=leaked)
