"""Temperature scaling finds the temperature that was hidden; the calibration error is the one worked out by hand."""

import numpy as np
import numpy.typing as npt
import pytest

from models.calibration import expected_calibration_error, temperature_of
from models.classifiers import softmax


def drawn(
    temperature: float, *, n: int = 20_000, seed: int = 1
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return scores, and truths drawn with the probabilities that the scores stand for at a temperature."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(n, 5)).astype(np.float32) * 3
    cumulated = softmax(scores / np.float32(temperature)).cumsum(axis=1)
    truth = (random.random((n, 1)) > cumulated).sum(axis=1)
    return scores, np.minimum(truth, 4)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_a_known_temperature_is_found_again(temperature: float) -> None:
    assert temperature_of(*drawn(temperature)) == pytest.approx(temperature, rel=0.05)


def test_scores_that_are_always_right_are_sharpened_to_the_limit() -> None:
    scores = np.eye(4, dtype=np.float32)
    assert temperature_of(scores, np.arange(4)) < 0.1


def test_scores_that_say_nothing_are_flattened_to_the_limit() -> None:
    scores = np.tile(np.array([[5, 0]], dtype=np.float32), (10, 1))
    assert temperature_of(scores, np.array([0, 1] * 5)) == pytest.approx(10.0, rel=0.01)


def test_calibration_lowers_the_error_of_overconfident_scores() -> None:
    scores, truth = drawn(2.5)
    temperature = np.float32(temperature_of(scores, truth))

    def error(chances: npt.NDArray[np.float32]) -> float:
        return expected_calibration_error(chances.max(axis=1), chances.argmax(axis=1) == truth)

    assert error(softmax(scores)) > 0.2
    assert error(softmax(scores / temperature)) < 0.02


def test_the_error_of_thirty_texts_is_the_one_worked_out_by_hand() -> None:
    # 15 bins of two: three bins at 0.9 with one hit of two (gap 0.4), six at 0.6 with one hit (gap 0.1),
    # six at 0.2 without a hit (gap 0.2): (6 * 0.4 + 12 * 0.1 + 12 * 0.2) / 30 = 0.2
    probabilities = np.array([0.9] * 6 + [0.6] * 12 + [0.2] * 12)
    hits = np.array([True, False] * 9 + [False] * 12)
    assert expected_calibration_error(probabilities, hits) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("probabilities", "hits", "error"),
    [([], [], 0.0), ([1.0], [True], 0.0), ([1.0], [False], 1.0), ([0.25], [True], 0.75)],
)
def test_small_sets_have_the_plain_gap(probabilities: list[float], hits: list[bool], error: float) -> None:
    found = expected_calibration_error(np.array(probabilities), np.array(hits, dtype=bool))
    assert found == pytest.approx(error)


def test_softmax_does_not_overflow_and_sums_to_one() -> None:
    chances = softmax(np.array([[1e4, 0, -1e4], [0, 0, 0]], dtype=np.float32))
    assert chances[0].tolist() == [1.0, 0.0, 0.0]
    assert chances[1].tolist() == pytest.approx([1 / 3] * 3)
