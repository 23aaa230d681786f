"""Suggest from a probability on; ask below it, and wherever something is doubtful, missing or dangerous."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.policy import ThresholdPolicy
from triage.types import (
    Decision,
    Language,
    Mode,
    Safety,
    SafetyHit,
    ServiceTypeSuggestion,
    Translation,
    TranslationStatus,
)

PROBABILITIES = st.floats(0, 1)
ENGLISH = Language(code="en", probability=1.0)
NOT_NEEDED = Translation(status=TranslationStatus.NOT_NEEDED)


def suggestion(probability: float) -> ServiceTypeSuggestion:
    return ServiceTypeSuggestion(code="waste.bulky", name="Bulky", department="Solid waste", probability=probability)


def decided(
    *probabilities: float,
    suggest_from: float = 0.5,
    safety: Safety | None = None,
    status: TranslationStatus = TranslationStatus.NOT_NEEDED,
    degraded: tuple[str, ...] = (),
) -> Decision:
    return ThresholdPolicy(suggest_from=suggest_from).decide(
        [suggestion(probability) for probability in probabilities],
        safety=safety or Safety(),
        language=ENGLISH if status is TranslationStatus.NOT_NEEDED else Language(code="so", probability=0.9),
        translation=Translation(status=status),
        degraded=degraded,
    )


@given(low=PROBABILITIES, high=PROBABILITIES, suggest_from=PROBABILITIES)
def test_a_higher_probability_never_turns_suggest_into_ask(low: float, high: float, suggest_from: float) -> None:
    low, high = sorted((low, high))
    before, after = decided(low, suggest_from=suggest_from), decided(high, suggest_from=suggest_from)
    assert (before.mode, after.mode) != (Mode.SUGGEST, Mode.ASK)


@given(probability=PROBABILITIES, suggest_from=PROBABILITIES)
def test_a_type_is_suggested_exactly_from_the_threshold_on(probability: float, suggest_from: float) -> None:
    mode = decided(probability, suggest_from=suggest_from).mode
    assert mode is (Mode.SUGGEST if probability >= suggest_from else Mode.ASK)


def test_the_decision_is_about_the_best_type_and_says_why() -> None:
    assert decided(0.5, 0.4) == Decision(
        mode=Mode.SUGGEST,
        service_type="waste.bulky",
        department="Solid waste",
        reasons=("waste.bulky at 0.50, suggested from 0.50",),
    )
    assert decided(0.25).reasons == ("waste.bulky only at 0.25, suggested from 0.50",)


def test_a_probability_that_is_no_number_asks() -> None:
    assert decided(float("nan")).mode is Mode.ASK


def test_without_a_type_an_agent_is_asked() -> None:
    assert decided() == Decision(
        mode=Mode.ASK, service_type=None, department=None, reasons=("no service type was found",)
    )


@given(probability=PROBABILITIES)
def test_a_safety_hit_with_a_line_always_asks(probability: float) -> None:
    hit = SafetyHit(rule="gas", text="gas", start=0, end=3, line="911")
    decision = decided(probability, safety=Safety(emergency=True, line="911", reasons=(hit,)), suggest_from=0)
    assert (decision.mode, decision.reasons) == (Mode.ASK, ("life safety: gas, call 911",))


def test_a_safety_hit_without_a_line_does_not() -> None:
    hit = SafetyHit(rule="lead", text="lead", start=0, end=4, line=None)
    assert decided(0.9, safety=Safety(reasons=(hit,))).mode is Mode.SUGGEST


@pytest.mark.parametrize(
    ("status", "mode"),
    [
        (TranslationStatus.NOT_NEEDED, Mode.SUGGEST),
        (TranslationStatus.MACHINE, Mode.SUGGEST),
        (TranslationStatus.DOUBTFUL, Mode.SUGGEST),
        (TranslationStatus.UNAVAILABLE, Mode.SUGGEST),
        (TranslationStatus.PENDING, Mode.SUGGEST),
    ],
)
def test_no_path_is_longer_because_nothing_was_translated(status: TranslationStatus, mode: Mode) -> None:
    assert decided(0.9, status=status).mode is mode


def test_every_degraded_step_is_a_reason_to_ask() -> None:
    decision = decided(0.9, degraded=("encoder", "kb"))
    assert decision.mode is Mode.ASK
    assert decision.reasons == ("encoder did not work on this message", "kb did not work on this message")


@pytest.mark.parametrize("suggest_from", [-0.01, 1.01, float("nan")])
def test_a_threshold_outside_its_range_is_refused(suggest_from: float) -> None:
    with pytest.raises(ValueError, match=r"suggest_from must lie in \[0, 1\]"):
        ThresholdPolicy(suggest_from=suggest_from)


def test_the_version_names_the_threshold() -> None:
    assert ThresholdPolicy(suggest_from=0.25).version == "threshold-0.25"
