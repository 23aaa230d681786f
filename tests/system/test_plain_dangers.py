"""The plainest ways of telling a danger, in every language: the whole service hears each, with the right line."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from triage.pipeline import Pipeline
from triage.safety import Tripwire, combine
from triage.types import Message

tripwire = cache(Tripwire.load)
SERVED = (
    "en",
    "es",
    "zh-Hans",
    "zh-Hant",
    "yue",
    "vi",
    "ru",
    "uk",
    "tl",
    "ko",
    "ar",
    "pt",
    "fr",
    "ht",
    "hmn",
    "so",
    "fa",
)
PLAIN = Path(__file__).parents[1] / "data" / "safety" / "plain.tsv"


def told() -> dict[str, list[tuple[str, str]]]:
    """Return text and line by language."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in PLAIN.read_text("utf-8").splitlines():
        if not row.startswith("#"):
            text, line, note = row.split("\t")
            found.setdefault(note.split()[0], []).append((text, line))
    return found


def test_every_language_that_is_served_tells_every_danger() -> None:
    assert {code: len(rows) for code, rows in told().items()} == dict.fromkeys(SERVED, 32)


@pytest.mark.parametrize("code", told())
def test_the_service_hears_each_of_them(pipeline: Pipeline, code: str) -> None:
    rows = told()[code]
    messages = [Message(id=f"m-{number}", text=text) for number, (text, _) in enumerate(rows)]
    lines = [triage.safety.line for triage in pipeline.triage_batch(messages)]
    assert [(text, line) for (text, _), line in zip(rows, lines, strict=True)] == rows


@pytest.mark.parametrize("code", told())
def test_rules_alone_hear_each_of_them_and_no_model_takes_one_away(code: str) -> None:
    sure = {text: [hit for hit in tripwire().check(text) if hit.sure] for text, _ in told()[code]}
    assert [(text, line) for text, line in told()[code] if combine(sure[text]).line != line] == []


def test_every_process_finds_the_same_words() -> None:
    program = (
        "import sys; from triage.safety import Tripwire; t = Tripwire.load(); [print(t.check(x)) for x in sys.stdin]"
    )
    texts = "".join(f"{text}\n" for rows in told().values() for text, _ in rows)
    found = [
        subprocess.run(
            [sys.executable, "-c", program],
            input=texts,
            capture_output=True,
            check=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1")
    ]
    assert found[0] == found[1]
    assert found[0].count("SafetyHit(") >= len(texts.splitlines())
