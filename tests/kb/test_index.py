import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kb.index
import kb.snapshots
from kb.building import build_index, snapshot_version
from kb.index import Spelling, VectorIndex
from kb.snapshots import load, save
from tests.fakes import FakeEncoder
from tests.kb.builders import COUCH, DIM, POTHOLE, WATER, snapshot_of
from triage.errors import DataError, ModelError
from triage.types import Language, Vectors


class CountingEncoder(FakeEncoder):
    """Remembers what it was asked to encode."""

    def __init__(self, version: str = "fake-encoder") -> None:
        super().__init__(DIM)
        self.version = version
        self.texts: list[str] = []
        self.languages: list[str] = []

    def encode(self, texts: Sequence[str], languages: Sequence[Language] = ()) -> Vectors:
        self.texts.extend(texts)
        self.languages.extend(language.code for language in languages)
        return super().encode(texts, languages)


@given(st.integers(0, 1_000), st.integers(1, 12), st.integers(1, 5))
def test_nearest_rows_are_those_of_brute_force(seed: int, n: int, k: int) -> None:
    generator = np.random.default_rng(seed)
    vectors, queries = (generator.normal(size=(rows, 8)).astype(np.float32) for rows in (n, 3))
    expected = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :k]
    assert VectorIndex(vectors).nearest(queries, k=k)[:, : min(k, n)].tolist() == expected.tolist()


def test_rows_that_are_not_allowed_are_never_found() -> None:
    index = VectorIndex(np.eye(3, dtype=np.float32))
    found = index.nearest(np.eye(3, dtype=np.float32), k=2, allowed=np.array([True, False, False]))
    assert found.tolist() == [[0, -1]] * 3


@pytest.fixture(scope="module")
def near_each_other() -> Vectors:
    """Unit vectors in neighborhoods, as embeddings are."""
    generator = np.random.default_rng(0)
    centers = generator.normal(size=(60, 384))  # as many numbers as the encoder's: faiss has other code for 32
    vectors = centers[generator.integers(60, size=3_000)] + 0.4 * generator.normal(size=(3_000, 384))
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.mark.parametrize("exact_up_to", [10_000, 1_000], ids=["a byte a number", "lists of neighbors"])
def test_many_rows_are_found_like_few(
    near_each_other: Vectors, exact_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kb.index, "EXACT_UP_TO", exact_up_to)
    index, queries = VectorIndex(near_each_other), near_each_other[::100]
    expected = np.argsort(-(queries @ near_each_other.T), axis=1, kind="stable")[:, :10]
    found = index.nearest(queries, k=10)
    shared = [len(set(one) & set(other)) / 10 for one, other in zip(found.tolist(), expected.tolist(), strict=True)]
    assert np.mean(shared) >= 0.97
    assert found[:, 0].tolist() == list(range(0, 3_000, 100))
    allowed = np.arange(3_000) >= 500
    assert index.nearest(queries, k=10, allowed=allowed).min() >= 500
    few = np.arange(3_000) % 1_000 == 7
    assert sorted(index.nearest(queries[:1], k=5, allowed=few)[0].tolist()) == [-1, -1, 7, 1_007, 2_007]


