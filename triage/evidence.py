"""What rules found in a text, and the small linear model that weighs it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import yaml

from triage.errors import ModelError, SettingsError
from triage.phrases import Found, Phrasebook, plain_words
from triage.safety_text import Reading, read
from triage.types import Reason, UrgencyLevel

Features = Mapping[str, float]
Floors = tuple[tuple[UrgencyLevel, frozenset[str]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The phrases of one text that rules know.

    Attributes:
        reading: Its words.
        found: The phrases, in order of their first words.
    """

    reading: Reading
    found: tuple[Found, ...]

    @property
    def names(self) -> frozenset[str]:
        """The rules that were found at least once."""
        return frozenset(found.name for found in self.found)

    def reason(self, rule: str, text: str) -> Reason | None:
        """Return the first phrase of a rule as a reason, with its span in `text`; None if it was not found."""
        found = next((found for found in self.found if found.name == rule), None)
        if found is None:
            return None
        start, end = self.reading.starts[found.start], self.reading.ends[found.end - 1]
        return Reason(rule=rule, text=text[start:end], start=start, end=end)


class Rules:
    """Patterns of a file, found together in one pass."""

    def __init__(self, phrasebook: Phrasebook, floors: Floors, version: str) -> None:
        self._phrasebook = phrasebook
        self.floors = floors
        self.version = version
        # Kind and urgency ask for the same text in turn; one slot, exchanged whole, is safe between threads.
        self._last = "", Evidence(reading=read(""), found=())

    @classmethod
    def load(cls, *paths: Path) -> Self:
        """Read files of rules; a rule's name stands in one of them.

        Raises:
            SettingsError: If a file cannot be read or a pattern is wrong.
        """
        documents = [_read(path) for path in paths]
        rules = {name: lines for document in documents for name, lines in document["rules"].items()}
        lists = {name: lines for document in documents for name, lines in document.get("lists", {}).items()}
        floors = [floor for document in documents for floor in _floors(document.get("floors", {}), rules)]
        return cls(
            Phrasebook(rules, lists),
            tuple(floors),
            "+".join(str(document.get("version", "0")) for document in documents),
        )

    def evidence(self, text: str) -> Evidence:
        """Return what the rules find in a text; linear in its length."""
        known, evidence = self._last
        if known != text:
            reading = read(text)
            found = self._phrasebook.find(plain_words(reading), reading.sentences)
            evidence = Evidence(reading=reading, found=(*found, *_question_marks(reading)))
            self._last = text, evidence
        return evidence


def _question_marks(reading: Reading) -> Sequence[Found]:
    """Return the last word of each sentence that ends in a question mark, as the rule `question.mark`."""
    if not reading.questions:
        return ()
    last = {sentence: at for at, sentence in enumerate(reading.sentences) if sentence in reading.questions}
    return [Found("question.mark", at, at + 1) for at in last.values()]


class LinearModel:
    """Multinomial logistic regression over named features: weights of shape (n_features, n_labels)."""

    def __init__(self, features: Sequence[str], labels: Sequence[str], weights: npt.NDArray[np.float64]) -> None:
        self.features = tuple(features)
        self.labels = tuple(labels)
        self.weights = weights
        self._rows = {name: row for row, name in enumerate(features)}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `{"labels": [...], "weights": {feature: [one number a label]}}`.

        Raises:
            ModelError: If the file is missing or is not that.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            features = list(document["weights"])
            weights = np.array([document["weights"][name] for name in features], dtype=np.float64)
            if weights.shape != (len(features), len(document["labels"])):
                raise ValueError(f"weights have the shape {weights.shape}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"the weights in {path} cannot be read ({error}); train them again") from error
        return cls(features, document["labels"], weights)

    def logits(self, features: Features) -> npt.NDArray[np.float64]:
        """Return one number a label, shape (n_labels,); features without a weight say nothing."""
        known = [(self._rows[name], value) for name, value in features.items() if name in self._rows]
        if not known:
            return np.zeros(len(self.labels))
        rows, values = zip(*known, strict=True)
        logits: npt.NDArray[np.float64] = np.asarray(values) @ self.weights[list(rows)]
        return logits

    def push(self, features: Features, toward: int, away: int) -> float:
        """Return how much the features speak for one label (by its place) and against another."""
        rows = ((self._rows[name], value) for name, value in features.items() if name in self._rows)
        return float(sum(value * (self.weights[row, toward] - self.weights[row, away]) for row, value in rows))


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return probabilities of shape (n_labels,)."""
    powers: npt.NDArray[np.float64] = np.exp(logits - logits.max())
    probabilities: npt.NDArray[np.float64] = powers / powers.sum()
    return probabilities


def _floors(
    document: Mapping[str, Sequence[str]], rules: Mapping[str, object]
) -> Iterator[tuple[UrgencyLevel, frozenset[str]]]:
    for level, lines in document.items():
        for line in lines:
            unknown = set(line.split()) - set(rules)
            if unknown or level not in list(UrgencyLevel):
                raise SettingsError(
                    f"the floor {level}: {line!r} names what does not exist: {', '.join(unknown) or level}"
                )
            yield UrgencyLevel(level), frozenset(line.split())


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("rules"), dict):
        raise SettingsError(f"{path}: needs `rules`, a mapping from names to lists of patterns")
    return document
