"""From which probability on a label is right as often as wanted, with the lower 95 % bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from triage.bounds import lower_bound
from triage.granting import Outcome

WANTED_PRECISION = 0.9
ENOUGH = 30


class Basis(StrEnum):
    """Whose held-out predictions a threshold rests on."""

    LABEL = "label"
    GROUP = "group"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """From `probability` on, `n` held-out predictions are right with a share of at least `lower`.

    `probability` is None where no probability reaches the wanted precision.
    """

    label: str
    probability: float | None
    basis: Basis
    n: int
    lower: float


def thresholds_of(
    outcomes: Sequence[Outcome], labels: Sequence[str], *, wanted: float = WANTED_PRECISION
) -> tuple[Threshold, ...]:
    """Return one threshold a label, in the order of `labels`.

    A label that was said fewer than ENOUGH times backs off to its group (what stands before the dot), and a group
    with fewer to all labels together.

    Args:
        outcomes: Held-out predictions.
        labels: Every label of the model.
        wanted: Precision in (0, 1).
    """
    pooled = {Basis.ALL: {"": list(outcomes)}, Basis.GROUP: {}, Basis.LABEL: {}}
    for outcome in outcomes:
        pooled[Basis.GROUP].setdefault(group_of(outcome.said), []).append(outcome)
        pooled[Basis.LABEL].setdefault(outcome.said, []).append(outcome)
    everything = _lowest(pooled[Basis.ALL][""], wanted)
    groups = {name: _lowest(found, wanted) for name, found in pooled[Basis.GROUP].items() if len(found) >= ENOUGH}
    single = {name: _lowest(found, wanted) for name, found in pooled[Basis.LABEL].items() if len(found) >= ENOUGH}
    chosen = []
    for label in labels:
        basis = Basis.LABEL if label in single else Basis.GROUP if group_of(label) in groups else Basis.ALL
        found = single.get(label) or groups.get(group_of(label)) or everything
        chosen.append(Threshold(label=label, basis=basis, probability=found[0], n=found[1], lower=found[2]))
    return tuple(chosen)


def group_of(label: str) -> str:
    """Return what stands before the dot; the whole label where there is none."""
    return label.partition(".")[0]


def _lowest(outcomes: Sequence[Outcome], wanted: float) -> tuple[float | None, int, float]:
    """Return the lowest probability whose predictions reach the wanted precision, how many they are, and the bound."""
    ranked = sorted(outcomes, key=lambda each: -each.probability)
    best: tuple[float | None, int, float] = (None, 0, 0.0)
    hits = 0
    for n, each in enumerate(ranked, start=1):
        hits += each.is_right
        is_last_of_equals = n == len(ranked) or ranked[n].probability < each.probability
        if is_last_of_equals and lower_bound(hits, n) >= wanted:
            best = (each.probability, n, round(lower_bound(hits, n), 4))
    return best
