"""Training of the linear classifier, reproducible: same data, same seed, same encoder, same predictions.

scikit-learn does the fitting and is imported here alone, inside the functions; the service never needs it.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.calibration import expected_calibration_error, temperature_of
from models.classifiers import LinearClassifier, LinearWeights, softmax
from models.datasets import Example, digest_of
from models.features import TfidfFeatures, stacked
from triage.errors import DataError
from triage.protocols import Encoder
from triage.types import Language, Vectors

CHUNK = 256
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        vector_weights: Weights of the sentence vector to try; the one that holds out best is kept.
        regularization: C of the linear support vector machine.
        folds: How many parts hold out in turn, for the temperature and the choice above.
        seed: Of everything that is drawn.
    """

    vector_weights: tuple[float, ...] = (1.0, 2.0)
    regularization: float = 0.3
    folds: int = 3
    seed: int = 0


DEFAULT = Recipe(vector_weights=(1.0,))  # chosen on the project's own messages, writer by writer: docs/decisions/0004


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
    if out.exists() and any(out.iterdir()):
        raise DataError(f"{out} is not empty; name a new folder")
    vectors = embed([example.text for example in examples], encoder, progress)
    truth = np.array([labels.index(example.label) for example in examples])
    best_weight, held_out = _choose(examples, vectors, truth, recipe, progress)
    progress("fit", 0, 1)
    weights, features = fit([e.text for e in examples], vectors, truth, labels, best_weight, recipe)
    temperature = temperature_of(held_out.scores, held_out.truth)
    progress("fit", 1, 1)
    facts = _facts(examples, encoder, recipe, held_out, temperature)
    version = f"linear-{hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()[:8]}"
    out.mkdir(parents=True, exist_ok=True)
    LinearClassifier(_with_temperature(weights, temperature), features, version=version).save(out, facts)
    return {"version": version, **facts}


def train_into(out: Path, examples: Sequence[Example], encoder: Encoder, recipe: Recipe, progress: Progress) -> None:
    """Train into a folder that appears whole or not at all; if another process makes it first, that one's stands."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".training-") as scratch:
        train(examples, encoder, Path(scratch) / "model", recipe, progress)
        if not out.exists():
            (Path(scratch) / "model").rename(out)


def embed(texts: Sequence[str], encoder: Encoder, progress: Progress) -> Vectors:
    """Return the vectors of texts, shape (n_texts, dim), told of in chunks."""
    parts = []
    english = Language(code="en", probability=1.0)
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        parts.append(encoder.encode(chunk, [english] * len(chunk)))
        progress("encode", min(start + CHUNK, len(texts)), len(texts))
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
    from scipy import sparse
    from sklearn.svm import LinearSVC

    features = TfidfFeatures.fit(texts)
    rows = sparse.csr_matrix(stacked(map(features.row, texts)), shape=(len(texts), len(features)))
    matrix = sparse.hstack([rows, sparse.csr_matrix(vectors * vector_weight)]).tocsr()
    model = LinearSVC(C=recipe.regularization, tol=1e-2, random_state=recipe.seed).fit(matrix, truth)
    coefficients = np.zeros((matrix.shape[1], len(labels)), dtype=np.float32)
    bias = np.full(len(labels), -2.0, dtype=np.float32)
    if len(model.classes_) == 2:  # scikit-learn keeps one row for two classes
        coefficients[:, model.classes_] = np.hstack([-model.coef_.T, model.coef_.T])
        bias[model.classes_] = np.hstack([-model.intercept_, model.intercept_])
    else:
        coefficients[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
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


def _choose(
    examples: Sequence[Example], vectors: Vectors, truth: npt.NDArray[np.int64], recipe: Recipe, progress: Progress
) -> tuple[float, HeldOut]:
    """Return the vector weight with the best held-out accuracy, and its held-out scores; ties go to the first."""
    folds = fold_numbers(examples, recipe)
    jobs = [
        (examples, vectors, truth, folds, number, weight, recipe)
        for weight in recipe.vector_weights
        for number in range(folds.max() + 1)
    ]
    done = []
    workers = max(1, min(2, os.cpu_count() or 1))
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        for part in pool.map(_hold_out, jobs):
            done.append(part)
            progress("hold out", len(done), len(jobs))
    per_weight = len(jobs) // len(recipe.vector_weights)
    merged = [_merged(done[start : start + per_weight]) for start in range(0, len(done), per_weight)]
    best = max(range(len(merged)), key=lambda number: (merged[number].accuracy, -number))
    return recipe.vector_weights[best], merged[best]


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
    job: tuple[Sequence[Example], Vectors, npt.NDArray[np.int64], npt.NDArray[np.int64], int, float, Recipe],
) -> HeldOut:
    examples, vectors, truth, folds, number, weight, recipe = job
    labels = tuple(sorted({example.label for example in examples}))
    inside, outside = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
    weights, features = fit([examples[i].text for i in inside], vectors[inside], truth[inside], labels, weight, recipe)
    model = LinearClassifier(weights, features, version="fold")
    rows = [features.row(examples[i].text) for i in outside]
    return HeldOut(scores=model.scores(rows, vectors[outside]), truth=truth[outside])


def _merged(parts: Sequence[HeldOut]) -> HeldOut:
    return HeldOut(
        scores=np.concatenate([part.scores for part in parts]), truth=np.concatenate([part.truth for part in parts])
    )


def _with_temperature(weights: LinearWeights, temperature: float) -> LinearWeights:
    values = {name: getattr(weights, name) for name in LinearWeights.__dataclass_fields__}
    return LinearWeights(**{**values, "temperature": temperature})


def _facts(
    examples: Sequence[Example], encoder: Encoder, recipe: Recipe, held_out: HeldOut, temperature: float
) -> dict[str, Any]:
    chances = softmax(held_out.scores / np.float32(temperature))
    hits = chances.argmax(axis=1) == held_out.truth
    top3 = (np.argsort(-chances, axis=1)[:, :3] == held_out.truth[:, None]).any(axis=1)
    data = digest_of(list(examples))
    return {
        "data": data,
        "examples": len(examples),
        "encoder": encoder.version,
        "recipe": asdict(recipe),
        "held_out": {
            "accuracy": round(float(hits.mean()), 4),
            "top3": round(float(top3.mean()), 4),
            "ece": round(expected_calibration_error(chances.max(axis=1), hits), 4),
            "signature": f"data:{data}|split:groups x{recipe.folds}|n:{len(hits)}|seed:{recipe.seed}",
        },
    }
