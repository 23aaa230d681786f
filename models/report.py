"""The evaluation report: one HTML file that needs nothing else, and the same facts as JSON."""

import html
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.datasets import Example
from models.evaluation import Measured
from models.held_out import outcomes_of
from models.plots import line_plot
from triage.bounds import wilson
from triage.granting import Outcome

PAIRS = 20
BINS = 10
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .6rem;border-bottom:1px solid #bbb;text-align:left}
td:not(:first-child){font-variant-numeric:tabular-nums}code{overflow-wrap:anywhere}
"""


def facts_of(
    measured: Measured, mask: Callable[[str], str], *, trained_on: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return everything that the report shows.

    Args:
        measured: What the model said of held-out messages.
        mask: Takes personal data out of the examples that are shown.
        trained_on: The model's meta.json, for the drift; None where it has none.
    """
    outcomes = outcomes_of(measured.chances, measured.examples, measured.labels)
    top3 = _top3(measured)
    return {
        **measured.report,
        "by_class": _table(outcomes, top3, lambda each: each.truth),
        "by_language": _table(outcomes, top3, lambda each: each.language),
        "by_channel": _table(outcomes, top3, lambda each: each.channel),
        "confusions": _confusions(outcomes, measured.examples, mask),
        "reliability": _reliability(outcomes),
        "coverage": _coverage(outcomes),
        "label_noise": (trained_on or {}).get("label_noise"),
        "drift": _drift(measured.examples, trained_on) if trained_on else None,
    }


def write_report(path: Path, facts: Mapping[str, Any]) -> None:
    """Write the page, and beside it the facts as JSON under the same name."""
    path.write_text(page_of(facts), encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")


def page_of(facts: Mapping[str, Any]) -> str:
    """Return the HTML page."""
    names = ("name", "n", "accuracy", "low", "high", "top3")
    parts = [
        f"<h1>Evaluation</h1><p>{facts['n']} messages. <code>{html.escape(facts['signature'])}</code></p>",
        _html_table([facts["metrics"]], tuple(facts["metrics"])),
        _html_table([facts["out_of_scope"]], tuple(facts["out_of_scope"])) if "out_of_scope" in facts else "",
        "<h2>How far probabilities can be trusted</h2>",
        line_plot(facts["reliability"], x="probability that was stated", y="share that was right", diagonal=True),
        "<h2>What a threshold covers</h2>",
        line_plot(facts["coverage"], x="share of the messages covered", y="precision of those"),
        *(f"<h2>By {by}</h2>{_html_table(facts[f'by_{by}'], names)}" for by in ("language", "channel", "class")),
        "<h2>Taken for another</h2>",
        _html_table(facts["confusions"], ("truth", "said", "n", "example")),
        f"<h2>Label noise in the training data</h2><p>{_sentence(facts['label_noise'])}</p>",
        f"<h2>Drift against the training data</h2><p>{_sentence(facts['drift'])}</p>",
    ]
    head = f'<meta charset="utf-8"><title>Evaluation</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


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


def _confusions(
    outcomes: Sequence[Outcome], examples: Sequence[Example], mask: Callable[[str], str]
) -> list[dict[str, Any]]:
    wrong = [(each, example) for each, example in zip(outcomes, examples, strict=True) if not each.is_right]
    counts = Counter((each.truth, each.said) for each, _ in wrong)
    first = {(each.truth, each.said): example.text for each, example in reversed(wrong)}
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:PAIRS]
    return [{"truth": key[0], "said": key[1], "n": n, "example": mask(first[key])} for key, n in ranked]


def _reliability(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
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


def _coverage(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Return (share covered, precision) at every twentieth of the messages, the surest first."""
    hits = np.cumsum([each.is_right for each in sorted(outcomes, key=lambda each: -each.probability)])
    sizes = sorted({max(1, round(len(outcomes) * step / 20)) for step in range(1, 21)})
    return [(round(size / len(outcomes), 4), round(float(hits[size - 1] / size), 4)) for size in sizes]


def _drift(examples: Sequence[Example], trained_on: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far the mix of languages has moved from that of the training data (total variation, 0 to 1)."""
    now, then = Counter(example.language for example in examples), Counter(trained_on["languages"])
    codes = sorted({*now, *then})
    shares = {code: (then[code] / max(1, then.total()), now[code] / max(1, now.total())) for code in codes}
    unknown = sorted({example.label for example in examples} - set(trained_on["labels"]))
    moved = sum(abs(old - new) for old, new in shares.values()) / 2
    return {"languages_moved": round(moved, 4), "labels_unknown_to_the_model": unknown}


def _html_table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    head = "".join(f"<th scope=col>{name.replace('_', ' ')}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(row[name]))}</td>" for name in names) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _sentence(facts: Mapping[str, Any] | None) -> str:
    if not facts:
        return "Not known for this model."
    return html.escape("; ".join(f"{name.replace('_', ' ')}: {value or 'none'}" for name, value in facts.items()))
