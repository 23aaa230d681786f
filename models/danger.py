"""The learned part of the tripwire: hears dangers that no rule knows, and weighs the rules that often cry wolf.

An ear on the encoder's token states (`models.ear`), words and letters, and what the rules found are weighed together.
What may be a danger by that, a quarter of all messages, is read again by a network that was trained through on nothing
else; a language has its own threshold. Where no ear has heard a text (no vector), the model says so, and every rule
stands.
Fitted on messages written for it, both sides worded alike (weights/danger/CARD.md); measured by `benchmarks.safety`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from models.ear import Ear
from models.encoder import MiniLMEncoder
from models.features import SparseRow, TfidfFeatures
from triage.errors import ModelError
from triage.types import Encoded, Language, SafetyHit, Vectors

WEIGHTS = Path(str(files("models") / "weights" / "danger"))
RULE = {"911": "learned.danger", "988": "learned.crisis"}
ENGLISH = "en"
ANY_RULE = "any rule"

SIDES = ("english", "foreign")  # every other language, mixed and unknown ones too
HEAD = "head.npz"  # in a network's folder

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
class Verdict:
    """What is made of a text that was read again.

    Attributes:
        gate: The first score from which it is.
        bias: Of the sum.
        first: Weight of that score.
        again: Weight of the network's logit.
    """

    gate: float
    bias: float
    first: float
    again: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DangerWeights:
    """What training found.

    Attributes:
        words: Weight of each TF-IDF feature, shape (n_features,).
        words_bias: Of the words' logit.
        weighing: How a text is weighed first, by side.
        verdict: What is made of it when it was read again, by side.
        thresholds: By language, what that must exceed; under "" that of a language without its own.
    """

    words: Floats
    words_bias: float
    weighing: Mapping[str, Weighing]
    verdict: Mapping[str, Verdict]
    thresholds: Mapping[str, float]


class Again(Protocol):
    """Reads a text a second time."""

    def read(self, texts: Sequence[str]) -> Encoded:
        """Return, as alarms, the logits of a danger and of a crisis, shape (n_texts, 2)."""


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
    """See `protocols.DangerFinder`.

    Args:
        weights: What training found.
        features: Words and letters.
        networks: By side, what reads a text again: an encoder with an ear of its own.
        version: Names all of it.
    """

    def __init__(
        self, weights: DangerWeights, features: TfidfFeatures, networks: Mapping[str, Again], *, version: str
    ) -> None:
        self.weights, self.features, self._networks = weights, features, networks
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
        rows = [self.features.row(text) for text in texts]
        firsts = self.first_scores(rows, alarms, languages, hits)
        found: list[tuple[SafetyHit, ...] | None] = [None if np.isnan(first) else () for first in firsts]
        for at, score, crisis in self.read_again(texts, firsts, languages):
            if score > self.threshold(languages[at]):
                found[at] = (self._hit(crisis, rows[at]),)
        return found

    def read_again(
        self, texts: Sequence[str], firsts: Sequence[float], languages: Sequence[Language]
    ) -> Iterator[tuple[int, float, float]]:
        """Yield number, last score and logit of a crisis of each text that passes its side's gate."""
        for side in SIDES:
            verdict = self.weights.verdict[side]
            doubtful = [
                at
                for at, (first, language) in enumerate(zip(firsts, languages, strict=True))
                if side_of(language) == side and first >= verdict.gate
            ]
            again = self._networks[side].read([texts[at] for at in doubtful]).alarms if doubtful else ()
            for at, (danger, crisis) in zip(doubtful, again, strict=True):
                yield at, verdict.bias + verdict.first * firsts[at] + verdict.again * float(danger), float(crisis)

    def first_scores(
        self,
        rows: Sequence[SparseRow],
        alarms: Vectors,
        languages: Sequence[Language],
        hits: Sequence[Sequence[SafetyHit]],
    ) -> list[float]:
        """Return the logit of a danger before a text is read again; NaN where nobody listened."""
        return [
            self.weights.weighing[side_of(language)].score(float(alarm[0]), self.said(row), known)
            for row, alarm, language, known in zip(rows, alarms, languages, hits, strict=True)
        ]

    def threshold(self, language: Language) -> float:
        """Return what a last score must exceed."""
        return self.weights.thresholds.get(language.code, self.weights.thresholds[""])

    def said(self, row: SparseRow) -> float:
        """Return the words' logit of a danger."""
        return float(row.weights @ self.weights.words[row.indices]) + self.weights.words_bias

    def _hit(self, crisis: float, row: SparseRow) -> SafetyHit:
        """Return the hit, named by the words that speak loudest for danger."""
        line = "988" if crisis > 0 else "911"
        return SafetyHit(rule=RULE[line], text=", ".join(self._loudest(row)), start=None, end=None, line=line)

    def _loudest(self, row: SparseRow, *, most: int = 3) -> list[str]:
        numbers = row.indices[: row.n_words]
        shares = row.weights[: row.n_words] * self.weights.words[numbers]
        return [self.features.word_vocabulary[numbers[at]] for at in np.argsort(-shares)[:most] if shares[at] > 0]

    def save(self, folder: Path, ears: Sequence[Ear], facts: Mapping[str, object]) -> None:
        """Write ears.npz, words.npz, vocabulary.json and danger.json into an existing folder; not the networks.

        Args:
            folder: Where to.
            ears: Of the English encoder, and of the multilingual one.
            facts: What was measured, to stand beside the numbers.
        """
        weights = self.weights
        arrays: dict[str, Any] = {}
        for side, ear in zip(SIDES, ears, strict=True):
            arrays |= ear.arrays(side)
        np.savez_compressed(folder / "ears.npz", **arrays)
        np.savez_compressed(folder / "words.npz", words=weights.words.astype(np.float16), idf=self.features.idf)
        vocabulary = {"words": self.features.word_vocabulary, "chars": self.features.char_vocabulary}
        (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
        numbers = {
            "version": self.version,
            "encoders": [ear.encoder for ear in ears],
            "words_bias": weights.words_bias,
            "weighing": {side: _plain(weighing) for side, weighing in weights.weighing.items()},
            "verdict": {side: asdict(verdict) for side, verdict in weights.verdict.items()},
            "thresholds": dict(weights.thresholds),
        }
        (folder / "danger.json").write_text(json.dumps({**numbers, **facts}, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, networks: Mapping[str, Again], folder: Path = WEIGHTS) -> Self:
        """Open what `save` wrote, without the ears.

        Args:
            networks: What reads a text again, by side.
            folder: Where it stands.

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
                    weighing={side: Weighing(**numbers["weighing"][side]) for side in SIDES},
                    verdict={side: Verdict(**numbers["verdict"][side]) for side in SIDES},
                    thresholds=numbers["thresholds"],
                )
                features = TfidfFeatures(vocabulary["words"], vocabulary["chars"], arrays["idf"])
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise ModelError(f"the danger model in {folder} cannot be opened ({error}); install it again") from error
        return cls(weights, features, networks, version=numbers["version"])


def side_of(language: Language) -> str:
    """Return the side that a text in a language is heard by."""
    return SIDES[0] if language.code == ENGLISH else SIDES[1]


def load_networks(folder: Path = WEIGHTS) -> dict[str, MiniLMEncoder]:
    """Open what reads a text again, by side.

    Raises:
        ModelError: If a file is missing or damaged.
    """
    return {side: load_network(folder / side) for side in SIDES}


def load_network(folder: Path) -> MiniLMEncoder:
    """Open a network and its head; what it gives as alarms of a text are the logits of a danger and of a crisis.

    Raises:
        ModelError: If a file is missing or damaged.
    """
    try:
        with np.load(folder / HEAD, allow_pickle=False) as arrays:
            version = json.loads((folder / "encoder.json").read_text("utf-8"))["version"]
            head = Ear.from_arrays("head", dict(arrays), version)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"the danger network in {folder} cannot be opened ({error}); install it again") from error
    return MiniLMEncoder.load(folder, ear=head)


def load_ears(folder: Path = WEIGHTS) -> tuple[Ear, Ear]:
    """Open the ears that `DangerModel.save` wrote: of the English encoder, and of the multilingual one.

    Raises:
        ModelError: If a file is missing or damaged.
    """
    try:
        english, foreign = json.loads((folder / "danger.json").read_text("utf-8"))["encoders"]
        with np.load(folder / "ears.npz", allow_pickle=False) as stored:
            arrays = dict(stored)
        return Ear.from_arrays(SIDES[0], arrays, english), Ear.from_arrays(SIDES[1], arrays, foreign)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"the ears in {folder} cannot be opened ({error}); install them again") from error


def _plain(weighing: Weighing) -> dict[str, object]:
    return {
        "bias": round(weighing.bias, 4),
        "ear": round(weighing.ear, 4),
        "words": round(weighing.words, 4),
        "rules": {name: round(value, 4) for name, value in sorted(weighing.rules.items())},
    }
