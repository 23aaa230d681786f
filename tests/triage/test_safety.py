"""The tripwire: its own examples, exact offsets, disguised letters, added files, lines and time."""

import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.errors import SettingsError
from triage.safety import SafetyRule, Tripwire, combine
from triage.types import Safety, SafetyHit

DEV = Path(__file__).parents[1] / "data" / "safety" / "dev.tsv"
MIN_RECALL = 0.97
MAX_FALSE_ALARMS = 0.05
GAS = "I smell gas in the kitchen"


@cache
def tripwire() -> Tripwire:
    return Tripwire.load()


def line_of(text: str) -> str | None:
    return combine(tripwire().check(text)).line


def examples(kind: str) -> list[tuple[SafetyRule, str]]:
    return [(rule, text) for rule in Tripwire.load().rules for text in getattr(rule, kind)]


@cache
def dev_messages() -> tuple[tuple[str, str | None, str], ...]:
    rows = [line.split("\t") for line in DEV.read_text(encoding="utf-8").splitlines()]
    return tuple((text, None if line == "-" else line, note.split()[0]) for text, line, note in rows)


@pytest.mark.parametrize(("rule", "text"), [pytest.param(r, t, id=f"{r.id}: {t[:50]}") for r, t in examples("hits")])
def test_every_example_of_a_rule_sets_it_off(rule: SafetyRule, text: str) -> None:
    assert (rule.id, rule.line) in {(hit.rule, hit.line) for hit in tripwire().check(text)}


@pytest.mark.parametrize("text", [pytest.param(t, id=f"{r.id}: {t[:50]}") for r, t in examples("passes")])
def test_no_harmless_example_sets_off_a_rule_with_a_line(text: str) -> None:
    assert [hit for hit in tripwire().check(text) if hit.line] == []


def test_every_rule_says_what_it_means_and_shows_both_sides() -> None:
    assert [rule.id for rule in tripwire().rules if not (rule.meaning and rule.hits and rule.passes)] == []


def test_a_hit_names_rule_phrase_span_and_line() -> None:
    (hit,) = tripwire().check("Hello, I smell gas in the kitchen. Thanks.")
    assert hit == SafetyHit(rule="gas.smell", text="I smell gas", start=7, end=18, line="911", sure=True)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        pytest.param("ＩＣＥ ０１ I ｓｍｅｌｌ ｇａｓ here", "I ｓｍｅｌｌ ｇａｓ", id="full width"),
        pytest.param("I sm\u200bell g\u200das here", "I sm\u200bell g\u200das", id="zero-width characters"),
        pytest.param("I smell g\u00adas here", "I smell g\u00adas", id="soft hyphen"),
        pytest.param("I \u202esmell gas\u202c here", "I \u202esmell gas", id="direction marks"),
        pytest.param("I ѕmell gаs here", "I ѕmell gаs", id="Cyrillic look-alikes"),
        pytest.param("<p>I <b>smell</b> gas here</p>", "I <b>smell</b> gas", id="tags"),
        pytest.param("&lt;hi&gt; I smell&nbsp;gas here", "I smell&nbsp;gas", id="entities"),
        pytest.param("I SMELLLLL GAS here", "I SMELLLLL GAS", id="stretched capitals"),
        pytest.param("I smell\u00a0gas here", "I smell\u00a0gas", id="no-break space"),
        pytest.param("İİ I smell gas here", "İİ I smell gas", id="letters that grow in lower case"),
    ],
)
def test_a_disguised_danger_is_seen_and_its_span_is_exact(text: str, phrase: str) -> None:
    (hit,) = (hit for hit in tripwire().check(text) if hit.rule == "gas.smell")
    assert (hit.text, text[hit.start : hit.end]) == (phrase, phrase)


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("I smell gas in my kitchen", True),
        ("I smell gas in my kitchen at 1985 Alder St", True),
        ("I smell gas on the 2000 block of Elm", True),
        ("i smell gas at 2015 florin rd", True),
        ("i smell gas in 1940 n main st", True),
        ("i smell gas at 2015", True),
        ("I smell gas in my kitchen. Is that the city's?", False),
        ("I smell gas in my kitchen. New stove from 2019.", False),
        ("我家里有煤气味", True),
        ("我家里有煤气味。找谁？", False),
    ],
)
def test_a_pattern_in_a_text_that_asks_or_names_a_year_is_a_weak_sign(text: str, sure: bool) -> None:
    (hit,) = tripwire().check(text)
    assert hit.sure is sure


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_spans_hold_whatever_stands_around_the_danger(before: str, after: str) -> None:
    text = f"{before}\n\nI smell gas in the kitchen\n\n{after}"
    assert all(text[hit.start : hit.end] == hit.text for hit in tripwire().check(text))


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(tripwire().check(text), tuple)


