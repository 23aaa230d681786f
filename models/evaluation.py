"""How good a classifier is on messages that it has not seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.calibration import expected_calibration_error
from models.classifiers import LinearClassifier
from models.datasets import OUT_OF_SCOPE, Example, digest_of
from models.training import Progress, embed
from triage.errors import DataError
from triage.protocols import Encoder

REJECTED_IN_SCOPE = 0.05


def evaluate(
    model: LinearClassifier, examples: Sequence[Example], encoder: Encoder, progress: Progress
) -> dict[str, Any]:
    """Return the measures of `triage model evaluate --json`.

    Examples labelled `oos` (out of scope) are left out of the metrics and measured by themselves: a message is
    rejected where its best probability is under the one that rejects 5 % of the messages in scope.

    Raises:
        DataError: If no example is in scope.
    """
    inside = [example for example in examples if example.label != OUT_OF_SCOPE]
    outside = [example for example in examples if example.label == OUT_OF_SCOPE]
    if not inside:
        raise DataError(f"there is no message in scope: every label is {OUT_OF_SCOPE!r}")
    chances = _probabilities(model, inside, encoder, progress)
    report: dict[str, Any] = {
        "n": len(inside),
        "metrics": metrics(chances, [example.label for example in inside], model.labels),
        "signature": f"data:#{digest_of(examples)}|n:{len(inside)}|model:{model.version}|encoder:{encoder.version}",
    }
    if outside:
        threshold = float(np.quantile(chances.max(axis=1), REJECTED_IN_SCOPE))
        best = _probabilities(model, outside, encoder, progress).max(axis=1)
        report["out_of_scope"] = {
            "recall": round(float((best < threshold).mean()), 4),
            "in_scope_rejected": round(float((chances.max(axis=1) < threshold).mean()), 4),
        }
    return report


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
    pairs = list(zip(said, truth, strict=True))
    scores = []
    for label in sorted(set(truth)):
        right = sum(a == b == label for a, b in pairs)
        wrong = sum((a == label) != (b == label) for a, b in pairs)
        scores.append(2 * right / (2 * right + wrong) if right else 0.0)
    return float(np.mean(scores))


def _probabilities(
    model: LinearClassifier, examples: Sequence[Example], encoder: Encoder, progress: Progress
) -> npt.NDArray[np.float32]:
    rows = [model.features.row(example.text) for example in examples]
    return model.probabilities(rows, embed(examples, encoder, progress))
