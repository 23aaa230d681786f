"""What the danger model learns from: messages written for it, the rules' own, and ordinary requests."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from models.danger import ENGLISH
from models.datasets import default_data
from triage.safety import Tripwire

ROUTINE_SHARE = 0.9  # of ordinary requests, which are many
EMERGENCY = "city.emergency"  # the type
ENGLISH_OF = "english of "  # before the writer of a message whose translation is learned from as well
SET_ASIDE = ("blind",)  # beginnings of the names of files that are measured on, and never read here
# What the rules were written by; read where the recipe is run from a checkout.
DEVELOPMENT = tuple(Path("tests") / "data" / "safety" / name for name in ("dev.tsv", "plain.tsv"))
FRESH = ("-v", "en-sl", "en-sm")  # ends of the names of writers who wrote after the rules were written
RULES_OWN, DEVELOPERS = "rules", "dev"  # writers whose messages the rules were written for


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message; `line` is None where nobody is in danger. `hard` ones were written for this question."""

    text: str
    line: str | None
    language: str
    writer: str
    hard: bool


def read_messages() -> list[Told]:
    """Return the messages written for this question, the rules' own, and ordinary requests that are not urgent."""
    found = [
        Told(text=row["text"], line=row["line"], language=row["language"], writer=row["writer"], hard=True)
        for row in _rows(default_data().parent / "safety")
    ]
    found += [
        Told(text=row["english"], line=row["line"], language=ENGLISH, writer=ENGLISH_OF + row["writer"], hard=True)
        for row in _rows(default_data().parent / "safety")
        if "english" in row
    ]
    found += [*_examples_of_rules(), *_development()]
    rng = np.random.default_rng(1)
    for row in _rows(default_data()):
        # What is as urgent as an emergency without being one (a burst main) is no lesson in either.
        is_danger = row["label"] == EMERGENCY
        if (is_danger or row["urgency"] not in {"urgent", "emergency"}) and rng.random() < ROUTINE_SHARE:
            line = "911" if is_danger else None
            found.append(Told(text=row["text"], line=line, language=row["language"], writer=row["writer"], hard=False))
    return list({message.text: message for message in found}.values())


def is_residents(message: Told) -> bool:
    """Tell whether a message is in its writer's own words, and not one that the rules were written by."""
    return message.writer not in {RULES_OWN, DEVELOPERS} and not message.writer.startswith(ENGLISH_OF)


def is_fresh(message: Told) -> bool:
    """Tell whether nobody who wrote a rule had read the message."""
    return message.writer.endswith(FRESH)


def _examples_of_rules() -> Iterator[Told]:
    for rule in Tripwire.load().rules:
        for line, texts in ((rule.line, rule.hits), (None, rule.passes)):
            if rule.line is not None:
                for text in texts:
                    language = ENGLISH if text.isascii() else "und"
                    yield Told(text=text, line=line, language=language, writer=RULES_OWN, hard=True)


def _development() -> Iterator[Told]:
    checkout = Path(str(files("models"))).parent
    rows = [row for path in DEVELOPMENT for row in (checkout / path).read_text("utf-8").splitlines()]
    for row in rows:
        if row.strip() and not row.startswith("#"):
            text, line, note = row.split("\t")[:3]
            code = note.split()[0]
            language = "zh-Hans" if code == "zh" else code
            yield Told(text=text, line=None if line == "-" else line, language=language, writer=DEVELOPERS, hard=True)


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        if not path.name.startswith(SET_ASIDE):
            yield from map(json.loads, path.read_text("utf-8").splitlines())
