"""Auto mode is granted from held-out precision with its lower bound."""

from hypothesis import given
from hypothesis import strategies as st

from triage.bounds import lower_bound, wilson
from triage.granting import LEAST_PREDICTIONS, Outcome, grant, grants_by_language


def outcomes(label: str, right: int, wrong: int, probability: float, language: str = "en") -> list[Outcome]:
    said = [label] * right + ["x"] * wrong
    return [Outcome(truth=truth, said=label, probability=probability, language=language) for truth in said]


def test_a_single_label_needs_73_of_73() -> None:
    assert lower_bound(73, 73) >= 0.95 > lower_bound(72, 72)
    assert wilson(0, 0) == (0.0, 1.0)


def test_labels_are_pooled_within_a_band() -> None:
    both = outcomes("a", 40, 0, 0.99) + outcomes("b", 40, 0, 0.99)
    assert grant(both[:40], wanted=0.95).threshold is None
    assert (grant(both, wanted=0.95).threshold, grant(both, wanted=0.95).labels) == (0.99, ("a", "b"))


def test_a_label_with_few_predictions_or_many_faults_has_no_part() -> None:
    found = grant(
        outcomes("a", 200, 0, 0.99) + outcomes("few", LEAST_PREDICTIONS - 1, 0, 0.99) + outcomes("bad", 30, 5, 0.99),
        wanted=0.95,
    )
    assert (found.labels, found.n, found.of) == (("a",), 200, 264)


def test_a_band_that_is_often_wrong_ends_the_grant() -> None:
    found = grant(outcomes("a", 1000, 0, 0.99) + outcomes("a", 40, 10, 0.9) + outcomes("a", 500, 0, 0.8), wanted=0.95)
    assert (found.threshold, found.n) == (0.99, 1000)


def test_a_language_is_granted_on_its_own_predictions() -> None:
    found = grants_by_language(outcomes("a", 200, 0, 0.99) + outcomes("a", 20, 0, 0.99, "es"), wanted=0.95)
    assert (found["en"].coverage, found["es"].coverage) == (1.0, 0.0)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=200), st.sampled_from([0.8, 0.9, 0.97]))
def test_what_is_granted_keeps_its_promise_on_what_it_was_granted_from(
    pairs: list[tuple[float, bool]], wanted: float
) -> None:
    found = grant([Outcome(truth="a" if hit else "b", said="a", probability=p) for p, hit in pairs], wanted=wanted)
    assert found.threshold is None or found.lower >= wanted


def test_a_label_that_is_said_often_has_a_part_with_the_few_that_are_sure() -> None:
    often = outcomes("b", 5, 0, 0.99) + outcomes("b", 20, 5, 0.6)
    found = grant(outcomes("a", 200, 0, 0.99) + often, wanted=0.95)
    assert (found.threshold, found.labels, found.n) == (0.99, ("a", "b"), 205)
