"""Recall and false alarms of the tripwire by language, with 95 % Wilson bounds.

Run `python -m benchmarks.safety [file.tsv …]`; without files it reads every one in tests/data/safety. A row holds the
text, the line expected (911, 988 or -) and a note that begins with the code of the language. A danger counts as seen
when a line is named; how often it is the right one stands in a column of its own.
"""

import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.safety import Tripwire, combine

FILES = Path(__file__).parents[1] / "tests" / "data" / "safety"
BLIND = "blind.tsv"  # its messages are never printed: who reads them can no longer be measured on them
Z_95 = 1.959964


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
    tripwire = Tripwire.load()
    for path in paths:
        rows = list(rows_of(path, tripwire))
        print_table(path, rows, tripwire.version)
        if "--errors" in arguments and path.name != BLIND:
            print_errors(rows)
    return 0


def rows_of(path: Path, tripwire: Tripwire) -> Iterator[Row]:
    """Yield the messages of a file with the line named for each; empty lines and comments are passed over."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        text, expected, note = line.split("\t")[:3]
        yield Row(
            text=text,
            expected=None if expected == "-" else expected,
            language=note.split()[0],
            named=combine(tripwire.check(text)).line,
        )


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


def wilson(count: int, of: int) -> tuple[float, float]:
    """Return the 95 % bounds of a share (Wilson 1927), both in [0, 1].

    Raises:
        ValueError: If `of` is 0.
    """
    if of < 1:
        raise ValueError("a share of nothing has no bounds")
    share, weight = count / of, Z_95**2 / of
    middle = (share + weight / 2) / (1 + weight)
    half = Z_95 / (1 + weight) * (share * (1 - share) / of + weight / (4 * of)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def print_errors(rows: Sequence[Row]) -> None:
    """Print every message whose line is not the expected one."""
    for row in rows:
        if row.named != row.expected:
            print(f"{row.language} expected {row.expected or '-'}, named {row.named or '-'}: {row.text}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
