"""A 200 MB input does not need 200 MB of memory: measured in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_layers import ROOT

SIZE = 200_000_000
LIMIT_MB = 120
FILLER = "Pay online, by phone, by mail or in person at the desk. " * 360
PROGRAM = """
import sys
from collections import Counter
from pathlib import Path
from kb.importers.run import Plan, import_articles
plan = Plan(out=Path(sys.argv[2]), dry_run=True)
counts = Counter(change.outcome.value for change in import_articles([Path(sys.argv[1])], plan))
status = Path("/proc/self/status").read_text()
peak_kb = int(status.split("VmHWM:")[1].split()[0])  # ru_maxrss would begin with that of the process that forked
print(peak_kb // 1024, counts["added"], counts["left out"])
"""


def big_csv(path: Path) -> int:
    rows = SIZE // len(FILLER)
    with path.open("w", encoding="utf-8") as file:
        file.write("id,question,answer\n")
        file.writelines(f'a{number},Question {number}?,"{FILLER}"\n' for number in range(rows))
    return rows


def big_json(path: Path) -> int:
    rows = SIZE // len(FILLER)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"articles": [')
        for number in range(rows):
            # Most of the weight is in a field that no article has: converting 200 MB of HTML would take minutes.
            body = f"<p>{FILLER[: len(FILLER) if number % 50 == 0 else 200]}</p>"
            record = {"id": number, "title": f"Question {number}?", "body": body, "history": FILLER}
            file.write(("," if number else "") + json.dumps(record))
        file.write("]}")
    return rows


@pytest.mark.system
@pytest.mark.parametrize(("name", "make"), [("big.csv", big_csv), ("big.json", big_json)])
def test_200_megabytes_are_imported_in_far_less(tmp_path: Path, name: str, make: Callable[[Path], int]) -> None:
    rows = make(tmp_path / name)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / name), str(tmp_path / "out")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    peak_mb, added, left_out = map(int, run.stdout.split())
    assert (added, left_out) == (rows, 0)
    assert peak_mb < LIMIT_MB
