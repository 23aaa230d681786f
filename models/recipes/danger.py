"""Trains the danger model on the project's own messages: `python -m models.recipes.danger --encoder …`.

The thresholds are chosen on messages whose writer the scoring model has not read (English) or on folds (other
languages): as many dangers as can be heard while at most MOST_FALSE of the hard negatives, and at most MOST_ROUTINE of
ordinary requests, raise an alarm.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from models.danger import ENGLISH, WEIGHTS, DangerModel, DangerWeights, Floats, Kernel
from models.datasets import default_data
from models.encoder import STUDENT, MiniLMEncoder, MultilingualEncoder
from models.features import TfidfFeatures, stacked
from triage.protocols import Encoder
from triage.types import Language, Vectors

GAMMA, PENALTY, WORDS_PENALTY, WORDS_SHARE = 1.0, 3.0, 10.0, 0.6
ROUTINE_WEIGHT, ROUTINE_SHARE = 1.0, 0.5  # of ordinary requests, which are many
MOST_FALSE, MOST_ROUTINE = 0.03, 0.03
FOLDS = 5

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message; `line` is None where nobody is in danger. `hard` ones were written for this question."""

    text: str
    line: str | None
    language: str
    writer: str
    hard: bool


def main(
    english: Annotated[Path, typer.Option("--encoder", help="The converted English encoder: TRIAGE_HOME/encoder/…")],
) -> None:
    """Train, write models/weights/danger and print what was held out."""
    messages = read_messages()
    encoder = MultilingualEncoder(MiniLMEncoder.load(english), MiniLMEncoder.load(STUDENT))
    vectors = encode(encoder, messages)
    is_english = np.array([message.language == ENGLISH for message in messages])
    print(f"{len(messages):,} messages, {int(is_english.sum()):,} English, encoder {encoder.version}", flush=True)
    thresholds, facts = held_out(messages, vectors, is_english)
    model = fit(messages, vectors, is_english, np.ones(len(messages), dtype=bool))
    digest = sha256("\n".join(f"{m.line}\t{m.text}" for m in messages).encode()).hexdigest()[:8]
    weights = replace(model[0], thresholds=thresholds)
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    facts |= {"data": digest, "messages": len(messages), "encoder": encoder.version}
    DangerModel(weights, model[1], version=f"danger-{digest}").save(WEIGHTS, facts)
    print(json.dumps(facts, indent=1))


def read_messages() -> list[Told]:
    """Return the messages written for this question, and ordinary requests; those that are urgent say neither."""
    found = [
        Told(text=row["text"], line=row["line"], language=row["language"], writer=row["writer"], hard=True)
        for row in _rows(default_data().parent / "safety")
    ]
    for row in _rows(default_data()):
        if row["urgency"] != "urgent":
            line = "911" if row["urgency"] == "emergency" else None
            found.append(Told(text=row["text"], line=line, language=row["language"], writer=row["writer"], hard=False))
    return found


def encode(encoder: Encoder, messages: Sequence[Told]) -> Vectors:
    """Return the messages' vectors, shape (n_messages, dim)."""
    languages = [Language(code=message.language, probability=1.0) for message in messages]
    return encoder.encode([message.text for message in messages], languages)


