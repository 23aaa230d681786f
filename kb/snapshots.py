"""Snapshots on disk: written beside the old one, verified, swapped atomically, the previous kept.

A folder holds one sub-folder a snapshot, named by its version, and `CURRENT`, which names the one that counts. The
version is a hash of the articles, the encoder and the format, so that a changed article or another encoder makes
another snapshot.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.articles import as_record, from_record
from kb.index import Snapshot, Spelling, VectorIndex
from kb.lexical import Bm25, CharTfidf, Postings
from triage.errors import DataError, ModelError

FORMAT = "3"  # raised when the files, or what is put into them, change
_DRAFT = ".draft-"
_DRAFT_S = 3_600.0  # after which nobody writes it any more


def save(snapshot: Snapshot, folder: Path) -> None:
    """Write a snapshot beside the others and make it the current one, in one step that cannot be half done.

    Several processes may do so at the same time: who comes later finds the snapshot there and drops its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / snapshot.version
    if not _is_whole(home):
        _put(snapshot, home)
    previous = _current_name(folder)
    if previous != snapshot.version:
        _point_to(snapshot.version, folder)
        _remove_others(folder, keep={snapshot.version, previous})
    _remove_broken_off(folder)


def _put(snapshot: Snapshot, home: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=home.parent))
    try:
        draft.chmod(0o755)  # a service may read what another account built
        _write_files(snapshot, draft)
        try:
            os.replace(draft, home)
        except OSError:  # something is there: whole, of another process, or damaged
            if not _is_whole(home):
                shutil.rmtree(home, ignore_errors=True)
                os.replace(draft, home)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _point_to(version: str, folder: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=_DRAFT, dir=folder)
    os.close(handle)
    pointer = Path(name)
    pointer.chmod(0o644)
    _write(pointer, f"{version}\n".encode())
    os.replace(pointer, folder / "CURRENT")


def _is_whole(home: Path) -> bool:
    try:
        facts = json.loads((home / "facts.json").read_text(encoding="utf-8"))
        _check_facts(facts, home, None, None)
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return False
    return True


def _write_files(snapshot: Snapshot, folder: Path) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {
        "sections.npy": snapshot.section_index.vectors,
        "questions.npy": snapshot.question_index.vectors,
        "headings.npy": snapshot.heading_vectors,
        **_arrays("stems", snapshot.bm25.postings),
        **_arrays("article_stems", snapshot.article_bm25.postings),
        **_arrays("letters", snapshot.spelling.letters.postings),
    }
    for name, index in (("sections", snapshot.section_index), ("questions", snapshot.question_index)):
        if index.kept is not None:
            arrays[f"{name}_lists.npy"] = index.kept
    for name, array in arrays.items():
        np.save(folder / name, array)
    records = {
        "articles.json": [as_record(article) for article in snapshot.articles],
        "sentences.json": snapshot.sentences,
        "stems.json": list(snapshot.bm25.postings.numbers),
        "article_stems.json": list(snapshot.article_bm25.postings.numbers),
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


def _remove_broken_off(folder: Path) -> None:
    """Remove what a process left that was killed while it wrote."""
    for path in folder.glob(f"{_DRAFT}*"):
        try:
            is_left = path.stat().st_mtime < time.time() - _DRAFT_S
        except FileNotFoundError:  # another process has just finished it
            continue
        if is_left and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif is_left:
            path.unlink(missing_ok=True)


def load(folder: Path, *, encoder_version: str | None = None, dim: int | None = None) -> Snapshot:
    """Open the current snapshot of a folder.

    Args:
        folder: Where `build_index` wrote.
        encoder_version: Refuse vectors of any other encoder; None takes what is there.
        dim: Refuse vectors of any other dimension; None takes what is there.

    Raises:
        ModelError: If there is none, a file is missing or differs from its hash, or the format, the encoder or the
            dimension is another.
    """
    name = _current_name(folder)
    if not name:
        raise ModelError(f"{folder} holds no index; run `triage kb build`")
    home = folder / name
    try:
        facts = json.loads((home / "facts.json").read_text(encoding="utf-8"))
        _check_facts(facts, home, encoder_version, dim)
        return _read_files(home, facts)
    except (OSError, ValueError, KeyError, TypeError, DataError) as error:
        raise ModelError(f"the index in {home} is damaged ({error}); run `triage kb build`") from error


def _check_facts(facts: Mapping[str, Any], home: Path, encoder_version: str | None, dim: int | None) -> None:
    if facts["format"] != FORMAT:
        raise ModelError(f"the index in {home} has format {facts['format']}, not {FORMAT}; run `triage kb build`")
    if encoder_version is not None and facts["encoder"] != encoder_version:
        raise ModelError(
            f"the index in {home} has vectors of {facts['encoder']}, the service encodes with {encoder_version};"
            " run `triage kb build`"
        )
    if dim is not None and facts["dim"] != dim:
        raise ModelError(
            f"the index in {home} has vectors of {facts['dim']} numbers, the service's {dim}; run `triage kb build`"
        )
    wrong = [name for name, sha256 in facts["sha256"].items() if _sha256(home / name) != sha256]
    if wrong:
        raise ModelError(f"the index in {home} is damaged: {', '.join(wrong)} differ; run `triage kb build`")


def _read_files(home: Path, facts: Mapping[str, Any]) -> Snapshot:
    articles = tuple(map(from_record, _parsed(home / "articles.json")))
    sentences = tuple(tuple((start, end) for start, end in spans) for spans in _parsed(home / "sentences.json"))
    words = tuple(_parsed(home / "words.json"))
    return Snapshot(
        version=facts["version"],
        encoder_version=facts["encoder"],
        articles=articles,
        section_index=_vector_index(home, "sections", facts),
        question_index=_vector_index(home, "questions", facts),
        heading_vectors=np.load(home / "headings.npy").astype(np.float32, copy=False),
        bm25=Bm25(_postings(home, "stems", n_rows=len(sentences))),
        article_bm25=Bm25(_postings(home, "article_stems", n_rows=len(articles))),
        sentences=sentences,
        spelling=Spelling(words, CharTfidf(_postings(home, "letters", n_rows=len(words)))),
    )


def _vector_index(home: Path, name: str, facts: Mapping[str, Any]) -> VectorIndex:
    vectors, kept = np.load(home / f"{name}.npy"), home / f"{name}_lists.npy"
    if vectors.ndim != 2 or vectors.shape[1] != facts["dim"]:
        raise ValueError(f"{name}.npy has shape {vectors.shape}, vectors of {facts['dim']} numbers are promised")
    return VectorIndex(vectors, np.load(kept) if kept.name in facts["sha256"] else None)


def _parsed(path: Path) -> list[Any]:
    parsed: list[Any] = json.loads(path.read_bytes())
    return parsed


def _postings(home: Path, name: str, *, n_rows: int) -> Postings:
    starts, rows, weights, idf = (np.load(home / file) for file in _array_names(name))
    numbers = {term: number for number, term in enumerate(_parsed(home / f"{name}.json"))}
    return Postings(numbers, starts, rows, weights, idf, n_rows)
