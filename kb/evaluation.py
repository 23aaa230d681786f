"""How well the search finds what people judged right: BEIR layout in, metrics with intervals and a signature out.

recall@k, mrr@10 and ndcg@10 are those of trec_eval and BEIR: recall is the found share of a question's relevant
articles, so that with several of them recall@1 cannot be 1; success@k (any of them found) is told beside it. Gains
of ndcg are the judgments themselves, discounted by log2(rank + 1).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.answers import Found
from kb.building import build_index
from kb.index import Mask, Snapshot
from kb.judged_sets import JudgedSet, Question, read_judged_set
from kb.lexical import words_of
from kb.no_answer import LOOKED_AT, NoAnswerModel, answerable_probability
from kb.search import SectionSearch, Weights
from triage.protocols import Encoder, LanguageDetector
from triage.types import Language, Query

DEPTH = 10
CUTS = (1, 3, 5, 10)
BOOTSTRAPS = 1_000
KEPT_SHARE = 0.9

COMPARED = ("recall@1", "recall@5", "mrr@10", "success@1", "success@5")
LENGTHS = ((0, 4), (5, 9), (10, 19), (20, None))
ALONE = {
    "BM25 alone": Weights(section=0.0, question=0.0, lexical=1.0),
    "vectors alone": Weights(lexical=0.0),
}

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswerFigures:
    """How well the probability tells answerable questions from others.

    Attributes:
        n: How many unanswerable questions there were.
        auroc: Chance that an answerable one has the higher probability; ties count half.
        rejected_at_90: Share of the unanswerable ones below the threshold that keeps 90 % of the answerable ones.
    """

    n: int
    auroc: float
    rejected_at_90: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The figures of one run.

    Attributes:
        n: How many questions had an answer.
        metrics: Means over them.
        intervals: 95 % bootstrap intervals of the means.
        no_answer: None where no question without an answer was asked.
        alone: The same of each member alone, on the same index, by its name in ALONE.
        gains: How much better the fusion is than each member alone, paired: metric → mean, low, high.
        slices: The same of questions of one language, or of one length in words.
        signature: What the numbers were measured on.
    """

    n: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    no_answer: NoAnswerFigures | None
    signature: str
    alone: Mapping[str, Mapping[str, float]]
    gains: Mapping[str, Mapping[str, tuple[float, float, float]]]
    slices: Mapping[str, "Slice"]

    def as_record(self) -> dict[str, Any]:
        """Return the JSON values that `triage kb evaluate --json` prints."""
        return {
            "n": self.n,
            "metrics": dict(self.metrics),
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "no_answer": _record(self.no_answer),
            "alone": {name: dict(metrics) for name, metrics in self.alone.items()},
            "gains": {
                name: {metric: list(each) for metric, each in gains.items()} for name, gains in self.gains.items()
            },
            "slices": {name: one.as_record() for name, one in self.slices.items()},
            "signature": self.signature,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The figures of some of the questions; `no_answer` is None where none of those has no answer."""

    n: int
    metrics: Mapping[str, float]
    alone: Mapping[str, Mapping[str, float]]
    no_answer: NoAnswerFigures | None

    def as_record(self) -> dict[str, Any]:
        """Return the JSON values."""
        return {
            "n": self.n,
            "metrics": dict(self.metrics),
            "alone": {name: dict(metrics) for name, metrics in self.alone.items()},
            "no_answer": _record(self.no_answer),
        }


def _record(figures: NoAnswerFigures | None) -> dict[str, Any] | None:
    return (
        None if figures is None else {"n": figures.n, "auroc": figures.auroc, "rejected_at_90": figures.rejected_at_90}
    )


def as_queries(
    questions: Sequence[Question], encoder: Encoder, detector: LanguageDetector | None = None
) -> list[Query]:
    """Return queries with their vectors; a language that is not told is detected, without a detector English."""
    if not questions:
        return []
    hints = [question.language for question in questions]
    texts = [question.text for question in questions]
    languages = [Language(code=hint or "en", probability=1.0) for hint in hints]
    if detector is not None:
        found = detector.detect(texts, hints)
        languages = [told if hint else seen for hint, told, seen in zip(hints, languages, found, strict=True)]
    vectors = encoder.encode(texts, languages)
    return [
        Query(text=text, vector=vector, language=language.code)
        for text, vector, language in zip(texts, vectors, languages, strict=True)
    ]


def evaluate(
    corpus: Path,
    queries: Path,
    qrels: Path,
    *,
    encoder: Encoder,
    no_answer: Path | None = None,
    detector: LanguageDetector | None = None,
) -> dict[str, Any]:
    """Read a judged set, index it, ask every question, and return what `triage kb evaluate --json` prints.

    Raises:
        DataError: If a file is not in BEIR layout; see `read_judged_set`.
    """
    judged = read_judged_set(corpus, queries, qrels, no_answer)
    search = SectionSearch(build_index(judged.articles, encoder), no_answer=NoAnswerModel.load())
    return evaluate_search(
        judged,
        search,
        as_queries(judged.questions, encoder, detector),
        as_queries(judged.unanswerable, encoder, detector),
    ).as_record()


def evaluate_search(
    judged: JudgedSet, search: SectionSearch, queries: Sequence[Query], others: Sequence[Query]
) -> Evaluation:
    """Measure a search that is there already.

    Args:
        judged: What is right.
        search: Over the set's articles.
        queries: Of the set's questions, in order.
        others: Of its unanswerable questions, in order.
    """
    found, found_by_others = search.rank(queries, k=DEPTH), search.rank(others, k=LOOKED_AT)
    values = per_question(judged, search.snapshot, found)
    alone = {
        name: per_question(judged, search.snapshot, with_weights(search, weights).rank(queries, k=DEPTH))
        for name, weights in ALONE.items()
    }
    generator = np.random.default_rng(0)
    told, told_of_others = answerable(found), answerable(found_by_others)
    return Evaluation(
        n=len(queries),
        metrics=_means(values),
        intervals={name: bootstrap_interval(each, generator) for name, each in values.items()},
        no_answer=no_answer_figures(told, told_of_others) if others else None,
        signature=_signature(judged, search),
        alone={name: _means(each) for name, each in alone.items()},
        gains={name: {cut: _gain(values[cut] - each[cut]) for cut in COMPARED} for name, each in alone.items()},
        slices={
            name: Slice(
                n=int(chosen.sum()),
                metrics=_means(values, chosen),
                alone={member: _means(each, chosen) for member, each in alone.items()},
                no_answer=no_answer_figures(told[chosen], told_of_others[of_others]) if of_others.any() else None,
            )
            for name, chosen, of_others in _slices(queries, others)
        },
    )


def with_weights(search: SectionSearch, weights: Weights) -> SectionSearch:
    """Return a search of the same snapshot that weighs its members differently."""
    return SectionSearch(search.snapshot, no_answer=search.no_answer, weights=weights)


def _means(values: Mapping[str, Numbers], chosen: Mask | None = None) -> dict[str, float]:
    return {name: float((each if chosen is None else each[chosen]).mean()) for name, each in values.items()}


def _gain(differences: Numbers) -> tuple[float, float, float]:
    return float(differences.mean()), *bootstrap_interval(differences, np.random.default_rng(0))


def _slices(queries: Sequence[Query], others: Sequence[Query]) -> Iterator[tuple[str, Mask, Mask]]:
    """Yield the name of each slice that holds a question, and which questions and unanswerable ones it holds."""
    for kind, of in (("language", lambda query: query.language), ("words", _length)):
        names, names_of_others = ([of(query) for query in each] for each in (queries, others))
        for name in sorted(set(names)):
            yield f"{kind} {name}", _equal(names, name), _equal(names_of_others, name)


def _equal(names: Sequence[str], name: str) -> Mask:
    return np.array([one == name for one in names], dtype=bool)


def _length(query: Query) -> str:
    """Return the range of lengths in words that a question falls into; a sign of an unspaced script is half a word."""
    count = len(words_of(query.text))
    return next(f"{low}–{high}" if high else f"{low} and more" for low, high in LENGTHS if not high or count <= high)


def per_question(judged: JudgedSet, snapshot: Snapshot, found: Sequence[Sequence[Found]]) -> dict[str, Numbers]:
    """Return every metric of every question, each of shape (n_questions,)."""
    rows = []
    for question, ranking in zip(judged.questions, found, strict=True):
        grades = judged.qrels[question.id]
        rows.append(_metrics([grades.get(snapshot.articles[one.article].id, 0) for one in ranking], grades))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _metrics(gains: Sequence[int], grades: Mapping[str, int]) -> dict[str, float]:
    """Return the metrics of one ranking, whose gains are given best first."""
    hits = [gain > 0 for gain in gains]
    first = next((rank for rank, hit in enumerate(hits[:DEPTH], start=1) if hit), None)
    ideal = _discounted(sorted(grades.values(), reverse=True)[:DEPTH])
    return {
        **{f"recall@{cut}": sum(hits[:cut]) / len(grades) for cut in CUTS},
        "mrr@10": 1 / first if first else 0.0,
        "ndcg@10": _discounted(gains[:DEPTH]) / ideal,
        **{f"success@{cut}": float(any(hits[:cut])) for cut in (1, 5)},
    }


def _discounted(gains: Sequence[int]) -> float:
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, start=1)))


def bootstrap_interval(values: Numbers, generator: np.random.Generator) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the means of BOOTSTRAPS resamples of the values."""
    means = [values[generator.integers(len(values), size=len(values))].mean() for _ in range(BOOTSTRAPS)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def answerable(found: Sequence[Sequence[Found]]) -> Numbers:
    """Return for every ranking the probability that one of its articles answers."""
    return np.array([answerable_probability([one.probability for one in ranking]) for ranking in found], dtype=float)


def no_answer_figures(answerable: Numbers, unanswerable: Numbers) -> NoAnswerFigures:
    """Compare the probabilities that there is an answer, for questions that have one and questions that have none.

    Args:
        answerable: Shape (n,), n > 0.
        unanswerable: Shape (m,), m > 0.
    """
    above = np.searchsorted(np.sort(unanswerable), answerable, side="left")
    level = np.searchsorted(np.sort(unanswerable), answerable, side="right") - above
    auroc = float((above + 0.5 * level).sum() / (len(answerable) * len(unanswerable)))
    kept = int(np.ceil(KEPT_SHARE * len(answerable)))
    threshold = np.sort(answerable)[::-1][kept - 1]
    return NoAnswerFigures(n=len(unanswerable), auroc=auroc, rejected_at_90=float((unanswerable < threshold).mean()))


def _signature(judged: JudgedSet, search: SectionSearch) -> str:
    parts = {
        "data": f"{judged.name}#{judged.sha256[:8]}",
        "n": len(judged.questions),
        "articles": len(judged.articles),
        "sections": len(search.snapshot.sections),
        "encoder": search.snapshot.encoder_version,
        "no_answer": search.no_answer.version,
        "seed": 0,
        "v": _version(),
    }
    return "|".join(["retrieval", *(f"{name}:{value}" for name, value in parts.items())])


def _version() -> str:
    try:
        return metadata.version("triage-311")
    except metadata.PackageNotFoundError:
        return "unreleased"
