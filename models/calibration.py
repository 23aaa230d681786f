"""Probabilities that mean what they say: temperature or isotonic scaling, and how far off they are."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from models.classifiers import LinearWeights, bent, softmax

_GOLDEN = (5**0.5 - 1) / 2
_SLOPE = 0.01  # share of the identity in an isotonic curve, so that two probabilities never become one
_POINTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns scores into probabilities.

    Attributes:
        temperature: See `LinearWeights`.
        isotonic: See `LinearWeights`.
        ece: Expected calibration error on texts that neither the model nor the calibration was fitted on.
    """

    temperature: float
    isotonic: npt.NDArray[np.float64] | None
    ece: float

    @property
    def kind(self) -> str:
        """`temperature` or `isotonic`."""
        return "temperature" if self.isotonic is None else "isotonic"

    def of(self, weights: LinearWeights) -> LinearWeights:
        """Return the weights with this calibration."""
        return replace(weights, temperature=self.temperature, isotonic=self.isotonic)


def calibrate(scores: npt.NDArray[np.float32], truth: npt.NDArray[np.int64]) -> Calibration:
    """Fit a temperature and, where that is better on the half it was not fitted on, an isotonic curve after it.

    Args:
        scores: Linear scores of texts that the model was not trained on, shape (n_texts, n_labels).
        truth: The right label of each text, numbers into the columns.
    """
    halves = np.arange(len(truth)) % 2 == 0
    errors = {
        is_isotonic: float(
            np.mean([_error(scores, truth, half, is_isotonic=is_isotonic) for half in (halves, ~halves)])
        )
        for is_isotonic in (False, True)
    }
    is_isotonic = errors[True] < errors[False]
    temperature = temperature_of(scores, truth)
    curve = _isotonic(scores, truth, temperature) if is_isotonic else None
    return Calibration(temperature=temperature, isotonic=curve, ece=errors[is_isotonic])


def _error(
    scores: npt.NDArray[np.float32],
    truth: npt.NDArray[np.int64],
    fitted_on: npt.NDArray[np.bool_],
    *,
    is_isotonic: bool,
) -> float:
    """Return the calibration error on the texts that the calibration is not fitted on."""
    if fitted_on.all() or not fitted_on.any():
        return 1.0
    temperature = temperature_of(scores[fitted_on], truth[fitted_on])
    curve = _isotonic(scores[fitted_on], truth[fitted_on], temperature) if is_isotonic else None
    chances = bent(softmax(scores[~fitted_on] / np.float32(temperature)), curve)
    return expected_calibration_error(chances.max(axis=1), chances.argmax(axis=1) == truth[~fitted_on])


def _isotonic(
    scores: npt.NDArray[np.float32], truth: npt.NDArray[np.int64], temperature: float
) -> npt.NDArray[np.float64]:
    """Return an increasing curve from the probability of any label to how often it is right, shape (2, n_points)."""
    from sklearn.isotonic import IsotonicRegression

    chances = softmax(scores / np.float32(temperature)).astype(np.float64)
    hits = np.zeros_like(chances)
    hits[np.arange(len(truth)), truth] = 1.0
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(chances.ravel(), hits.ravel())
    at = np.unique(np.concatenate([[0.0, 1.0], np.quantile(chances.max(axis=1), np.linspace(0, 1, _POINTS))]))
    return np.stack([at, (1 - _SLOPE) * fitted.predict(at) + _SLOPE * at])


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
