"""Telling what no label is for: a text that no linear score speaks up for, and that lies far from every label.

Measured on CLINC150, 5 % of the messages in scope rejected by a threshold from validation data: the highest
probability finds .72 of the messages out of scope, the highest score .83, the nearest label's center .81, highest
score and center together .89.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from triage.types import Vectors

CENTER_WEIGHT = 2.0
REJECTED = 0.04  # of held-out messages in scope; a little under the 5 % that are promised
ENOUGH_STRANGERS = 20
# Measured on the project's messages, 3 to 80 labels: of unseen messages in scope up to 10 % are rejected with 4 to 9
# messages a label and up to 28 % with 30 held out; with these and more 3 to 8 %, in the middle 5 %.
LEAST_PER_LABEL = 10  # messages, on average; models of parts of fewer say too little of the model of all
LEAST_HELD_OUT = 50  # messages in scope; the threshold is their quantile


class Evidence(StrEnum):
    """What speaks for a text being in scope."""

    SCORE = "score"
    CENTER = "center"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRule:
    """A text is in scope from `threshold` on.

    Attributes:
        kind: What is compared with the threshold: the highest linear score, the cosine to the nearest label's
            center, or the first plus CENTER_WEIGHT times the second.
        threshold: In the units of the evidence.
        centers: The mean vector of each label's messages, unit length, shape (n_labels, dim).
    """

    kind: str
    threshold: float
    centers: npt.NDArray[np.float32]

    def holds(self, scores: npt.NDArray[np.float32], vectors: Vectors) -> npt.NDArray[np.bool_]:
        """Tell which texts are in scope, shape (n_texts,); one without a vector is judged by nothing, and is."""
        known = vectors.any(axis=1)
        return (evidence(Evidence(self.kind), scores, nearest(vectors, self.centers)) >= self.threshold) | ~known


def evidence(
    kind: Evidence, scores: npt.NDArray[np.float32], nearness: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return what speaks for each text being in scope, shape (n_texts,)."""
    highest: npt.NDArray[np.float32] = scores.max(axis=1)
    if kind is Evidence.SCORE:
        return highest
    return nearness if kind is Evidence.CENTER else highest + CENTER_WEIGHT * nearness


def nearest(vectors: Vectors, centers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the cosine of each text to the nearest label's center, shape (n_texts,)."""
    cosines: npt.NDArray[np.float32] = (vectors @ centers.T).max(axis=1)
    return cosines


def centers_of(vectors: Vectors, truth: npt.NDArray[np.int64], n_labels: int) -> npt.NDArray[np.float32]:
    """Return the mean vector of each label, unit length, shape (n_labels, dim); zero where a label has no text."""
    sums = np.zeros((n_labels, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, truth, vectors)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    centers: npt.NDArray[np.float32] = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return centers


def choose_rule(
    scores: npt.NDArray[np.float32],
    nearness: npt.NDArray[np.float32],
    is_inside: npt.NDArray[np.bool_],
    centers: npt.NDArray[np.float32],
    *,
    known: int,
) -> ScopeRule | None:
    """Choose the evidence that finds most of the held-out strangers, and its threshold.

    Args:
        scores: Linear scores of held-out texts, shape (n, n_labels).
        nearness: Their cosines to the nearest center of texts that are not held out with them, shape (n,).
        is_inside: Which of them are in scope, shape (n,).
        centers: See `ScopeRule`.
        known: How many texts in scope the model learns from that the rule is for.

    Returns:
        The rule that rejects REJECTED of the texts in scope; with fewer than ENOUGH_STRANGERS to choose by, the one
        that was best elsewhere: both kinds of evidence together. None where a threshold would mean little: under
        LEAST_PER_LABEL known texts a label, or LEAST_HELD_OUT held-out texts in scope.
    """
    if known < LEAST_PER_LABEL * len(centers) or is_inside.sum() < LEAST_HELD_OUT:
        return None
    found = {kind: evidence(kind, scores, nearness) for kind in Evidence}
    thresholds = {kind: float(np.quantile(each[is_inside], REJECTED)) for kind, each in found.items()}
    best = Evidence.BOTH
    if (~is_inside).sum() >= ENOUGH_STRANGERS:
        best = max(Evidence, key=lambda kind: (found[kind][~is_inside] < thresholds[kind]).mean())
    return ScopeRule(kind=best.value, threshold=thresholds[best], centers=centers)
