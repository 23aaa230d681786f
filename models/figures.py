"""Figures of the notebooks: every one names its axes and their units. The only home of matplotlib."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from models.drift import Moved
from models.learning_curve import Outlook, Point
from models.promotion import Change

WIDTH = 9.0  # inches
LINE = 0.28  # inches a row of horizontal bars
# Okabe and Ito's colors, told apart by readers who see fewer of them; the last one is for what is left.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000", "#999999")


def over_time(days: Sequence[date], names: Sequence[str], counts: Sequence[Sequence[int]], *, what: str) -> Figure:
    """Return stacked bars, one a day.

    Args:
        days: In order.
        names: One a layer, the lowest first.
        counts: `counts[i][j]` contacts of `names[i]` on `days[j]`.
        what: What the layers are, for the legend.
    """
    figure, axes = _empty(height=3.6)
    bottom = np.zeros(len(days))
    for name, row, color in zip(names, counts, _colors(len(names)), strict=True):
        axes.bar(np.arange(len(days)), row, bottom=bottom, width=0.85, label=name, color=color)
        bottom += np.array(row)
    _mark_days(axes, days)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="day received (city's zone)", ylabel="contacts a day")
    axes.legend(title=what, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


def heat(days: Sequence[date], names: Sequence[str], counts: Sequence[Sequence[int]], *, what: str) -> Figure:
    """Return a grid of days and names, darker where there were more contacts; arguments as in `over_time`."""
    figure, axes = _empty(height=1.2 + LINE * len(names))
    image = axes.imshow(np.array(counts), aspect="auto", cmap="Blues", vmin=0, interpolation="nearest")
    _mark_days(axes, days)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="day received (city's zone)", ylabel=what)
    bar = figure.colorbar(image, ax=axes, label="contacts a day")
    bar.locator = MaxNLocator(integer=True)
    bar.update_ticks()
    return figure


def bars(counts: Mapping[str, float], *, x: str, y: str, top: int = 25) -> Figure:
    """Return horizontal bars, the longest above, each with its number.

    Args:
        counts: Length of each bar by its name.
        x: What the length is, with its unit.
        y: What the names are.
        top: How many at most.
    """
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
    figure, axes = _empty(height=1.0 + LINE * max(1, len(ranked)))
    drawn = axes.barh([name for name, _ in ranked], [value for _, value in ranked], color=COLORS[0])
    axes.bar_label(drawn, fmt="%g", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set(xlabel=x, ylabel=y)
    if all(float(value).is_integer() for value in counts.values()):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def reliability(points: Sequence[tuple[float, float]]) -> Figure:
    """Return how often predictions of a probability are right; (mean probability, share right) of equal parts."""
    figure, axes = _empty(height=4.0, width=5.0)
    axes.plot([0, 1], [0, 1], color="#999999", linestyle="--", label="as stated")
    axes.plot(*_columns(points), color=COLORS[0], marker="o", label="as observed")
    _percent(axes, "probability that was stated (%)", "share that was right (%)")
    axes.legend(frameon=False)
    return figure


def coverage(points: Sequence[tuple[float, float]]) -> Figure:
    """Return the precision of the surest share of the messages; (share, precision)."""
    figure, axes = _empty(height=4.0, width=5.0)
    axes.plot(*_columns(points), color=COLORS[0], marker="o")
    _percent(axes, "share of the messages, the surest first (%)", "precision of those (%)")
    axes.set_ylim(min(0.5, *(share for _, share in points)) - 0.02, 1.02)
    return figure


def changes(found: Sequence[Change], *, what: str) -> Figure:
    """Return how much of each language or type is right before and after, one line each."""
    figure, axes = _empty(height=1.4 + LINE * len(found))
    names = [f"{each.name} ({each.n})" for each in found]
    before, after = [each.before for each in found], [each.after for each in found]
    axes.hlines(names, before, after, color="#999999", linewidth=2)
    axes.plot(before, names, "o", color=COLORS[1], label="active model")
    axes.plot(after, names, "o", color=COLORS[0], label="candidate")
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    axes.set(xlabel="messages that are right (%)", ylabel=f"{what} (messages)")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def learning(points: Sequence[Point], outlook: Outlook | None) -> Figure:
    """Return accuracy by the number of training messages, and where more of them would lead."""
    figure, axes = _empty(height=3.6, width=6.5)
    axes.plot([each.n for each in points], [each.accuracy for each in points], "o-", color=COLORS[0], label="measured")
    if outlook is not None:
        ends = [outlook.accuracy, outlook.accuracy + outlook.gain]
        bounds = [max(0.0, outlook.gain - outlook.low)], [max(0.0, outlook.high - outlook.gain)]
        sizes = [outlook.n, outlook.n + outlook.more]
        axes.plot(sizes, ends, "s--", color=COLORS[5], label=f"expected of all, and of {outlook.more} more")
        axes.errorbar(sizes[1:], ends[1:], yerr=bounds, fmt="none", color=COLORS[5], capsize=4)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    axes.set(xlabel="training messages", ylabel="held-out messages that are right (%)")
    axes.legend(frameon=False)
    return figure


def moved(found: Sequence[Moved]) -> Figure:
    """Return how far each feature has moved since the training, beside what chance explains."""
    figure, axes = _empty(height=1.4 + 2 * LINE * len(found))
    rows = np.arange(len(found))
    axes.barh(rows - 0.2, [each.distance for each in found], height=0.38, color=COLORS[0], label="moved")
    chance = [each.by_chance for each in found]
    axes.barh(rows + 0.2, chance, height=0.38, color="#999999", label="by chance (95 of 100)")
    axes.set_yticks(rows, [each.feature for each in found])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    axes.set(xlabel="messages of another kind than at training (%)", ylabel="feature")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def _empty(*, height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _mark_days(axes: Axes, days: Sequence[date]) -> None:
    """Name at most ten of the days, the first among them."""
    step = max(1, -(-len(days) // 10))
    axes.set_xticks(range(0, len(days), step), [f"{day:%d %b}" for day in days[::step]])


def _percent(axes: Axes, x: str, y: str) -> None:
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
    axes.set(xlabel=x, ylabel=y)


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _colors(n: int) -> list[str]:
    return [COLORS[min(number, len(COLORS) - 1)] for number in range(n)]
