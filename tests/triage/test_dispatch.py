"""The dispatch card says what the message says, in its words, and only where somebody must act at once."""

import pytest

from triage.dispatch import MOST_CHARACTERS, dispatch_card, shipped_words
from triage.entities import EntityFinder
from triage.safety import Tripwire, combine
from triage.taxonomy import load
from triage.types import Reason, Safety, SafetyHit, Urgency, UrgencyLevel

EMERGENCY = Urgency(level=UrgencyLevel.EMERGENCY, probability=0.99)


def card_of(text: str, *, urgency: Urgency = EMERGENCY, service_type: str | None = None) -> dict[str, str | None]:
    card = dispatch_card(
        text,
        urgency=urgency,
        safety=combine(Tripwire.load().check(text)),
        entities=EntityFinder.load().find(text),
        service_type=service_type,
    )
    assert card is not None
    return dict(card)


def test_a_card_holds_what_where_since_when_hazards_and_call_back() -> None:
    text = "About my bin. We smell gas in the kitchen since noon, 2210 Florin Rd Apt 4. Call me at 916-555-0142."
    assert card_of(text) == {
        "incident_type": "Gas leak or odor",
        "what": "We smell gas in the kitchen since noon, 2210 Florin Rd Apt 4.",
        "where": "2210 Florin Rd Apt 4",
        "since": "since noon",
        "hazards": "gas",
        "call_back": "916-555-0142",
        "recommend": "911",
    }


def test_what_the_message_does_not_say_is_none() -> None:
    card = card_of("water is gushing out", service_type="water.main_break")
    assert (card["incident_type"], card["where"], card["since"], card["call_back"], card["recommend"]) == (
        "Water main break",
        None,
        None,
        None,
        None,
    )


def test_only_emergency_and_urgent_messages_have_a_card() -> None:
    for level in UrgencyLevel:
        card = dispatch_card(
            "text", urgency=Urgency(level=level, probability=0.5), safety=Safety(), entities=(), service_type=None
        )
        assert (card is not None) == (level in (UrgencyLevel.EMERGENCY, UrgencyLevel.URGENT))


def test_the_sentence_of_the_first_reason_is_quoted_and_a_long_one_is_cut() -> None:
    text = "Hello. " + "the ramp is blocked " * 40
    reason = Reason(rule="access.blocked", text="blocked", start=20, end=27)
    what = card_of(text, urgency=Urgency(level=UrgencyLevel.URGENT, probability=0.6, reasons=(reason,)))["what"]
    assert what is not None
    assert what.startswith("the ramp is blocked")
    assert what.endswith("…")
    assert len(what) <= MOST_CHARACTERS


@pytest.mark.parametrize(
    ("text", "since"),
    [("hay humo desde las seis, vengan", "desde las seis"), ("fire started an hour ago.", "started an hour ago")],
)
def test_since_when_is_told_in_the_words_of_the_message(text: str, since: str) -> None:
    assert card_of(text)["since"] == since


def test_a_finding_without_a_place_or_a_name_of_its_own_still_gives_a_card() -> None:
    hit = SafetyHit(rule="learned.danger", text="", start=None, end=None, line="911")
    card = dispatch_card(
        "she is not right", urgency=EMERGENCY, safety=combine([hit]), entities=(), service_type="police.welfare"
    )
    assert card is not None
    assert (card["incident_type"], card["what"], card["recommend"]) == ("Welfare check", "she is not right", "911")


def test_every_rule_with_a_line_and_every_named_type_has_an_incident_type_that_exists() -> None:
    words = shipped_words()
    assert [rule.id for rule in Tripwire.load().rules if rule.id not in words.rules] == []
    assert [code for code in words.types if code not in load()] == []
