"""Two matters in one message: told where each side is sure of its own, and nowhere else."""

import pytest

from triage.further import Cut, best_cut, cuts_of, further_types, may_tell_more
from triage.types import FurtherType, Prediction

TEXT = "The pothole on Mill is huge. Thanks! Also how do I pay my water bill?"
WHOLE = (Prediction(label="pothole", probability=0.7), Prediction(label="bill", probability=0.2))


def said(label: str, probability: float = 0.95) -> tuple[Prediction, ...]:
    return (Prediction(label=label, probability=probability), Prediction(label="other", probability=0.01))


def test_a_text_is_cut_between_sentences_that_say_something() -> None:
    (cut,) = cuts_of(TEXT)
    assert cut.sides(TEXT) == ("The pothole on Mill is huge. Thanks!", "Also how do I pay my water bill?")


@pytest.mark.parametrize(
    "text", ["", "pothole", "One sentence only, however long it may be", "Hi. Thanks. Bye.", "???"]
)
def test_a_text_with_one_side_is_not_cut(text: str) -> None:
    assert cuts_of(text) == []


@pytest.mark.parametrize(
    "text", ["一个很大的坑在路上。请问怎么付水费账单？", "Hay un bache muy grande aquí. ¿Cómo pago mi recibo de agua?"]
)
def test_other_languages_are_cut_too(text: str) -> None:
    assert len(cuts_of(text)) == 1


def test_no_text_is_cut_at_more_than_twelve_places() -> None:
    assert len(cuts_of("there is one more thing. " * 200)) == 12


def test_the_side_that_tells_something_else_is_the_further_matter() -> None:
    (cut,) = cuts_of(TEXT)
    (further,) = further_types(WHOLE, cut, (said("pothole"), said("bill")))
    assert further == FurtherType(code="bill", probability=0.95, start=37, end=69)
    assert TEXT[further.start : further.end] == "Also how do I pay my water bill?"
    (further,) = further_types(WHOLE, cut, (said("bill"), said("pothole")))
    assert TEXT[further.start : further.end] == "The pothole on Mill is huge. Thanks!"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (said("pothole"), said("pothole")),
        (said("pothole"), said("bill", 0.5)),
        (said("pothole", 0.5), said("bill")),
        (said("pothole"), said("trees")),  # the message as a whole does not lean to it
        (said("trees"), said("bill")),  # neither side tells what the message is about
    ],
)
def test_sides_that_are_not_sure_or_not_the_messages_tell_nothing(
    first: tuple[Prediction, ...], second: tuple[Prediction, ...]
) -> None:
    assert further_types(WHOLE, Cut((0, 1), (1, 2)), (first, second)) == ()


def test_two_matters_that_blur_the_messages_type_within_its_group_are_told_apart() -> None:
    blurred = tuple(
        Prediction(label=label, probability=0.3) for label in ("bills.pay", "bills.plan", "streets.pothole")
    )
    cut = Cut((0, 5), (5, 9))
    (further,) = further_types(blurred, cut, (said("streets.pothole"), said("bills.plan")))
    assert (further.code, further.start) == ("streets.pothole", 0)
    assert further_types(blurred, cut, (said("bills.plan"), said("bills.plan"))) == ()


def test_the_cut_whose_sides_differ_most_is_taken() -> None:
    mixed, apart = (said("pothole", 0.5), said("bill", 0.3)), (said("pothole"), said("bill"))
    assert best_cut(WHOLE, [*mixed, *apart, *mixed]) == 1


def test_a_message_that_leans_to_nothing_else_is_not_looked_at() -> None:
    assert not may_tell_more(said("pothole"))
    assert not may_tell_more(())
    assert may_tell_more(WHOLE)
