"""Snapshots: everything that a search reads, built once, written beside the old one, swapped atomically, never changed.

The only home of faiss. A folder holds one sub-folder a snapshot, named by its version, and `CURRENT`, which names the
one that counts; the previous one is kept. The version is a hash of the articles, the encoder and the format, so that
a changed article or another encoder makes another snapshot.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from kb.articles import Article, Section, as_record, from_record
from kb.lexical import Bm25, CharTfidf, Postings, informative, stem, words_of
from triage.errors import DataError, ModelError
from triage.protocols import Encoder
from triage.types import Language, Vectors

FORMAT = "1"  # raised when the files, or what is put into them, change
TITLE_WEIGHT, HEADING_WEIGHT, ALIAS_WEIGHT, BODY_WEIGHT = 2.0, 2.0, 1.0, 1.0

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Span = tuple[int, int]


class VectorIndex:
    """Exact inner products over kept rows."""

    def __init__(self, vectors: Vectors) -> None:
        """Take float32 vectors of shape (n, dim); they are copied."""
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        size = self._index.ntotal * self._index.d
        # faiss's own memory, seen as an array: the rows are kept once.
        held = faiss.rev_swig_ptr(self._index.get_xb(), size) if size else np.zeros(0, dtype=np.float32)
        self.vectors: Vectors = held.reshape(self._index.ntotal, self._index.d)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def nearest(self, queries: Vectors, *, k: int, allowed: Mask | None = None) -> Rows:
        """Return the rows with the largest inner product, best first, shape (n_queries, k).

        Args:
            queries: float32, shape (n_queries, dim).
            k: How many; where fewer rows are allowed the rest is -1.
            allowed: Which rows may be found, shape (n,); None is all. Applied before the search.
        """
        if not len(self):
            return np.full((len(queries), k), -1, dtype=np.int64)
        parameters = None
        if allowed is not None:
            chosen = faiss.IDSelectorBatch(np.flatnonzero(allowed))
            parameters = faiss.SearchParameters(sel=chosen)  # type: ignore[call-arg]
        found: Rows = self._index.search(np.ascontiguousarray(queries), k, params=parameters)[1]
        return found


@dataclass(frozen=True, slots=True)
class Spelling:
    """Finds the word that a mistyped one was meant to be, by character 3–5-grams."""

    words: tuple[str, ...]
    letters: CharTfidf

    @classmethod
    def of(cls, words: Sequence[str]) -> Self:
        """Index distinct words."""
        return cls(tuple(words), CharTfidf.of([{word: 1.0} for word in words]))

    def nearest(self, word: str) -> tuple[str, float] | None:
        """Return the most similar word and its cosine, None where no letter group agrees; ties go to the alphabet."""
        similarities = self.letters.similarities([word])
        best = int(similarities.argmax()) if len(similarities) else 0
        if not len(similarities) or similarities[best] <= 0:
            return None
        return self.words[best], float(similarities[best])


@dataclass(frozen=True)
class Snapshot:
    """Articles and all that is computed from them.

    Sections are numbered through all articles in order; so are questions, which are the title and then the aliases
    of each article. `sections_from` and `questions_from` have one entry an article and one at the end.

    Attributes:
        version: Names articles, encoder and format.
        encoder_version: Whose vectors these are.
        articles: In the order of building.
        section_index: A vector a section, of title, heading and text.
        question_index: A vector a question.
        bm25: A row a section.
        sentences: For every section the (start, end) of its sentences in `Section.text`.
        spelling: The words of all articles, by their letters.
    """

    version: str
    encoder_version: str
    articles: tuple[Article, ...]
    section_index: VectorIndex
    question_index: VectorIndex
    bm25: Bm25
    sentences: tuple[tuple[Span, ...], ...]
    spelling: Spelling

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All sections, in order."""
        return tuple(section for article in self.articles for section in article.sections)

    @cached_property
    def sections_from(self) -> Rows:
        """Where the sections of each article begin, shape (n_articles + 1,)."""
        return np.cumsum([0, *(len(article.sections) for article in self.articles)], dtype=np.int64)

    @cached_property
    def questions_from(self) -> Rows:
        """Where the questions of each article begin, shape (n_articles + 1,)."""
        return np.cumsum([0, *(len(questions_of(article)) for article in self.articles)], dtype=np.int64)

    @cached_property
    def article_of_section(self) -> Rows:
        """The article of every section, shape (n_sections,)."""
        return np.repeat(np.arange(len(self.articles)), np.diff(self.sections_from))

    @cached_property
    def article_of_question(self) -> Rows:
        """The article of every question, shape (n_questions,)."""
        return np.repeat(np.arange(len(self.articles)), np.diff(self.questions_from))


def questions_of(article: Article) -> tuple[str, ...]:
    """Return the wordings that ask for an article: its title, if it has one, then its aliases."""
    return tuple(text for text in (article.title, *article.aliases) if text)


def section_text(article: Article, section: Section) -> str:
    """Return what is encoded for a section."""
    return "\n".join(text for text in (article.title, section.heading, section.text) if text)


