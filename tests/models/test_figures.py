"""Every figure names its axes with their units, and draws what it was given."""

from collections.abc import Callable
from datetime import date

import pytest
from matplotlib.figure import Figure

from models import figures
from models.drift import Moved
from models.learning_curve import Outlook, Point
from models.promotion import Change

DAYS = [date(2026, 3, 1), date(2026, 3, 2)]
CHANGE = Change(name="es", n=10, before=0.5, after=0.7, lost=1, won=3)
MOVED = Moved(feature="words", distance=0.2, by_chance=0.1, most=())
POINTS = [Point(n=100, accuracy=0.5, measured=50), Point(n=200, accuracy=0.6, measured=50)]
MORE = Outlook(n=250, more=500, accuracy=0.62, gain=0.1, low=0.05, high=0.15)
DRAWN: dict[str, Callable[[], Figure]] = {
    "day received (city's zone) | contacts a day": lambda: figures.over_time(DAYS, ["web"], [[1, 2]], what="channel"),
    "day received (city's zone) | service type": lambda: figures.heat(DAYS, ["a"], [[1, 2]], what="service type"),
    "contacts | language": lambda: figures.bars({"en": 3, "es": 1}, x="contacts", y="language"),
    "probability that was stated (%) | share that was right (%)": lambda: figures.reliability([(0.2, 0.3)]),
    "share of the messages, the surest first (%) | precision of those (%)": lambda: figures.coverage([(0.2, 1.0)]),
    "messages that are right (%) | language (messages)": lambda: figures.changes([CHANGE], what="language"),
    "training messages | held-out messages that are right (%)": lambda: figures.learning(POINTS, MORE),
    "messages of another kind than at training (%) | feature": lambda: figures.moved([MOVED]),
}


@pytest.mark.parametrize("axes", DRAWN)
def test_a_figure_names_its_axes_with_their_units(axes: str) -> None:
    drawn = DRAWN[axes]().axes[0]
    assert f"{drawn.get_xlabel()} | {drawn.get_ylabel()}" == axes


def test_bars_come_longest_first() -> None:
    drawn = figures.bars({"es": 1, "en": 3, "vi": 2}, x="contacts", y="language", top=2).axes[0]
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["en", "vi"]
    assert [bar.get_width() for bar in drawn.patches] == [3, 2]  # type: ignore[attr-defined]


def test_layers_stand_on_each_other() -> None:
    drawn = figures.over_time(DAYS, ["web", "call"], [[1, 2], [3, 4]], what="channel").axes[0]
    tops = [(bar.get_y(), bar.get_height()) for bar in drawn.patches]  # type: ignore[attr-defined]
    assert tops == [(0, 1), (0, 2), (1, 3), (2, 4)]
