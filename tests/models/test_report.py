"""The evaluation report stands alone and shows what was measured."""

import json
from pathlib import Path

from models.evaluation import measure
from models.report import facts_of, write_report
from tests.fakes import FakeEncoder
from tests.models.samples import MESSAGES, examples, tiny_classifier


def test_the_page_and_the_json_say_the_same_and_need_nothing_else(tmp_path: Path) -> None:
    measured = measure(tiny_classifier(), examples(), FakeEncoder(), lambda *_: None)
    trained_on = {"languages": {"en": 18, "es": 18}, "labels": sorted(MESSAGES), "label_noise": None}
    facts = facts_of(measured, lambda text: "[masked]", trained_on=trained_on)
    write_report(tmp_path / "r.html", facts)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["by_class"] == facts["by_class"]
    assert facts["by_language"] == [{"name": "en", "n": 36, "accuracy": 1.0, "low": 0.9036, "high": 1.0, "top3": 1.0}]
    assert facts["drift"] == {"languages_moved": 0.5, "labels_unknown_to_the_model": []}
    assert facts["coverage"][-1] == (1.0, 1.0)
    assert page.count("<svg") == 2
    assert not [word for word in ("http", "src=", "@import") if word in page]


def test_confusions_show_a_masked_example() -> None:
    wrong = [each for each in examples() if each.label == "trees.hazard"]
    mislabelled = [type(wrong[0])(text=each.text, label="waste.dumping") for each in wrong]
    facts = facts_of(measure(tiny_classifier(), mislabelled, FakeEncoder(), lambda *_: None), lambda text: "[masked]")
    assert facts["confusions"] == [{"truth": "waste.dumping", "said": "trees.hazard", "n": 6, "example": "[masked]"}]
    assert facts["drift"] is None
