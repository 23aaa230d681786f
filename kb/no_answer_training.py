"""Fits the answer probabilities: examples from judged sets, a small logistic regression, thresholds.

Questions without an answer are of three kinds: written as such, taken from another subject's set, and questions whose
right articles are hidden, which is the hardest kind, because their neighbors nearly answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.answers import Found
from kb.no_answer import LOOKED_AT, Logistic, Signals, answerable_probability
from kb.search import SectionSearch
from triage.types import Query

L2 = 1.0
STEPS = 50

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One found article, and whether it answers.

    Attributes:
        source: The set that it comes from; its weight does not depend on how long it is.
        question: Which question of the set, so that folds do not share one.
        rank: 0 for the best found article.
        answerable: Whether the question has an answer in what was searched.
    """

    source: str
    question: int
    rank: int
    signals: Signals
    is_right: bool
    answerable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query, the numbers of the articles that answer it, and whether those are hidden."""

    query: Query
    right: frozenset[int]
    is_hidden: bool = False


HIDE_EVERY = 10
MAIN_SOURCE = "starter"  # the set most like what is served: it weighs as much as all others together


def asked_both_ways(
    queries: Sequence[Query], right: Sequence[frozenset[int]], unanswerable: Sequence[Query]
) -> list[Asked]:
    """Return all queries, with their right articles hidden from every HIDE_EVERY-th, then the unanswerable ones."""
    answerable = [
        Asked(query=query, right=numbers, is_hidden=place % HIDE_EVERY == HIDE_EVERY - 1)
        for place, (query, numbers) in enumerate(zip(queries, right, strict=True))
    ]
    return answerable + [Asked(query=query, right=frozenset()) for query in unanswerable]


def examples_of(source: str, search: SectionSearch, asked: Sequence[Asked]) -> list[Example]:
    """Return an example for each of the best articles of each question."""
    hidden = [one.right if one.is_hidden else frozenset[int]() for one in asked]
    found = search.rank([one.query for one in asked], k=LOOKED_AT, hidden=hidden)
    return [
        _example(source, number, rank, one, article)
        for number, (one, ranking) in enumerate(zip(asked, found, strict=True))
        for rank, article in enumerate(ranking)
        if article.signals.words > 0
    ]


def _example(source: str, number: int, rank: int, asked: Asked, found: Found) -> Example:
    return Example(
        source=source,
        question=number,
        rank=rank,
        signals=found.signals,
        is_right=not asked.is_hidden and found.article in asked.right,
        answerable=bool(asked.right) and not asked.is_hidden,
    )


def without_vectors(asked: Iterable[Asked]) -> list[Asked]:
    """Return the same questions as they arrive when the encoder fails."""
    return [replace(one, query=replace(one.query, vector=np.zeros_like(one.query.vector))) for one in asked]


def fit(examples: Sequence[Example], names: Sequence[str]) -> Logistic:
    """Return the logistic model of the examples by Newton's method, with a small L2 penalty on the slopes.

    Every set has the same weight in sum, but MAIN_SOURCE as much as all others.

    Raises:
        ValueError: If all examples are right, or none is.
    """
    answers = np.array([example.is_right for example in examples], dtype=np.float64)
    if not 0 < answers.sum() < len(answers):
        raise ValueError("a fit needs examples that are right and examples that are wrong")
    values = _values(examples, names)
    means, spreads = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)
    design = np.hstack([np.ones((len(values), 1)), (values - means) / spreads])
    slopes = _newton(design, answers, _source_weights(examples))
    coefficients = slopes[1:] / spreads
    return Logistic(
        intercept=float(slopes[0] - coefficients @ means),
        coefficients={name: float(value) for name, value in zip(names, coefficients, strict=True)},
    )


def _newton(design: Numbers, answers: Numbers, weights: Numbers) -> Numbers:
    penalty = np.full(design.shape[1], L2)
    penalty[0] = 0.0
    slopes = np.zeros(design.shape[1])
    for _ in range(STEPS):
        probabilities = 1 / (1 + np.exp(-np.clip(design @ slopes, -30, 30)))
        gradient = design.T @ (weights * (probabilities - answers)) + penalty * slopes
        curvature = weights * probabilities * (1 - probabilities)
        hessian = (design.T * curvature) @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(hessian, gradient)
        slopes -= step
        if np.abs(step).max() < 1e-8:
            break
    return slopes


def _values(examples: Sequence[Example], names: Sequence[str]) -> Numbers:
    return np.array([[getattr(example.signals, name) for name in names] for example in examples])


def _source_weights(examples: Sequence[Example]) -> Numbers:
    sources = [example.source for example in examples]
    counts: Mapping[str, int] = {source: sources.count(source) for source in set(sources)}
    shares = {source: (len(counts) - 1 or 1) if source == MAIN_SOURCE else 1 for source in counts}
    scale = len(sources) / sum(shares.values())
    return np.array([scale * shares[source] / counts[source] for source in sources])


def cross_validated(examples: Sequence[Example], names: Sequence[str], *, folds: int = 5) -> Numbers:
    """Return a probability for each example from a model fitted without its question, shape (n_examples,)."""
    fold_of = np.array([example.question % folds for example in examples])
    probabilities = np.zeros(len(examples))
    for fold in range(folds):
        model = fit([example for example, part in zip(examples, fold_of, strict=True) if part != fold], names)
        for place in np.flatnonzero(fold_of == fold).tolist():
            probabilities[place] = model.probability(examples[place].signals)
    return probabilities


def left_out(examples: Sequence[Example], names: Sequence[str]) -> Numbers:
    """Return a probability for each example from a model fitted without its whole set."""
    probabilities = np.zeros(len(examples))
    for source in {example.source for example in examples}:
        model = fit([example for example in examples if example.source != source], names)
        for place, example in enumerate(examples):
            if example.source == source:
                probabilities[place] = model.probability(example.signals)
    return probabilities


def together(examples: Sequence[Example], probabilities: Numbers) -> tuple[Numbers, Numbers]:
    """Return the probabilities that there is an answer, of answerable questions and of the others."""
    found: dict[tuple[str, int], list[float]] = {}
    answerable: dict[tuple[str, int], bool] = {}
    for example, probability in zip(examples, probabilities, strict=True):
        found.setdefault((example.source, example.question), []).append(float(probability))
        answerable[example.source, example.question] = example.answerable
    sums = {key: answerable_probability(values) for key, values in found.items()}
    return (
        np.array([value for key, value in sums.items() if answerable[key]]),
        np.array([value for key, value in sums.items() if not answerable[key]]),
    )


def calibration_error(examples: Sequence[Example], probabilities: Numbers, *, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width: mean |share right - mean probability|."""
    right = np.array([example.is_right for example in examples], dtype=np.float64)
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [
        abs(right[places == place].mean() - probabilities[places == place].mean()) * (places == place).sum()
        for place in range(bins)
        if (places == place).any()
    ]
    return float(sum(gaps) / len(examples))


def least_probability(examples: Sequence[Example], probabilities: Numbers, *, precision: float) -> float:
    """Return the least probability from which best articles are right in this share; 1 where none is enough."""
    pairs = zip(examples, probabilities, strict=True)
    first = sorted(((float(p), example.is_right) for example, p in pairs if example.rank == 0), reverse=True)
    right = np.cumsum([is_right for _, is_right in first])
    enough = np.flatnonzero(right / np.arange(1, len(first) + 1) >= precision)
    return first[enough[-1]][0] if len(enough) else 1.0


def as_record(model: Logistic) -> dict[str, Any]:
    """Return the JSON values of a model, rounded to what they are worth."""
    return {
        "intercept": round(model.intercept, 4),
        "coefficients": {name: round(value, 4) for name, value in model.coefficients.items()},
    }
