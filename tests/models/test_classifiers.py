"""The linear classifier: worked out by hand, saved and opened again, and refused where it is damaged."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifiers import LinearClassifier, LinearWeights, calibrated
from models.features import TfidfFeatures, words_of
from tests.fakes import DIM, FakeEncoder
from tests.models.samples import MESSAGES, TEXTS, tiny_classifier
from triage.errors import ComponentError, ModelError
from triage.types import Vectors

TINY = tiny_classifier()
ZERO: Vectors = np.zeros((1, DIM), dtype=np.float32)


def by_hand(
    *, vector: Vectors | None = None, bias: tuple[float, ...] = (0, 0), temperature: float = 1.0
) -> LinearClassifier:
    """Return a model of two words, `dog` for animal and `bill` for billing, both of idf 1."""
    features = TfidfFeatures(["bill", "dog"], [], np.ones(2, dtype=np.float32))
    weights = LinearWeights(
        labels=("animal", "billing"),
        features=np.array([[0, 2], [2, 0]], dtype=np.float32),
        vector=np.zeros((2, 2), dtype=np.float32) if vector is None else vector,
        bias=np.array(bias, dtype=np.float32),
        temperature=temperature,
        vector_weight=2.0,
    )
    return LinearClassifier(weights, features, version="by-hand")


def test_a_text_is_given_the_probabilities_worked_out_by_hand() -> None:
    # Scores (2, 0), temperature 2: exp(1) / (exp(1) + exp(0)) = 0.7311
    [found] = by_hand(temperature=2.0).classify(["the dog"], np.zeros((1, 2), dtype=np.float32))
    assert [(each.label, round(each.probability, 4)) for each in found] == [("animal", 0.7311), ("billing", 0.2689)]
    assert [each.because for each in found] == [("dog",), ()]


def test_the_vector_counts_with_its_weight_and_its_absence_changes_nothing_else() -> None:
    model = by_hand(vector=np.array([[0, 1], [0, 0]], dtype=np.float32))
    unit = np.array([[1, 0]], dtype=np.float32)
    rows = [model.features.row("dog")]
    assert model.scores(rows, unit).tolist() == [[2.0, 2.0]]
    assert model.scores(rows, np.zeros((1, 2), dtype=np.float32)).tolist() == [[2.0, 0.0]]
    assert model.scores(rows, np.zeros((1, 0), dtype=np.float32)).tolist() == [[2.0, 0.0]]


def test_ties_go_to_the_alphabet() -> None:
    [found] = by_hand().classify(["nothing known"], np.zeros((1, 2), dtype=np.float32))
    assert [(each.label, each.probability) for each in found] == [("animal", 0.5), ("billing", 0.5)]


def test_the_bias_decides_where_no_word_is_known() -> None:
    [found] = by_hand(bias=(0, 1)).classify([""], np.zeros((1, 2), dtype=np.float32))
    assert found[0].label == "billing"


def test_vectors_of_another_encoder_are_refused() -> None:
    with pytest.raises(ComponentError, match="the model reads vectors of 2 numbers, got 3"):
        by_hand().classify(["dog"], np.zeros((1, 3), dtype=np.float32))


def test_messages_like_those_it_knows_get_their_label() -> None:
    found = TINY.classify(TEXTS, FakeEncoder().encode(TEXTS))
    best = [each[0].label for each in found]
    assert best == [label for label, texts in MESSAGES.items() for _ in texts]


@given(text=st.lists(st.sampled_from(sorted({word for text in TEXTS for word in words_of(text)})), max_size=12))
def test_probabilities_over_all_labels_sum_to_one(text: list[str]) -> None:
    chances = calibrated(TINY.scores([TINY.features.row(" ".join(text))], ZERO), TINY.weights)
    assert float(chances.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(chances.min()) >= 0


@given(text=st.lists(st.sampled_from(sorted({word for text in TEXTS for word in words_of(text)})), max_size=12))
def test_the_words_that_speak_for_a_label_stand_in_the_text(text: list[str]) -> None:
    said = f" {' '.join(text)} "
    for prediction in TINY.classify([said], ZERO)[0]:
        assert len(prediction.because) <= 3
        assert all(f" {words} " in said for words in prediction.because)


def test_words_that_explain_nothing_are_not_given_as_reasons() -> None:
    [found] = TINY.classify(["the pothole on 9th and the pothole is back"], ZERO)
    assert found[0].label == "streets.pothole"
    assert "pothole" in found[0].because
    assert not {"the", "on", "and", "is"} & set(found[0].because)
    assert not any("0" in words for words in found[0].because)


# Saving and opening


def test_a_model_that_was_saved_answers_the_same(tmp_path: Path) -> None:
    TINY.save(tmp_path)
    opened = LinearClassifier.load(tmp_path)
    vectors = FakeEncoder().encode(TEXTS)
    before, after = TINY.classify(TEXTS, vectors), opened.classify(TEXTS, vectors)
    assert [[each.label for each in found] for found in after] == [[each.label for each in found] for found in before]
    for one, other in zip(before, after, strict=True):  # the weights are kept as float16
        assert [each.probability for each in one] == pytest.approx([each.probability for each in other], abs=1e-3)
    assert (opened.version, opened.labels) == ("tiny", tuple(MESSAGES))


def test_what_was_opened_saves_and_opens_to_the_very_same(tmp_path: Path) -> None:
    TINY.save(tmp_path)
    once = LinearClassifier.load(tmp_path)
    (tmp_path / "again").mkdir()
    once.save(tmp_path / "again")
    twice = LinearClassifier.load(tmp_path / "again")
    vectors = FakeEncoder().encode(TEXTS)
    assert once.classify(TEXTS, vectors) == twice.classify(TEXTS, vectors)


FILES = ("model.json", "model.npz", "vocabulary.json")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[: len(content) // 2], id="cut"),
        pytest.param(lambda content: content[:-20], id="end cut"),
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: b"\xff\xfe nonsense", id="garbage"),
        pytest.param(lambda content: b"[]", id="list"),
        pytest.param(lambda content: b"{}", id="nothing in it"),
        pytest.param(lambda content: content[:200] + bytes(40) + content[240:], id="hole"),
    ],
)
def test_a_damaged_file_is_a_model_error(tmp_path: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    TINY.save(tmp_path)
    file = tmp_path / name
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ModelError, match="train it again"):
        LinearClassifier.load(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_a_model_error(tmp_path: Path, name: str) -> None:
    TINY.save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=name):
        LinearClassifier.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("model.json", '"animal.barking",', ""),
        ("model.json", '"temperature": 0.1', '"temperature": 0'),
        ("model.json", '"temperature": 0.1', '"temperature": "warm"'),
        ("vocabulary.json", '"barking",', ""),
    ],
)
def test_parts_that_do_not_fit_together_are_a_model_error(tmp_path: Path, name: str, old: str, new: str) -> None:
    TINY.save(tmp_path)
    content = (tmp_path / name).read_text("utf-8")
    assert old in content
    (tmp_path / name).write_text(content.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError, match="train it again"):
        LinearClassifier.load(tmp_path)


def test_weights_that_are_no_numbers_are_a_model_error(tmp_path: Path) -> None:
    broken = tiny_classifier()
    broken.weights.features[3, 2] = np.nan
    broken.save(tmp_path)
    with pytest.raises(ModelError, match="do not fit together"):
        LinearClassifier.load(tmp_path)
