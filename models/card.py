"""The page that says what a model is, what it was made of and what may be expected of it; the trainer writes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.thresholds import Threshold
from triage.bounds import wilson
from triage.granting import Outcome

SHOWN = 10


def card_of(meta: Mapping[str, Any], outcomes: Sequence[Outcome], thresholds: Sequence[Threshold]) -> str:
    """Return the card as Markdown.

    Args:
        meta: The facts of meta.json.
        outcomes: Held-out predictions; empty where nothing was held out.
        thresholds: One a label; empty likewise.
    """
    sections = [
        f"# Model {meta['version']}",
        _made_of(meta),
        _left_out(meta),
        _held_out(meta, outcomes),
        _weakest(outcomes),
        _promised(thresholds),
        "## Limits\n\nProbabilities hold for messages like those it was trained on. It ranks labels; whether it may "
        "act on them is the policy's matter, and life safety is the tripwire's, which no model can switch off."
        + ("" if meta.get("scope") else " It does not tell what is out of scope: too little was held out for that."),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _made_of(meta: Mapping[str, Any]) -> str:
    languages = ", ".join(f"{code} {n}" for code, n in meta["languages"].items())
    rows = {
        "kind": "linear, one against the rest, on TF-IDF and sentence vector",
        "data": f"{meta['source']}, {meta['examples']} messages, #{meta['data']}",
        "languages": languages,
        "labels": str(len(meta["labels"])),
        "taxonomy": meta["taxonomy"] or "labels of their own: can be measured, not activated",
        "encoder": meta["encoder"],
        "recipe": ", ".join(f"{name} {value}" for name, value in meta["recipe"].items()),
        "weights": f"sha256 {meta['weights'][:16]}…",
    }
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows.items())


def _left_out(meta: Mapping[str, Any]) -> str:
    lines = [f"- {each['n']} because {each['reason']}" for each in meta["left_out"]]
    return "## Left out\n\n" + "\n".join(lines) if lines else ""


def _held_out(meta: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    found = meta["held_out"]
    if not found:
        return "## Held out\n\nNothing: temperature and vector weight were given."
    low, high = wilson(sum(each.is_right for each in outcomes), len(outcomes))
    noise = meta["label_noise"]
    noise_line = f"; {noise['n']} of {noise['of']} labels are doubtful (label_noise.json)" if noise else ""
    return (
        f"## Held out\n\naccuracy {found['accuracy']:.4f} [{low:.3f}, {high:.3f}], macro F1 {found['macro_f1']:.4f}, "
        f"top-3 {found['top3']:.4f}, calibration error {found['ece']:.4f} ({meta['calibration']}){noise_line}; "
        f"{meta['leaked']} near-duplicates across the border not measured.\n\n`{found['signature']}`"
    )


def _weakest(outcomes: Sequence[Outcome]) -> str:
    """Return the labels that are found least often."""
    found: dict[str, list[bool]] = {}
    for each in outcomes:
        found.setdefault(each.truth, []).append(each.is_right)
    ranked = sorted(found.items(), key=lambda pair: (sum(pair[1]) / len(pair[1]), pair[0]))[:SHOWN]
    rows = [f"| {label} | {sum(hits) / len(hits):.2f} | {len(hits)} |" for label, hits in ranked]
    return "## Found least often\n\n| label | recall | n |\n|---|---|---|\n" + "\n".join(rows) if rows else ""


def _promised(thresholds: Sequence[Threshold]) -> str:
    if not thresholds:
        return ""
    reached = [each for each in thresholds if each.probability is not None]
    own = sum(each.basis == "label" for each in reached)
    return (
        f"## Thresholds\n\n{len(reached)} of {len(thresholds)} labels reach the wanted precision with its lower "
        f"95 % bound, {own} of them on predictions of their own, the others with their group or with all labels "
        "(thresholds.json)."
    )
