"""Training on a handful of messages: reproducible, calibrated on held-out writers, never over what is there."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import fitting
from models.block_fitting import REST
from models.classifiers import LinearClassifier
from models.datasets import Example
from models.fitting import Recipe, embed, fit
from models.splitting import fold_numbers
from models.training import train, train_into
from tests.fakes import DIM, FakeEncoder
from tests.models.samples import MESSAGES, TEXTS, examples
from triage.errors import DataError
from triage.types import Prediction

QUICK = Recipe(vector_weights=(1.0,), temperature=0.5)
FULL = Recipe(vector_weights=(0.5, 1.0))


def quiet(what: str, done: int, total: int) -> None:
    """Report nothing."""


def predictions(folder: Path) -> list[tuple[Prediction, ...]]:
    model = LinearClassifier.load(folder)
    texts = [*TEXTS, "a hound that howls", "hole in my street", ""]
    return model.classify(texts, FakeEncoder().encode(texts))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("model") / "full"
    return out, train(examples(), FakeEncoder(), out, FULL, quiet)


def test_a_trained_model_knows_what_it_was_told(trained: tuple[Path, dict[str, Any]]) -> None:
    best = [found[0].label for found in predictions(trained[0])[: len(TEXTS)]]
    assert best == [label for label, texts in MESSAGES.items() for _ in texts]


def test_the_facts_are_written_beside_the_model(trained: tuple[Path, dict[str, Any]]) -> None:
    out, facts = trained
    written = json.loads((out / "meta.json").read_text("utf-8"))
    assert {name: written[name] for name in facts if name != "recipe"} == {
        name: value for name, value in facts.items() if name != "recipe"
    }
    assert (facts["examples"], facts["encoder"]) == (36, "fake-encoder")
    assert written["labels"] == sorted(MESSAGES)
    held_out = facts["held_out"]
    assert held_out["n"] == 36
    assert 0 <= held_out["ece"] <= 1
    assert 1 / 6 < held_out["accuracy"] <= held_out["top3"] <= 1


def test_six_messages_a_label_bear_no_rule_of_what_is_in_scope_and_the_card_says_so(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    assert LinearClassifier.load(trained[0]).scope is None
    assert trained[1]["scope"] is None
    assert "It does not tell what is out of scope" in (trained[0] / "card.md").read_text("utf-8")
    twice = [replace(each, text=f"{each.text} {tail}") for each in examples() for tail in ("at the old mill", "here")]
    facts = train(twice, FakeEncoder(), tmp_path, FULL, quiet)
    scope = LinearClassifier.load(tmp_path).scope
    assert scope is not None
    assert (facts["scope"], scope.kind) == ("both", "both")
    assert "out of scope" not in (tmp_path / "card.md").read_text("utf-8")


def test_the_same_data_and_seed_give_the_same_predictions_and_version(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    again = train(examples(), FakeEncoder(), tmp_path / "again", FULL, quiet)
    assert again == trained[1]
    assert predictions(tmp_path / "again") == predictions(trained[0])


def test_other_data_or_another_recipe_give_another_version(tmp_path: Path) -> None:
    first = train(examples(), FakeEncoder(), tmp_path / "a", QUICK, quiet)
    other_data = train(examples()[:-1], FakeEncoder(), tmp_path / "b", QUICK, quiet)
    other_recipe = train(examples(), FakeEncoder(), tmp_path / "c", replace(QUICK, regularization=1.0), quiet)
    assert len({first["version"], other_data["version"], other_recipe["version"]}) == 3


def test_a_given_temperature_holds_nothing_out(tmp_path: Path) -> None:
    facts = train(examples(), FakeEncoder(), tmp_path / "a", QUICK, quiet)
    assert facts["held_out"] is None
    assert LinearClassifier.load(tmp_path / "a").weights.temperature == 0.5


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_two_labels_are_the_least(tmp_path: Path, labels: int) -> None:
    chosen = [example for example in examples() if example.label in sorted(MESSAGES)[:labels]]
    if labels == 1:
        with pytest.raises(DataError, match="at least two labels"):
            train(chosen, FakeEncoder(), tmp_path / "out", QUICK, quiet)
        assert not (tmp_path / "out").exists()
        return
    train(chosen, FakeEncoder(), tmp_path / "out", QUICK, quiet)
    texts = [example.text for example in chosen]
    found = LinearClassifier.load(tmp_path / "out").classify(texts, FakeEncoder().encode(texts))
    assert [each[0].label for each in found] == [example.label for example in chosen]


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(DataError, match="is not empty; name a new folder"):
        train(examples(), FakeEncoder(), tmp_path, QUICK, quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(DataError, match="name a new folder"):
        train(examples(), FakeEncoder(), tmp_path / "mine.txt", QUICK, quiet)


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    train(examples(), FakeEncoder(), tmp_path, QUICK, quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "card.md",
        "meta.json",
        "model.json",
        "model.npz",
        "vocabulary.json",
    ]


def test_training_into_a_place_leaves_a_model_that_stands_there_and_no_rubbish(tmp_path: Path) -> None:
    train_into(tmp_path / "m", examples(), FakeEncoder(), QUICK, quiet)
    before = (tmp_path / "m" / "model.npz").read_bytes()
    train_into(tmp_path / "m", examples()[:-6], FakeEncoder(), QUICK, quiet)
    assert (tmp_path / "m" / "model.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_writers_are_never_torn_apart() -> None:
    folds, _ = fold_numbers(examples(), 3, 0)
    by_writer: dict[str, set[int]] = {example.group: set() for example in examples()}
    for example, fold in zip(examples(), folds.tolist(), strict=True):
        by_writer[example.group].add(fold)
    assert sorted(by_writer.items()) == [("writer-0", {0}), ("writer-1", {1}), ("writer-2", {2})]


def test_without_enough_writers_every_fold_has_every_label() -> None:
    nameless = [replace(example, group="") for example in examples()]
    folds, _ = fold_numbers(nameless, 3, 0)
    for fold in range(3):
        assert {example.label for example, number in zip(nameless, folds, strict=True) if number == fold} == set(
            MESSAGES
        )
    assert folds.tolist() == fold_numbers(nameless, 3, 0)[0].tolist()


def test_the_progress_is_told_to_its_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    train(examples(), FakeEncoder(), tmp_path, FULL, lambda *each: told.append(each))
    last = {what: (done, total) for what, done, total in told}
    assert set(last) == {"encode", "choose", "hold out", "learning curve", "fit"}
    assert all(done == total for done, total in last.values())


@pytest.mark.parametrize("back_off", [0, 12])
def test_messages_in_blocks_on_disk_give_the_model_that_messages_in_memory_give(
    monkeypatch: pytest.MonkeyPatch, back_off: int
) -> None:
    chosen = [replace(each, text=f"{each.text} {tail}") for each in examples() for tail in ("please", "now", "again")]
    texts, labels = [each.text for each in chosen], tuple(MESSAGES)
    truth = np.array([REST if each.text.startswith("a bill of") else labels.index(each.label) for each in chosen])
    vectors, recipe = FakeEncoder().encode(texts), replace(FULL, balance=0.5, back_off=back_off, prototypes=1.0)
    rows = np.arange(1, len(texts), 2)
    in_memory, features = fit(texts, vectors, truth, labels, 1.0, recipe, rows)
    monkeypatch.setattr(fitting, "IN_MEMORY", 10)
    monkeypatch.setattr(fitting, "BLOCK", 16)
    in_blocks, same_features = fit(texts, vectors, truth, labels, 1.0, recipe, rows)
    assert same_features.word_vocabulary == features.word_vocabulary
    for name in ("features", "vector", "bias"):
        assert getattr(in_blocks, name) == pytest.approx(getattr(in_memory, name), abs=0.06)  # both stop short of 0


def test_rows_that_are_not_learned_from_are_not_read() -> None:
    texts, labels, rows = [*TEXTS], tuple(MESSAGES), np.arange(0, 36, 2)
    truth = np.repeat(np.arange(6), 6)
    vectors = FakeEncoder().encode(texts)
    some, _ = fit(texts, vectors, truth, labels, 1.0, FULL, rows)
    vectors[1::2], texts[1::2] = np.nan, ["never read"] * 18
    again, _ = fit(texts, vectors, truth, labels, 1.0, FULL, rows)
    assert np.array_equal(some.features, again.features)
    assert np.array_equal(some.vector, again.vector)


def test_texts_are_embedded_in_their_order_over_many_chunks() -> None:
    many = [Example(text=f"word{number} more", label="x") for number in range(600)]
    vectors = embed(many, FakeEncoder(), quiet)
    assert vectors.shape == (600, DIM)
    assert np.array_equal(vectors[599], FakeEncoder().encode(["word599 more"])[0])
