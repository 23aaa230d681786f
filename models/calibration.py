"""Probabilities that mean what they say: temperature scaling, and how far off they are."""

import numpy as np
import numpy.typing as npt

from models.classifiers import softmax

_GOLDEN = (5**0.5 - 1) / 2


def temperature_of(scores: npt.NDArray[np.float32], truth: npt.NDArray[np.int64]) -> float:
    """Return the temperature that makes held-out answers likeliest (Guo et al. 2017, section 4.2).

    Args:
        scores: Linear scores of texts that the model was not trained on, shape (n_texts, n_labels).
        truth: The right label of each text, numbers into the columns.

    Returns:
        A number in [0.01, 10], found by golden-section search on its logarithm; the loss has one minimum.
    """
    low, high = np.log(0.01), np.log(10.0)
    while high - low > 1e-4:
        first, second = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _log_loss(scores, truth, float(np.exp(first))) < _log_loss(scores, truth, float(np.exp(second))):
            high = second
        else:
            low = first
    return float(np.exp((low + high) / 2))


def expected_calibration_error(probabilities: npt.NDArray[np.floating], hits: npt.NDArray[np.bool_]) -> float:
    """Return the mean gap between stated and observed precision over 15 bins of equal count.

    Args:
        probabilities: Of the best label of each text, shape (n,).
        hits: Whether it was right, shape (n,).

    Returns:
        A number in [0, 1]; 0 for an empty set.
    """
    order = np.argsort(probabilities, kind="stable")
    bins = [chosen for chosen in np.array_split(order, 15) if len(chosen)]
    gaps = [abs(probabilities[chosen].mean() - hits[chosen].mean()) * len(chosen) for chosen in bins]
    return float(sum(gaps) / max(1, len(hits)))


def _log_loss(scores: npt.NDArray[np.float32], truth: npt.NDArray[np.int64], temperature: float) -> float:
    chances = softmax(scores / np.float32(temperature))[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())
