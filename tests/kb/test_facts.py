import pytest

from kb.facts import facts_of, figures_of, masked


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("After 21 days $35 is added.", [("day", "21"), ("money", "35")]),
        ("It costs $1,200.50, or 35 dollars.", [("money", "1200.5"), ("money", "35")]),
        ("Cards add 2.3 percent, banks 1 %.", [("percent", "2.3"), ("percent", "1")]),
        ("Monday to Friday, 8 am to 5 pm", [("hours", "480-1020")]),
        ("open 8 to 5:30 pm", [("hours", "480-1050")]),
        ("open 2 to 5 pm", [("hours", "840-1020")]),
        ("open 6 pm to 2 am", [("hours", "1080-120")]),
        ("from 8:30 a.m. until noon", [("hours", "510-720")]),
        ("call before 4 pm", [("time", "960")]),
        ("Call 555-0120 or (916) 555-0121.", [("phone", "5550120"), ("phone", "5550121")]),
        ("due by April 15", [("date", "4-15")]),
        ("three business days, five days", [("work day", "3"), ("day", "5")]),
        ("two free pickups a year", [("pickup", "2")]),
        ("no figure at all", []),
    ],
)
def test_facts_are_read_with_kind_and_value(text: str, facts: list[tuple[str, str]]) -> None:
    assert [(fact.kind, fact.value) for fact in facts_of(text)] == facts


def test_two_statements_of_one_rule_read_alike_once_masked() -> None:
    one, other = "After 21 days $35 is added.", "After 30 days $1,000 is added."
    assert masked(one, facts_of(one)) == masked(other, facts_of(other)) == "After some day some money is added."


def test_every_number_is_a_figure_with_or_without_a_unit() -> None:
    assert figures_of("above 95 or below thirty degrees, $1,000") == {"95", "30", "1000"}
