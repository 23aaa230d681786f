"""Labels that are probably wrong: confident learning (Northcutt, Jiang and Chuang 2021), by cleanlab."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.datasets import Example

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A message whose label the held-out models doubt; personal data is masked."""

    text: str
    label: str
    suggested: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNoise:
    """How many labels are doubted of how many, and the most doubtful ones, worst first."""

    n: int
    of: int
    suspects: tuple[Suspect, ...]

    @property
    def share(self) -> float:
        """Doubted labels, in [0, 1]."""
        return self.n / max(1, self.of)


def label_noise(
    chances: npt.NDArray[np.float32],
    examples: Sequence[Example],
    labels: Sequence[str],
    mask: Callable[[str], str],
) -> LabelNoise | None:
    """Find the labels that are probably wrong.

    Args:
        chances: Held-out probabilities, shape (n_examples, n_labels).
        examples: What they are of; every label is one of `labels`.
        labels: Of the columns.
        mask: Takes personal data out of a text.

    Returns:
        None where cleanlab is not installed (the extra `train`).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of progress bars, and of labels too rare to doubt, nothing is wanted here
        return _found(chances, examples, labels, mask)


def _found(
    chances: npt.NDArray[np.float32],
    examples: Sequence[Example],
    labels: Sequence[str],
    mask: Callable[[str], str],
) -> LabelNoise | None:
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        return None
    numbers = {label: number for number, label in enumerate(labels)}
    given = np.array([numbers[example.label] for example in examples])
    present = np.unique(given)  # cleanlab wants every column to occur
    columns = chances[:, present] / chances[:, present].sum(axis=1, keepdims=True)
    found = find_label_issues(
        np.searchsorted(present, given), columns, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return LabelNoise(
        n=len(found),
        of=len(examples),
        suspects=tuple(_suspect(chances[i], examples[i], labels, mask) for i in found[:MOST_SHOWN]),
    )


def _suspect(
    row: npt.NDArray[np.float32], example: Example, labels: Sequence[str], mask: Callable[[str], str]
) -> Suspect:
    best = int(row.argmax())
    return Suspect(
        text=mask(example.text), label=example.label, suggested=labels[best], probability=round(float(row[best]), 4)
    )
