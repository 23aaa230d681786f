"""Training of the linear classifier into a folder, reproducible: same data, seed and encoder, same predictions.

The folder holds the weights (model.npz, vocabulary.json, model.json), what they were made of (meta.json) and, where
messages were held out, what may be promised of them: held_out.jsonl, thresholds.json, label_noise.json, card.md. With
a tuner the folder `encoder` holds the encoder that the model came to have of its own.
"""

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.block_fitting import REST
from models.calibration import Calibration, calibrate
from models.card import card_of
from models.classifiers import LinearClassifier, bent, softmax
from models.cleaning import LeftOut
from models.datasets import OUT_OF_SCOPE, Example, digest_of
from models.drift import nearness_inside, profile_of
from models.finetuning import FOLDER, Tuner, card_section, cost_of, encoder_digest
from models.fitting import Progress, Recipe, centers_of_rows, embed, fit
from models.held_out import HeldOut, Material, choose_weight, hold_out, outcomes_of, write_outcomes
from models.label_noise import label_noise
from models.learning_curve import Point, as_stored, learning_curve
from models.measures import metrics
from models.scope import ScopeRule, choose_rule
from models.splitting import Parts, Split, checked, parts_of
from models.thresholds import WANTED_PRECISION, thresholds_of
from triage.errors import DataError
from triage.protocols import Encoder

WEIGHTS = ("model.json", "model.npz", "vocabulary.json")
TUNED_FOLDS = 5  # one of them is held out from an encoder that is tuned
TUNED_WEIGHTS = (2.0, 1.0, 4.0)  # of the vector of a tuned encoder, which knows the labels


def _hidden(text: str) -> str:
    return "[not shown]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a model is trained under, beside the recipe.

    Attributes:
        source: Where the messages came from, for the card.
        taxonomy: Version of the service types; None where the labels are of their own.
        left_out: Messages that are not learned from.
        split: How messages are held out.
        wanted_precision: Of the labels' thresholds.
        mask: Takes personal data out of the texts that the label-noise report shows.
    """

    source: str = "messages"
    taxonomy: str | None = None
    left_out: tuple[LeftOut, ...] = ()
    split: Split = Split.AUTO
    wanted_precision: float = WANTED_PRECISION
    mask: Callable[[str], str] = _hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """What the held-out messages showed; arrays and examples of them, in the same order."""

    parts: Parts
    held_out: HeldOut
    calibration: Calibration
    scope: ScopeRule | None
    weight: float
    curve: tuple[Point, ...]


def train(
    examples: Sequence[Example],
    encoder: Encoder,
    out: Path,
    recipe: Recipe,
    progress: Progress,
    terms: Terms | None = None,
    tuner: Tuner | None = None,
) -> dict[str, Any]:
    """Train a classifier and write it into a folder.

    Args:
        examples: At least two labels beside `oos`, whose messages teach what is out of scope.
        encoder: Gives the sentence vectors where there is no tuner.
        out: Folder to make; it must be empty or absent.
        recipe: How.
        progress: Told of (what, done, total).
        terms: Where the messages come from and what is wanted.
        tuner: Makes the model an encoder of its own: one on the messages that are learned from while others are held
            out, which is measured and not kept, and one on all messages, which goes into the folder.

    Returns:
        The facts of meta.json: data, held-out accuracy and calibration error with their signature.

    Raises:
        DataError: If there are fewer than two labels, or `out` holds something already.
        ModelError: If the tuner lacks something.
    """
    terms = terms or Terms()
    labels = tuple(sorted({example.label for example in examples} - {OUT_OF_SCOPE}))
    if len(labels) < 2:
        raise DataError(f"a classifier needs at least two labels, found {list(labels)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty; name a new folder")
    recipe = replace(recipe, vector_weights=TUNED_WEIGHTS) if tuner and recipe.temperature is None else recipe
    with tempfile.TemporaryDirectory(prefix="triage-train-") as scratch:
        return _train(_Task(examples, labels, recipe, terms, tuner, Path(scratch), progress), encoder, out)


@dataclass(frozen=True, slots=True)
class _Task:
    """What every step of a training knows."""

    examples: Sequence[Example]
    labels: tuple[str, ...]
    recipe: Recipe
    terms: Terms
    tuner: Tuner | None
    scratch: Path
    progress: Progress

    @property
    def truth(self) -> npt.NDArray[np.int64]:
        """Numbers into the labels, shape (n_examples,), REST for what is out of scope."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        return np.array([numbers.get(example.label, REST) for example in self.examples])

    def tuned(self, encoder: Encoder, inside: npt.NDArray[np.bool_] | None, name: str) -> Encoder:
        """Return an encoder that is tuned on the examples inside, or on all; the one given where there is no tuner."""
        if self.tuner is None:
            return encoder
        chosen = [each for number, each in enumerate(self.examples) if inside is None or inside[number]]
        return self.tuner.tune(chosen, self.scratch / name, self.progress)