def test_an_index_in_lists_is_kept_beside_its_rows(near_each_other: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    assert VectorIndex(near_each_other).kept is None
    monkeypatch.setattr(kb.index, "EXACT_UP_TO", 1_000)
    built = VectorIndex(near_each_other)
    opened = VectorIndex(near_each_other, built.kept)
    queries = near_each_other[::100]
    assert opened.nearest(queries, k=5).tolist() == built.nearest(queries, k=5).tolist()


def test_an_index_keeps_its_rows() -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    assert VectorIndex(vectors).vectors.tolist() == vectors.tolist()
    assert VectorIndex(vectors[:0]).vectors.shape == (0, 4)
    assert VectorIndex(vectors[:0]).nearest(vectors, k=2).tolist() == [[-1, -1]] * 5


def test_sections_and_questions_are_numbered_through_the_articles() -> None:
    snapshot = snapshot_of(COUCH, POTHOLE, WATER)
    assert snapshot.article_of_section.tolist() == [0, 1, 2, 2, 2]
    assert snapshot.article_of_question.tolist() == [0, 0, 1, 2]
    assert [section.heading for section in snapshot.sections] == ["", "", "", "Late fees", "Agent notes"]
    assert snapshot.sentences[0] == ((0, 28), (29, 65))


def test_a_snapshot_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    built = build_index([COUCH, POTHOLE, WATER], FakeEncoder(DIM), tmp_path)
    opened = load(tmp_path, encoder_version="fake-encoder")
    assert opened.version == built.version
    assert opened.articles == built.articles
    assert opened.sentences == built.sentences
    assert opened.section_index.vectors.tolist() == built.section_index.vectors.tolist()
    assert opened.question_index.vectors.tolist() == built.question_index.vectors.tolist()
    weights = built.bm25.weights_of(["couch"])
    assert opened.bm25.similarities(weights).tolist() == built.bm25.similarities(weights).tolist()
    assert opened.article_bm25.similarities(weights).tolist() == built.article_bm25.similarities(weights).tolist()
    assert opened.heading_vectors.tolist() == built.heading_vectors.tolist()
    assert built.heading_vectors.any(axis=1).tolist() == [False, False, False, True, True]
    assert opened.spelling.nearest("mattres") == built.spelling.nearest("mattres")


def test_nothing_is_encoded_again_where_nothing_changed(tmp_path: Path) -> None:
    build_index([COUCH, POTHOLE], CountingEncoder(), tmp_path)
    encoder = CountingEncoder()
    build_index([COUCH, POTHOLE], encoder, tmp_path)
    assert encoder.texts == []


def test_only_what_changed_is_encoded_again(tmp_path: Path) -> None:
    first = build_index([COUCH, POTHOLE], CountingEncoder(), tmp_path)
    encoder = CountingEncoder()
    changed = replace(COUCH, aliases=("get rid of an old sofa", "junk day"))
    second = build_index([changed, POTHOLE], encoder, tmp_path)
    assert encoder.texts == ["junk day"]
    assert second.version != first.version
    assert load(tmp_path).version == second.version


def test_another_encoder_encodes_everything(tmp_path: Path) -> None:
    build_index([POTHOLE], CountingEncoder(), tmp_path)
    encoder = CountingEncoder("other-encoder")
    build_index([POTHOLE], encoder, tmp_path)
    assert encoder.texts == ["Report a pothole\nPotholes are filled in three days.", "Report a pothole"]


def test_the_version_names_articles_and_encoder() -> None:
    versions = {
        snapshot_version([COUCH], "a"),
        snapshot_version([COUCH], "b"),
        snapshot_version([POTHOLE], "a"),
        snapshot_version([COUCH, POTHOLE], "a"),
    }
    assert len(versions) == 4


def test_the_previous_snapshot_is_kept_and_older_ones_go(tmp_path: Path) -> None:
    snapshots = [build_index(articles, FakeEncoder(DIM), tmp_path) for articles in ([COUCH], [POTHOLE], [WATER])]
    assert sorted(path.name for path in tmp_path.glob("kb-*")) == sorted(one.version for one in snapshots[1:])
    assert not list(tmp_path.glob(".draft-*"))


def test_saving_what_is_there_already_makes_it_the_current_one(tmp_path: Path) -> None:
    first = build_index([COUCH], FakeEncoder(DIM), tmp_path)
    build_index([POTHOLE], FakeEncoder(DIM), tmp_path)
    save(first, tmp_path)
    assert load(tmp_path).version == first.version


def test_a_text_whose_language_is_corrected_is_encoded_anew(tmp_path: Path) -> None:
    spanish = replace(COUCH, language="es")
    build_index([COUCH], FakeEncoder(DIM), tmp_path)
    again = CountingEncoder()
    build_index([spanish], again, tmp_path)
    assert set(again.languages) == {"es"}


def test_one_text_in_two_languages_has_a_vector_of_each() -> None:
    counting = CountingEncoder()
    build_index([COUCH, replace(COUCH, id="couch-es", language="es")], counting)
    assert counting.languages.count("es") == counting.languages.count("en") > 0


def test_a_snapshot_that_another_process_has_written_meanwhile_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_index([COUCH], FakeEncoder(DIM))
    save(first, tmp_path)
    facts = tmp_path / first.version / "facts.json"
    before = facts.stat().st_ino
    looks = iter([False, True])
    monkeypatch.setattr(kb.snapshots, "_is_whole", lambda home: next(looks))
    save(first, tmp_path)
    assert facts.stat().st_ino == before
    assert load(tmp_path).version == first.version
    assert not list(tmp_path.glob(".draft-*"))


def test_processes_that_build_the_same_at_once_leave_the_previous_snapshot(tmp_path: Path) -> None:
    old = build_index([POTHOLE], FakeEncoder(DIM), tmp_path)
    new = build_index([COUCH], FakeEncoder(DIM))
    save(new, tmp_path)
    save(new, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("kb-*")) == sorted([old.version, new.version])


def test_a_draft_of_a_build_that_broke_off_goes_after_an_hour(tmp_path: Path) -> None:
    old, young = tmp_path / ".draft-old", tmp_path / ".draft-young"
    for draft in (old, young):
        draft.mkdir()
        (draft / "sections.npy").write_bytes(b"half")
    os.utime(old, (0, 0))
    build_index([COUCH], FakeEncoder(DIM), tmp_path)
    assert [path.name for path in tmp_path.glob(".draft-*")] == [".draft-young"]


def test_a_build_that_fails_while_it_writes_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(kb.snapshots, "_write", full)
    with pytest.raises(OSError, match="No space"):
        build_index([COUCH], FakeEncoder(DIM), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no index"):
        load(tmp_path)


def test_vectors_of_another_encoder_are_refused(tmp_path: Path) -> None:
    build_index([COUCH], FakeEncoder(DIM), tmp_path)
    with pytest.raises(ModelError, match="has vectors of fake-encoder, the service encodes with minilm"):
        load(tmp_path, encoder_version="minilm")


def test_vectors_of_another_dimension_are_refused(tmp_path: Path) -> None:
    build_index([COUCH], FakeEncoder(DIM), tmp_path)
    with pytest.raises(ModelError, match="has vectors of 64 numbers, the service's 384; run `triage kb build`"):
        load(tmp_path, encoder_version="fake-encoder", dim=384)


@pytest.mark.parametrize("name", ["sections.npy", "articles.json", "stems_rows.npy", "letters.json"])
def test_a_file_cut_in_half_is_refused_by_name(tmp_path: Path, name: str) -> None:
    snapshot = build_index([COUCH, POTHOLE], FakeEncoder(DIM), tmp_path)
    path = tmp_path / snapshot.version / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match=f"is damaged: {name} differ"):
        load(tmp_path)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": "0"}'])
def test_facts_that_are_damaged_are_refused(tmp_path: Path, damage: str) -> None:
    snapshot = build_index([COUCH], FakeEncoder(DIM), tmp_path)
    (tmp_path / snapshot.version / "facts.json").write_text(damage)
    with pytest.raises(ModelError, match="triage kb build"):
        load(tmp_path)


def test_a_damaged_index_is_built_anew(tmp_path: Path) -> None:
    snapshot = build_index([COUCH], FakeEncoder(DIM), tmp_path)
    (tmp_path / snapshot.version / "sections.npy").write_bytes(b"")
    build_index([COUCH], FakeEncoder(DIM), tmp_path)
    assert load(tmp_path).articles == (COUCH,)


def test_facts_say_encoder_format_and_dimension(tmp_path: Path) -> None:
    snapshot = build_index([COUCH], FakeEncoder(DIM), tmp_path)
    facts = json.loads((tmp_path / snapshot.version / "facts.json").read_text())
    assert {name: facts[name] for name in ("format", "version", "encoder", "dim")} == {
        "format": "3",
        "version": snapshot.version,
        "encoder": "fake-encoder",
        "dim": DIM,
    }


def test_two_articles_with_one_id_are_refused() -> None:
    with pytest.raises(DataError, match="two articles have the id 'bulky'"):
        build_index([COUCH, COUCH], FakeEncoder(DIM))


def test_no_article_at_all_is_refused() -> None:
    with pytest.raises(DataError, match="no article"):
        build_index([], FakeEncoder(DIM))


def test_spelling_finds_the_nearest_word_or_none() -> None:
    spelling = Spelling.of(["mattress", "pothole"])
    nearest = spelling.nearest("matress")
    assert nearest is not None
    assert nearest[0] == "mattress"
    assert spelling.nearest("qqq") is None
    assert Spelling.of([]).nearest("word") is None
