"""The search beside its own members alone, on public question sets and on the sample articles.

Run with TRIAGE_DATA_DIR set: `python -m benchmarks.retrieval [--encoder FOLDER]`. Three rankings of one index are
compared: BM25 alone, vectors alone, and the fusion with the weights that ship; differences are tested by a paired
bootstrap over questions. `--fit` learns the weights anew: listwise, each set judged by weights fitted on the others.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

import wiring
from kb.answers import Found
from kb.articles import read_articles
from kb.building import build_index
from kb.evaluation import (
    ALONE,
    Evaluation,
    Slice,
    as_queries,
    evaluate_search,
    per_question,
    with_weights,
)
from kb.judged_sets import JudgedSet, Question, read_judged_set
from kb.no_answer import NoAnswerModel
from kb.search import SectionSearch, Weights, trust_in_words
from models.encoder import MiniLMEncoder
from triage.protocols import Encoder
from triage.types import Query
from wiring import Settings

Numbers = npt.NDArray[np.float64]

SHOWN = ("success@1", "success@5", "recall@1", "recall@3", "recall@5", "recall@10", "mrr@10", "ndcg@10")
DEPTH = 30  # found articles of each question that a fit looks at
MEMBERS = ("section", "question", "lexical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A judged set with its search and its encoded questions.

    Attributes:
        subject: Sets of one subject may answer each other's questions.
        others: Questions without an answer that were written for the set.
    """

    subject: str
    judged: JudgedSet
    search: SectionSearch
    queries: list[Query]
    others: list[Query]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, help="folder of a converted encoder; the installed one if left out")
    parser.add_argument("--fit", action="store_true", help="learn the weights anew and judge them on the set left out")
    options = parser.parse_args()
    encoder = load_encoder(options.encoder)
    sets = [starter_set(encoder), *public_sets(encoder)]
    for loaded in sets:
        print_comparison(loaded)
    print_speed(sets[0])
    if options.fit:
        print_fits(sets)


def load_encoder(folder: Path | None) -> Encoder:
    """Return the encoder of a folder, or the installed one."""
    if folder is not None:
        return MiniLMEncoder.load(folder)
    return wiring.load_encoder(Settings.from_env())


def starter_set(encoder: Encoder) -> Loaded:
    """Return the sample articles with the questions written for them."""
    home = Path(str(files("kb")))
    records = [json.loads(line) for line in (home / "data" / "queries.jsonl").read_text("utf-8").splitlines()]
    others = [json.loads(line) for line in (home / "data" / "no_answer.jsonl").read_text("utf-8").splitlines()]
    questions = tuple(Question(id=f"q{number:03}", text=record["text"]) for number, record in enumerate(records))
    articles = read_articles(home / "starter")
    content = [article.content_hash for article in articles] + [record["text"] for record in (*records, *others)]
    judged = JudgedSet(
        name="starter",
        sha256=hashlib.sha256("\n".join(content).encode()).hexdigest(),
        articles=articles,
        questions=questions,
        qrels={one.id: {record["article_id"]: 1} for one, record in zip(questions, records, strict=True)},
        unanswerable=tuple(Question(id=record["id"], text=record["text"]) for record in others),
    )
    return _loaded("city", judged, encoder)


def public_sets(encoder: Encoder) -> list[Loaded]:
    """Return the sets of TRIAGE_DATA_DIR/retrieval."""
    data = Settings.from_env().data
    if data is None or not (data / "retrieval").is_dir():
        sys.exit("TRIAGE_DATA_DIR must name the folder that holds retrieval/ with sets in BEIR layout")
    homes = sorted(path for path in (data / "retrieval").iterdir() if path.is_dir())
    return [
        _loaded(
            "covid" if "covid" in home.name else home.name,
            read_judged_set(home / "corpus.jsonl.gz", home / "queries.jsonl.gz", home / "qrels.tsv"),
            encoder,
        )
        for home in homes
    ]


def _loaded(subject: str, judged: JudgedSet, encoder: Encoder) -> Loaded:
    # Indexes are kept between runs: encoding is most of the time.
    kept = Path(tempfile.gettempdir()) / "triage-benchmark-indexes" / judged.name
    search = SectionSearch(build_index(judged.articles, encoder, kept), no_answer=NoAnswerModel.load())
    return Loaded(
        subject=subject,
        judged=judged,
        search=search,
        queries=as_queries(judged.questions, encoder),
        others=as_queries(judged.unanswerable, encoder),
    )