def snapshot_version(articles: Sequence[Article], encoder_version: str) -> str:
    """Return the version that a snapshot of these articles with that encoder has."""
    parts = [FORMAT, encoder_version, *(article.content_hash for article in articles)]
    return f"kb-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"


def build_index(articles: Sequence[Article], encoder: Encoder, out: Path | None = None) -> Snapshot:
    """Return the snapshot of articles, and write it where `out` names a folder.

    Texts that the folder's current snapshot has encoded with the same encoder are not encoded again; where nothing
    changed at all, it is returned as it is.

    Args:
        articles: With distinct ids.
        encoder: Whose vectors to keep.
        out: The folder of snapshots; made where it is missing. None writes nothing.

    Raises:
        DataError: If two articles have one id, or there is none.
    """
    _check_ids(articles)
    previous = _readable(out)
    version = snapshot_version(articles, encoder.version)
    if previous is not None and previous.version == version:
        return previous
    snapshot = _built(tuple(articles), encoder, version, previous)
    if out is not None:
        save(snapshot, out)
    return snapshot


def _check_ids(articles: Sequence[Article]) -> None:
    doubled = [name for name, count in Counter(article.id for article in articles).items() if count > 1]
    if doubled:
        raise DataError(f"two articles have the id {doubled[0]!r}; give one another id")
    if not articles:
        raise DataError("there is no article to index")


def _readable(folder: Path | None) -> Snapshot | None:
    """Return the current snapshot, or None where there is none that can be used: then all is encoded anew."""
    if folder is None or not (folder / "CURRENT").is_file():
        return None
    try:
        return load(folder)
    except ModelError:
        return None


def _built(articles: tuple[Article, ...], encoder: Encoder, version: str, previous: Snapshot | None) -> Snapshot:
    # Imported here: spaCy takes a second, and a service that only reads a snapshot never needs it.
    from triage.nlp import sentences

    known = _known_vectors(previous) if previous is not None and previous.encoder_version == encoder.version else {}
    sections = [(article, section) for article in articles for section in article.sections]
    questions = [(article, question) for article in articles for question in questions_of(article)]
    texts = [section_text(*pair) for pair in sections] + [question for _, question in questions]
    languages = [article.language for article, _ in (*sections, *questions)]
    vectors = _encoded(texts, languages, encoder, known)
    spans: list[tuple[Span, ...]] = []
    for article in articles:
        spans += map(tuple, sentences([section.text for section in article.sections], article.language))
    return Snapshot(
        version=version,
        encoder_version=encoder.version,
        articles=articles,
        section_index=VectorIndex(vectors[: len(sections)]),
        question_index=VectorIndex(vectors[len(sections) :]),
        bm25=Bm25.of([_stem_frequencies(*pair) for pair in sections]),
        sentences=tuple(spans),
        spelling=Spelling.of(sorted(set().union(*map(_vocabulary, articles)))),
    )


def _known_vectors(snapshot: Snapshot) -> dict[str, Vectors]:
    sections = (section_text(article, section) for article in snapshot.articles for section in article.sections)
    questions = (question for article in snapshot.articles for question in questions_of(article))
    known = dict(zip(sections, snapshot.section_index.vectors, strict=True))
    return known | dict(zip(questions, snapshot.question_index.vectors, strict=True))


def _encoded(texts: Sequence[str], languages: Sequence[str], encoder: Encoder, known: Mapping[str, Vectors]) -> Vectors:
    new = {text: language for text, language in zip(texts, languages, strict=True) if text not in known}
    encoded = encoder.encode(list(new), [Language(code=code, probability=1.0) for code in new.values()])
    vectors = {**known, **dict(zip(new, encoded, strict=True))}
    return np.stack([vectors[text] for text in texts]).astype(np.float32)


def _fields(article: Article, section: Section) -> Iterator[tuple[str, float]]:
    yield article.title, TITLE_WEIGHT
    yield section.heading, HEADING_WEIGHT
    yield section.text, BODY_WEIGHT
    for alias in article.aliases:
        yield alias, ALIAS_WEIGHT


def _stem_frequencies(article: Article, section: Section) -> dict[str, float]:
    frequencies: dict[str, float] = {}
    for text, weight in _fields(article, section):
        for word in informative(words_of(text)):
            stemmed = stem(word, article.language)
            frequencies[stemmed] = frequencies.get(stemmed, 0.0) + weight
    return frequencies


def _vocabulary(article: Article) -> set[str]:
    texts = [*questions_of(article), *(f"{section.heading} {section.text}" for section in article.sections)]
    return {word for text in texts for word in informative(words_of(text)) if len(word) > 2}


def save(snapshot: Snapshot, folder: Path) -> None:
    """Write a snapshot beside the others and make it the current one, in one step that cannot be half done."""
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / snapshot.version
    if not _is_whole(home):
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
        draft.chmod(0o755)  # a service may read what another account built
        _write_files(snapshot, draft)
        shutil.rmtree(home, ignore_errors=True)
        os.replace(draft, home)
    previous = _current_name(folder)
    pointer = folder / ".CURRENT.new"
    _write(pointer, f"{snapshot.version}\n".encode())
    os.replace(pointer, folder / "CURRENT")
    _remove_others(folder, keep={snapshot.version, previous})


