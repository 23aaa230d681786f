"""The evaluation report stands alone and shows what was measured."""

import json
import math
from pathlib import Path

import pytest

from models.datasets import Example
from models.evaluation import measure
from models.report import facts_of, write_report
from models.report_page import page_of
from tests.fakes import FakeEncoder
from tests.models.samples import MESSAGES, examples, tiny_classifier

PROFILE = {
    "languages": {"en": 18, "es": 18},
    "channels": {"web": 36},
    "labels": dict.fromkeys(MESSAGES, 6),
    "words": {"up to 10": 36},
}
POINTS = [
    {"n": 100, "accuracy": 0.6, "measured": 500},
    {"n": 200, "accuracy": 0.7, "measured": 500},
    {"n": 400, "accuracy": 0.775, "measured": 500},
]
TRAINED_ON = {
    "examples": 600,
    "labels": sorted(MESSAGES),
    "label_noise": {"n": 3, "of": 36, "share": 0.0833},
    "profile": PROFILE,
    "learning_curve": POINTS,
}


def masked(text: str) -> str:
    return "[masked]"


def test_the_page_and_the_json_say_the_same_and_need_nothing_else(tmp_path: Path) -> None:
    measured = measure(tiny_classifier(), examples(), FakeEncoder(), lambda *_: None)
    facts = facts_of(measured, masked, trained_on=TRAINED_ON)
    write_report(tmp_path / "r.html", facts)
    page = (tmp_path / "r.html").read_text("utf-8")
    stored = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert (stored["by_class"], stored["more_labels"]) == (facts["by_class"], facts["more_labels"])
    assert facts["by_language"] == [{"name": "en", "n": 36, "accuracy": 1.0, "low": 0.9036, "high": 1.0, "top3": 1.0}]
    assert facts["by_class"][0]["f1"] == facts["by_class"][0]["precision"] == 1.0
    assert facts["intervals"] == {"accuracy": (0.9036, 1.0), "top3": (0.9036, 1.0), "macro_f1": (1.0, 1.0)}
    assert facts["coverage"][-1] == (1.0, 1.0)
    assert [(each["wanted"], each["covered"]) for each in facts["promises"][:2]] == [(0.9, 1.0), (0.95, 0.0)]
    assert page.count("<svg") == 3
    assert "3 of 36 training labels are doubtful (8.3 %)" in page
    assert not [word for word in ("http", "src=", "@import", "<script") if word in page]


def test_the_report_says_what_more_labels_would_give() -> None:
    measured = measure(tiny_classifier(), examples(), FakeEncoder(), lambda *_: None)
    more = facts_of(measured, masked, trained_on=TRAINED_ON)["more_labels"]
    # Errors .4, .3, .225 fall by a quarter at each doubling: .225 * (600 / 400) ** log2(.75) = .1902 at 600.
    assert more["accuracy"] == pytest.approx(0.8098, abs=2e-4)
    assert more["gain"] == pytest.approx(0.1902 - 0.225 * (1100 / 400) ** math.log2(0.75), abs=2e-4)
    assert more["low"] < more["gain"] < more["high"]
    assert more["sentence"].startswith("500 more labels beside the 600 would give about +4.2 points of accuracy")


def test_drift_is_told_from_chance() -> None:
    measured = measure(tiny_classifier(), examples(), FakeEncoder(), lambda *_: None)
    moved = {each["feature"]: each for each in facts_of(measured, masked, trained_on=TRAINED_ON)["drift"]}
    assert moved["languages"]["distance"] == 0.5
    assert moved["languages"]["is_more_than_chance"]
    assert moved["languages"]["most"] == (("en", 0.5, 1.0), ("es", 0.5, 0.0))
    assert (moved["labels"]["distance"], moved["labels"]["is_more_than_chance"]) == (0.0, False)
    assert "nearness" not in moved


def test_confusions_show_masked_examples_and_a_label_that_is_not_known() -> None:
    wrong = [each for each in examples() if each.label == "trees.hazard"]
    mislabelled = [Example(text=each.text, label="<waste>") for each in wrong]
    facts = facts_of(measure(tiny_classifier(), mislabelled, FakeEncoder(), lambda *_: None), masked)
    [confusion] = facts["confusions"]
    assert confusion == {"truth": "<waste>", "said": "trees.hazard", "n": 6, "examples": ["[masked]"] * 3}
    assert (facts["drift"], facts["more_labels"], facts["labels_unknown_to_the_model"]) == (None, None, ["<waste>"])
    page = page_of(facts)
    assert "&lt;waste&gt;" in page
    assert "<waste>" not in page
    assert "this model held nothing out when it was trained" in page
