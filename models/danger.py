"""The learned part of the tripwire: hears dangers that no rule knows, and weighs the rules that often cry wolf.

An ear on the encoder's token states (`models.ear`), words and letters, and what the rules found are weighed together;
a language has its own threshold. Where it cannot judge a text (no ear, no vector), it says so, and every rule stands.
Fitted on messages written for it, both sides worded alike (weights/danger/CARD.md); measured by `benchmarks.safety`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from models.ear import Ear
from models.features import SparseRow, TfidfFeatures
from triage.errors import ModelError
from triage.types import Language, SafetyHit, Vectors

WEIGHTS = Path(str(files("models") / "weights" / "danger"))
RULE = {"911": "learned.danger", "988": "learned.crisis"}
ENGLISH = "en"
ANY_RULE = "any rule"

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """How one side (English, or every other language) weighs what it knows of a text.

    Attributes:
        bias: Of the sum.
        ear: Weight of the ear's logit.
        words: Weight of the words' logit.
        rules: Weight of each rule found, by id, and of any at all.
    """

    bias: float
    ear: float
    words: float
    rules: Mapping[str, float]

    def score(self, heard: float, said: float, hits: Sequence[SafetyHit]) -> float:
        """Return the logit of a danger."""
        found = {hit.rule for hit in hits if hit.line is not None}
        known = sum(self.rules.get(rule, 0.0) for rule in found) + (self.rules[ANY_RULE] if found else 0.0)
        return self.bias + self.ear * heard + self.words * said + known


@dataclass(frozen=True, slots=True, kw_only=True)
class DangerWeights:
    """What training found.

    Attributes:
        words: Weight of each TF-IDF feature, shape (n_features,).
        words_bias: Of the words' logit.
        english: How an English text is weighed.
        foreign: How any other is.
        thresholds: By language, what a score must exceed; under "" that of a language without its own.
    """

    words: Floats
    words_bias: float
    english: Weighing
    foreign: Weighing
    thresholds: Mapping[str, float]


class NoDanger:
    """Cannot judge any text: stands beside an encoder of the city's own, to which no ear has listened."""

    version = "none"

    def find(
        self,
        texts: Sequence[str],
        alarms: Vectors,
        languages: Sequence[Language],
        hits: Sequence[Sequence[SafetyHit]],
    ) -> list[tuple[SafetyHit, ...] | None]:
        """Return None for every text."""
        return [None for _ in texts]


