"""Fits the weights of urgency and request kind on rated messages, and measures them on writers left out.

    python -m models.urgency_training [MESSAGES] [--held=en-d,en-e] [--write]

MESSAGES is a folder of JSON lines with text, label, urgency, kind and writer; the project's own where none is named.
Without --write nothing is changed. `benchmarks.urgency` measures what ships on messages of other writers.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from models.datasets import default_data
from triage import request_kind, taxonomy, urgency
from triage.errors import DataError
from triage.evidence import Evidence, LinearModel, Rules
from triage.request_kind import KindRules, kind_features
from triage.taxonomy import ServiceType, Taxonomy
from triage.types import RequestKind, Safety, UrgencyLevel
from triage.urgency import EvidenceRater, question_degree, urgency_features

KIND_STRENGTH, URGENCY_STRENGTH = 1.0, 0.2
LEAST_SEEN = 4
HELD_OUT = "en-d,en-e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """One message as its writer rated it."""

    writer: str
    service_type: ServiceType
    level: UrgencyLevel
    kind: RequestKind
    text: str
    evidence: Evidence


def read_rated(path: Path, types: Taxonomy, rules: Rules) -> Iterator[Rated]:
    """Yield the messages of a file, or of all files of a folder in their order, whose type the taxonomy has.

    Raises:
        DataError: If a line breaks the format; names file and line.
    """
    for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                row = json.loads(line)
                if row["label"] in types:
                    yield Rated(
                        writer=row.get("writer", "unknown"),
                        service_type=types[row["label"]],
                        level=UrgencyLevel(row["urgency"]),
                        kind=RequestKind(row["kind"]),
                        text=row["text"],
                        evidence=rules.evidence(row["text"]),
                    )
            except (ValueError, KeyError) as error:
                raise DataError(f"{file}:{number}: {error}") from error


def fit(rows: Sequence[Mapping[str, float]], labels: Sequence[str], strength: float) -> LinearModel:
    """Return a multinomial logistic regression over features seen at least LEAST_SEEN times (L2, C = strength)."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    seen: dict[str, int] = {}
    for row in rows:
        for name in row:
            seen[name] = seen.get(name, 0) + 1
    vectorizer = DictVectorizer()
    table = vectorizer.fit_transform(
        [{name: value for name, value in row.items() if seen[name] >= LEAST_SEEN} for row in rows]
    )
    model = LogisticRegression(C=strength, max_iter=3_000, fit_intercept=False).fit(table, labels)
    return LinearModel(list(vectorizer.get_feature_names_out()), list(model.classes_), model.coef_.T)


def train(messages: Sequence[Rated], rules: Rules) -> tuple[LinearModel, LinearModel]:
    """Return the weights of the kind and of the level.

    The level learns from each message twice, with the kind its writer gave it and with the kind that weights of
    the other writers tell, because the service has now the one (an agent corrected it), now the other.
    """
    rows: list[dict[str, float]] = []
    levels: list[str] = []
    for writer in sorted({one.writer for one in messages}):
        others = [one for one in messages if one.writer != writer] or list(messages)
        teller = KindRules(rules, fit_kinds(others))
        for one in messages:
            if one.writer != writer:
                continue
            probability = teller.question_probability(kind_features(one.evidence))
            for kind in (one.kind, teller.kind_of(one.text)):
                rows.append(urgency_features(one.evidence, one.service_type, question_degree(probability, kind)))
                levels.append(one.level)
    return fit_kinds(messages), fit(rows, levels, URGENCY_STRENGTH)


def fit_kinds(messages: Sequence[Rated]) -> LinearModel:
    """Return the weights of the kind of request."""
    return fit([kind_features(one.evidence) for one in messages], [one.kind for one in messages], KIND_STRENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Shares in [0, 1] over rated messages; `moved` are those whose true level is not the default."""

    n: int
    accuracy: float
    moved: float
    moved_within_one: float
    unmoved: float
    within_one: float
    grave_under_high: float

    def __str__(self) -> str:
        return (
            f"n:{self.n} accuracy {self.accuracy:.3f} moved {self.moved:.3f} (within one {self.moved_within_one:.3f}) "
            f"unmoved {self.unmoved:.3f} within one {self.within_one:.3f} grave under high {self.grave_under_high:.3f}"
        )


def measure(messages: Sequence[Rated], rate: Callable[[Rated], UrgencyLevel]) -> Report:
    """Return how a rater does, the true type given."""
    true = np.array([one.level.rank for one in messages])
    default = np.array([one.service_type.default_urgency.rank for one in messages])
    given = np.array([rate(one).rank for one in messages])
    right, near, moved = given == true, np.abs(given - true) <= 1, true != default
    grave = true >= UrgencyLevel.URGENT.rank
    return Report(
        n=len(messages),
        accuracy=float(right.mean()),
        moved=float(right[moved].mean()),
        moved_within_one=float(near[moved].mean()),
        unmoved=float(right[~moved].mean()),
        within_one=float(near.mean()),
        grave_under_high=float((given[grave] < UrgencyLevel.HIGH.rank).mean()),
    )


def rater(
    rules: Rules, kinds: LinearModel, levels: LinearModel, stay: float, grave: float
) -> Callable[[Rated], UrgencyLevel]:
    """Return what rates a message as the service does, without the tripwire."""
    teller = KindRules(rules, kinds)
    evidence_rater = EvidenceRater(rules, teller, levels, stay=stay, grave=grave)

    def rate(one: Rated) -> UrgencyLevel:
        kind = teller.kind_of(one.text)
        return evidence_rater.rate(one.text, service_type=one.service_type, safety=Safety(), kind=kind).level

    return rate


def save(model: LinearModel, path: Path) -> None:
    """Write the weights that say something, to three decimals."""
    document: dict[str, Any] = {"labels": list(model.labels), "weights": {}}
    for name, row in zip(model.features, model.weights, strict=True):
        if np.abs(row).max() >= 0.005:
            document["weights"][name] = [round(float(value), 3) for value in row]
    path.write_text(
        json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8"
    )


def main(arguments: Sequence[str]) -> None:
    """Measure some writers left out, then write weights fitted on all."""
    here = Path(str(files("triage")))
    folder = next((Path(argument) for argument in arguments if not argument.startswith("--")), default_data())
    rules = Rules.load(here / urgency.RULES, here / request_kind.RULES)
    messages = list(read_rated(folder, taxonomy.load(), rules))
    named = next((argument.partition("=")[2] for argument in arguments if argument.startswith("--held=")), HELD_OUT)
    held = set(named.split(","))
    rest, out = [one for one in messages if one.writer not in held], [one for one in messages if one.writer in held]
    print("default  ", measure(out, lambda one: one.service_type.default_urgency))
    kinds, levels = train(rest, rules)
    right = np.mean([KindRules(rules, kinds).kind_of(one.text) == one.kind for one in out])
    print(f"kind accuracy {right:.3f}")
    for stay in (0.0, 0.15, 0.3):
        for grave in (1.0, 0.2, 0.1):
            print(f"stay {stay} grave {grave}", measure(out, rater(rules, kinds, levels, stay, grave)))
    if "--write" in arguments:
        kinds, levels = train(messages, rules)
        save(kinds, here / request_kind.WEIGHTS)
        save(levels, here / urgency.WEIGHTS)


if __name__ == "__main__":
    main(sys.argv[1:])
