"""Linear support vector machines for more messages than memory holds: blocks on disk, read one at a time.

After Yu, Hsieh, Chang and Lin 2012, "Large linear classification when data cannot fit in memory", by the dual
coordinate descent that scikit-learn's solver uses (Hsieh et al. 2008, algorithm 1 with squared hinge loss), here for
all labels of a message at once. What is held does not grow with messages times features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from models.features import TfidfFeatures, stacked
from triage.types import Vectors

REST = -1  # smaller than every label, so that it comes first and its own machine is dropped
BLOCK = 2_048  # messages of a block
PASSES = 12  # over all blocks, at most
IGNORED = 0.01  # a dual variable this close to its optimum stays; scikit-learn's `tol`
SETTLED = 0.1  # no dual variable was further from its optimum in a whole pass: that was the last one
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some messages, in memory: row `i` has the features from `ends[i]` to `ends[i + 1]`, and `vectors[i]`."""

    rows: Integers
    indices: npt.NDArray[np.int32]
    weights: Floats
    ends: Integers
    vectors: Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Messages on disk, in drawn order, so that each block is a sample of all."""

    folder: Path
    n_blocks: int
    n_rows: int
    n_words: int
    dim: int

    @classmethod
    def write(
        cls,
        folder: Path,
        features: TfidfFeatures,
        texts: Sequence[str],
        vectors: Vectors,
        weight: float,
        rows: Integers,
        seed: int,
    ) -> Self:
        """Write every row into a block; one block at a time is in memory."""
        order = np.random.default_rng(seed).permutation(len(rows))
        starts = range(0, len(rows), BLOCK)
        for number, start in enumerate(starts):
            chosen = order[start : start + BLOCK]
            data, indices, ends = stacked(features.row(texts[row]) for row in rows[chosen])
            scaled = vectors[rows[chosen]] * np.float32(weight)
            file = folder / f"{number}.npz"
            np.savez(file, rows=chosen, indices=indices, weights=data, ends=ends, vectors=scaled)
        return cls(folder=folder, n_blocks=len(starts), n_rows=len(rows), n_words=len(features), dim=vectors.shape[1])

    def read(self, number: int) -> Block:
        with np.load(self.folder / f"{number}.npz") as arrays:
            return Block(**arrays)


def fit_in_blocks(
    blocks: Blocks,
    truth: Integers,
    chosen: Integers,
    *,
    regularization: float,
    label_weights: Mapping[int, float],
    seed: int,
) -> tuple[Floats, Floats]:
    """Return weights, shape (n_chosen, n_features), and biases of each chosen label against all others.

    Args:
        blocks: The messages.
        truth: Label of each, or REST.
        chosen: Labels to fit.
        regularization: C of the support vector machine.
        label_weights: How far a label's own messages count more.
        seed: Of the order in which blocks and messages are read.
    """
    dual = _Dual(blocks, truth, chosen, regularization, label_weights)
    random = np.random.default_rng(seed)
    for _ in range(PASSES):
        furthest = max(
            dual.improve(blocks.read(number), random) for number in random.permutation(blocks.n_blocks).tolist()
        )
        if furthest <= SETTLED:
            break
    return np.concatenate([dual.words, dual.vector]).T, dual.bias


class _Dual:
    """Dual coordinate descent for several labels against the rest, side by side.

    Every message has a dual variable for every label: how much it holds the label's border where it is. A message's
    variables are improved in one step, as those of different labels do not touch each other.
    """

    def __init__(
        self,
        blocks: Blocks,
        truth: Integers,
        chosen: Integers,
        regularization: float,
        label_weights: Mapping[int, float],
    ) -> None:
        """Begin with weights of zero.

        Args:
            blocks: The messages.
            truth: Label of each, or REST.
            chosen: Labels to fit.
            regularization: C.
            label_weights: How far a label's own messages count more.
        """
        n_labels = len(chosen)
        column_of = dict(zip(chosen.tolist(), range(n_labels), strict=True))
        self._columns = np.array([column_of.get(label, REST) for label in truth.tolist()])
        self._variables = np.zeros((blocks.n_rows, n_labels), dtype=np.float32)
        # With squared hinge loss the diagonal of the dual grows by 1 / 2C; C is the label's own for its own messages.
        self._slack = np.float32(1 / (2 * regularization))
        self._own_slack = [np.float32(self._slack / label_weights[label]) for label in chosen.tolist()]
        self.words = np.zeros((blocks.n_words, n_labels), dtype=np.float32)
        self.vector = np.zeros((blocks.dim, n_labels), dtype=np.float32)
        self.bias = np.zeros(n_labels, dtype=np.float32)

    def improve(self, block: Block, random: np.random.Generator) -> float:
        """Step once for each message of a block, in drawn order; return how far the worst variable was off."""
        return max(self._step(block, at) for at in random.permutation(len(block.rows)).tolist())

    def _step(self, block: Block, at: int) -> float:
        part = slice(block.ends[at], block.ends[at + 1])
        indices, weights, vector, row = block.indices[part], block.weights[part], block.vectors[at], block.rows[at]
        variables, column = self._variables[row], self._columns[row]
        scores = weights @ self.words[indices] + vector @ self.vector + self.bias
        signs, slack = np.full(len(scores), -1, dtype=np.float32), np.full(len(scores), self._slack)
        if column != REST:
            signs[column], slack[column] = 1, self._own_slack[column]
        gradient = signs * scores - 1 + slack * variables
        off = np.where(variables > 0, np.abs(gradient), np.maximum(-gradient, 0))
        moved = np.flatnonzero(off > IGNORED)
        if not len(moved):
            return 0.0
        curvature = weights @ weights + vector @ vector + 1 + slack[moved]
        steps = np.maximum(-gradient[moved] / curvature, -variables[moved])
        variables[moved] += steps
        steps *= signs[moved]
        self.words[indices[:, None], moved] += weights[:, None] * steps
        self.vector[:, moved] += vector[:, None] * steps
        self.bias[moved] += steps
        return float(off.max())
