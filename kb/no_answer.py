"""How likely is it that a found article answers the question, and what follows: answer, possible answers, or none.

A logistic model over a few signals; a raw similarity is a poor judge, since long questions have lower ones. The
coefficients are fitted by `benchmarks/no_answer.py` and kept in `data/no_answer_model.json` with their card line.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from triage.errors import ModelError
from triage.types import AnswerStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What speaks for one found article, and against it.

    Attributes:
        section: Cosine of the question with the section, in [-1, 1].
        question: Its largest cosine with the title and the aliases.
        lexical: BM25 in shares of the best possible, in [0, 1).
        margin: Fused similarity minus that of the best other article; 0 where there is none.
        coverage: Share of the question's idf whose words stand in the section, its title or aliases.
        words: ln(1 + n) of the n different informative words of the question.
    """

    section: float
    question: float
    lexical: float
    margin: float
    coverage: float
    words: float


LOOKED_AT = 3  # found articles that decide together whether there is an answer at all

# Whether BM25 and the vectors agree on the winner was tried as well: it added nothing to margin and coverage.
DENSE_SIGNALS = ("section", "question", "margin", "coverage", "words")
# Without a vector the cosines say nothing; another model reads the rest.
LEXICAL_SIGNALS = ("lexical", "margin", "coverage", "words")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """Probability = 1 / (1 + exp(-(intercept + Σ coefficient × signal)))."""

    intercept: float
    coefficients: Mapping[str, float]

    def probability(self, signals: Signals) -> float:
        """Return the calibrated probability, in (0, 1)."""
        weighted = (weight * getattr(signals, name) for name, weight in self.coefficients.items())
        logit: float = self.intercept + sum(weighted)
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswerModel:
    """Two logistic models and the two thresholds between none, possible and answer.

    Attributes:
        dense: For questions with a vector.
        lexical: For questions without one.
        answer_from: Least probability of the best article to be an answer.
        possible_from: Least probability that one of the best articles answers.
        version: Names the fit.
    """

    dense: Logistic
    lexical: Logistic
    answer_from: float
    possible_from: float
    version: str

    def __post_init__(self) -> None:
        if not 0 <= self.possible_from <= self.answer_from <= 1:
            raise ValueError(f"0 <= possible_from <= answer_from <= 1 does not hold: {self}")

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a model file; without a path the one of this package.

        Raises:
            ModelError: If it is missing or not such a file.
        """
        source = path if path is not None else files("kb") / "data" / "no_answer_model.json"
        try:
            return cls.from_record(json.loads(source.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{source} is no model of answer probabilities ({error!r})") from error

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the model of the JSON values that `benchmarks/no_answer.py` writes."""
        dense, lexical = (_logistic(record[name]) for name in ("dense", "lexical"))
        return cls(
            dense=dense,
            lexical=lexical,
            answer_from=float(record["answer_from"]),
            possible_from=float(record["possible_from"]),
            version=str(record["version"]),
        )

    def probability(self, signals: Signals, *, has_vector: bool) -> float:
        """Return the probability that the article answers; 0 for a question without an informative word."""
        if signals.words == 0:
            return 0.0
        return (self.dense if has_vector else self.lexical).probability(signals)

    def status(self, probabilities: Sequence[float]) -> AnswerStatus:
        """Return `answer` if the best alone is likely enough, `possible` if some of them together are, else `none`."""
        if max(probabilities, default=0.0) >= self.answer_from:
            return AnswerStatus.ANSWER
        together = answerable_probability(probabilities)
        return AnswerStatus.POSSIBLE if together >= self.possible_from and together > 0 else AnswerStatus.NONE


def answerable_probability(probabilities: Sequence[float]) -> float:
    """Return the probability that one of the best LOOKED_AT articles answers: their sum, for one at most is right."""
    return min(1.0, sum(probabilities[:LOOKED_AT]))


def _logistic(record: Mapping[str, Any]) -> Logistic:
    coefficients = {name: float(weight) for name, weight in record["coefficients"].items()}
    unknown = set(coefficients) - {*DENSE_SIGNALS, *LEXICAL_SIGNALS}
    if unknown:
        raise ValueError(f"unknown signals {sorted(unknown)}")
    return Logistic(intercept=float(record["intercept"]), coefficients=coefficients)
