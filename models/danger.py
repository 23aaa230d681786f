"""A learned ear for danger: adds hits that the tripwire's rules do not know, and never takes one away.

Two heads on what is computed anyway. English: TF-IDF words and letters beside a kernel machine on the sentence vector.
Every other language: the kernel machine alone, which has read messages of all of them. Trained on messages that were
written for it, both sides worded alike (weights/danger/CARD.md); measured by `benchmarks.safety`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from models.features import SparseRow, TfidfFeatures
from triage.errors import ModelError
from triage.types import Language, SafetyHit, Vectors

WEIGHTS = Path(str(files("models") / "weights" / "danger"))
RULE = {"911": "learned.danger", "988": "learned.crisis"}
ENGLISH = "en"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A support vector machine with a Gaussian kernel on unit vectors.

    Attributes:
        vectors: Support vectors, shape (n_support, dim).
        weights: Their dual coefficients, shape (n_support,).
        bias: Added to the sum.
        gamma: Of exp(-gamma · |x - s|²).
    """

    vectors: Floats
    weights: Floats
    bias: float
    gamma: float

    def scores(self, vectors: Vectors) -> Floats:
        """Return the decision values of vectors of unit length, shape (n,); above 0 is the dangerous side."""
        distances = 2.0 - 2.0 * (vectors @ self.vectors.T)
        found: Floats = np.exp(-self.gamma * distances) @ self.weights + np.float32(self.bias)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DangerWeights:
    """What training found.

    Attributes:
        english: Kernel beside the words.
        foreign: Kernel of every other language.
        words: Weight of each TF-IDF feature, shape (n_features,).
        words_bias: Of the words' part.
        words_share: What the words' part is multiplied by.
        crisis: Tells 988 (above 0) from 911 among dangers, shape (dim,).
        crisis_bias: Of it.
        thresholds: A score above it is a hit: of the English head, and of the other.
    """

    english: Kernel
    foreign: Kernel
    words: Floats
    words_bias: float
    words_share: float
    crisis: Floats
    crisis_bias: float
    thresholds: tuple[float, float]


class NoDanger:
    """Hears nothing: stands beside an encoder of the city's own, whose vectors the danger model cannot read."""

    version = "none"

    def find(
        self, texts: Sequence[str], vectors: Vectors, languages: Sequence[Language]
    ) -> list[tuple[SafetyHit, ...]]:
        """Return no hit for any text."""
        return [() for _ in texts]


class DangerModel:
    """See `protocols.DangerFinder`."""

    def __init__(self, weights: DangerWeights, features: TfidfFeatures, *, version: str) -> None:
        self._weights, self._features = weights, features
        self.version = version

    def find(
        self, texts: Sequence[str], vectors: Vectors, languages: Sequence[Language]
    ) -> list[tuple[SafetyHit, ...]]:
        """Return at most one hit a text, without a place in it; a text without a vector has none.

        Args:
            texts: What the residents wrote.
            vectors: Their embeddings, shape (n_texts, dim).
            languages: One a text.
        """
        scores = self.scores(texts, vectors, languages)
        crisis = vectors @ self._weights.crisis + self._weights.crisis_bias > 0
        known = np.linalg.norm(vectors, axis=1) > 0
        return [
            (self._hit("988" if crisis[i] else "911", text),) if known[i] and scores[i] > 0 else ()
            for i, text in enumerate(texts)
        ]

    def scores(self, texts: Sequence[str], vectors: Vectors, languages: Sequence[Language]) -> Floats:
        """Return how far above its threshold each text is, shape (n_texts,)."""
        weights = self._weights
        english = np.array([language.code == ENGLISH for language in languages], dtype=bool)
        found: Floats = np.empty(len(texts), dtype=np.float32)
        if english.any():
            rows = [self._features.row(text) for text, is_english in zip(texts, english, strict=True) if is_english]
            said = np.array([row.weights @ weights.words[row.indices] for row in rows], dtype=np.float32)
            words = weights.words_share * (said + weights.words_bias)
            found[english] = weights.english.scores(vectors[english]) + words - weights.thresholds[0]
        if not english.all():
            found[~english] = weights.foreign.scores(vectors[~english]) - weights.thresholds[1]
        return found

    def _hit(self, line: str, text: str) -> SafetyHit:
        """Return the hit, named by the words that speak loudest for danger."""
        words = ", ".join(self._loudest(self._features.row(text)))
        return SafetyHit(rule=RULE[line], text=words, start=None, end=None, line=line)

    def _loudest(self, row: SparseRow, *, most: int = 3) -> list[str]:
        numbers = row.indices[: row.n_words]
        shares = row.weights[: row.n_words] * self._weights.words[numbers]
        return [self._features.word_vocabulary[numbers[at]] for at in np.argsort(-shares)[:most] if shares[at] > 0]

    def save(self, folder: Path, facts: dict[str, object]) -> None:
        """Write danger.npz, vocabulary.json and danger.json into an existing folder."""
        weights = self._weights
        np.savez_compressed(
            folder / "danger.npz",
            english=weights.english.vectors.astype(np.float16),
            english_weights=weights.english.weights,
            foreign=weights.foreign.vectors.astype(np.float16),
            foreign_weights=weights.foreign.weights,
            words=weights.words.astype(np.float16),
            crisis=weights.crisis,
            idf=self._features.idf,
        )
        vocabulary = {"words": self._features.word_vocabulary, "chars": self._features.char_vocabulary}
        (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
        numbers = {
            "version": self.version,
            "english_bias": weights.english.bias,
            "foreign_bias": weights.foreign.bias,
            "gamma": weights.english.gamma,
            "words_bias": weights.words_bias,
            "words_share": weights.words_share,
            "crisis_bias": weights.crisis_bias,
            "thresholds": weights.thresholds,
        }
        (folder / "danger.json").write_text(json.dumps({**numbers, **facts}, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> Self:
        """Open what `save` wrote.

        Raises:
            ModelError: If a file is missing or damaged.
        """
        try:
            numbers = json.loads((folder / "danger.json").read_text("utf-8"))
            vocabulary = json.loads((folder / "vocabulary.json").read_text("utf-8"))
            with np.load(folder / "danger.npz", allow_pickle=False) as arrays:
                kernels = {
                    name: Kernel(
                        vectors=arrays[name].astype(np.float32),
                        weights=arrays[f"{name}_weights"],
                        bias=numbers[f"{name}_bias"],
                        gamma=numbers["gamma"],
                    )
                    for name in ("english", "foreign")
                }
                weights = DangerWeights(
                    **kernels,
                    words=arrays["words"].astype(np.float32),
                    words_bias=numbers["words_bias"],
                    words_share=numbers["words_share"],
                    crisis=arrays["crisis"],
                    crisis_bias=numbers["crisis_bias"],
                    thresholds=(numbers["thresholds"][0], numbers["thresholds"][1]),
                )
                features = TfidfFeatures(vocabulary["words"], vocabulary["chars"], arrays["idf"])
        except (OSError, KeyError, ValueError, TypeError, IndexError) as error:
            raise ModelError(f"the danger model in {folder} cannot be opened ({error}); install it again") from error
        return cls(weights, features, version=numbers["version"])
