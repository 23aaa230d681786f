"""Measures worked out by hand."""

import numpy as np
import pytest

from models.datasets import Example
from models.evaluation import measure
from models.measures import macro_f1, metrics
from tests.fakes import FakeEncoder
from tests.models.samples import MESSAGES, examples, tiny_classifier
from triage.errors import DataError


def quiet(what: str, done: int, total: int) -> None:
    """Report nothing."""


def test_macro_f1_is_the_one_worked_out_by_hand() -> None:
    # a: right 2, said 3, true 3: F1 = 2 * 2 / (3 + 3) = 2/3. b: right 1, said 2, true 1: F1 = 2 / 3.
    # c: never said, true 1: 0. d is said once and never true: it has no say. Mean of three: 4/9.
    truth = ["a", "a", "a", "b", "c"]
    said = ["a", "a", "b", "b", "a"]
    assert macro_f1(said, truth) == pytest.approx(4 / 9)
    assert macro_f1([*said, "d"], [*truth, "a"]) == pytest.approx((2 * 2 / (3 + 4) + 2 / 3 + 0) / 3)


@pytest.mark.parametrize(("said", "score"), [(["a", "b"], 1.0), (["b", "a"], 0.0), (["a", "a"], 1 / 3)])
def test_macro_f1_of_two_texts(said: list[str], score: float) -> None:
    assert macro_f1(said, ["a", "b"]) == pytest.approx(score)


def test_the_metrics_of_four_texts_are_those_worked_out_by_hand() -> None:
    labels = ["a", "b", "c", "d"]
    chances = np.array(
        [[0.7, 0.1, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]],
        dtype=np.float32,
    )
    found = metrics(chances, ["a", "b", "d", "e"], labels)
    # Hits: only the first. Top 3: the first and the second; "d" is fourth, "e" is not known.
    # F1: a 2 / (4 + 1), the others 0. Gaps, one text a bin: 0.3, 0.4, 0.4, 0.25.
    assert found == {"accuracy": 0.25, "macro_f1": 0.1, "top3": 0.5, "ece": 0.3375}


def test_ties_go_to_the_label_first_in_order() -> None:
    found = metrics(np.full((1, 2), 0.5, dtype=np.float32), ["b"], ["a", "b"])
    assert (found["accuracy"], found["top3"]) == (0.0, 1.0)


def test_a_model_is_measured_with_its_signature() -> None:
    report = measure(tiny_classifier(), examples(), FakeEncoder(), quiet).report
    assert report["n"] == 36
    assert set(report["metrics"]) == {"accuracy", "macro_f1", "top3", "ece"}
    assert report["metrics"]["accuracy"] == 1.0
    assert "out_of_scope" not in report
    for part in ("data:", "n:36", "model:tiny", "encoder:fake-encoder"):
        assert part in report["signature"]


def test_messages_out_of_scope_are_counted_apart() -> None:
    strangers = [Example(text=text, label="oos") for text in ("zq xv", "wk jh gg", "qq")]
    report = measure(tiny_classifier(), [*examples(), *strangers], FakeEncoder(), quiet).report
    assert report["n"] == 36
    assert report["metrics"]["accuracy"] == 1.0
    assert report["out_of_scope"]["recall"] == 1.0
    # The 5 % quantile of 36 lies between the second and the third: two are under it.
    assert report["out_of_scope"]["in_scope_rejected"] == round(2 / 36, 4)


def test_a_label_that_the_model_does_not_know_counts_as_wrong() -> None:
    stranger = Example(text=MESSAGES["streets.pothole"][0], label="streets.moat")
    report = measure(tiny_classifier(), [stranger, examples()[0]], FakeEncoder(), quiet).report
    assert report["metrics"]["accuracy"] == 0.5


def test_data_without_a_message_in_scope_is_refused() -> None:
    with pytest.raises(DataError, match="in scope"):
        measure(tiny_classifier(), [Example(text="zq", label="oos")], FakeEncoder(), quiet)