def print_comparison(loaded: Loaded) -> None:
    """Print each run's metrics, how surely the fusion is better than either member, and the same by slices."""
    evaluation = evaluate_search(loaded.judged, loaded.search, loaded.queries, loaded.others)
    print(f"\n{evaluation.signature}")
    print(f"{'':16}" + "".join(f"{name:>11}" for name in SHOWN))
    for name, metrics in {**evaluation.alone, "fusion": evaluation.metrics}.items():
        print(f"{name:16}" + "".join(f"{metrics[metric]:11.3f}" for metric in SHOWN))
    print(f"{'± (95 %)':16}" + "".join(f"{_half(evaluation, metric):11.3f}" for metric in SHOWN))
    for name in ALONE:
        for metric in ("success@1", "success@5"):
            mean, low, high = evaluation.gains[name][metric]
            print(f"{'':16} fusion minus {name}, {metric}: {mean:+.3f}, {low:+.3f} to {high:+.3f}")
    _print_no_answer("all", evaluation)
    for name, each in evaluation.slices.items():
        alone = ", ".join(f"{member} {metrics['success@1']:.3f}" for member, metrics in each.alone.items())
        reached = f"success@1 {each.metrics['success@1']:.3f} ({alone}), success@5 {each.metrics['success@5']:.3f}"
        print(f"{'':16} {name}, n {each.n}: {reached}")
        _print_no_answer(name, each)


def _half(evaluation: Evaluation, metric: str) -> float:
    low, high = evaluation.intervals[metric]
    return (high - low) / 2


def _print_no_answer(name: str, part: Evaluation | Slice) -> None:
    figures = part.no_answer
    if figures is not None:
        told = f"n {figures.n}, AUROC {figures.auroc:.3f}, rejected at 90: {figures.rejected_at_90:.3f}"
        print(f"{'':16} no answer, {name}: {told}")


def print_speed(loaded: Loaded) -> None:
    """Print the time of single searches, vectors given, and of all in one batch."""
    loaded.search.search(loaded.queries)
    singles = []
    for query in loaded.queries:
        start = time.perf_counter()
        loaded.search.search([query])
        singles.append(time.perf_counter() - start)
    start = time.perf_counter()
    loaded.search.search(loaded.queries)
    batch = (time.perf_counter() - start) / len(loaded.queries)
    p50, p95 = np.percentile(singles, [50, 95]) * 1e3
    sections = len(loaded.search.snapshot.sections)
    print(f"\n{sections} sections: p50 {p50:.2f} ms, p95 {p95:.2f} ms; in one batch {batch * 1e3:.2f} ms a query")


def print_fits(sets: Sequence[Loaded]) -> None:
    """Print the weights that the other sets give each set, and what they reach there."""
    tables = {loaded.judged.name: _table(loaded) for loaded in sets}
    print(f"\n{'left out':32}" + "".join(f"{name:>10}" for name in MEMBERS) + "   success@1  success@5")
    for loaded in sets:
        weights = fit([table for name, table in tables.items() if name != loaded.judged.name])
        search = with_weights(loaded.search, replace(Weights(), **dict(zip(MEMBERS, weights.tolist(), strict=True))))
        values = per_question(loaded.judged, loaded.search.snapshot, search.rank(loaded.queries, k=10))
        reached = f"{values['success@1'].mean():12.3f}{values['success@5'].mean():11.3f}"
        print(f"{loaded.judged.name:32}" + "".join(f"{weight:10.2f}" for weight in weights) + reached)
    print(f"{'none':32}" + "".join(f"{weight:10.2f}" for weight in fit(list(tables.values()))))


def _table(loaded: Loaded) -> tuple[Numbers, Numbers]:
    """Return the members of each question's candidates, shape (n, DEPTH, 3), and which are right, (n, DEPTH)."""
    found = loaded.search.rank(loaded.queries, k=DEPTH)
    rows, right = [], []
    for question, ranking in zip(loaded.judged.questions, found, strict=True):
        grades = loaded.judged.qrels[question.id]
        is_right = [loaded.search.snapshot.articles[one.article].id in grades for one in ranking]
        if any(is_right) and len(ranking) == DEPTH:
            rows.append([_members(one) for one in ranking])
            right.append(is_right)
    return np.array(rows), np.array(right, dtype=np.float64)


def _members(found: Found) -> list[float]:
    """Return what the weights multiply: two cosines, and BM25 by the trust in the question's number of words."""
    signals = found.signals
    return [signals.section, signals.question, signals.lexical * trust_in_words(round(np.expm1(signals.words)))]


def fit(tables: Sequence[tuple[Numbers, Numbers]]) -> Numbers:
    """Return weights, of which the cosines' sum to 1, that give right candidates the largest softmax share.

    Every set weighs the same.
    """
    from scipy.optimize import minimize

    def loss(weights: Numbers) -> float:
        total = 0.0
        for members, right in tables:
            logits = members @ weights
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            total -= np.log((shares * right).sum(axis=1) / shares.sum(axis=1)).mean() / len(tables)
        return total

    found = minimize(loss, np.full(len(MEMBERS), 5.0), bounds=[(0, None)] * len(MEMBERS)).x
    weights: Numbers = found / found[:2].sum()
    return weights


if __name__ == "__main__":
    main()
