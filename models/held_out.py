"""What a model says of messages that it has not seen: the ground of every promise that is made about it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.block_fitting import BLOCK
from models.classifiers import LinearClassifier
from models.datasets import Example
from models.fitting import Progress, Recipe, centers_of_rows, fit
from models.scope import nearest
from models.splitting import Parts
from triage.errors import ModelError
from triage.granting import Outcome
from triage.types import Vectors

TRIED_ON = 6_000  # examples that the vector weight is chosen on


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Scores of texts that the scoring model has not seen.

    Attributes:
        rows: Numbers of the examples, shape (n,).
        scores: Linear scores, shape (n, n_labels).
        nearness: Cosines to the nearest center of the labels that the scoring model has seen, shape (n,).
        truth: Numbers of the right labels, REST for what is out of scope, shape (n,).
    """

    rows: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    nearness: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int64]

    @property
    def is_inside(self) -> npt.NDArray[np.bool_]:
        """Which texts are in scope, shape (n,)."""
        return self.truth >= 0

    @property
    def accuracy(self) -> float:
        """Share of texts in scope whose best label is right."""
        inside = self.is_inside
        return float((self.scores[inside].argmax(axis=1) == self.truth[inside]).mean())

    def of(self, chosen: npt.NDArray[np.bool_]) -> "HeldOut":
        """Return some of the texts, chosen by a mask of shape (n,)."""
        return HeldOut(
            rows=self.rows[chosen],
            scores=self.scores[chosen],
            nearness=self.nearness[chosen],
            truth=self.truth[chosen],
        )


class Material:
    """Labelled messages as numbers, from which models of parts are fitted."""

    def __init__(self, examples: Sequence[Example], vectors: Vectors, truth: npt.NDArray[np.int64]) -> None:
        self.texts = [example.text for example in examples]
        self.vectors, self.truth = vectors, truth

    def held_out(
        self,
        labels: tuple[str, ...],
        inside: npt.NDArray[np.bool_],
        outside: npt.NDArray[np.bool_],
        weight: float,
        recipe: Recipe,
    ) -> HeldOut:
        """Return the scores and nearness of the examples outside, by a model and centers of those inside."""
        kept, rows = np.flatnonzero(inside), np.flatnonzero(outside)
        weights, features = fit(self.texts, self.vectors, self.truth, labels, weight, recipe, kept)
        model = LinearClassifier(weights, features, version="part")
        centers = centers_of_rows(self.vectors, self.truth[kept], len(labels), kept)
        scores, nearness = np.empty((len(rows), len(labels)), dtype=np.float32), np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), BLOCK):  # so that no more than a block's features are held
            chosen = rows[start : start + BLOCK]
            words = [features.row(self.texts[row]) for row in chosen]
            scores[start : start + BLOCK] = model.scores(words, self.vectors[chosen])
            nearness[start : start + BLOCK] = nearest(self.vectors[chosen], centers)
        return HeldOut(rows=rows, scores=scores, nearness=nearness, truth=self.truth[rows])


def choose_weight(
    material: Material, labels: tuple[str, ...], parts: Parts, recipe: Recipe, progress: Progress
) -> float:
    """Return the vector weight with the best accuracy on the first part held out; ties go to the first.

    At most TRIED_ON examples are learned from.
    """
    weights = recipe.vector_weights
    if len(weights) == 1:
        return weights[0]
    inside = np.flatnonzero(parts.inside[0])
    drawn = np.zeros(len(material.texts), dtype=np.bool_)
    drawn[np.random.default_rng(recipe.seed).permutation(inside)[:TRIED_ON]] = True
    found: dict[float, float] = {}
    for number, weight in enumerate(weights):
        progress("choose", number, len(weights))
        found[weight] = material.held_out(labels, drawn, parts.outside[0], weight, recipe).accuracy
    progress("choose", 1, 1)
    return max(weights, key=lambda weight: found[weight])


def hold_out(
    material: Material, labels: tuple[str, ...], parts: Parts, weight: float, recipe: Recipe, progress: Progress
) -> HeldOut:
    """Return the scores of every part, each by a model fitted without it."""
    found = []
    for number, (inside, outside) in enumerate(zip(parts.inside, parts.outside, strict=True)):
        progress("hold out", number, len(parts.inside))
        found.append(material.held_out(labels, inside, outside, weight, recipe))
    progress("hold out", 1, 1)
    return HeldOut(
        rows=np.concatenate([part.rows for part in found]),
        scores=np.concatenate([part.scores for part in found]),
        nearness=np.concatenate([part.nearness for part in found]),
        truth=np.concatenate([part.truth for part in found]),
    )


def outcomes_of(
    chances: npt.NDArray[np.float32], examples: Sequence[Example], labels: Sequence[str]
) -> tuple[Outcome, ...]:
    """Return the best label of each example with its probability, shape of `chances` (n_examples, n_labels)."""
    return tuple(
        Outcome(
            truth=example.label,
            said=labels[int(row.argmax())],
            probability=round(float(row.max()), 6),
            language=example.language,
            channel=example.channel,
        )
        for row, example in zip(chances, examples, strict=True)
    )


def write_outcomes(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write one outcome a line."""
    path.write_text("".join(json.dumps(asdict(each)) + "\n" for each in outcomes), encoding="utf-8")


def read_outcomes(path: Path) -> tuple[Outcome, ...]:
    """Read what `write_outcomes` wrote.

    Raises:
        ModelError: If the file is missing or damaged.
    """
    try:
        return tuple(Outcome(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())
    except (OSError, TypeError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}); train the model again") from error
