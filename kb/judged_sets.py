"""Judged sets in BEIR layout: a corpus, questions to it, and which articles answer them."""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.articles import Article
from kb.sections import sections_of
from triage.errors import DataError

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
