"""Accuracy, F1 and their like, from probabilities and right answers."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.calibration import expected_calibration_error


def metrics(chances: npt.NDArray[np.float32], truth: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Return accuracy, macro F1, top-3 accuracy and expected calibration error, each in [0, 1].

    Args:
        chances: Probabilities, shape (n, n_labels); ties go to the lower column.
        truth: The right labels; one that the model does not know counts as wrong.
        labels: Of the columns.
    """
    order = np.argsort(-chances, axis=1, kind="stable")
    best = [labels[number] for number in order[:, 0]]
    hits = np.array([said == right for said, right in zip(best, truth, strict=True)])
    top3 = [right in {labels[number] for number in row[:3]} for row, right in zip(order, truth, strict=True)]
    return {
        "accuracy": round(float(hits.mean()), 4),
        "macro_f1": round(macro_f1(best, truth), 4),
        "top3": round(float(np.mean(top3)), 4),
        "ece": round(expected_calibration_error(chances.max(axis=1), hits), 4),
    }


def macro_f1(said: Sequence[str], truth: Sequence[str]) -> float:
    """Return the mean F1 over the labels that occur in `truth`; one never said counts 0."""
    said_counts, true_counts = Counter(said), Counter(truth)
    right = Counter(a for a, b in zip(said, truth, strict=True) if a == b)
    return float(np.mean([2 * right[label] / (said_counts[label] + n) for label, n in sorted(true_counts.items())]))
