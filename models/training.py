"""Training of the linear classifier, reproducible: same data, same seed, same encoder, same predictions.

scikit-learn does the fitting and is imported here alone, inside the functions; the service never needs it.
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from models.calibration import expected_calibration_error, temperature_of
from models.classifiers import LinearClassifier, LinearWeights, softmax
from models.datasets import Example, digest_of
from models.features import TfidfFeatures, stacked
from triage.errors import DataError
from triage.protocols import Encoder
from triage.types import Language, Vectors

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CHUNK = 256
PROCESSES = 2
NEVER_SEEN = -2.0  # bias of a label without examples in the part that is learned from
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        vector_weights: Weights of the sentence vector to try; the one that holds out best is kept.
        regularization: C of the linear support vector machine.
        folds: How many parts hold out in turn, for the temperature and the choice above.
        temperature: Divides the scores; None where the held-out parts shall tell it. Given with one vector weight,
            nothing is held out.
        seed: Of everything that is drawn.
    """

    vector_weights: tuple[float, ...] = (1.0, 2.0)
    regularization: float = 0.3
    folds: int = 3
    temperature: float | None = None
    seed: int = 0


# Settled on the project's own messages, writers held out in turn, so that the set-up need not: docs/decisions/0004.
DEFAULT = Recipe(vector_weights=(1.0,), temperature=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Scores of texts that the scoring model has not seen; shapes (n, n_labels) and (n,)."""

    scores: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of texts whose best label is right."""
        return float((self.scores.argmax(axis=1) == self.truth).mean())


def train(
    examples: Sequence[Example], encoder: Encoder, out: Path, recipe: Recipe, progress: Progress
) -> dict[str, Any]:
    """Train a classifier and write it into a folder.

    Args:
        examples: At least two labels.
        encoder: Gives the sentence vectors.
        out: Folder to make; it must be empty or absent.
        recipe: How.
        progress: Told of (what, done, total).

    Returns:
        The facts of model.json: data, held-out accuracy and calibration error with their signature.

    Raises:
        DataError: If there are fewer than two labels, or `out` holds something already.
    """
    labels = tuple(sorted({example.label for example in examples}))
    if len(labels) < 2:
        raise DataError(f"a classifier needs at least two labels, found {list(labels)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty; name a new folder")
    vectors = embed(examples, encoder, progress)
    truth = np.array([labels.index(example.label) for example in examples])
    held_out = None
    weight, temperature = recipe.vector_weights[0], recipe.temperature
    if temperature is None:
        weight, held_out = _choose(examples, vectors, truth, recipe, progress)
        temperature = temperature_of(held_out.scores, held_out.truth)
    progress("fit", 0, 1)
    weights, features = fit([example.text for example in examples], vectors, truth, labels, weight, recipe)
    progress("fit", 1, 1)
    facts = _facts(examples, encoder, recipe)
    facts["held_out"] = _measured(held_out, temperature, facts) if held_out else None
    version = f"linear-{hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()[:8]}"
    out.mkdir(parents=True, exist_ok=True)
    LinearClassifier(replace(weights, temperature=temperature), features, version=version).save(out, facts)
    return {"version": version, **facts}


def train_into(out: Path, examples: Sequence[Example], encoder: Encoder, recipe: Recipe, progress: Progress) -> None:
    """Train into a folder that appears whole or not at all; if another process makes it first, that one's stands."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".training-") as scratch:
        train(examples, encoder, Path(scratch) / "model", recipe, progress)
        if not out.exists():
            (Path(scratch) / "model").rename(out)


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
        truth: Numbers into `labels`, shape (n_texts,).
        labels: In alphabetical order; each must occur in `truth`, or its weights stay zero with a low bias.
        vector_weight: The embedding is multiplied by it.
        recipe: Regularization and seed.
    """
    from joblib import Parallel, delayed
    from scipy import sparse

    features = TfidfFeatures.fit(texts)
    rows = sparse.csr_matrix(stacked(map(features.row, texts)), shape=(len(texts), len(features)))
    matrix = sparse.hstack([rows, sparse.csr_matrix(vectors * vector_weight)]).tocsr()
    coefficients = np.zeros((matrix.shape[1], len(labels)), dtype=np.float32)
    bias = np.full(len(labels), NEVER_SEEN, dtype=np.float32)
    parts = [part for part in np.array_split(np.unique(truth), PROCESSES) if len(part)]
    jobs = Parallel(n_jobs=PROCESSES)(delayed(_fit_labels)(matrix, truth, part, recipe) for part in parts)
    for part, (weights, intercepts) in zip(parts, jobs, strict=True):
        coefficients[:, part], bias[part] = weights.T, intercepts
    split = len(features)
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


def _fit_labels(
    matrix: "csr_matrix", truth: npt.NDArray[np.int64], chosen: npt.NDArray[np.int64], recipe: Recipe
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return weights, shape (n_chosen, n_features), and biases of each chosen label against all others."""
    from sklearn.svm import LinearSVC

    rest = -1  # smaller than every label, so that it comes first and its own machine is dropped
    targets = np.where(np.isin(truth, chosen), truth, rest)
    model = LinearSVC(C=recipe.regularization, tol=1e-2, random_state=recipe.seed).fit(matrix, targets)
    weights, intercepts = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
    if len(model.classes_) == 2:  # scikit-learn keeps one row for two classes: the second against the first
        weights, intercepts = np.vstack([-weights, weights]), np.hstack([-intercepts, intercepts])
    kept = model.classes_ != rest
    return weights[kept], intercepts[kept]


def _choose(
    examples: Sequence[Example], vectors: Vectors, truth: npt.NDArray[np.int64], recipe: Recipe, progress: Progress
) -> tuple[float, HeldOut]:
    """Return the vector weight with the best held-out accuracy, and its held-out scores; ties go to the first."""
    folds = fold_numbers(examples, recipe)
    n_folds = int(folds.max()) + 1
    tries: list[tuple[float, HeldOut]] = []
    for tried, weight in enumerate(recipe.vector_weights):
        parts = []
        for number in range(n_folds):
            progress("hold out", tried * n_folds + number, len(recipe.vector_weights) * n_folds)
            parts.append(_hold_out(examples, vectors, truth, folds == number, weight, recipe))
        tries.append((weight, _merged(parts)))
    progress("hold out", 1, 1)
    return max(tries, key=lambda one: one[1].accuracy)  # the first of equals


def fold_numbers(examples: Sequence[Example], recipe: Recipe) -> npt.NDArray[np.int64]:
    """Return the fold of each example: whole writers where there are enough of them, else drawn label by label."""
    groups = sorted({example.group for example in examples})
    if len(groups) >= recipe.folds:
        return np.array([groups.index(example.group) % recipe.folds for example in examples])
    from sklearn.model_selection import StratifiedKFold

    folds = np.zeros(len(examples), dtype=np.int64)
    splitter = StratifiedKFold(recipe.folds, shuffle=True, random_state=recipe.seed)
    labels = [example.label for example in examples]
    for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels)):
        folds[held_out] = number
    return folds


def _hold_out(
    examples: Sequence[Example],
    vectors: Vectors,
    truth: npt.NDArray[np.int64],
    outside: npt.NDArray[np.bool_],
    weight: float,
    recipe: Recipe,
) -> HeldOut:
    """Return the scores of the examples outside, by a model fitted on the others."""
    labels = tuple(sorted({example.label for example in examples}))
    texts = [example.text for example, is_outside in zip(examples, outside, strict=True) if not is_outside]
    weights, features = fit(texts, vectors[~outside], truth[~outside], labels, weight, recipe)
    model = LinearClassifier(weights, features, version="fold")
    rows = [features.row(example.text) for example, is_outside in zip(examples, outside, strict=True) if is_outside]
    return HeldOut(scores=model.scores(rows, vectors[outside]), truth=truth[outside])


def _merged(parts: Sequence[HeldOut]) -> HeldOut:
    return HeldOut(
        scores=np.concatenate([part.scores for part in parts]), truth=np.concatenate([part.truth for part in parts])
    )


def _facts(examples: Sequence[Example], encoder: Encoder, recipe: Recipe) -> dict[str, Any]:
    return {
        "data": digest_of(examples),
        "examples": len(examples),
        "encoder": encoder.version,
        "recipe": asdict(recipe),
    }


def _measured(held_out: HeldOut, temperature: float, facts: Mapping[str, Any]) -> dict[str, Any]:
    chances = softmax(held_out.scores / np.float32(temperature))
    hits = chances.argmax(axis=1) == held_out.truth
    top3 = (np.argsort(-chances, axis=1)[:, :3] == held_out.truth[:, None]).any(axis=1)
    return {
        "n": len(hits),
        "accuracy": round(float(hits.mean()), 4),
        "top3": round(float(top3.mean()), 4),
        "ece": round(expected_calibration_error(chances.max(axis=1), hits), 4),
        "signature": f"data:#{facts['data']}|split:held out|n:{len(hits)}|seed:{facts['recipe']['seed']}"
        f"|encoder:{facts['encoder']}",
    }
