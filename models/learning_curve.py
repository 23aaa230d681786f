"""What more labels would give: accuracy on the same held-out messages after a part of the training messages.

The error is taken to fall as a power of the number of messages (Cortes et al. 1993, "Learning curves: asymptotic values
and rate of convergence", with the asymptote at 0).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.fitting import Progress, Recipe
from models.held_out import HeldOut, Material
from models.splitting import Parts

SHARES = (0.125, 0.25, 0.5)
LARGEST_FIT = 20_000  # messages; a larger part is not fitted for the curve's sake
LEAST = 50
MORE = 500
DRAWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A model of `n` messages has `accuracy` of `measured` held-out ones right."""

    n: int
    accuracy: float
    measured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What `more` labelled messages like those at hand would give.

    Attributes:
        n: How many messages there are.
        more: How many would come.
        accuracy: What the curve says of `n`.
        gain: Accuracy that `more` would add, in [-1, 1].
        low: Lower end of the gain's 95 % interval.
        high: Upper end.
    """

    n: int
    more: int
    accuracy: float
    gain: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it as a sentence."""
        gain, low, high = (f"{100 * each:+.1f}" for each in (self.gain, self.low, self.high))
        return (
            f"{self.more} more labels beside the {self.n} would give about {gain} points of accuracy "
            f"(95 % interval {low} to {high}), if they are like these"
        )


def learning_curve(
    material: Material,
    labels: tuple[str, ...],
    parts: Parts,
    weight: float,
    recipe: Recipe,
    whole: HeldOut,
    progress: Progress,
) -> tuple[Point, ...]:
    """Return the accuracy of models of parts of the messages on those held out first, the smallest part first.

    Args:
        material: The messages.
        labels: Of the model.
        parts: What is held out; the first round counts.
        weight: Of the sentence vector.
        recipe: How to fit.
        whole: What models of the whole say; the last point is taken from it.
        progress: Told of (what, done, total).
    """
    inside, outside = parts.inside[0], parts.outside[0]
    order = np.random.default_rng(recipe.seed).permutation(np.flatnonzero(inside))
    sizes = [n for n in (round(len(order) * share) for share in SHARES) if LEAST <= n <= LARGEST_FIT]
    found = []
    for number, n in enumerate(sizes):
        progress("learning curve", number, len(sizes))
        drawn = np.zeros(len(inside), dtype=np.bool_)
        drawn[order[:n]] = True
        if len(np.unique(material.truth[drawn & (material.truth >= 0)])) > 1:
            found.append(_point(n, material.held_out(labels, drawn, outside, weight, recipe)))
    progress("learning curve", 1, 1)
    first = np.isin(whole.rows, np.flatnonzero(outside))
    return (*found, _point(len(order), whole.of(first)))


def outlook(points: Sequence[Point], n: int, *, more: int = MORE, seed: int = 0) -> Outlook | None:
    """Return what more messages would give beyond n; None where fewer than two points, or no error, tell a slope.

    The interval is that of the slope when each point's error is drawn anew, as often as it was measured.
    """
    errors = np.array([1 - point.accuracy for point in points])
    if len(points) < 2 or errors.min() <= 0:
        return None
    sizes = np.log([point.n for point in points])
    measured = np.array([point.measured for point in points])
    draws = np.random.default_rng(seed).binomial(measured, errors, size=(DRAWS, len(points))) / measured
    gains = [np.subtract(*_errors(sizes, row, n, more)) for row in np.maximum(draws, 0.5 / measured)]
    now, then = _errors(sizes, errors, n, more)
    low, high = np.quantile(gains, [0.025, 0.975])
    return Outlook(
        n=n,
        more=more,
        accuracy=round(1 - now, 4),
        gain=round(now - then, 4),
        low=round(float(low), 4),
        high=round(float(high), 4),
    )


def points_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Return the points that a model's meta.json holds."""
    return tuple(Point(**each) for each in stored)


def as_stored(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Return the points as meta.json holds them."""
    return [asdict(each) for each in points]


def _errors(sizes: npt.NDArray[np.float64], errors: npt.NDArray[np.float64], n: int, more: int) -> tuple[float, float]:
    """Return the errors of models of `n` and of `n + more` messages on the line through logarithms."""
    slope, level = np.polyfit(sizes, np.log(errors), 1)
    now, then = (float(np.exp(level + slope * np.log(size))) for size in (n, n + more))
    return now, then


def _point(n: int, held_out: HeldOut) -> Point:
    return Point(n=n, accuracy=round(held_out.accuracy, 4), measured=int(held_out.is_inside.sum()))
