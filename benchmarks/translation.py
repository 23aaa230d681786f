"""How good a translation package is, beside Apertium, on held-out sentences and residents' messages.

Run `python -m benchmarks.translation es` where Debian's `apertium-eng-spa` is installed and TRIAGE_DATA_DIR is set;
`--package WORK/es_en` measures another package than the shipped one. BLEU and chrF are sacrebleu's, with its own
defaults; both engines go through the service's guard, which cuts messages into sentences. Nothing measured here was
trained on; the civic sentences come from the same sites as civic training text.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import sacrebleu
import typer

from models.recipes.pairs import held_out
from models.translation_engines import SHIPPED, ArgosEngine, installed
from models.translator import Engine, GuardedTranslator
from triage.types import TranslationStatus

DATA = Path(__file__).parent / "data"
SOURCES = ("tatoeba", "massive", "civic")


APERTIUM = {"es": "spa-eng"}


class Apertium:
    """Apertium's rule-based translator, a program of its own; see `models.translator.Engine`."""

    def __init__(self, direction: str) -> None:
        self._direction = direction
        self.name = f"apertium {direction}"

    def translate(self, sentences: Sequence[str]) -> list[str]:
        """Return one English sentence a sentence, in order; unknown words stay as they are."""
        lines = "".join(" ".join(sentence.split()) + "\n" for sentence in sentences)
        command = ["apertium", "-u", "-f", "line", self._direction]
        run = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
        return run.stdout.split("\n")[: len(sentences)]


@dataclass(frozen=True, slots=True)
class Measured:
    """BLEU and chrF of 100; the share of texts that the guard doubts; milliseconds a text."""

    bleu: float
    chrf: float
    doubtful: float
    ms: float


def main(
    language: Annotated[str, typer.Argument(help="es")],
    data: Annotated[Path, typer.Option(envvar="TRIAGE_DATA_DIR", help="Folder that holds parallel/.")],
    package: Annotated[Path | None, typer.Option(help="Folder of a package instead of the shipped one.")] = None,
    messages: Annotated[list[Path] | None, typer.Option(help="More messages with their English, JSONL.")] = None,
) -> None:
    """Print a table: each set, each engine."""
    folder = package or installed(SHIPPED).get(language)
    engines: list[Engine] = [Apertium(APERTIUM[language])] if language in APERTIUM and shutil.which("apertium") else []
    if folder is not None:
        engines.append(ArgosEngine.load(folder))
    print("| set | n | engine | BLEU | chrF | doubted | ms a text |\n" + "|---" * 7 + "|")
    for name, texts, english in sets(language, data / "parallel", messages or []):
        for engine in engines:
            m = measure(engine, texts, english, language)
            print(f"| {name} | {len(texts)} | {engine.name} | {m.bleu:.1f} | {m.chrf:.1f} | "
                  f"{m.doubtful:.1%} | {m.ms:.0f} |", flush=True)  # fmt: skip


def sets(language: str, parallel: Path, more: Sequence[Path]) -> list[tuple[str, list[str], list[str]]]:
    """Return (name, texts, their English) of each set."""
    found = []
    for source in SOURCES:
        pairs = held_out(parallel, language, source)
        found.append((source, [pair.text for pair in pairs], [pair.english for pair in pairs]))
    for path in (DATA / f"messages-{language}.jsonl", *more):
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        found.append((f"residents ({path.stem})", [row["text"] for row in rows], [row["english"] for row in rows]))
    return found


def measure(engine: Engine, texts: Sequence[str], english: Sequence[str], language: str) -> Measured:
    """Translate and compare with what a person wrote."""
    translator = GuardedTranslator({language: engine}, deadline_s=3_600)
    translator.translate(texts[:2], [language] * 2)  # opens what is opened once
    started = time.perf_counter()
    done = translator.translate(texts, [language] * len(texts))
    spent = time.perf_counter() - started
    outputs = [translation.text or "" for translation in done]
    return Measured(
        bleu=sacrebleu.corpus_bleu(outputs, [list(english)]).score,
        chrf=sacrebleu.corpus_chrf(outputs, [list(english)]).score,
        doubtful=sum(translation.status is TranslationStatus.DOUBTFUL for translation in done) / len(done),
        ms=1_000 * spent / len(texts),
    )


if __name__ == "__main__":
    typer.run(main)
