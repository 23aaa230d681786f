"""The learning curve and what more labels would give."""

import pytest

from models.learning_curve import Outlook, Point, as_stored, outlook, points_of

POINTS = tuple(Point(n=n, accuracy=1 - 10 / n**0.5, measured=1_000) for n in (400, 900, 2_500, 10_000))


def test_an_error_that_falls_as_the_root_is_found_again() -> None:
    found = outlook(POINTS, 10_000, more=500)
    assert found is not None
    assert found.accuracy == pytest.approx(0.9, abs=1e-4)
    assert found.gain == pytest.approx(10 / 10_000**0.5 - 10 / 10_500**0.5, abs=1e-4)
    assert 0 < found.low < found.gain < found.high < 0.01


def test_it_says_so_in_a_sentence() -> None:
    said = str(Outlook(n=2_000, more=500, accuracy=0.8, gain=0.0123, low=-0.002, high=0.03))
    gain, _, condition = said.partition(" (")
    assert gain == "500 more labels beside the 2000 would give about +1.2 points of accuracy"
    assert condition == "95 % interval -0.2 to +3.0), if they are like these"


@pytest.mark.parametrize("points", [POINTS[:1], (POINTS[0], Point(n=900, accuracy=1.0, measured=10))])
def test_one_point_or_no_error_tell_nothing(points: tuple[Point, ...]) -> None:
    assert outlook(points, 1_000) is None


def test_the_points_come_back_from_the_models_facts() -> None:
    assert points_of(as_stored(POINTS)) == POINTS