@pytest.mark.parametrize("text", ["", " ", "!!!", "\u200b", "<p></p>", "🔥"])
def test_a_text_without_words_has_no_hits(text: str) -> None:
    assert tripwire().check(text) == ()


@pytest.mark.parametrize(
    ("lines", "emergency", "line"),
    [
        ((), False, None),
        ((None,), False, None),
        (("988",), True, "988"),
        (("988", "911"), True, "911"),
        (("911", "988", None), True, "911"),
        ((None, "988"), True, "988"),
    ],
)
def test_the_gravest_hit_decides_the_line(lines: tuple[str | None, ...], emergency: bool, line: str | None) -> None:
    hits = tuple(SafetyHit(rule=f"r{at}", text="x", start=at, end=at + 1, line=each) for at, each in enumerate(lines))
    assert combine(hits) == Safety(emergency=emergency, line=line, reasons=hits)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("honestly I want to kill myself over these fines", "988", id="words"),
        pytest.param("I want to die and I have a bottle of pills here", "988", id="pills at hand"),
        pytest.param("I just swallowed all my pills, I want to die", "911", id="an attempt has begun"),
        pytest.param("man on the wrong side of the bridge railing looking down", "911", id="an edge"),
        pytest.param("I want to die and the gun is on the table in front of me", "911", id="a firearm in reach"),
        pytest.param(
            "my 15 year old texted she will kill herself at 4 today and she isnt answering her phone",
            "911",
            id="a minor who cannot be reached and a stated time",
        ),
        pytest.param("this bill is killing me", None, id="a figure of speech"),
    ],
)
def test_suicidal_words_go_to_988_and_acts_to_911(text: str, line: str | None) -> None:
    assert line_of(text) == line


# --- a city's own file ------------------------------------------------------------------------------------------


