"""A candidate is refused where a language or a safety-relevant type gets worse."""

from dataclasses import replace

from models.promotion import compare
from tests.fakes import shipped_taxonomy
from triage.granting import Outcome


def outcomes(right: int, wrong: int, truth: str = "waste.bulky", language: str = "en") -> list[Outcome]:
    good = Outcome(truth=truth, said=truth, probability=0.9, language=language)
    return [good] * right + [replace(good, said="city.other")] * wrong


def test_a_language_that_loses_more_than_chance_explains_is_refused() -> None:
    active = outcomes(20, 0) + outcomes(10, 0, language="es")
    candidate = outcomes(20, 0) + outcomes(7, 3, language="es")
    found = compare(active, candidate, shipped_taxonomy())
    assert found.refusals == ("language es: 1.000 → 0.700 on 10 messages (3 lost, 0 won)",)
    assert found.overall.lost == 3


def test_a_safety_relevant_type_may_not_lose_a_single_message() -> None:
    grave = "water.main_break"
    found = compare(outcomes(50, 0, grave), outcomes(49, 1, grave), shipped_taxonomy())
    assert found.refusals == (f"safety-relevant {grave}: 1.000 → 0.980 on 50 messages (1 lost, 0 won)",)
    assert compare(outcomes(50, 0), outcomes(49, 1), shipped_taxonomy()).refusals == ()
