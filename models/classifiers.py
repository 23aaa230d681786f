"""The linear classifier: a sentence vector beside word and character TF-IDF, one weight row a feature.

Chosen by measurement (docs/decisions/0004): it trains in seconds, answers in well under a millisecond, and explains
itself by its words. A model is a folder of plain arrays and JSON; nothing in it is executable.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from models.features import SparseRow, TfidfFeatures, as_written
from models.scope import ScopeRule
from triage.errors import ComponentError, ModelError
from triage.types import Prediction, Vectors

TOP = 5
BECAUSE = 3
OUT_OF_SCOPE_SHARE = np.float32(0.5)
_COMMON_WORDS = """
a an and are as at be been but by can do does for from get got has have he her his how i i'm if in is it it's its just
like me my no not of on or our out she so that the their them there they this to up was we were what when where which
who will with you your
"""
_EXPLAINS_NOTHING = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearWeights:
    """What training found.

    Attributes:
        labels: In alphabetical order.
        features: float32, shape (n_features, n_labels).
        vector: float32, shape (dim, n_labels); dim 0 for a model of words alone.
        bias: float32, shape (n_labels,).
        temperature: Scores are divided by it before the softmax; > 0.
        vector_weight: The embedding is multiplied by it.
        isotonic: Points of an increasing curve, shape (2, n), through which every probability goes before the row is
            divided by its sum again; None where the temperature alone calibrates.
    """

    labels: tuple[str, ...]
    features: npt.NDArray[np.float32]
    vector: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    temperature: float
    vector_weight: float
    isotonic: npt.NDArray[np.float64] | None = None


class LinearClassifier:
    """Ranks labels by a linear model; see `protocols.Classifier`."""

    def __init__(
        self, weights: LinearWeights, features: TfidfFeatures, *, version: str, scope: ScopeRule | None = None
    ) -> None:
        self.weights = weights
        self.features = features
        self.version = version
        self.scope = scope

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label it knows, in alphabetical order."""
        return self.weights.labels

    def classify(self, texts: Sequence[str], vectors: Vectors) -> list[tuple[Prediction, ...]]:
        """Return the five likeliest labels a text, best first; an all-zero vector leaves the words to decide.

        A text that is out of scope keeps its ranking at half the probabilities: under any threshold from 0.5 on.

        Raises:
            ComponentError: If the vectors are of another encoder's dimension.
        """
        rows = [self.features.row(text) for text in texts]
        scores = self.scores(rows, vectors)
        probabilities = calibrated(scores, self.weights)
        if self.scope:
            probabilities[~self.scope.holds(scores, vectors)] *= OUT_OF_SCOPE_SHARE
        return [
            self._best(row, chances, as_written(text))
            for row, chances, text in zip(rows, probabilities, texts, strict=True)
        ]

    def scores(self, rows: Sequence[SparseRow], vectors: Vectors) -> npt.NDArray[np.float32]:
        """Return the linear scores, shape (n_texts, n_labels)."""
        weights = self.weights
        if vectors.shape[1] not in (0, len(weights.vector)):
            raise ComponentError(f"the model reads vectors of {len(weights.vector)} numbers, got {vectors.shape[1]}")
        words = np.empty((len(rows), len(weights.labels)), dtype=np.float32)
        for number, row in enumerate(rows):
            words[number] = row.weights @ weights.features[row.indices]
        if vectors.shape[1]:
            words += (vectors * weights.vector_weight) @ weights.vector
        scores: npt.NDArray[np.float32] = words + weights.bias
        return scores

    def _best(
        self, row: SparseRow, chances: npt.NDArray[np.float32], written: Mapping[str, str]
    ) -> tuple[Prediction, ...]:
        order = np.argsort(-chances, kind="stable")[:TOP]
        return tuple(
            Prediction(
                label=self.labels[number],
                probability=float(chances[number]),
                because=tuple(written.get(gram, gram) for gram in self._words_for(row, int(number))),
            )
            for number in order
        )

    def _words_for(self, row: SparseRow, label: int) -> tuple[str, ...]:
        """Return the words of the text that speak loudest for a label, at most BECAUSE."""
        words = row.indices[: row.n_words]
        shares = row.weights[: row.n_words] * self.weights.features[words, label]
        found: list[str] = []
        for place in np.argsort(-shares, kind="stable")[: 4 * BECAUSE]:
            gram = self.features.word_vocabulary[words[place]]
            if shares[place] > 0 and _explains(gram) and not any(gram in other or other in gram for other in found):
                found.append(gram)
        return tuple(found[:BECAUSE])

    def save(self, folder: Path) -> None:
        """Write model.npz, vocabulary.json and model.json into an existing folder."""
        weights = self.weights
        optional = {"isotonic": weights.isotonic, "centers": self.scope and self.scope.centers}
        arrays: dict[str, Any] = {name: array for name, array in optional.items() if array is not None}
        np.savez(
            folder / "model.npz",
            features=weights.features.astype(np.float16),
            vector=weights.vector,
            bias=weights.bias,
            idf=self.features.idf,
            **arrays,
        )
        vocabulary = {"words": self.features.word_vocabulary, "chars": self.features.char_vocabulary}
        _write_json(folder / "vocabulary.json", vocabulary)
        known = {
            "version": self.version,
            "labels": weights.labels,
            "temperature": weights.temperature,
            "vector_weight": weights.vector_weight,
            "scope": None if self.scope is None else {"kind": self.scope.kind, "threshold": self.scope.threshold},
        }
        _write_json(folder / "model.json", known)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a model that `save` wrote.

        Raises:
            ModelError: If a file is missing, damaged, or the parts do not fit together.
        """
        try:
            facts = _read_json(folder / "model.json")
            vocabulary = _read_json(folder / "vocabulary.json")
            with (folder / "model.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                weights = LinearWeights(
                    labels=tuple(facts["labels"]),
                    features=arrays["features"].astype(np.float32),
                    vector=arrays["vector"],
                    bias=arrays["bias"],
                    temperature=float(facts["temperature"]),
                    vector_weight=float(facts["vector_weight"]),
                    isotonic=arrays.get("isotonic"),
                )
                scope = ScopeRule(**facts["scope"], centers=arrays["centers"]) if facts.get("scope") else None
                features = TfidfFeatures(vocabulary["words"], vocabulary["chars"], arrays["idf"])
            version = str(facts["version"])
        except (OSError, EOFError, KeyError, TypeError, ValueError, BadZipFile, zlib.error) as error:
            raise ModelError(f"the model in {folder} cannot be opened ({error}); train it again") from error
        if not _fits(weights, features):
            raise ModelError(f"the parts of the model in {folder} do not fit together; train it again")
        return cls(weights, features, version=version, scope=scope)


def softmax(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return exp(scores), each row divided by its sum."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: npt.NDArray[np.float32] = shifted / shifted.sum(axis=1, keepdims=True)
    return chances


def _fits(weights: LinearWeights, features: TfidfFeatures) -> bool:
    """Tell whether every array has the shape that the labels and the vocabulary ask for, and can be computed with."""
    n_labels = len(weights.labels)
    shapes = weights.features.shape, weights.vector.shape[1:], weights.bias.shape, features.idf.shape
    arrays = weights.features, weights.vector, weights.bias, features.idf
    return (
        shapes == ((len(features), n_labels), (n_labels,), (n_labels,), (len(features),))
        and all(np.isfinite(array).all() for array in arrays)
        and weights.temperature > 0
    )


def calibrated(scores: npt.NDArray[np.float32], weights: LinearWeights) -> npt.NDArray[np.float32]:
    """Return the probabilities that linear scores stand for, shape (n_texts, n_labels); rows sum to 1."""
    return bent(softmax(scores / np.float32(weights.temperature)), weights.isotonic)


def bent(chances: npt.NDArray[np.float32], curve: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float32]:
    """Return probabilities put through an increasing curve, each row divided by its sum; unchanged where it is None."""
    if curve is None:
        return chances
    raised = np.interp(chances, curve[0], curve[1]).astype(np.float32)
    straightened: npt.NDArray[np.float32] = raised / raised.sum(axis=1, keepdims=True)
    return straightened


@cache
def _explains(gram: str) -> bool:
    return "0" not in gram and not _EXPLAINS_NOTHING.issuperset(gram.split())


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
