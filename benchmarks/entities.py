"""Precision and recall of entities, exact spans, with 95 % Wilson bounds: tuned half and half that is only measured.

Run `python -m benchmarks.entities [--errors]`. The messages were marked by hand, by somebody who did not write the
rules. Half of them, chosen by a digest of their text, may be read to mend the rules; `--errors` prints those alone.
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.bounds import wilson
from triage.entities import EntityFinder

DATA = Path(__file__).parent / "data" / "entities.jsonl"
PLACES = ("address", "intersection")
EXACT = ("account", "permit", "citation", "license", "case", "meter", "plate", "card", "phone", "email")
OTHERS = ("landmark", "date")

Span = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A message with what is marked in it."""

    text: str
    language: str
    spans: tuple[Span, ...]

    @property
    def held_out(self) -> bool:
        """Whether it is only measured."""
        return hashlib.sha256(self.text.encode()).digest()[0] % 2 == 1


def main(arguments: Sequence[str]) -> int:
    """Print a table of each half."""
    messages, finder = list(read_marked(DATA)), EntityFinder.load()
    digest = hashlib.sha256(DATA.read_bytes()).hexdigest()[:8]
    for name, held_out in (("only measured", True), ("may be tuned on", False)):
        some = [message for message in messages if message.held_out == held_out]
        print(f"\n{name}: entities|data:{DATA.name}#{digest}|n:{len(some)}|entities:{finder.version}\n")
        print_table(some, finder)
        if "--errors" in arguments and not held_out:
            print_errors(some, finder)
    return 0


def read_marked(path: Path) -> Iterator[Marked]:
    """Yield the messages of a file; a marked text that stands there twice is marked at each of its places in turn."""
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        yield Marked(text=row["text"], language=row["language"], spans=tuple(_spans(row)))


def print_table(messages: Sequence[Marked], finder: EntityFinder) -> None:
    """Print precision and recall of each kind, and of the kinds that have one aim."""
    marked, found, right = counts(messages, finder)
    print("| kind | marked | precision | recall |\n|---|---|---|---|")
    groups = [
        ("address and intersection (aim .95 / .90)", PLACES),
        ("numbers, phones, emails (aim .98 / .95)", EXACT),
        *((kind, (kind,)) for kind in (*PLACES, *EXACT, *OTHERS)),
    ]
    for name, kinds in groups:
        hits, all_found, all_marked = (sum(each[kind] for kind in kinds) for each in (right, found, marked))
        print(f"| {name} | {all_marked} | {_share(hits, all_found)} | {_share(hits, all_marked)} |")


def counts(messages: Sequence[Marked], finder: EntityFinder) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return, by kind, how many entities are marked, found, and found exactly."""
    marked, found, right = Counter[str](), Counter[str](), Counter[str]()
    for message in messages:
        spans = _found(message.text, finder)
        marked.update(kind for kind, _, _ in message.spans)
        found.update(kind for kind, _, _ in spans)
        right.update(kind for kind, _, _ in spans & set(message.spans))
    return marked, found, right


def print_errors(messages: Sequence[Marked], finder: EntityFinder) -> None:
    """Print what was missed and what was found wrongly."""
    for message in messages:
        spans, marked = _found(message.text, finder), set(message.spans)
        for sign, wrong in (("missed", marked - spans), ("wrong", spans - marked)):
            for kind, start, end in sorted(wrong):
                print(f"{sign} {kind} {message.text[start:end]!r} in: {message.text}")


def _found(text: str, finder: EntityFinder) -> set[Span]:
    return {(str(entity.kind), entity.start, entity.end) for entity in finder.find(text)}


def _spans(row: dict[str, object]) -> Iterator[Span]:
    after: Counter[str] = Counter()
    for entity in row["entities"]:  # type: ignore[attr-defined]
        start = str(row["text"]).index(entity["text"], after[entity["text"]])
        after[entity["text"]] = start + 1
        yield entity["kind"], start, start + len(entity["text"])


def _share(count: int, of: int) -> str:
    if not of:
        return "-"
    low, high = wilson(count, of)
    return f"{count / of:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
