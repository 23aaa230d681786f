from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

import kb.contradictions
from kb.articles import Article
from kb.contradictions import Contradiction, contradictions
from tests.fakes import FakeEncoder
from tests.kb.builders import DIM, article

if TYPE_CHECKING:
    from models.encoder import MiniLMEncoder

LATE = article("late", title="Late fees", text="After 21 days a late fee of $35 is added to the ticket.")
OTHER = article("other", title="Lost tickets", text="After 21 days a late fee of $45 is added to the ticket. Call us.")


def found(*articles: Article) -> list[tuple[str, str, tuple[str, ...]]]:
    return [told(each) for each in contradictions(articles, FakeEncoder(DIM))]


def told(each: Contradiction) -> tuple[str, str, tuple[str, ...]]:
    return each.first.article.id, each.second.article.id, each.kinds


def test_the_same_statement_with_another_fee_is_found() -> None:
    assert found(LATE, OTHER) == [("late", "other", ("money",))]


def test_the_same_statement_with_the_same_fee_is_none() -> None:
    assert found(LATE, replace(LATE, id="copy")) == []


def test_a_number_that_the_other_names_without_a_unit_is_no_difference() -> None:
    one = article("a", title="Cooling centers", text="Cooling centers open at the library above 95 degrees.")
    two = article(
        "b", title="Centers", text="Cooling centers open at the library above 95, warming ones below 35 degrees."
    )
    assert found(one, two) == []


def test_hours_of_other_weekdays_are_no_difference() -> None:
    one = article("a", title="Transfer station", text="The transfer station on Quarry Road is open daily 8 am to 5 pm.")
    two = article("b", title="Paint", text="The transfer station on Quarry Road is open Saturday 9 am to 3 pm.")
    three = article("c", title="Hours", text="The transfer station on Quarry Road is open daily 9 am to 3 pm.")
    assert found(one, two) == []
    assert found(one, three) == [("a", "c", ("hours",))]


def test_articles_that_are_never_valid_together_are_not_compared() -> None:
    assert found(replace(LATE, valid_until=date(2025, 12, 31)), replace(OTHER, valid_from=date(2026, 1, 1))) == []


def test_articles_in_different_languages_are_not_compared() -> None:
    assert found(LATE, replace(OTHER, language="es")) == []


def test_no_articles_contradict_nothing() -> None:
    assert found() == []


# Statements of one rule in other words, with another figure: title and sentence of each.
PLANTED = [
    ("Pay a parking ticket", "After 21 days $35 is added to every unpaid ticket.",
     "Contest a citation", "After 21 days a late fee of $45 is added to the ticket."),
    ("Pay a parking ticket", "A street sweeping ticket is $52 and a meter ticket is $48.",
     "Street sweeping", "A street sweeping ticket costs $62."),
    ("Pay your utility bill", "Call 555-0120, Monday to Friday 7:30 am to 6 pm.",
     "Water shut-off rules", "Call 555-0120, Monday to Friday 8 am to 5 pm."),
    ("Dog license", "A license for a spayed or neutered dog is $20 a year.",
     "Adopting a pet", "The yearly license for a neutered dog is $25."),
    ("Report a pothole", "Potholes are filled within 3 work days.",
     "Street repair", "We fill potholes within 5 work days."),
    ("Stray animal", "Animal Care answers at 555-0140.",
     "Dog bite", "Call Animal Care at 555-0141."),
    ("Block party", "Apply at least 21 days before the party.",
     "Special events", "Apply for a block party at least 30 days ahead."),
]  # fmt: skip


@pytest.mark.system
def test_planted_contradictions_are_found_among_the_sample_articles(minilm: "MiniLMEncoder") -> None:
    from tests.kb.test_starter import ARTICLES

    english = [each for each in ARTICLES if each.language == "en"]
    before = {told(each) for each in contradictions(english, minilm)}
    planted = [
        article(f"planted-{number}-{side}", title=title, text=text)
        for number, (first, one, second, other) in enumerate(PLANTED)
        for side, (title, text) in enumerate([(first, one), (second, other)])
    ]
    after = {told(each) for each in contradictions([*english, *planted], minilm)}
    pairs = {(f"planted-{number}-0", f"planted-{number}-1") for number in range(len(PLANTED))}
    assert pairs <= {(first, second) for first, second, _ in after}
    assert before == set()


def test_a_pair_that_differs_in_two_kinds_is_told_once() -> None:
    one = article("a", title="Pay", text="A late parking ticket costs $35 after 21 days.")
    two = article("b", title="Pay", text="A late parking ticket costs $45 after 30 days.")
    assert found(one, two) == [("a", "b", ("day", "money"))]


def test_statements_with_hardly_a_word_in_common_are_never_formed_into_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = []
    monkeypatch.setattr(kb.contradictions, "_contradiction", lambda *pair: pairs.append(pair))
    hours = [article(f"s-{number}", title="Pantry", text=f"Monday, {number} am to 5 pm") for number in range(1, 9)]
    assert found(*hours, LATE, OTHER) == []
    assert [(one.article.id, other.article.id) for one, other, _ in pairs] == [("late", "other")]
