"""What of a city's labels is learned from, what is left out, and why."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.datasets import OUT_OF_SCOPE, Example, Row
from triage.errors import DataError

LEAST_EXAMPLES = 10
SHOWN = 5


class Labels(StrEnum):
    """Which labels are allowed.

    `auto` takes a set of labels of its own (none of them is in the taxonomy: such a model can be measured, not
    activated) and refuses a mixture, which is a slip of the pen; `taxonomy` wants service types only.
    """

    AUTO = "auto"
    TAXONOMY = "taxonomy"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Messages that are not learned from, for one reason; `places` are the first few, `FILE:LINE`."""

    reason: str
    n: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What is learned from, in the order it came in, and what is not."""

    examples: tuple[Example, ...]
    left_out: tuple[LeftOut, ...]


def clean(rows: Sequence[Row], codes: Collection[str], *, labels: Labels = Labels.AUTO) -> Cleaned:
    """Leave out what cannot be learned from.

    A text that stands there more than once counts once, under its most frequent label (ties: the first one).

    Args:
        rows: Examples with their places.
        codes: The service types of the city.
        labels: Which labels are allowed.

    Raises:
        DataError: If a label is not allowed, or fewer than two labels or ten messages are left.
    """
    left_out: dict[str, list[str]] = defaultdict(list)
    usable = list(_usable(rows, left_out))
    kept = list(_once(usable, left_out))
    _check_labels({example.label for _, example in usable}, codes, labels)
    examples = tuple(example for _, example in kept)
    report = tuple(
        LeftOut(reason=reason, n=len(places), places=tuple(places[:SHOWN])) for reason, places in left_out.items()
    )
    _check_enough(examples, report)
    return Cleaned(examples=examples, left_out=report)


def _usable(rows: Iterable[Row], left_out: dict[str, list[str]]) -> Iterator[Row]:
    for place, example in rows:
        fault = _fault(example)
        if fault:
            left_out[fault].append(place)
        else:
            yield place, example


def _fault(example: Example) -> str | None:
    if not example.text.strip():
        return "the text is empty"
    if not example.label.strip():
        return "the label is empty"
    if not example.label.isprintable():
        return "the label holds a tab, a line break or another control character"
    return None


def _once(rows: Sequence[Row], left_out: dict[str, list[str]]) -> Iterator[Row]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for _, example in rows:
        counts[_key(example)][example.label] += 1
    chosen = {key: of_text.most_common(1)[0][0] for key, of_text in counts.items()}  # the first of equals
    seen: set[str] = set()
    for place, example in rows:
        key = _key(example)
        if example.label != chosen[key]:
            left_out["the same text has another label elsewhere"].append(place)
        elif key in seen:
            left_out["the same text and label stand there already"].append(place)
        else:
            seen.add(key)
            yield place, example


def _key(example: Example) -> str:
    return " ".join(example.text.lower().split())


def _check_labels(found: set[str], codes: Collection[str], labels: Labels) -> None:
    """Raise a DataError that lists what is not in the taxonomy, where that is not allowed."""
    foreign = sorted(found - {*codes, OUT_OF_SCOPE})
    of_its_own = labels is Labels.AUTO and not found & set(codes)
    if foreign and labels is not Labels.ANY and not of_its_own:
        more = f" and {len(foreign) - SHOWN} more" if len(foreign) > SHOWN else ""
        raise DataError(
            f"{len(foreign)} labels are not in the taxonomy: {', '.join(map(repr, foreign[:SHOWN]))}{more}; "
            "correct them, or allow them with --labels any"
        )


def _check_enough(examples: Sequence[Example], left_out: Sequence[LeftOut]) -> None:
    found = sorted({example.label for example in examples} - {OUT_OF_SCOPE})
    gone = "".join(f"; {each.n} left out because {each.reason}" for each in left_out)
    if len(found) < 2:
        raise DataError(f"a classifier needs at least two labels, found {found}{gone}")
    if len(examples) < LEAST_EXAMPLES:
        raise DataError(f"a classifier needs at least {LEAST_EXAMPLES} messages, found {len(examples)}{gone}")
