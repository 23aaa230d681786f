"""What a policy would do: predictions of messages that the predicting model has not seen, and what they grant."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from models.block_fitting import REST
from models.calibration import calibrate
from models.classifiers import bent, softmax
from models.datasets import OUT_OF_SCOPE, Example, digest_of
from models.fitting import CHUNK, CITY, Progress, Recipe, embed
from models.held_out import Material, choose_weight, hold_out, outcomes_of
from models.splitting import parts_of
from triage.granting import WANTED_PRECISION, Grant, Outcome, grant, grants_by_language
from triage.protocols import Classifier, Encoder
from triage.types import Language


def predicted(
    model: Classifier, examples: Sequence[Example], encoder: Encoder, progress: Progress
) -> tuple[Outcome, ...]:
    """Return what a model says of examples, as it would say it in the service."""
    found = []
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        texts = [example.text for example in chunk]
        vectors = encoder.encode(texts, [Language(code=example.language, probability=1.0) for example in chunk])
        for example, (best, *_) in zip(chunk, model.classify(texts, vectors), strict=True):
            found.append(
                Outcome(
                    truth=example.label,
                    said=best.label,
                    probability=best.probability,
                    language=example.language,
                    channel=example.channel,
                )
            )
        progress("predict", min(start + CHUNK, len(examples)), len(examples))
    return tuple(found)


def out_of_fold(
    examples: Sequence[Example], encoder: Encoder, progress: Progress, recipe: Recipe = CITY
) -> tuple[Outcome, ...]:
    """Return what models of the other parts say of each part; messages out of scope are left out."""
    return outcomes_of(*held_out_chances(examples, encoder, progress, recipe))


def held_out_chances(
    examples: Sequence[Example], encoder: Encoder, progress: Progress, recipe: Recipe = CITY
) -> tuple[npt.NDArray[np.float32], tuple[Example, ...], tuple[str, ...]]:
    """Return the probabilities of each part by models of the others, shape (n, n_labels), of what, and the labels.

    Messages out of scope are left out. The calibration is fitted on the same predictions: two parameters, or a
    curve, for all of them.
    """
    labels = tuple(sorted({example.label for example in examples} - {OUT_OF_SCOPE}))
    numbers = {label: number for number, label in enumerate(labels)}
    truth = np.array([numbers.get(example.label, REST) for example in examples])
    material = Material(examples, embed(examples, encoder, progress), truth)
    parts = parts_of(examples, recipe.folds, recipe.seed)
    weight = choose_weight(material, labels, parts, recipe, progress)
    held_out = hold_out(material, labels, parts, weight, recipe, progress)
    inside = held_out.is_inside
    scores = held_out.scores[inside]
    calibration = calibrate(scores, held_out.truth[inside])
    chances = bent(softmax(scores / np.float32(calibration.temperature)), calibration.isotonic)
    return chances, tuple(examples[row] for row in held_out.rows[inside]), labels


def simulation(outcomes: Sequence[Outcome], *, wanted: float = WANTED_PRECISION) -> dict[str, Any]:
    """Return what would be granted, over all messages and for each language."""
    by_language = grants_by_language(outcomes, wanted=wanted)
    return {
        "n": len(outcomes),
        "wanted_precision": wanted,
        "all": _shown(grant(outcomes, wanted=wanted)),
        "languages": {code: _shown(each) for code, each in by_language.items()},
        "signature": f"data:#{_digest(outcomes)}|n:{len(outcomes)}|bound:wilson95|floor:30,0.90",
    }


def _shown(granted: Grant) -> dict[str, Any]:
    measures = {name: round(getattr(granted, name), 4) for name in ("coverage", "precision", "lower")}
    return {**asdict(granted), **measures}


def _digest(outcomes: Sequence[Outcome]) -> str:
    return digest_of([Example(text=f"{each.said} {each.probability:.4f}", label=each.truth) for each in outcomes])