class DangerModel:
    """See `protocols.DangerFinder`."""

    def __init__(self, weights: DangerWeights, features: TfidfFeatures, *, version: str) -> None:
        self._weights, self._features = weights, features
        self.version = version

    def find(
        self,
        texts: Sequence[str],
        alarms: Vectors,
        languages: Sequence[Language],
        hits: Sequence[Sequence[SafetyHit]],
    ) -> list[tuple[SafetyHit, ...] | None]:
        """Return one hit where a text tells of danger, none where it does not, None where no ear has heard it.

        Args:
            texts: What the residents wrote.
            alarms: What the ear made of them, shape (n_texts, 2); NaN where nobody listened.
            languages: One a text.
            hits: What the rules found in each.
        """
        rows = [self._features.row(text) for text in texts]
        scores = self.scores(rows, alarms, languages, hits)
        return [
            None if np.isnan(score) else (self._hit(alarm, row),) if score > 0 else ()
            for score, alarm, row in zip(scores, alarms, rows, strict=True)
        ]

    def scores(
        self,
        rows: Sequence[SparseRow],
        alarms: Vectors,
        languages: Sequence[Language],
        hits: Sequence[Sequence[SafetyHit]],
    ) -> list[float]:
        """Return how far above its language's threshold each text is; NaN where nobody listened."""
        weights = self._weights
        found = []
        for row, alarm, language, known in zip(rows, alarms, languages, hits, strict=True):
            weighing = weights.english if language.code == ENGLISH else weights.foreign
            threshold = weights.thresholds.get(language.code, weights.thresholds[""])
            found.append(weighing.score(float(alarm[0]), self.said(row), known) - threshold)
        return found

    def said(self, row: SparseRow) -> float:
        """Return the words' logit of a danger."""
        return float(row.weights @ self._weights.words[row.indices]) + self._weights.words_bias

    def _hit(self, alarm: Vectors, row: SparseRow) -> SafetyHit:
        """Return the hit, named by the words that speak loudest for danger."""
        line = "988" if alarm[1] > 0 else "911"
        return SafetyHit(rule=RULE[line], text=", ".join(self._loudest(row)), start=None, end=None, line=line)

    def _loudest(self, row: SparseRow, *, most: int = 3) -> list[str]:
        numbers = row.indices[: row.n_words]
        shares = row.weights[: row.n_words] * self._weights.words[numbers]
        return [self._features.word_vocabulary[numbers[at]] for at in np.argsort(-shares)[:most] if shares[at] > 0]

    def save(self, folder: Path, ears: Sequence[Ear], facts: Mapping[str, object]) -> None:
        """Write ears.npz, words.npz, vocabulary.json and danger.json into an existing folder.

        Args:
            folder: Where to.
            ears: Of the English encoder, and of the multilingual one.
            facts: What was measured, to stand beside the numbers.
        """
        weights = self._weights
        english, foreign = ears
        arrays: dict[str, Any] = english.arrays("english") | foreign.arrays("foreign")
        np.savez_compressed(folder / "ears.npz", **arrays)
        np.savez_compressed(folder / "words.npz", words=weights.words.astype(np.float16), idf=self._features.idf)
        vocabulary = {"words": self._features.word_vocabulary, "chars": self._features.char_vocabulary}
        (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
        numbers = {
            "version": self.version,
            "encoders": [english.encoder, foreign.encoder],
            "words_bias": weights.words_bias,
            "english": _plain(weights.english),
            "foreign": _plain(weights.foreign),
            "thresholds": dict(weights.thresholds),
        }
        (folder / "danger.json").write_text(json.dumps({**numbers, **facts}, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> Self:
        """Open what `save` wrote, without the ears.

        Raises:
            ModelError: If a file is missing or damaged.
        """
        try:
            numbers = json.loads((folder / "danger.json").read_text("utf-8"))
            vocabulary = json.loads((folder / "vocabulary.json").read_text("utf-8"))
            with np.load(folder / "words.npz", allow_pickle=False) as arrays:
                weights = DangerWeights(
                    words=arrays["words"].astype(np.float32),
                    words_bias=numbers["words_bias"],
                    english=Weighing(**numbers["english"]),
                    foreign=Weighing(**numbers["foreign"]),
                    thresholds=numbers["thresholds"],
                )
                features = TfidfFeatures(vocabulary["words"], vocabulary["chars"], arrays["idf"])
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise ModelError(f"the danger model in {folder} cannot be opened ({error}); install it again") from error
        return cls(weights, features, version=numbers["version"])


def load_ears(folder: Path = WEIGHTS) -> tuple[Ear, Ear]:
    """Open the ears that `DangerModel.save` wrote: of the English encoder, and of the multilingual one.

    Raises:
        ModelError: If a file is missing or damaged.
    """
    try:
        english, foreign = json.loads((folder / "danger.json").read_text("utf-8"))["encoders"]
        with np.load(folder / "ears.npz", allow_pickle=False) as stored:
            arrays = dict(stored)
        return Ear.from_arrays("english", arrays, english), Ear.from_arrays("foreign", arrays, foreign)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"the ears in {folder} cannot be opened ({error}); install them again") from error


def _plain(weighing: Weighing) -> dict[str, object]:
    return {
        "bias": round(weighing.bias, 4),
        "ear": round(weighing.ear, 4),
        "words": round(weighing.words, 4),
        "rules": {name: round(value, 4) for name, value in sorted(weighing.rules.items())},
    }
