from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage import taxonomy
from triage.errors import ModelError, SettingsError
from triage.evidence import Rules
from triage.request_kind import KindRules
from triage.types import RequestKind, Safety, SafetyHit, Urgency, UrgencyLevel
from triage.urgency import EvidenceRater

SAFE = Safety()
WORDS = Path(__file__).parents[2] / "triage" / "urgency.yaml"


@cache
def rater() -> EvidenceRater:
    return EvidenceRater.load()


@cache
def types() -> taxonomy.Taxonomy:
    return taxonomy.load()


@cache
def kinds() -> KindRules:
    return KindRules.load()


def rate(text: str, code: str, safety: Safety = SAFE) -> Urgency:
    return rater().rate(text, service_type=types()[code], safety=safety, kind=kinds().kind_of(text))


def test_a_message_without_evidence_has_the_level_of_its_type_and_no_reasons() -> None:
    urgency = rate("the pavement on my way", "streets.pothole")
    assert (urgency.level, urgency.reasons) == (UrgencyLevel.NORMAL, ())


@pytest.mark.parametrize(
    ("text", "code", "level"),
    [
        ("they said they will shut off my water tomorrow and I have a baby", "billing.payment_plan", "urgent"),
        ("power has been out since noon and my dad is on oxygen", "city.utility_other", "urgent"),
        ("landlord changed the locks today and my kids are outside", "social.rent", "urgent"),
        ("how do I pay my water bill online?", "billing.payment", "info"),
        ("what day is street sweeping on Muir?", "streets.sweeping", "info"),
        ("pole leaning with exposed wires over the sidewalk where kids walk", "streets.streetlight", "high"),
    ],
)
def test_evidence_moves_the_level(text: str, code: str, level: str) -> None:
    assert rate(text, code).level == level


def test_reasons_are_phrases_of_the_original_text() -> None:
    text = "They will SHUT OFF my water tomorrow, I have a baby."
    reasons = rate(text, "billing.payment_plan").reasons
    assert [(reason.rule, reason.text) for reason in reasons] == [
        ("people.child", "baby"),
        ("service.threat", "SHUT OFF my water tomorrow"),
        ("time.soon", "tomorrow"),
    ]
    assert all(text[reason.start : reason.end] == reason.text for reason in reasons)


def test_a_safety_hit_with_a_line_is_an_emergency_with_the_hits_as_reasons() -> None:
    hit = SafetyHit(rule="gas.smell", text="smell gas", start=2, end=11, line="911")
    urgency = rate("I smell gas", "streets.pothole", Safety(emergency=True, line="911", reasons=(hit,)))
    assert urgency.level == UrgencyLevel.EMERGENCY
    assert [(reason.rule, reason.start, reason.end) for reason in urgency.reasons] == [("gas.smell", 2, 11)]


def test_a_safety_hit_without_a_line_is_no_emergency() -> None:
    hit = SafetyHit(rule="x", text="x", start=0, end=1, line=None)
    assert rate("the pavement", "streets.pothole", Safety(reasons=(hit,))).level == UrgencyLevel.NORMAL


REQUESTS = [
    ("big hole on folsom right before the store, popped my tire", "streets.pothole"),
    ("they said they will shut off my water tomorrow and I have a baby", "billing.payment_plan"),
    ("the bench at the park is broken", "parks.maintenance"),
    ("no water in the whole building since yesterday", "water.no_water"),
    ("my neighbor's tree fell on the sidewalk and nobody can pass", "trees.hazard"),
]


@pytest.mark.parametrize(("text", "code"), REQUESTS)
@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.upper(),
        lambda text: f"URGENT!!! ASAP {text} !!!",
        lambda text: f"{text} you idiots",
        lambda text: f"{text}. This is ridiculous, you are all useless.",
        lambda text: text.replace("the", "teh"),
        lambda text: f"clr sts {text}",
    ],
    ids=["capitals", "urgent and asap", "insult", "anger", "typo", "agent shorthand"],
)
def test_form_and_anger_lower_nothing(text: str, code: str, changed: object) -> None:
    assert callable(changed)
    assert rate(changed(text), code).level.rank >= rate(text, code).level.rank


@pytest.mark.parametrize(("text", "code"), REQUESTS)
def test_the_words_urgent_and_asap_raise_nothing(text: str, code: str) -> None:
    assert rate(f"urgent, asap: {text}", code).level == rate(text, code).level


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (
            (
                "we have no water and my grandmother uses oxygen",
                "no tenemos agua y mi abuela usa oxígeno",
                "我们停水了，奶奶要用氧气",
                "nhà tôi mất nước và bà tôi dùng bình oxy",
                "нет воды, а бабушке нужен кислород",
            ),
            "water.leak",
        ),
        (
            (
                "how much is the permit?",
                "¿cuánto cuesta el permiso?",
                "许可证多少钱？",
                "giấy phép bao nhiêu tiền?",
                "сколько стоит разрешение?",
            ),
            "building.permit",
        ),
    ],
    ids=["no water and oxygen", "fee"],
)
def test_the_language_changes_nothing(texts: tuple[str, ...], code: str) -> None:
    assert {rate(text, code).level for text in texts} == {rate(texts[0], code).level}


def test_urgent_and_asap_stand_in_no_rule() -> None:
    rules = Rules.load(WORDS)
    for text in ("urgent", "URGENTE", "asap", "immediately please", "very urgent"):
        assert rules.evidence(text).found == ()


@given(st.text(max_size=200), st.sampled_from(taxonomy.load().codes), st.sampled_from(RequestKind))
@settings(max_examples=150, deadline=None)
def test_any_text_has_a_level_a_probability_and_exact_reasons(text: str, code: str, kind: RequestKind) -> None:
    urgency = rater().rate(text, service_type=types()[code], safety=SAFE, kind=kind)
    assert 0.0 <= urgency.probability <= 1.0
    assert all(text[reason.start : reason.end] == reason.text for reason in urgency.reasons)
    assert urgency.reasons or urgency.level == types()[code].default_urgency


def test_missing_weights_are_named(tmp_path: Path) -> None:
    for name in ("urgency.yaml", "request_kind.yaml"):
        (tmp_path / name).write_text((WORDS.parent / name).read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ModelError, match=r"request_kind\.json"):
        EvidenceRater.load(tmp_path)


def test_a_floor_over_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("rules: {danger.now: [now]}\nfloors: {urgent: [danger.now danger.later]}", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"danger\.later"):
        Rules.load(path)