def _is_whole(home: Path) -> bool:
    try:
        facts = json.loads((home / "facts.json").read_text(encoding="utf-8"))
        _check_facts(facts, home, None)
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return False
    return True


def _write_files(snapshot: Snapshot, folder: Path) -> None:
    arrays = {
        "sections.npy": snapshot.section_index.vectors,
        "questions.npy": snapshot.question_index.vectors,
        **_arrays("stems", snapshot.bm25.postings),
        **_arrays("letters", snapshot.spelling.letters.postings),
    }
    for name, array in arrays.items():
        np.save(folder / name, array)
    records = {
        "articles.json": [as_record(article) for article in snapshot.articles],
        "sentences.json": snapshot.sentences,
        "stems.json": list(snapshot.bm25.postings.numbers),
        "letters.json": list(snapshot.spelling.letters.postings.numbers),
        "words.json": snapshot.spelling.words,
    }
    for name, record in records.items():
        _write(folder / name, json.dumps(record, ensure_ascii=False).encode())
    facts = {
        "format": FORMAT,
        "version": snapshot.version,
        "encoder": snapshot.encoder_version,
        "dim": snapshot.section_index.vectors.shape[1],
        "sha256": {name: _sha256(folder / name) for name in sorted((*arrays, *records))},
    }
    _write(folder / "facts.json", json.dumps(facts, indent=1).encode())


def _arrays(name: str, postings: Postings) -> dict[str, npt.NDArray[Any]]:
    values = (postings.starts, postings.rows, postings.weights, postings.idf)
    return dict(zip(_array_names(name), values, strict=True))


def _array_names(name: str) -> list[str]:
    return [f"{name}_{part}.npy" for part in ("starts", "rows", "weights", "idf")]


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _current_name(folder: Path) -> str:
    pointer = folder / "CURRENT"
    return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""


def _remove_others(folder: Path, keep: set[str]) -> None:
    for path in folder.glob("kb-*"):
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


def load(folder: Path, *, encoder_version: str | None = None) -> Snapshot:
    """Open the current snapshot of a folder.

    Args:
        folder: Where `build_index` wrote.
        encoder_version: Refuse vectors of any other encoder; None takes what is there.

    Raises:
        ModelError: If there is none, a file is missing or differs from its hash, the format is another, or the
            encoder is.
    """
    name = _current_name(folder)
    if not name:
        raise ModelError(f"{folder} holds no index; run `triage kb build`")
    home = folder / name
    try:
        facts = json.loads((home / "facts.json").read_text(encoding="utf-8"))
        _check_facts(facts, home, encoder_version)
        return _read_files(home, facts)
    except (OSError, ValueError, KeyError, TypeError, DataError) as error:
        raise ModelError(f"the index in {home} is damaged ({error}); run `triage kb build`") from error


def _check_facts(facts: Mapping[str, Any], home: Path, encoder_version: str | None) -> None:
    if facts["format"] != FORMAT:
        raise ModelError(f"the index in {home} has format {facts['format']}, not {FORMAT}; run `triage kb build`")
    if encoder_version is not None and facts["encoder"] != encoder_version:
        raise ModelError(
            f"the index in {home} has vectors of {facts['encoder']}, the service encodes with {encoder_version};"
            " run `triage kb build`"
        )
    wrong = [name for name, sha256 in facts["sha256"].items() if _sha256(home / name) != sha256]
    if wrong:
        raise ModelError(f"the index in {home} is damaged: {', '.join(wrong)} differ; run `triage kb build`")


def _read_files(home: Path, facts: Mapping[str, Any]) -> Snapshot:
    sentences = tuple(tuple((start, end) for start, end in spans) for spans in _parsed(home / "sentences.json"))
    words = tuple(_parsed(home / "words.json"))
    return Snapshot(
        version=facts["version"],
        encoder_version=facts["encoder"],
        articles=tuple(map(from_record, _parsed(home / "articles.json"))),
        section_index=VectorIndex(np.load(home / "sections.npy")),
        question_index=VectorIndex(np.load(home / "questions.npy")),
        bm25=Bm25(_postings(home, "stems", n_rows=len(sentences))),
        sentences=sentences,
        spelling=Spelling(words, CharTfidf(_postings(home, "letters", n_rows=len(words)))),
    )


def _parsed(path: Path) -> list[Any]:
    parsed: list[Any] = json.loads(path.read_bytes())
    return parsed


def _postings(home: Path, name: str, *, n_rows: int) -> Postings:
    starts, rows, weights, idf = (np.load(home / file) for file in _array_names(name))
    numbers = {term: number for number, term in enumerate(_parsed(home / f"{name}.json"))}
    return Postings(numbers, starts, rows, weights, idf, n_rows)