def fit(
    messages: Sequence[Told], vectors: Vectors, english: Bools, inside: Bools
) -> tuple[DangerWeights, TfidfFeatures]:
    """Fit both heads on the messages inside; the thresholds are 0."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    truth = np.array([message.line is not None for message in messages])
    texts = [message.text for message in messages]
    read = inside & english
    chosen: list[int] = np.flatnonzero(read).tolist()
    features = TfidfFeatures.fit([texts[i] for i in chosen], max_words=20_000, max_chars=30_000)
    rows = sparse.csr_matrix(stacked(features.row(texts[i]) for i in chosen), shape=(len(chosen), len(features)))
    words = LogisticRegression(C=WORDS_PENALTY, max_iter=300, class_weight="balanced", solver="liblinear")
    words.fit(rows, truth[chosen], sample_weight=_weights(messages)[chosen])
    dangers: list[int] = np.flatnonzero(inside & truth).tolist()
    crisis = LogisticRegression(C=10.0, max_iter=300, class_weight="balanced")
    crisis.fit(vectors[dangers], [messages[i].line == "988" for i in dangers])
    weights = DangerWeights(
        english=_kernel(messages, vectors, truth, read),
        foreign=_kernel(messages, vectors, truth, inside),
        words=words.coef_[0].astype(np.float32),
        words_bias=float(words.intercept_[0]),
        words_share=WORDS_SHARE,
        crisis=crisis.coef_[0].astype(np.float32),
        crisis_bias=float(crisis.intercept_[0]),
        thresholds=(0.0, 0.0),
    )
    return weights, features


def held_out(
    messages: Sequence[Told], vectors: Vectors, english: Bools
) -> tuple[tuple[float, float], dict[str, object]]:
    """Return the thresholds, and what they give on messages that the scoring model has not read."""
    scores: Floats = np.zeros(len(messages), dtype=np.float32)
    for number, outside in enumerate(_parts(messages, english), start=1):
        weights, features = fit(messages, vectors, english, ~outside)
        chosen: list[int] = np.flatnonzero(outside).tolist()
        model = DangerModel(weights, features, version="fold")
        languages = [Language(code=messages[i].language, probability=1.0) for i in chosen]
        scores[chosen] = model.scores([messages[i].text for i in chosen], vectors[chosen], languages)
        print(f"part {number} held out", flush=True)
    facts: dict[str, object] = {}
    thresholds = []
    for name, group in (("english", english), ("other", ~english)):
        hard = group & np.array([message.hard for message in messages])
        truth = np.array([message.line is not None for message in messages])
        threshold = max(
            _quantile(scores[hard & ~truth], MOST_FALSE), _quantile(scores[group & ~hard & ~truth], MOST_ROUTINE)
        )
        thresholds.append(threshold)
        facts[f"held_out_{name}"] = {
            "heard": round(float((scores[hard & truth] > threshold).mean()), 4),
            "false_alarms": round(float((scores[hard & ~truth] > threshold).mean()), 4),
            "routine_alarms": round(float((scores[group & ~hard & ~truth] > threshold).mean()), 4),
            "n": [int((hard & truth).sum()), int((hard & ~truth).sum()), int((group & ~hard & ~truth).sum())],
        }
    return (thresholds[0], thresholds[1]), facts


def _parts(messages: Sequence[Told], english: Bools) -> Iterator[Bools]:
    """Yield what is held out together: English by writer, the rest by chance; a fold of each at a time."""
    writers = sorted({message.writer for message, is_english in zip(messages, english, strict=True) if is_english})
    chance = np.random.default_rng(0).integers(FOLDS, size=len(messages))
    fold_of = {writer: number % FOLDS for number, writer in enumerate(writers)}
    folds = np.array(
        [
            fold_of[message.writer] if is_english else chance[i]
            for i, (message, is_english) in enumerate(zip(messages, english, strict=True))
        ]
    )
    yield from (folds == number for number in range(FOLDS))


def _kernel(messages: Sequence[Told], vectors: Vectors, truth: Bools, read: Bools) -> Kernel:
    from sklearn.svm import SVC

    drawn = np.random.default_rng(1).random(len(messages)) < ROUTINE_SHARE
    kept = np.flatnonzero(read & (truth | drawn | np.array([message.hard for message in messages])))
    machine = SVC(C=PENALTY, gamma=GAMMA, class_weight="balanced")
    machine.fit(vectors[kept], truth[kept], sample_weight=_weights(messages)[kept])
    return Kernel(
        vectors=machine.support_vectors_.astype(np.float32),
        weights=machine.dual_coef_[0].astype(np.float32),
        bias=float(machine.intercept_[0]),
        gamma=GAMMA,
    )


def _weights(messages: Sequence[Told]) -> Floats:
    return np.array([1.0 if message.hard else ROUTINE_WEIGHT for message in messages], dtype=np.float32)


def _quantile(scores: Floats, above: float) -> float:
    return float(np.quantile(scores, 1 - above))


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        yield from map(json.loads, path.read_text("utf-8").splitlines())


if __name__ == "__main__":
    typer.run(main)