def added(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "city.yaml"
    path.write_text(text, encoding="utf-8")
    return path


CITY_RULE = """
lists: {gantry: "gantry, gantries"}
rules:
  - id: city.tram
    line: "911"
    patterns: {en: "@gantry ~2 derailed|unhooked"}
"""


def test_a_file_of_the_city_adds_rules_and_keeps_every_shipped_one(tmp_path: Path) -> None:
    wider = Tripwire.load(added(tmp_path, CITY_RULE))
    shipped = tripwire()
    assert wider.rules[: len(shipped.rules)] == shipped.rules
    assert [rule.id for rule in wider.rules[len(shipped.rules) :]] == ["city.tram"]
    assert wider.check("the gantry has unhooked") == (
        SafetyHit(rule="city.tram", text="gantry has unhooked", start=4, end=23, line="911"),
    )
    assert wider.version.startswith(f"{shipped.version}+")


def test_no_example_is_lost_to_an_added_file(tmp_path: Path) -> None:
    wider = Tripwire.load(added(tmp_path, CITY_RULE))
    lost = [t for rule, t in examples("hits") if rule.id not in {hit.rule for hit in wider.check(t)}]
    assert lost == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("rules: [{id: gas.smell, line: null, patterns: {en: nothing}}]", id="a shipped rule"),
        pytest.param("lists: {gas: perfume}\nrules: []", id="a shipped list"),
        pytest.param("idioms: smell gas\nrules: []", id="idioms"),
        pytest.param("scopes: {}\nrules: []", id="scopes"),
        pytest.param("fillers: gas\nrules: []", id="fillers"),
        pytest.param("rules: {}", id="no list of rules"),
        pytest.param("rules: [", id="no YAML"),
        pytest.param("rules: [{id: x, line: '112', patterns: {en: help}}]", id="an unknown line"),
        pytest.param("rules: [{id: x, line: '911', patterns: {en: '@nowhere'}}]", id="an unknown list"),
        pytest.param("rules: [{id: x, line: '911', patterns: {en: 'help &'}}]", id="an empty side"),
        pytest.param("rules: [{id: x, line: '911', off: true, patterns: {en: help}}]", id="an unknown key"),
        pytest.param(
            "rules: [{id: x, line: '911', patterns: {en: a}}, {id: x, line: '911', patterns: {en: b}}]", id="a twin"
        ),
    ],
)
def test_a_file_that_would_weaken_the_shipped_rules_or_is_wrong_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError):
        Tripwire.load(added(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules: [{id: x, line: '911', patterns: [help, save me]}]", "patterns of the rule x must be a text, or"),
        ("rules: [{id: x, line: '911', patterns: {en: [help]}}]", "patterns of the rule x must be a text, or"),
        ("rules: [{id: x, line: '911', patterns: {no: hjelp}}]", "patterns of the rule x must be a text, or"),
        ("rules: [{id: x, line: '911', patterns: help, unless: [drill]}]", "unless of the rule x must be"),
        ("rules: [{id: x, line: '911', patterns: help, hit: [help me]}]", "hit of the rule x must be a text"),
        ("rules: [{id: x, line: '911', patterns: help, despite: [past]}]", "despite of the rule x must be a text"),
        ("rules: [{id: x, line: 911, patterns: help}]", "line of the rule x must be one of"),
        ("rules: [{line: '911', patterns: help}]", "needs id and patterns"),
        ("rules: [help]", "rule 1 must be a mapping"),
        ("rules: [{1: a, id: x, b: c}]", "may hold"),
        ("{rules: [], 1: a, b: c}", "may hold"),
        ("rules: []\nlists: [gantry]", "`lists` must give"),
        ("rules: []\nlists: {gantry: [gantry]}", "`lists` must give"),
        ("rules: []\nlists: {gantry: '@nowhere'}", "the list gantry names lists that there are not: .'nowhere'"),
        ("rules: []\nversion: 2026-13-45", "is not YAML"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=f"city.yaml.*{told}"):
        Tripwire.load(added(tmp_path, text))


def test_what_is_left_empty_in_a_file_counts_as_missing(tmp_path: Path) -> None:
    wider = Tripwire.load(
        added(tmp_path, "lists:\nrules:\n  - {id: x, line: '911', patterns: unhooked, hit: , unless: }")
    )
    assert wider.rules[-1].hits == ()


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Tripwire.load(tmp_path / "absent.yaml")


def test_a_file_without_rules_leaves_the_shipped_ones_as_they_are(tmp_path: Path) -> None:
    assert Tripwire.load(added(tmp_path, "rules: []")).check(GAS) == tripwire().check(GAS)


# --- time -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    ["smell of gas and ", "a", " ", "<b", "&amp;", "no fire ", "\n \n", "fire, ", "e\u0301", "- ", "火", "someone "],
)
def test_a_hundred_thousand_characters_take_ten_times_ten_thousand(piece: str) -> None:
    def seconds(characters: int) -> float:
        text = (piece * characters)[:characters]
        started = time.thread_time()
        tripwire().check(text)
        return time.thread_time() - started

    small = min(seconds(10_000) for _ in range(3))
    assert min(seconds(100_000) for _ in range(2)) < 25 * small + 0.05


# --- messages ---------------------------------------------------------------------------------------------------


def test_the_messages_of_the_rules_author_reach_the_recall_and_stay_under_the_false_alarms() -> None:
    dangers = [(text, line) for text, line, _ in dev_messages() if line]
    harmless = [text for text, line, _ in dev_messages() if line is None]
    missed = [text for text, _ in dangers if line_of(text) is None]
    alarmed = [text for text in harmless if line_of(text) is not None]
    assert 1 - len(missed) / len(dangers) >= MIN_RECALL, missed
    assert len(alarmed) / len(harmless) <= MAX_FALSE_ALARMS, alarmed


def test_the_messages_of_the_rules_author_get_the_right_line() -> None:
    wrong = [
        (text, line, line_of(text)) for text, line, _ in dev_messages() if line and line_of(text) not in {None, line}
    ]
    assert len(wrong) <= 0.03 * len(dev_messages()), wrong
