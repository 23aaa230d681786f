"""Fitting of the linear classifier, reproducible: same data, same seed, same encoder, same weights.

Up to IN_MEMORY messages scikit-learn does it; it is imported here alone, inside the functions, and the service never
needs it. More messages lie in blocks on disk (`block_fitting`). Both find the same optimum.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import numpy as np

from models.block_fitting import BLOCK, REST, Blocks, Floats, Integers, fit_in_blocks
from models.classifiers import LinearWeights
from models.datasets import Example
from models.features import TfidfFeatures
from models.scope import centers_of
from triage.protocols import Encoder
from triage.types import Language, Vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CHUNK = 256
PROCESSES = 2
NEVER_SEEN = -2.0  # bias of a label without examples in the part that is learned from
MOST_PROTOTYPES = 2.0
IN_MEMORY = 30_000  # messages that scikit-learn fits: about 0.8 GB in each of its processes
Progress = Callable[[str, int, int], None]
Learner = Callable[[Integers, Integers, "Recipe"], tuple[Floats, Floats]]  # truth, chosen labels → weights, biases


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
    vectors: Vectors = np.empty((len(examples), encoder.dim), dtype=np.float32)
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        languages = [Language(code=example.language, probability=1.0) for example in chunk]
        vectors[start : start + CHUNK] = encoder.encode([example.text for example in chunk], languages)
        progress("encode", min(start + CHUNK, len(examples)), len(examples))
    return vectors


def fit(
    texts: Sequence[str],
    vectors: Vectors,
    truth: Integers,
    labels: tuple[str, ...],
    vector_weight: float,
    recipe: Recipe,
    rows: Integers | None = None,
) -> tuple[LinearWeights, TfidfFeatures]:
    """Fit one-against-rest linear support vector machines; temperature 1.

    Args:
        texts: What to learn from.
        vectors: Their embeddings, shape (n_texts, dim).
        truth: Numbers into `labels`, shape (n_texts,); REST for a text that is none of them.
        labels: In alphabetical order; each must occur in `truth`, or its weights stay zero with a low bias.
        vector_weight: The embedding is multiplied by it.
        recipe: Regularization, weights of the labels and seed.
        rows: Numbers of the texts that are learned from; all where None. Nothing of the others is read or copied.
    """
    rows = np.arange(len(texts)) if rows is None else rows
    truth = truth[rows]
    features = TfidfFeatures.fit([texts[row] for row in rows])
    split, n_features = len(features), len(features) + vectors.shape[1]
    with _learner(features, texts, vectors, vector_weight, rows, recipe.seed) as learner:
        coefficients, bias = _fit_all(learner, n_features, truth, len(labels), recipe)
        if recipe.back_off:
            _lean_on_groups(learner, truth, labels, recipe, coefficients, bias)
    if recipe.prototypes:
        share = min(MOST_PROTOTYPES, recipe.prototypes / np.sqrt((truth != REST).sum() / len(labels)))
        centers = centers_of_rows(vectors, truth, len(labels), rows)
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


def centers_of_rows(vectors: Vectors, truth: Integers, n_labels: int, rows: Integers) -> Floats:
    """Return what `centers_of` does for some rows of the vectors, without a copy of them.

    Args:
        vectors: Embeddings, shape (n_texts, dim).
        truth: The label of each row chosen, shape (n_rows,); REST counts for none.
        n_labels: How many labels there are.
        rows: Numbers of the rows chosen, shape (n_rows,).
    """
    sums: Vectors = np.zeros((n_labels, vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), BLOCK):
        known = truth[start : start + BLOCK] != REST
        np.add.at(sums, truth[start : start + BLOCK][known], vectors[rows[start : start + BLOCK][known]])
    return centers_of(sums, np.arange(n_labels), n_labels)


@contextmanager
def _learner(
    features: TfidfFeatures, texts: Sequence[str], vectors: Vectors, weight: float, rows: Integers, seed: int
) -> Iterator[Learner]:
    """Give what fits the chosen labels on these rows: in memory where they are few, else block by block from disk."""
    if len(rows) <= IN_MEMORY:
        yield partial(_fit_in_memory, _matrix(features, texts, vectors, weight, rows))
        return
    with TemporaryDirectory(prefix="triage-fit-") as folder:
        yield partial(_fit_in_blocks, Blocks.write(Path(folder), features, texts, vectors, weight, rows, seed))


def _matrix(
    features: TfidfFeatures, texts: Sequence[str], vectors: Vectors, weight: float, rows: Integers
) -> "csr_matrix":
    """Return the rows with the vector after the words, float64: what scikit-learn copies everything else into."""
    from scipy import sparse

    words = [features.row(texts[row]) for row in rows]
    split, dim = len(features), vectors.shape[1]
    sizes = [len(each.indices) + np.count_nonzero(vectors[row]) for row, each in zip(rows, words, strict=True)]
    ends = np.cumsum([0, *sizes])
    data, indices = np.empty(ends[-1], dtype=np.float64), np.empty(ends[-1], dtype=np.int32)
    for row, each, start, end in zip(rows, words, ends[:-1], ends[1:], strict=True):
        border, present = start + len(each.indices), np.flatnonzero(vectors[row])
        data[start:border], indices[start:border] = each.weights, each.indices
        data[border:end], indices[border:end] = vectors[row, present] * np.float32(weight), split + present
    matrix = sparse.csr_matrix((data, indices, ends.astype(np.int32)), shape=(len(rows), split + dim))
    matrix.sort_indices()  # else every process makes a sorted copy of its own
    return matrix


def _fit_all(
    learner: Learner, n_features: int, truth: Integers, n_labels: int, recipe: Recipe
) -> tuple[Floats, Floats]:
    """Return the weights, shape (n_features, n_labels), and biases of each label against all others."""
    from joblib import Parallel, delayed

    coefficients = np.zeros((n_features, n_labels), dtype=np.float32)
    bias = np.full(n_labels, NEVER_SEEN, dtype=np.float32)
    known = np.unique(truth[truth != REST])
    parts = [part for part in np.array_split(known, PROCESSES) if len(part)]
    jobs = Parallel(n_jobs=PROCESSES)(delayed(learner)(truth, part, recipe) for part in parts)
    for part, (weights, intercepts) in zip(parts, jobs, strict=True):
        coefficients[:, part], bias[part] = weights.T, intercepts
    return coefficients, bias


def _fit_in_blocks(blocks: Blocks, truth: Integers, chosen: Integers, recipe: Recipe) -> tuple[Floats, Floats]:
    """Return what `_fit_in_memory` does, to within its tolerance."""
    return fit_in_blocks(
        blocks,
        truth,
        chosen,
        regularization=recipe.regularization,
        label_weights=_class_weights(truth, recipe),
        seed=recipe.seed,
    )


def _fit_in_memory(matrix: "csr_matrix", truth: Integers, chosen: Integers, recipe: Recipe) -> tuple[Floats, Floats]:
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


def _class_weights(truth: Integers, recipe: Recipe) -> dict[int, float]:
    """Return how often an example of each label counts, in [1, 5]."""
    numbers, counts = np.unique(truth[truth != REST], return_counts=True)
    weights = np.clip((counts.mean() / counts) ** recipe.balance, 1.0, 5.0)
    return dict(zip(numbers.tolist(), weights.tolist(), strict=True))


def _lean_on_groups(
    learner: Learner,
    truth: Integers,
    labels: tuple[str, ...],
    recipe: Recipe,
    coefficients: Floats,
    bias: Floats,
) -> None:
    """Mix the weights of a rare label, in place, with those of its group against all other groups."""
    counts = np.bincount(truth[truth != REST], minlength=len(labels))
    rare = [number for number, n in enumerate(counts) if n < recipe.back_off and "." in labels[number]]
    groups = sorted({label.partition(".")[0] for label in labels})
    if not rare or len(groups) < 2:
        return
    group_of = np.array([groups.index(label.partition(".")[0]) for label in labels])
    group_truth = np.where(truth == REST, REST, group_of[truth])
    group_weights, group_bias = _fit_all(learner, len(coefficients), group_truth, len(groups), recipe)
    for number in rare:
        share = recipe.back_off / (counts[number] + recipe.back_off)
        group = group_of[number]
        coefficients[:, number] += share * (group_weights[:, group] - coefficients[:, number])
        bias[number] += share * (group_bias[group] - bias[number])
