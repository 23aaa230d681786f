"""The facts of the evaluation report, and how they are written: one HTML file that needs nothing else, and JSON."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from models.datasets import Example
from models.drift import Moved, drift, nearness_outside, profile_of
from models.evaluation import Measured
from models.held_out import outcomes_of
from models.learning_curve import outlook, points_of
from models.measures import macro_f1
from models.report_page import page_of
from triage.bounds import lower_bound, wilson
from triage.granting import Outcome

PAIRS = 20
EXAMPLES = 3
BINS = 10
STEPS = 20
BOOTSTRAPS = 1_000
PROMISES = (0.9, 0.95, 0.97, 0.99)


def facts_of(
    measured: Measured, mask: Callable[[str], str], *, trained_on: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return everything that the report shows.

    Args:
        measured: What the model said of held-out messages.
        mask: Takes personal data out of the examples that are shown.
        trained_on: The model's meta.json, for learning curve, label noise and drift; None where it has none.
    """
    outcomes = outcomes_of(measured.chances, measured.examples, measured.labels)
    top3 = _top3(measured)
    known = trained_on or {}
    points = points_of(known.get("learning_curve", ()))
    more = outlook(points, known["examples"]) if points else None
    return {
        **measured.report,
        "intervals": _intervals(outcomes, top3),
        "by_class": _by_class(outcomes, top3),
        "by_language": _table(outcomes, top3, lambda each: each.language),
        "by_channel": _table(outcomes, top3, lambda each: each.channel),
        "confusions": _confusions(outcomes, measured.examples, mask),
        "reliability": reliability_of(outcomes),
        "coverage": coverage_of(outcomes),
        "promises": [_promise(outcomes, wanted) for wanted in PROMISES],
        "learning_curve": [asdict(each) for each in points],
        "more_labels": asdict(more) | {"sentence": str(more)} if more else None,
        "label_noise": known.get("label_noise"),
        "drift": [_moved(each) for each in _drift(measured, known)] if trained_on else None,
        "labels_unknown_to_the_model": sorted({each.label for each in measured.examples} - set(measured.labels)),
    }


def write_report(path: Path, facts: Mapping[str, Any]) -> None:
    """Write the page, and beside it the facts as JSON under the same name."""
    path.write_text(page_of(facts), encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")


def reliability_of(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Return (mean probability, share right) of ten parts of equal size, by probability."""
    ranked = sorted(outcomes, key=lambda each: each.probability)
    parts = [part for part in np.array_split(np.arange(len(ranked)), BINS) if len(part)]
    return [
        (
            round(float(np.mean([ranked[i].probability for i in part])), 4),
            round(float(np.mean([ranked[i].is_right for i in part])), 4),
        )
        for part in parts
    ]


def coverage_of(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Return (share covered, precision) at every twentieth of the messages, the surest first."""
    hits = np.cumsum([each.is_right for each in sorted(outcomes, key=lambda each: -each.probability)])
    sizes = sorted({max(1, round(len(outcomes) * step / STEPS)) for step in range(1, STEPS + 1)})
    return [(round(size / len(outcomes), 4), round(float(hits[size - 1] / size), 4)) for size in sizes]


def _promise(outcomes: Sequence[Outcome], wanted: float) -> dict[str, float | None]:
    """Return the largest share of the messages, the surest first, whose precision's lower 95 % bound is as wanted."""
    ranked = sorted(outcomes, key=lambda each: -each.probability)
    best: dict[str, float | None] = {"wanted": wanted, "covered": 0.0, "from_probability": None}
    hits = 0
    for n, each in enumerate(ranked, start=1):
        hits += each.is_right
        is_last_of_equals = n == len(ranked) or ranked[n].probability < each.probability
        if is_last_of_equals and lower_bound(hits, n) >= wanted:
            best |= {"covered": round(n / len(ranked), 4), "from_probability": round(each.probability, 4)}
    return best


def _intervals(outcomes: Sequence[Outcome], top3: Sequence[bool]) -> dict[str, tuple[float, float]]:
    """Return 95 % intervals: Wilson's for shares, the bootstrap's for macro F1."""
    n = len(outcomes)
    random = np.random.default_rng(0)
    pairs = [(each.said, each.truth) for each in outcomes]
    draws = (random.integers(0, n, n).tolist() for _ in range(BOOTSTRAPS))
    scores = [macro_f1([pairs[i][0] for i in drawn], [pairs[i][1] for i in drawn]) for drawn in draws]
    found = {
        "accuracy": wilson(sum(each.is_right for each in outcomes), n),
        "top3": wilson(sum(top3), n),
        "macro_f1": tuple(np.quantile(scores, [0.025, 0.975]).tolist()),
    }
    return {name: (round(low, 4), round(high, 4)) for name, (low, high) in found.items()}


def _top3(measured: Measured) -> list[bool]:
    order = np.argsort(-measured.chances, axis=1, kind="stable")[:, :3]
    return [
        example.label in {measured.labels[number] for number in row}
        for example, row in zip(measured.examples, order, strict=True)
    ]


def _table(outcomes: Sequence[Outcome], top3: Sequence[bool], key: Callable[[Outcome], str]) -> list[dict[str, Any]]:
    """Return accuracy with its 95 % interval and top-3 of each group, by name."""
    groups: dict[str, list[tuple[bool, bool]]] = {}
    for each, is_near in zip(outcomes, top3, strict=True):
        groups.setdefault(key(each), []).append((each.is_right, is_near))
    rows = []
    for name, found in sorted(groups.items()):
        hits, n = sum(right for right, _ in found), len(found)
        low, high = wilson(hits, n)
        near = sum(is_near for _, is_near in found) / n
        measures = {"accuracy": hits / n, "low": low, "high": high, "top3": near}
        rows.append({"name": name, "n": n, **{name: round(value, 4) for name, value in measures.items()}})
    return rows


def _by_class(outcomes: Sequence[Outcome], top3: Sequence[bool]) -> list[dict[str, Any]]:
    """Return the table of the classes, with how often each is said and how often that is right."""
    said, right = Counter(each.said for each in outcomes), Counter(each.said for each in outcomes if each.is_right)
    rows = _table(outcomes, top3, lambda each: each.truth)
    for row in rows:
        name, n = row["name"], row["n"]
        row["said"] = said[name]
        row["precision"] = round(right[name] / said[name], 4) if said[name] else 0.0
        row["f1"] = round(2 * right[name] / (said[name] + n), 4)
    return rows


def _confusions(
    outcomes: Sequence[Outcome], examples: Sequence[Example], mask: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Return the most frequent confusions, each with the examples that the model was surest of."""
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for each, example in zip(outcomes, examples, strict=True):
        if not each.is_right:
            found.setdefault((each.truth, each.said), []).append((each.probability, example.text))
    ranked = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:PAIRS]
    return [
        {
            "truth": truth,
            "said": said,
            "n": len(cases),
            "examples": [mask(text) for _, text in sorted(cases, reverse=True)[:EXAMPLES]],
        }
        for (truth, said), cases in ranked
    ]


def _drift(measured: Measured, trained_on: Mapping[str, Any]) -> tuple[Moved, ...]:
    then = trained_on.get("profile") or {"languages": trained_on.get("languages", {})}
    nearness = None if measured.centers is None else nearness_outside(measured.vectors, measured.centers)
    now = profile_of(measured.examples, nearness)
    return drift(then, {feature: counts for feature, counts in now.items() if feature in then})


def _moved(each: Moved) -> dict[str, Any]:
    return {**asdict(each), "is_more_than_chance": each.is_more_than_chance}
