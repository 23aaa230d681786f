"""Recall and false alarms of the tripwire by language, 95 % Wilson bounds: rules alone, then the whole service.

Run `python -m benchmarks.safety [file.tsv …]`; without files it reads every one in tests/data/safety. A row holds the
text, the line expected (911, 988 or -) and a note that begins with the code of the language. A danger counts as seen
when a line is named; how often it is the right one stands in a column of its own.
"""

import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.bounds import wilson
from triage.safety import Tripwire, combine
from triage.types import Message
from wiring import Settings, build_pipeline

FILES = Path(__file__).parents[1] / "tests" / "data" / "safety"
# Never printed: who reads their messages can no longer be measured on them.
BLIND = ("blind.tsv", "blind2.tsv", "blind3.tsv")

Namer = Callable[[Sequence[str]], list[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message, the line that it needs (None: it is harmless), its language, and the line that was named."""

    text: str
    expected: str | None
    language: str
    named: str | None


def main(arguments: Sequence[str]) -> int:
    """Print one table a file; with `--errors`, the messages that went wrong below it."""
    paths = [Path(argument) for argument in arguments if argument != "--errors"] or sorted(FILES.glob("*.tsv"))
    tripwire, pipeline = Tripwire.load(), build_pipeline(Settings.from_env())

    def by_rules(texts: Sequence[str]) -> list[str | None]:
        return [combine(tripwire.check(text)).line for text in texts]

    def by_service(texts: Sequence[str]) -> list[str | None]:
        messages = [Message(id=f"m-{number}", text=text) for number, text in enumerate(texts)]
        return [triage.safety.line for triage in pipeline.triage_batch(messages)]

    for path in paths:
        for who, namer in (("rules alone", by_rules), ("rules and learned", by_service)):
            rows = rows_of(path, namer)
            print_table(path, rows, f"{who} {pipeline.versions.safety}")
            if "--errors" in arguments and path.name not in BLIND:
                print_errors(rows)
    return 0


def rows_of(path: Path, namer: Namer) -> list[Row]:
    """Return the messages of a file with the line named for each; empty lines and comments are passed over."""
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [line.split("\t")[:3] for line in lines if line.strip() and not line.startswith("#")]
    named = namer([text for text, _, _ in cells])
    return [
        Row(text=text, expected=None if expected == "-" else expected, language=note.split()[0], named=line)
        for (text, expected, note), line in zip(cells, named, strict=True)
    ]


def print_table(path: Path, rows: Sequence[Row], version: str) -> None:
    """Print one line a language, and one for all of them."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    print(f"\n{path.name}#{digest}|n:{len(rows)}|safety:{version}")
    print(f"{'':5} {'recall':>28} {'right line':>12} {'false alarms':>28}")
    by_language: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_language[row.language].append(row)
    for language, some in [*sorted(by_language.items()), ("all", list(rows))]:
        print(_table_line(language, some))


def _table_line(language: str, rows: Sequence[Row]) -> str:
    dangers = [row for row in rows if row.expected]
    harmless = [row for row in rows if row.expected is None]
    seen = [row for row in dangers if row.named]
    right = sum(row.named == row.expected for row in seen)
    alarms = sum(row.named is not None for row in harmless)
    recall, false_alarms = _share(len(seen), len(dangers)), _share(alarms, len(harmless))
    return f"{language:5} {recall:>28} {right:>6}/{len(seen):<5} {false_alarms:>28}"


def _share(count: int, of: int) -> str:
    if not of:
        return "-"
    low, high = wilson(count, of)
    return f"{count / of:.3f} [{low:.3f}, {high:.3f}] n={of}"


def print_errors(rows: Sequence[Row]) -> None:
    """Print every message whose line is not the expected one."""
    for row in rows:
        if row.named != row.expected:
            print(f"{row.language} expected {row.expected or '-'}, named {row.named or '-'}: {row.text}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
