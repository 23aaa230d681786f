"""Builds a snapshot of articles; texts that the current one has encoded are not encoded again."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from kb.articles import Article
from kb.index import Snapshot, Span, Spelling, VectorIndex, heading_text, questions_of, section_text
from kb.lexical import Bm25, informative, stem, words_of
from kb.sections import Section
from kb.snapshots import FORMAT, load, save
from triage.errors import DataError, ModelError
from triage.protocols import Encoder
from triage.types import Language, Vectors

_Text: TypeAlias = tuple[str, str]  # a text and the language that it is encoded in

TITLE_WEIGHT, HEADING_WEIGHT, ALIAS_WEIGHT, BODY_WEIGHT = 2.0, 2.0, 1.0, 1.0


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
    questioned = [question for _, question in questions]
    headings = [heading_text(*pair) for pair in sections]
    texts = [*(section_text(*pair) for pair in sections), *questioned, *headings]
    languages = [article.language for article, _ in (*sections, *questions, *sections)]
    vectors = _encoded(list(zip(texts, languages, strict=True)), encoder, known)
    by_section, by_question, by_heading = np.split(vectors, [len(sections), len(sections) + len(questions)])
    spans: list[tuple[Span, ...]] = []
    for article in articles:
        spans += map(tuple, sentences([section.text for section in article.sections], article.language))
    return Snapshot(
        version=version,
        encoder_version=encoder.version,
        articles=articles,
        section_index=VectorIndex(by_section),
        question_index=VectorIndex(by_question),
        heading_vectors=by_heading,
        bm25=Bm25.of([_stem_frequencies(article.language, _fields(article, section)) for article, section in sections]),
        article_bm25=Bm25.of([_stem_frequencies(article.language, _all_fields(article)) for article in articles]),
        sentences=tuple(spans),
        spelling=Spelling.of(sorted(set().union(*map(_vocabulary, articles)))),
    )


def _known_vectors(snapshot: Snapshot) -> dict[_Text, Vectors]:
    """Return the vector of every text in its language: one text in two languages has two."""
    sections = [(article, section) for article in snapshot.articles for section in article.sections]
    known = {
        (heading_text(*pair), pair[0].language): vector
        for pair, vector in zip(sections, snapshot.heading_vectors, strict=True)
    }
    for pair, vector in zip(sections, snapshot.section_index.vectors, strict=True):
        known[section_text(*pair), pair[0].language] = vector
    questions = ((text, article.language) for article in snapshot.articles for text in questions_of(article))
    return known | dict(zip(questions, snapshot.question_index.vectors, strict=True))


def _encoded(texts: Sequence[_Text], encoder: Encoder, known: Mapping[_Text, Vectors]) -> Vectors:
    """Return the vectors of texts, shape (n_texts, dim), each different one encoded once; an empty one is zeros."""
    nothing = {text: np.zeros(encoder.dim, dtype=np.float32) for text in texts if not text[0]}
    vectors = {**known, **nothing}
    new = list(dict.fromkeys(text for text in texts if text not in vectors))
    encoded = encoder.encode([text for text, _ in new], [Language(code=code, probability=1.0) for _, code in new])
    vectors |= zip(new, encoded, strict=True)
    return np.stack([vectors[text] for text in texts]).astype(np.float32)


def _fields(article: Article, section: Section) -> Iterator[tuple[str, float]]:
    yield article.title, TITLE_WEIGHT
    yield section.heading, HEADING_WEIGHT
    yield section.text, BODY_WEIGHT
    for alias in article.aliases:
        yield alias, ALIAS_WEIGHT


def _all_fields(article: Article) -> Iterator[tuple[str, float]]:
    yield article.title, TITLE_WEIGHT
    for alias in article.aliases:
        yield alias, ALIAS_WEIGHT
    for section in article.sections:
        yield section.heading, HEADING_WEIGHT
        yield section.text, BODY_WEIGHT


def _stem_frequencies(language: str, fields: Iterable[tuple[str, float]]) -> dict[str, float]:
    frequencies: dict[str, float] = {}
    for text, weight in fields:
        for word in informative(words_of(text)):
            stemmed = stem(word, language)
            frequencies[stemmed] = frequencies.get(stemmed, 0.0) + weight
    return frequencies


def _vocabulary(article: Article) -> set[str]:
    texts = [*questions_of(article), *(f"{section.heading} {section.text}" for section in article.sections)]
    return {word for text in texts for word in informative(words_of(text)) if len(word) > 2}
