"""How well the search finds what people judged right: BEIR layout in, metrics with intervals and a signature out.

recall@k, mrr@10 and ndcg@10 are those of trec_eval and BEIR: recall is the found share of a question's relevant
articles, so that with several of them recall@1 cannot be 1; success@k (any of them found) is told beside it. Gains
of ndcg are the judgments themselves, discounted by log2(rank + 1).
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.articles import Article, sections_of
from kb.index import Snapshot, build_index
from kb.no_answer import LOOKED_AT, NoAnswerModel, answerable_probability
from kb.search import Found, SectionSearch
from triage.errors import DataError
from triage.protocols import Encoder, LanguageDetector
from triage.types import Language, Query

DEPTH = 10
CUTS = (1, 3, 5, 10)
BOOTSTRAPS = 1_000
KEPT_SHARE = 0.9

Numbers = npt.NDArray[np.float64]
Qrels = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query of a judged set; `language` is None where the file does not say."""

    id: str
    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSet:
    """A corpus, questions to it, and which articles answer them.

    Attributes:
        name: For the signature.
        sha256: Of all files.
        articles: The corpus.
        questions: With at least one relevant article.
        qrels: Question id → article id → grade above 0.
        unanswerable: Questions that no article answers.
    """

    name: str
    sha256: str
    articles: tuple[Article, ...]
    questions: tuple[Question, ...]
    qrels: Qrels
    unanswerable: tuple[Question, ...] = ()


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
    """The figures of one run; `intervals` are 95 % bootstrap intervals over questions."""

    n: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    no_answer: NoAnswerFigures | None
    signature: str

    def as_record(self) -> dict[str, Any]:
        """Return the JSON values that `triage kb evaluate --json` prints."""
        figures = self.no_answer
        return {
            "n": self.n,
            "metrics": dict(self.metrics),
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "no_answer": None
            if figures is None
            else {"n": figures.n, "auroc": figures.auroc, "rejected_at_90": figures.rejected_at_90},
            "signature": self.signature,
        }


def read_judged_set(corpus: Path, queries: Path, qrels: Path, no_answer: Path | None = None) -> JudgedSet:
    """Read a set in BEIR layout, plain or .gz; ids are called `id` or `_id`.

    Args:
        corpus: JSON lines with id, title and text; the text is cut into sections like an article.
        queries: JSON lines with id and text.
        qrels: Query id, corpus id and grade between tabs, below a header line.
        no_answer: JSON lines with id and text.

    Raises:
        DataError: If a line is wrong, an id is doubled or unknown, or no question is judged. Names file and line.
    """
    articles = tuple(_article(record, where) for record, where in _records(corpus) if _has_words(record))
    questions = {question.id: question for question in _questions(queries)}
    judged = _grades(qrels, set(questions), {article.id for article in articles})
    paths = [path for path in (corpus, queries, qrels, no_answer) if path is not None]
    _check_distinct([article.id for article in articles], corpus)
    if not judged:
        raise DataError(f"{qrels}: no question has a relevant article that is in {corpus}")
    return JudgedSet(
        name=corpus.parent.name or corpus.name,
        sha256=hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest(),
        articles=articles,
        questions=tuple(question for question in questions.values() if question.id in judged),
        qrels=judged,
        unanswerable=tuple(_questions(no_answer)) if no_answer is not None else (),
    )


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line that is not empty, and its place for errors."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield line.rstrip("\r\n"), f"{path}:{number}"
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error})") from error


def _records(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    for line, where in _lines(path):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise DataError(f"{where}: is no JSON ({error})") from error
        if not isinstance(record, dict):
            raise DataError(f"{where}: must be a JSON object")
        yield record, where


def _id(record: Mapping[str, Any], where: str) -> str:
    found = record.get("id", record.get("_id"))
    if found is None or found == "":
        raise DataError(f"{where}: has neither id nor _id")
    return str(found)


def _has_words(record: Mapping[str, Any]) -> bool:
    # An empty document can never be found; judgments of it stay in the denominator of nobody.
    return bool(str(record.get("title") or "").strip() or str(record.get("text") or "").strip())


def _article(record: Mapping[str, Any], where: str) -> Article:
    title, text = record.get("title") or "", record.get("text") or ""
    if not isinstance(title, str) or not isinstance(text, str):
        raise DataError(f"{where}: title and text must be texts")
    name = _id(record, where)
    sections = sections_of(text) or sections_of(title)
    try:
        return Article(id=name, title=" ".join(title.split()), sections=sections, language=record.get("lang") or "en")
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error


def _questions(path: Path) -> Iterator[Question]:
    seen: set[str] = set()
    for record, where in _records(path):
        text, name = record.get("text"), _id(record, where)
        if not isinstance(text, str):
            raise DataError(f"{where}: has no text")
        if name in seen:
            raise DataError(f"{where}: the id {name!r} stands there twice")
        seen.add(name)
        yield Question(id=name, text=text, language=record.get("lang") or record.get("language"))


def _grades(path: Path, questions: set[str], articles: set[str]) -> Qrels:
    judged: dict[str, dict[str, int]] = {}
    for number, (line, where) in enumerate(_lines(path)):
        if number == 0:
            continue
        parts = line.split("\t")
        # trec_eval's four columns have an unused one between the ids.
        if len(parts) not in (3, 4) or not parts[-1].strip().lstrip("-").isdigit():
            raise DataError(f"{where}: must be query id, corpus id and a whole number between tabs")
        question, article, grade = parts[0], parts[-2], int(parts[-1])
        if question in questions and article in articles and grade > 0:
            judged.setdefault(question, {})[article] = grade
    return judged


def _check_distinct(ids: Sequence[str], path: Path) -> None:
    if len(set(ids)) < len(ids):
        doubled = next(name for number, name in enumerate(ids) if name in ids[:number])
        raise DataError(f"{path}: the id {doubled!r} stands there twice")


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
    found = search.rank(queries, k=DEPTH)
    values = per_question(judged, search.snapshot, found)
    generator = np.random.default_rng(0)
    figures = None
    if others:
        figures = no_answer_figures(answerable(found), answerable(search.rank(others, k=LOOKED_AT)))
    return Evaluation(
        n=len(queries),
        metrics={name: float(each.mean()) for name, each in values.items()},
        intervals={name: bootstrap_interval(each, generator) for name, each in values.items()},
        no_answer=figures,
        signature=_signature(judged, search),
    )


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
    return np.array([answerable_probability([one.probability for one in ranking]) for ranking in found])


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
