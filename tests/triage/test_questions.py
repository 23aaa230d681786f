"""The next question tells the two likeliest types apart."""

from tests.fakes import shipped_taxonomy
from triage.questions import next_question, telling_apart
from triage.types import ServiceTypeSuggestion

TYPES = shipped_taxonomy()


def suggestion(code: str, probability: float) -> ServiceTypeSuggestion:
    return ServiceTypeSuggestion(code=code, name="", department="", probability=probability)


def test_two_close_types_are_told_apart_by_a_question_that_one_of_them_asks() -> None:
    pair = [suggestion("streets.pothole", 0.4), suggestion("streets.streetlight", 0.3)]
    question = next_question(pair, (), TYPES)
    own = [each for code in ("streets.pothole", "streets.streetlight") for each in TYPES[code].attributes]
    assert question in [each.question for each in own if each.values]


def test_a_clear_type_asks_what_its_crew_needs() -> None:
    missing = TYPES.unanswered("streets.pothole", (), "hole")
    pair = [suggestion("streets.pothole", 0.8), suggestion("streets.streetlight", 0.1)]
    assert next_question(pair, missing, TYPES) == missing[0].question
    assert next_question(pair, (), TYPES) is None
    assert next_question([], (), TYPES) is None


def test_types_without_such_a_question_are_named() -> None:
    first = TYPES["city.other"]
    assert telling_apart(first, first) == f"Which is it: {first.name.lower()}, or {first.name.lower()}?"
