import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.no_answer import DENSE_SIGNALS, Logistic, NoAnswerModel, Signals, answerable_probability
from kb.no_answer_training import (
    Asked,
    Example,
    asked_both_ways,
    calibration_error,
    cross_validated,
    examples_of,
    fit,
    least_probability,
    left_out,
    together,
    without_vectors,
)
from tests.kb.builders import query, search_of
from triage.errors import ModelError
from triage.types import AnswerStatus

SIGNALS = Signals(section=0.6, question=0.7, lexical=0.2, margin=0.1, coverage=0.5, words=math.log(5))
MODEL = NoAnswerModel(
    dense=Logistic(intercept=-1.0, coefficients={"question": 2.0}),
    lexical=Logistic(intercept=0.0, coefficients={"coverage": 1.0}),
    answer_from=0.6,
    possible_from=0.25,
    version="test",
)


def test_the_probability_is_the_logistic_of_the_weighted_signals() -> None:
    assert MODEL.probability(SIGNALS, has_vector=True) == pytest.approx(1 / (1 + math.exp(-0.4)))
    assert MODEL.probability(SIGNALS, has_vector=False) == pytest.approx(1 / (1 + math.exp(-0.5)))


def test_a_question_without_informative_words_has_no_answer() -> None:
    assert MODEL.probability(replace(SIGNALS, words=0.0), has_vector=True) == 0.0


@pytest.mark.parametrize(
    ("probabilities", "status"),
    [
        ([], AnswerStatus.NONE),
        ([0.0], AnswerStatus.NONE),
        ([0.24], AnswerStatus.NONE),
        ([0.1, 0.1, 0.1], AnswerStatus.POSSIBLE),
        ([0.1, 0.1, 0.0, 0.1], AnswerStatus.NONE),
        ([0.25], AnswerStatus.POSSIBLE),
        ([0.5, 0.5], AnswerStatus.POSSIBLE),
        ([0.6], AnswerStatus.ANSWER),
    ],
)
def test_the_best_decides_on_an_answer_and_the_best_three_on_none(
    probabilities: list[float], status: AnswerStatus
) -> None:
    assert MODEL.status(probabilities) is status


def test_probabilities_of_one_question_add_up_to_one_at_most() -> None:
    assert answerable_probability([0.5, 0.4, 0.3]) == 1.0
    assert answerable_probability([0.2, 0.1]) == pytest.approx(0.3)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_the_shipped_model_grows_with_the_cosine(first: float, second: float) -> None:
    model = NoAnswerModel.load()
    low, high = sorted((first, second))
    assert model.probability(replace(SIGNALS, question=low), has_vector=True) <= model.probability(
        replace(SIGNALS, question=high), has_vector=True
    )


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    with pytest.raises(ModelError, match="is no model of answer probabilities"):
        NoAnswerModel.load(path)
    path.write_text(json.dumps({"version": "x", "dense": {"intercept": 0, "coefficients": {"luck": 1}}}))
    with pytest.raises(ModelError, match="luck"):
        NoAnswerModel.load(path)


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        replace(MODEL, answer_from=0.1)


def example(question: int, cosine: float, *, is_right: bool, rank: int = 0, source: str = "a") -> Example:
    signals = replace(SIGNALS, question=cosine)
    return Example(source=source, question=question, rank=rank, signals=signals, is_right=is_right, answerable=is_right)


def drawn(n: int) -> list[Example]:
    """Examples whose true probability is the logistic of 8 * cosine - 4."""
    generator = np.random.default_rng(0)
    cosines = generator.random(n)
    truths = generator.random(n) < 1 / (1 + np.exp(4 - 8 * cosines))
    return [
        example(number, float(cosine), is_right=bool(truth), source="ab"[number % 2])
        for number, (cosine, truth) in enumerate(zip(cosines, truths, strict=True))
    ]


def test_a_fit_finds_the_model_that_examples_were_drawn_from() -> None:
    model = fit(drawn(6_000), ["question"])
    assert model.intercept == pytest.approx(-4, abs=0.3)
    assert model.coefficients["question"] == pytest.approx(8, abs=0.5)


def test_held_out_probabilities_of_a_right_model_are_calibrated() -> None:
    examples = drawn(3_000)
    assert calibration_error(examples, cross_validated(examples, ["question"])) < 0.04
    assert calibration_error(examples, left_out(examples, ["question"])) < 0.04


def test_a_fit_to_one_kind_of_example_is_refused() -> None:
    with pytest.raises(ValueError, match="right and examples that are wrong"):
        fit([example(0, 0.5, is_right=True)], ["question"])


def test_the_calibration_error_is_the_gap_of_the_bins() -> None:
    examples = [example(0, 0.1, is_right=True), example(1, 0.1, is_right=False)]
    # One bin at 0.95 with half of it right, or two bins, one at each side of the truth.
    assert calibration_error(examples, np.array([0.95, 0.95])) == pytest.approx(0.45)
    assert calibration_error(examples, np.array([0.95, 0.05])) == pytest.approx(0.05)


def test_the_least_probability_is_the_last_that_keeps_the_precision() -> None:
    examples = [example(number, 0.5, is_right=number != 2) for number in range(4)]
    probabilities = np.array([0.9, 0.8, 0.7, 0.6])
    assert least_probability(examples, probabilities, precision=0.75) == 0.6
    assert least_probability(examples, probabilities, precision=0.9) == 0.8
    assert least_probability(examples[2:3], probabilities[2:3], precision=0.9) == 1.0


def test_the_articles_of_one_question_decide_together() -> None:
    examples = [
        replace(example(0, 0.5, is_right=True), answerable=True),
        replace(example(0, 0.5, is_right=False, rank=1), answerable=True),
        example(1, 0.5, is_right=False),
    ]
    answerable, others = together(examples, np.array([0.5, 0.2, 0.1]))
    assert answerable.tolist() == pytest.approx([0.7])
    assert others.tolist() == pytest.approx([0.1])


def test_every_tenth_question_has_its_answer_hidden() -> None:
    asked = asked_both_ways([query("couch")] * 11, [frozenset({0})] * 11, [query("zoo")])
    assert [number for number, one in enumerate(asked) if one.is_hidden] == [9]
    assert asked[-1].right == frozenset()


def test_examples_know_what_is_right_and_what_was_hidden() -> None:
    search = search_of()
    asked = [
        Asked(query=query("couch pickup"), right=frozenset({0})),
        Asked(query=query("couch pickup"), right=frozenset({0}), is_hidden=True),
        Asked(query=query("hello"), right=frozenset()),
    ]
    examples = examples_of("test", search, asked)
    assert [(one.question, one.rank, one.is_right, one.answerable) for one in examples] == [
        (0, 0, True, True),
        (0, 1, False, True),
        (0, 2, False, True),
        (1, 0, False, False),
        (1, 1, False, False),
    ]


def test_questions_without_vectors_keep_their_words() -> None:
    (asked,) = without_vectors([Asked(query=query("couch"), right=frozenset({0}))])
    assert asked.query.text == "couch"
    assert not asked.query.vector.any()


def test_the_shipped_model_reads_the_signals_that_it_was_fitted_on() -> None:
    assert tuple(NoAnswerModel.load().dense.coefficients) == DENSE_SIGNALS
