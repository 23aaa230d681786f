"""What is counted: the names of the contract, and labels that no resident can write."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FailingEncoder, fake_parts
from triage.metrics import MAX_RULES, Metrics
from triage.pipeline import Pipeline
from triage.types import AnswerStatus, Channel, Language, Message, Mode, SafetyHit, SearchResult, Triage, Versions

VERSIONS = Versions(classifier="c-1", encoder="e-1")
NAMES = {
    "triage_requests": "counter",
    "triage_stage_seconds": "histogram",
    "triage_decisions": "counter",
    "triage_overrides": "counter",
    "triage_safety_flags": "counter",
    "kb_queries": "counter",
    "model_info": "gauge",
}


def samples(metrics: Metrics) -> dict[str, float]:
    """Return every sample of the page, by its name and labels."""
    lines = metrics.page(VERSIONS).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(number) for name, number in pairs}


def triaged(text: str, **parts: object) -> Triage:
    return Pipeline(fake_parts(**parts)).triage(Message(id="m", text=text, channel=Channel.EMAIL))


def test_the_page_has_the_metrics_of_the_contract_and_no_other() -> None:
    metrics = Metrics()
    metrics.triaged([triaged("a couch, gas smell")])
    metrics.decided(Mode.SUGGEST, "override", "en")
    described = dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics.page(VERSIONS).decode(), re.MULTILINE))
    assert {name.removesuffix("_total"): kind for name, kind in described.items()} == NAMES


def test_an_answer_is_counted_in_every_respect() -> None:
    metrics = Metrics()
    metrics.triaged([triaged("a couch, gas smell")])
    found = samples(metrics)
    for name in (
        'triage_requests_total{channel="email",lang="en",status="ok"}',
        'triage_decisions_total{mode="ask",outcome="policy"}',
        'triage_safety_flags_total{rule="gas_smell"}',
        'kb_queries_total{result="answer"}',
        'triage_stage_seconds_count{stage="encode"}',
        'model_info{version="classifier c-1"}',
        'model_info{version="encoder e-1"}',
    ):
        assert found[name] == 1.0, name


def test_a_stage_is_observed_in_seconds() -> None:
    metrics = Metrics()
    metrics.triaged([replace(triaged("couch"), timings_ms={"encode": 250.0})])
    assert samples(metrics)['triage_stage_seconds_sum{stage="encode"}'] == 0.25


def test_a_degraded_answer_a_rejection_and_a_failure_are_told_apart() -> None:
    metrics = Metrics()
    metrics.triaged([triaged("couch", encoder=FailingEncoder())])
    metrics.rejected(Channel.WEB)
    with pytest.raises(RuntimeError), metrics.failures(Channel.CALL):
        raise RuntimeError
    found = samples(metrics)
    assert found['triage_requests_total{channel="email",lang="en",status="degraded"}'] == 1.0
    assert found['triage_requests_total{channel="web",lang="und",status="rejected"}'] == 1.0
    assert found['triage_requests_total{channel="call",lang="und",status="failed"}'] == 1.0


def test_an_override_is_counted_by_language_and_other_decisions_are_not() -> None:
    metrics = Metrics()
    metrics.decided(Mode.PRESELECT, "override", "es")
    metrics.decided(Mode.PRESELECT, "accept", "es")
    found = samples(metrics)
    assert found['triage_overrides_total{lang="es"}'] == 1.0
    assert found['triage_decisions_total{mode="preselect",outcome="override"}'] == 1.0
    assert found['triage_decisions_total{mode="preselect",outcome="accept"}'] == 1.0


def test_a_model_that_is_no_longer_in_use_is_not_told() -> None:
    metrics = Metrics()
    metrics.page(Versions(classifier="old"))
    assert "old" not in metrics.page(VERSIONS).decode()


@given(words=st.text(min_size=1).filter(lambda words: words not in ("override", "es")))
def test_no_text_becomes_a_label(words: str) -> None:
    metrics = Metrics()
    before = set(re.findall(r'"([^"]*)"', metrics.page(VERSIONS).decode()))
    triage = replace(
        triaged("couch"),
        language=Language(code=f"x-{words}", probability=1.0),
        timings_ms={f"x-{words}": 1.0},
        safety=replace(triaged("couch").safety, reasons=()),
    )
    metrics.triaged([triage])
    metrics.decided(Mode.ASK, f"x-{words}", f"x-{words}")
    labels = set(re.findall(r'"([^"]*)"', metrics.page(VERSIONS).decode())) - before
    assert labels <= {"email", "other", "ok", "ask", "suggest", "policy", "answer"} | {
        label for label in labels if re.fullmatch(r"[0-9.e+-]+|\+Inf", label)
    }


def test_a_file_of_rules_without_end_is_counted_as_other() -> None:
    metrics = Metrics()
    hits = tuple(
        SafetyHit(rule=f"r{number}", text="", start=None, end=None, line=None) for number in range(MAX_RULES + 2)
    )
    triage = triaged("couch")
    metrics.triaged([replace(triage, safety=replace(triage.safety, reasons=hits))])
    found = samples(metrics)
    assert found['triage_safety_flags_total{rule="other"}'] == 2.0
    assert found['triage_safety_flags_total{rule="r0"}'] == 1.0


def test_a_search_is_counted_by_its_result() -> None:
    metrics = Metrics()
    metrics.searched(SearchResult(status=AnswerStatus.NONE))
    assert samples(metrics)['kb_queries_total{result="none"}'] == 1.0
