"""Duplicates and surges on a scripted week of contacts to a fictional city, written by hand for this project.

Run `python -m benchmarks.incidents`. Precision and recall count pairs of contacts: a pair is right when both were
written about the same event. The service types are those that the contacts were written for.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path

from triage.entities import EntityFinder
from triage.incidents import IncidentRules, Report, load
from triage.places import read_places

WEEK = Path(__file__).parents[1] / "tests" / "data" / "week.jsonl"
Pair = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The contacts of a week, and the pairs that are of one event, of at least `surge_contacts` or of fewer."""

    reports: tuple[Report, ...]
    surges: frozenset[Pair]
    duplicates: frozenset[Pair]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Precision and recall over pairs, with how many were found and how many there are."""

    precision: float
    recall: float
    found: int
    true: int


def read_week(rules: IncidentRules, path: Path = WEEK) -> Week:
    """Read the week; places are read from the texts alone."""
    content = path.read_bytes()
    rows = [json.loads(line) for line in content.decode().splitlines()]
    finder, texts = EntityFinder.load(), [row["text"] for row in rows]
    places = read_places(texts, [finder.find(text) for text in texts])
    reports = tuple(
        Report(
            message_id=row["id"],
            service_type=row["service_type"],
            received_at=datetime.fromisoformat(row["received_at"]),
            text=row["text"],
            place=place,
        )
        for row, place in zip(rows, places, strict=True)
    )
    events: dict[str, list[str]] = {}
    for row in rows:
        if row["event"]:
            events.setdefault(row["event"], []).append(row["id"])
    large = [ids for ids in events.values() if len(ids) >= rules.surge_contacts]
    small = [ids for ids in events.values() if len(ids) < rules.surge_contacts]
    return Week(
        reports=reports,
        surges=pairs_of(large),
        duplicates=pairs_of(small),
        digest=hashlib.sha256(content).hexdigest()[:8],
    )


def pairs_of(groups: Iterable[Sequence[str]]) -> frozenset[Pair]:
    """Return every two members of each group."""
    return frozenset(frozenset(pair) for group in groups for pair in combinations(group, 2))


def surge_figures(rules: IncidentRules, week: Week) -> Figures:
    """Measure which contacts are put into one incident."""
    return figures(pairs_of(surge.message_ids for surge in rules.surges(week.reports)), week.surges)


def duplicate_figures(rules: IncidentRules, week: Week) -> Figures:
    """Measure the possible duplicates; those of a surge are right and not counted, since the incident shows them."""
    found = frozenset(
        frozenset({report.message_id, duplicate.message_id})
        for report in week.reports
        for duplicate in rules.duplicates(report, week.reports)
    )
    return figures(found - week.surges, week.duplicates)


def figures(found: frozenset[Pair], true: frozenset[Pair]) -> Figures:
    """Compare found pairs with the true ones; precision is 1 where nothing was found."""
    right = len(found & true)
    precision = right / len(found) if found else 1.0
    return Figures(precision=precision, recall=right / len(true), found=len(found), true=len(true))


def main() -> None:
    """Print both tables."""
    rules = load()
    week = read_week(rules)
    print(f"pairs of {len(week.reports)} contacts|data:week.jsonl#{week.digest}\n")
    print("| | precision | recall | pairs found | true pairs |\n|---|---|---|---|---|")
    for name, measured in (("surges", surge_figures(rules, week)), ("duplicates", duplicate_figures(rules, week))):
        print(f"| {name} | {measured.precision:.3f} | {measured.recall:.3f} | {measured.found} | {measured.true} |")


if __name__ == "__main__":
    main()
