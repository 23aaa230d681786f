"""How often the urgency of fresh messages is right, by language: with the true type known, without the tripwire.

Run `python -m benchmarks.urgency`. The messages were written by people who wrote no training message. `default` is the
baseline: the level that the type usually has. `moved` are messages whose level differs from that.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from models.urgency_training import Rated, Report, measure, read_rated
from triage import request_kind, taxonomy, urgency
from triage.evidence import Rules
from triage.types import Safety, UrgencyLevel

DATA = Path(__file__).parent / "data"
HEAD = "| language | rater | n | right | moved: right | within one | not moved: right | within one | grave under high |"


def main() -> None:
    """Print one table."""
    here = Path(str(urgency.__file__)).parent
    rules = Rules.load(here / urgency.RULES, here / request_kind.RULES)
    shipped = urgency.EvidenceRater.load()

    def rate(one: Rated) -> UrgencyLevel:
        kind = shipped.kinds.kind_of(one.text)
        return shipped.rate(one.text, service_type=one.service_type, safety=Safety(), kind=kind).level

    print(f"weights {hashlib.sha256((here / urgency.WEIGHTS).read_bytes()).hexdigest()[:8]}\n\n{HEAD}\n{'|---' * 9}|")
    everything: list[Rated] = []
    for path in sorted(DATA.glob("messages*.jsonl")):
        messages = list(read_rated(path, taxonomy.load(), rules))
        everything += messages
        print_rows(path.stem.removeprefix("messages").removeprefix("-") or "en", messages, rate)
    print_rows("all", everything, rate)


def print_rows(language: str, messages: list[Rated], rate: Callable[[Rated], UrgencyLevel]) -> None:
    """Print the baseline's row and the rater's."""
    print(_row(language, "default", measure(messages, lambda one: one.service_type.default_urgency)))
    print(_row(language, "shipped", measure(messages, rate)))


def _row(language: str, name: str, report: Report) -> str:
    shares = (
        report.accuracy,
        report.moved,
        report.moved_within_one,
        report.unmoved,
        report.within_one,
        report.grave_under_high,
    )
    return f"| {language} | {name} | {report.n} | " + " | ".join(f"{share:.3f}" for share in shares) + " |"


if __name__ == "__main__":
    main()