def _train(task: _Task, encoder: Encoder, out: Path) -> dict[str, Any]:
    """Prove, fit on everything, and write."""
    examples, labels, recipe, progress, truth = task.examples, task.labels, task.recipe, task.progress, task.truth
    parts = _parts(task) if recipe.temperature is None else None
    material = proof = None
    if parts:
        part_encoder = task.tuned(encoder, parts.inside[0], "part")
        material = Material(examples, embed(examples, part_encoder, progress), truth)
        proof = _prove(task, material, parts)
    if task.tuner or material is None:
        encoder = task.tuned(encoder, None, FOLDER)
        material = Material(examples, embed(examples, encoder, progress), truth)
    weight = proof.weight if proof else recipe.vector_weights[0]
    progress("fit", 0, 1)
    weights, features = fit(material.texts, material.vectors, truth, labels, weight, recipe)
    progress("fit", 1, 1)
    weights = proof.calibration.of(weights) if proof else replace(weights, temperature=recipe.temperature or 1.0)
    facts = _facts(task, encoder)
    report = _report(proof, task, facts) if proof else {}
    facts |= report.pop("meta.json", {"held_out": None})
    learned_from = {
        "labels": labels,
        "profile": profile_of(examples, nearness_inside(material.vectors, truth, len(labels))),
    }
    name = f"linear-{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]}"
    scope = replace(proof.scope, centers=_centers(material, len(labels))) if proof and proof.scope else None
    out.mkdir(parents=True, exist_ok=True)
    LinearClassifier(weights, features, version=name, scope=scope).save(out)
    if task.tuner:
        shutil.move(task.scratch / FOLDER, out / FOLDER)
        learned_from["own_encoder"] = cost_of(encoder, out / FOLDER, examples)
    return _write(out, {"version": name, **facts}, learned_from, report)


def train_into(out: Path, examples: Sequence[Example], encoder: Encoder, recipe: Recipe, progress: Progress) -> None:
    """Train into a folder that appears whole or not at all; if another process makes it first, that one's stands."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".training-") as scratch:
        train(examples, encoder, Path(scratch) / "model", recipe, progress)
        if not out.exists():
            (Path(scratch) / "model").rename(out)


def digest_of_weights(folder: Path) -> str:
    """Return the SHA-256 of a model's weights, those of an encoder of its own among them, in hexadecimal digits."""
    digest = hashlib.sha256()
    for name in WEIGHTS:
        digest.update((folder / name).read_bytes())
    digest.update(encoder_digest(folder))
    return digest.hexdigest()


def _parts(task: _Task) -> Parts:
    """Choose what is held out; with a tuner once, as every round would need an encoder of its own."""
    folds = TUNED_FOLDS if task.tuner else task.recipe.folds
    parts = parts_of(task.examples, folds, task.recipe.seed, task.terms.split)
    if task.tuner:
        kind = parts.kind.replace(f"{len(parts.outside)} held out in turn", f"one of {folds} held out")
        one = replace(parts, outside=parts.outside[:1], inside=parts.inside[:1], kind=kind)
        parts = checked(one, task.examples)
    return parts


