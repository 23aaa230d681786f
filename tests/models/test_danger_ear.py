"""How the thresholds move when the danger model listens to another encoder."""

import numpy as np
import pytest

from models.recipes.danger_ear import even_shift

NEVER = -np.inf  # behind the gate


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([0.5, -0.1, NEVER, 0.2], [0.3, 0.4, -0.2, -0.5]),
        ([0.5, -0.1, 0.3, 0.2], [0.9, 0.8, 0.7, 0.6]),
        ([0.5, 0.1, NEVER, 0.2], [-0.9, -0.8, -0.3, NEVER]),
    ],
)
def test_as_many_alarms_are_raised_after_as_before(before: list[float], after: list[float]) -> None:
    shift = even_shift(np.array(before), np.array(after))
    assert (np.array(after) - shift > 0).sum() == (np.array(before) > 0).sum()


def test_where_fewer_pass_the_gate_than_raised_an_alarm_all_that_pass_do() -> None:
    after = np.array([-0.4, NEVER, NEVER])
    assert ((after - even_shift(np.array([0.5, 0.1, 0.2]), after)) > 0).sum() == 1


@pytest.mark.parametrize(("before", "after"), [([-1.0, NEVER], [0.2, 0.1]), ([1.0], [NEVER])])
def test_nothing_moves_where_there_is_nothing_to_go_by(before: list[float], after: list[float]) -> None:
    assert even_shift(np.array(before), np.array(after)) == 0.0
