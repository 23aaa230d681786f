"""How good a classifier is on messages that it has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.classifiers import LinearClassifier, calibrated
from models.datasets import OUT_OF_SCOPE, Example, digest_of
from models.fitting import Progress, embed
from models.measures import metrics
from triage.errors import DataError
from triage.protocols import Encoder
from triage.types import Vectors

REJECTED_IN_SCOPE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a model says of examples.

    Attributes:
        examples: Those in scope.
        chances: Their probabilities, shape (n, n_labels).
        labels: Of the columns.
        vectors: Embeddings of the examples, shape (n, dim).
        centers: Of the model's labels, shape (n_labels, dim); None where it has none.
        report: The measures of `triage model evaluate --json`.
    """

    examples: tuple[Example, ...]
    chances: npt.NDArray[np.float32]
    labels: tuple[str, ...]
    vectors: Vectors
    centers: npt.NDArray[np.float32] | None
    report: dict[str, Any]


def measure(model: LinearClassifier, examples: Sequence[Example], encoder: Encoder, progress: Progress) -> Measured:
    """Measure a model.

    Examples labelled `oos` (out of scope) are left out of the metrics and measured by themselves: a message is
    rejected where the model's own rule says that it is out of scope. A model without one rejects where its best
    probability is under the one that rejects 5 % of the messages in scope.

    Raises:
        DataError: If no example is in scope.
    """
    inside = tuple(example for example in examples if example.label != OUT_OF_SCOPE)
    outside = [example for example in examples if example.label == OUT_OF_SCOPE]
    if not inside:
        raise DataError(f"there is no message in scope: every label is {OUT_OF_SCOPE!r}")
    scores, vectors = _scores(model, inside, encoder, progress)
    chances = calibrated(scores, model.weights)
    report: dict[str, Any] = {
        "n": len(inside),
        "metrics": metrics(chances, [example.label for example in inside], model.labels),
        "signature": f"data:#{digest_of(examples)}|n:{len(inside)}|model:{model.version}|encoder:{encoder.version}",
    }
    if outside:
        strangers = _scores(model, outside, encoder, progress)
        rejected_inside, rejected_outside = _rejected(model, (scores, vectors), strangers)
        report["out_of_scope"] = {
            "recall": round(float(rejected_outside.mean()), 4),
            "in_scope_rejected": round(float(rejected_inside.mean()), 4),
        }
    return Measured(
        examples=inside,
        chances=chances,
        labels=model.labels,
        vectors=vectors,
        centers=model.scope.centers if model.scope else None,
        report=report,
    )


def _rejected(
    model: LinearClassifier,
    inside: tuple[npt.NDArray[np.float32], Vectors],
    outside: tuple[npt.NDArray[np.float32], Vectors],
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return which messages in scope, and which out of it, are rejected."""
    if model.scope:
        return ~model.scope.holds(*inside), ~model.scope.holds(*outside)
    best = [calibrated(scores, model.weights).max(axis=1) for scores, _ in (inside, outside)]
    threshold = float(np.quantile(best[0], REJECTED_IN_SCOPE))
    return best[0] < threshold, best[1] < threshold


def _scores(
    model: LinearClassifier, examples: Sequence[Example], encoder: Encoder, progress: Progress
) -> tuple[npt.NDArray[np.float32], Vectors]:
    rows = [model.features.row(example.text) for example in examples]
    vectors = embed(examples, encoder, progress)
    return model.scores(rows, vectors), vectors
