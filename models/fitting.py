"""Fitting of the linear classifier, reproducible: same data, same seed, same encoder, same weights.

scikit-learn does it and is imported here alone, inside the functions; the service never needs it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from models.classifiers import LinearWeights
from models.datasets import Example
from models.features import TfidfFeatures, stacked
from models.scope import centers_of
from triage.protocols import Encoder
from triage.types import Language, Vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CHUNK = 256
PROCESSES = 2
NEVER_SEEN = -2.0  # bias of a label without examples in the part that is learned from
MOST_PROTOTYPES = 2.0
REST = -1  # smaller than every label, so that it comes first and its own machine is dropped
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        vector_weights: Weights of the sentence vector to try; the one that holds out best is kept.
        regularization: C of the linear support vector machine.
        folds: How many parts hold out in turn, for the calibration and the choice above.
        temperature: Divides the scores; None where the held-out parts shall tell it. Given with one vector weight,
            nothing is held out.
        balance: How far rare labels count more: an example of a label with n of them counts (mean / n) ** balance
            times, at least once, at most five times; 0 counts all alike.
        back_off: A label with n examples leans on its group (what stands before the dot) with weight
            back_off / (n + back_off), where n is below it; 0 leaves every label to itself.
        prototypes: The cosine to the mean vector of a label's examples counts prototypes / sqrt(n) beside its
            support vector machine, n being the examples of a label on average; at most 2. It is what carries a model
            of few examples; 0 for none.
        seed: Of everything that is drawn.
    """

    vector_weights: tuple[float, ...] = (1.0, 2.0)
    regularization: float = 0.3
    folds: int = 3
    temperature: float | None = None
    balance: float = 0.0
    back_off: int = 0
    prototypes: float = 0.0
    seed: int = 0

    def seeded(self, seed: int) -> Self:
        """Return the same recipe with another seed."""
        return replace(self, seed=seed)


# Settled on the project's own messages, writers held out in turn, so that the set-up need not: docs/decisions/0004.
DEFAULT = Recipe(vector_weights=(1.0,), temperature=0.1)
# For a city's own labels: what suits them is found out on held-out messages.
CITY = Recipe(vector_weights=(2.0, 1.0), balance=0.5, back_off=5, prototypes=4.0)


def embed(examples: Sequence[Example], encoder: Encoder, progress: Progress) -> Vectors:
    """Return the vectors of the texts, shape (n_examples, dim), told of in chunks."""
    parts = []
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        languages = [Language(code=example.language, probability=1.0) for example in chunk]
        parts.append(encoder.encode([example.text for example in chunk], languages))
        progress("encode", min(start + CHUNK, len(examples)), len(examples))
    return np.concatenate(parts)


def fit(
    texts: Sequence[str],
    vectors: Vectors,
    truth: npt.NDArray[np.int64],
    labels: tuple[str, ...],
    vector_weight: float,
    recipe: Recipe,
) -> tuple[LinearWeights, TfidfFeatures]:
    """Fit one-against-rest linear support vector machines; temperature 1.

    Args:
        texts: What to learn from.
        vectors: Their embeddings, shape (n_texts, dim).
        truth: Numbers into `labels`, shape (n_texts,); REST for a text that is none of them.
        labels: In alphabetical order; each must occur in `truth`, or its weights stay zero with a low bias.
        vector_weight: The embedding is multiplied by it.
        recipe: Regularization, weights of the labels and seed.
    """
    from scipy import sparse

    features = TfidfFeatures.fit(texts)
    rows = sparse.csr_matrix(stacked(map(features.row, texts)), shape=(len(texts), len(features)))
    matrix = sparse.hstack([rows, sparse.csr_matrix(vectors * vector_weight)]).tocsr()
    coefficients, bias = _fit_all(matrix, truth, len(labels), recipe)
    if recipe.back_off:
        _lean_on_groups(matrix, truth, labels, recipe, coefficients, bias)
    split = len(features)
    if recipe.prototypes:
        known = truth != REST
        share = min(MOST_PROTOTYPES, recipe.prototypes / np.sqrt(known.sum() / len(labels)))
        centers = centers_of(vectors[known], truth[known], len(labels))
        coefficients[split:] += (share / vector_weight * centers.T).astype(np.float32)
    return (
        LinearWeights(
            labels=labels,
            features=np.ascontiguousarray(coefficients[:split]),
            vector=np.ascontiguousarray(coefficients[split:]),
            bias=bias,
            temperature=1.0,
            vector_weight=vector_weight,
        ),
        features,
    )


def _fit_all(
    matrix: "csr_matrix", truth: npt.NDArray[np.int64], n_labels: int, recipe: Recipe
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the weights, shape (n_features, n_labels), and biases of each label against all others."""
    from joblib import Parallel, delayed

    coefficients = np.zeros((matrix.shape[1], n_labels), dtype=np.float32)
    bias = np.full(n_labels, NEVER_SEEN, dtype=np.float32)
    known = np.unique(truth[truth != REST])
    parts = [part for part in np.array_split(known, PROCESSES) if len(part)]
    jobs = Parallel(n_jobs=PROCESSES)(delayed(_fit_labels)(matrix, truth, part, recipe) for part in parts)
    for part, (weights, intercepts) in zip(parts, jobs, strict=True):
        coefficients[:, part], bias[part] = weights.T, intercepts
    return coefficients, bias


def _fit_labels(
    matrix: "csr_matrix", truth: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64], recipe: Recipe
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return weights, shape (n_chosen, n_features), and biases of each chosen label against all others."""
    from sklearn.svm import LinearSVC

    targets = np.where(np.isin(truth, chosen), truth, REST)
    weights_of = {int(label): weight for label, weight in _class_weights(truth, recipe).items() if label in chosen}
    model = LinearSVC(C=recipe.regularization, tol=1e-2, class_weight=weights_of, random_state=recipe.seed)
    model.fit(matrix, targets)
    weights, intercepts = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
    if len(model.classes_) == 2:  # scikit-learn keeps one row for two classes: the second against the first
        weights, intercepts = np.vstack([-weights, weights]), np.hstack([-intercepts, intercepts])
    kept = model.classes_ != REST
    return weights[kept], intercepts[kept]


def _class_weights(truth: npt.NDArray[np.int64], recipe: Recipe) -> dict[int, float]:
    """Return how often an example of each label counts, in [1, 5]."""
    numbers, counts = np.unique(truth[truth != REST], return_counts=True)
    weights = np.clip((counts.mean() / counts) ** recipe.balance, 1.0, 5.0)
    return dict(zip(numbers.tolist(), weights.tolist(), strict=True))


def _lean_on_groups(
    matrix: "csr_matrix",
    truth: npt.NDArray[np.int64],
    labels: tuple[str, ...],
    recipe: Recipe,
    coefficients: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
) -> None:
    """Mix the weights of a rare label, in place, with those of its group against all other groups."""
    counts = np.bincount(truth[truth != REST], minlength=len(labels))
    rare = [number for number, n in enumerate(counts) if n < recipe.back_off and "." in labels[number]]
    groups = sorted({label.partition(".")[0] for label in labels})
    if not rare or len(groups) < 2:
        return
    group_of = np.array([groups.index(label.partition(".")[0]) for label in labels])
    group_truth = np.where(truth == REST, REST, group_of[truth])
    group_weights, group_bias = _fit_all(matrix, group_truth, len(groups), recipe)
    for number in rare:
        share = recipe.back_off / (counts[number] + recipe.back_off)
        group = group_of[number]
        coefficients[:, number] += share * (group_weights[:, group] - coefficients[:, number])
        bias[number] += share * (group_bias[group] - bias[number])