def _prove(task: _Task, material: Material, parts: Parts) -> _Proof:
    """Settle on the messages held out what the final model needs to know."""
    labels, recipe, progress = task.labels, task.recipe, task.progress
    weight = choose_weight(material, labels, parts, recipe, progress)
    held_out = hold_out(material, labels, parts, weight, recipe, progress)
    inside = held_out.is_inside
    # A tuned encoder has seen all labels of the part that is learned from: less of them would look too good.
    curve = () if task.tuner else learning_curve(material, labels, parts, weight, recipe, held_out, progress)
    return _Proof(
        parts=parts,
        held_out=held_out,
        calibration=calibrate(held_out.scores[inside], held_out.truth[inside]),
        scope=choose_rule(
            held_out.scores,
            held_out.nearness,
            inside,
            _centers(material, len(labels)),
            known=int((material.truth != REST).sum()),
        ),
        weight=weight,
        curve=curve,
    )


def _centers(material: Material, n_labels: int) -> npt.NDArray[np.float32]:
    return centers_of_rows(material.vectors, material.truth, n_labels, np.arange(len(material.truth)))


def _report(proof: _Proof, task: _Task, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of each file that says what may be promised of the model."""
    examples, labels, terms = task.examples, task.labels, task.terms
    held_out, inside = proof.held_out, proof.held_out.is_inside
    chances = bent(
        softmax(held_out.scores[inside] / np.float32(proof.calibration.temperature)), proof.calibration.isotonic
    )
    chosen = [examples[row] for row in held_out.rows[inside]]
    outcomes = outcomes_of(chances, chosen, labels)
    noise = label_noise(chances, chosen, labels, terms.mask)
    found = metrics(chances, [example.label for example in chosen], labels)
    signature = (
        f"data:#{facts['data']}|split:{proof.parts.kind}|n:{len(chosen)}|seed:{facts['recipe']['seed']}"
        f"|encoder:{facts['encoder']}"
    )
    return {
        "meta.json": {
            "held_out": {"n": len(chosen), **found, "ece": round(proof.calibration.ece, 4), "signature": signature},
            "calibration": proof.calibration.kind,
            "vector_weight": proof.weight,
            "scope": proof.scope.kind if proof.scope else None,
            "leaked": proof.parts.leaked,
            "learning_curve": as_stored(proof.curve),
            "label_noise": None if noise is None else {"n": noise.n, "of": noise.of, "share": round(noise.share, 4)},
        },
        "held_out.jsonl": outcomes,
        "thresholds.json": thresholds_of(outcomes, labels, wanted=terms.wanted_precision),
        "label_noise.json": noise,
    }


def _facts(task: _Task, encoder: Encoder) -> dict[str, Any]:
    examples, recipe, terms = task.examples, task.recipe, task.terms
    tuned = {"finetuning": task.tuner.facts} if task.tuner else {}
    return {
        "kind": "classifier",
        "source": terms.source,
        "data": digest_of(examples),
        "examples": len(examples),
        "languages": dict(sorted(Counter(example.language for example in examples).items())),
        "taxonomy": terms.taxonomy,
        "encoder": encoder.version,
        "recipe": asdict(recipe),
        "left_out": [asdict(each) for each in terms.left_out],
        "software": {name: version(name) for name in ("numpy", "scikit-learn")},
        **tuned,
    }


def _write(
    out: Path, facts: dict[str, Any], learned_from: Mapping[str, Any], report: Mapping[str, Any]
) -> dict[str, Any]:
    """Write what stands beside the weights, and return the facts."""
    meta = {**facts, **learned_from, "weights": digest_of_weights(out)}
    _write_json(out / "meta.json", meta)
    thresholds = report.get("thresholds.json", ())
    if report:
        write_outcomes(out / "held_out.jsonl", report["held_out.jsonl"])
        _write_json(out / "thresholds.json", [asdict(each) for each in thresholds])
        if report["label_noise.json"] is not None:
            _write_json(out / "label_noise.json", asdict(report["label_noise.json"]))
    card = card_of(meta, report.get("held_out.jsonl", ()), thresholds) + card_section(meta)
    (out / "card.md").write_text(card, encoding="utf-8")
    return facts


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
