"""Trains the danger model on the project's own messages: `python -m models.recipes.danger --encoder … --work FOLDER`.

Run it again whenever an encoder's weights change: the ears listen to its token states. Every figure comes from
messages whose writer the scoring model has not read. A language's threshold is set where no more of its hard negatives
and of ordinary requests raise an alarm than `Limits` grants; half of the weight is its own messages', half all
languages', because some have few. The networks take an hour on two cores; they stand in the work folder, and need no
training where only an encoder changed.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Annotated, Any

import numpy as np
import torch
import typer

from models.danger import ENGLISH, WEIGHTS, DangerModel, DangerWeights, Floats, Verdict, Weighing, load_networks
from models.ear import Ear
from models.encoder import STUDENT, MiniLMEncoder, MultilingualEncoder
from models.features import SparseRow, TfidfFeatures, stacked
from models.recipes.danger_judging import Bools, Judge, Limits, Side
from models.recipes.danger_messages import ENGLISH_OF, Told, is_residents, read_messages
from models.recipes.danger_network import READ, Beginning, fit_network
from models.recipes.ears import Ints, Lesson, fit_ear, fit_mean_ear, hear, hear_means, read_states
from triage.safety import Tripwire
from triage.types import Language

WORDS_PENALTY = 3.0
ROUTINE_WEIGHT = 0.8
AGAIN_ROUTINE_SHARE = 0.3  # of ordinary requests: what a network learns from
FOLDS, SEEDS = 3, (0, 1)

# Other languages have rules that hear most of what is told plainly; their learned part adds what is told otherwise.
ENGLISH_LIMITS = Limits(most_false=0.045, most_routine=0.05, routine_weight=0.8)
FOREIGN_LIMITS = Limits(most_false=0.05, most_routine=0.05, routine_weight=0.5, fresh_only=True)


def main(
    english: Annotated[Path, typer.Option("--encoder", help="The converted English encoder: TRIAGE_HOME/encoder/…")],
    work: Annotated[Path, typer.Option(help="Folder of what is fitted: what stands there is not fitted again.")],
    threads: Annotated[int, typer.Option(help="Processor cores.")] = 2,
) -> None:
    """Train, write models/weights/danger and print what was held out."""
    torch.set_num_threads(threads)
    work.mkdir(parents=True, exist_ok=True)
    messages = read_messages()
    tripwire = Tripwire.load()
    hits = {message.text: tripwire.check(message.text) for message in messages}
    features = TfidfFeatures.fit([message.text for message in messages], max_words=20_000, max_chars=30_000)
    rows = {message.text: features.row(message.text) for message in messages}
    print(f"{len(messages):,} messages", flush=True)
    in_english = [message for message in messages if message.language == ENGLISH]
    as_written = [message for message in messages if not message.writer.startswith(ENGLISH_OF)]
    networks = {
        "english": fit_networks("english", Beginning.english, in_english, work),
        "foreign": fit_networks("foreign", Beginning.multilingual, as_written, work),
    }
    teacher, student = MiniLMEncoder.load(english), MiniLMEncoder.load(STUDENT)
    sides = {
        "english": english_side(teacher, in_english, rows, len(features), work),
        "foreign": foreign_side(teacher, student, messages, rows, len(features)),
    }
    weighings, verdicts = dict[str, Weighing](), dict[str, Verdict]()
    thresholds, facts = dict[str, float](), dict[str, object]()
    for name, side in sides.items():
        judge = Judge(side, hits)
        weighings[name] = judge.weighing()
        last = judge.of_what_is_read_again(weighings[name], networks[name][0])
        verdicts[name] = last.verdict()
        thresholds |= last.thresholds(verdicts[name])
        facts[f"held_out_{name}"] = last.facts(verdicts[name], thresholds)
        print(json.dumps(facts[f"held_out_{name}"]), flush=True)
    everything = np.ones(len(messages), dtype=bool)
    coefficients, bias = fit_words(messages, [rows[message.text] for message in messages], len(features), everything)
    weights = DangerWeights(
        words=coefficients, words_bias=bias, weighing=weighings, verdict=verdicts, thresholds=thresholds
    )
    digest = _digest(messages)
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    facts |= {"data": digest, "messages": len(messages)}
    for name, (_, shipped) in networks.items():
        copytree(shipped, WEIGHTS / name, ignore=ignore_patterns(READ), dirs_exist_ok=True)
    ears = [side.ear for side in sides.values()]
    DangerModel(weights, features, load_networks(), version=f"danger-{digest}").save(WEIGHTS, ears, facts)


def fit_networks(name: str, begin: Callable[[], Beginning], messages: Sequence[Told], work: Path) -> tuple[Path, Path]:
    """Fit what reads again: one that has not read a third of the writers, to be judged by, and the one that ships.

    Each takes ten to twenty minutes, and stands in the work folder until it is deleted there.
    """
    rng = np.random.default_rng(2)
    judged = np.array([is_residents(m) for m in messages])
    enough = np.array([m.hard or rng.random() < AGAIN_ROUTINE_SHARE for m in messages])
    *_, outside = _parts(messages, judged)
    held_out, shipped = work / f"{name}-held-out", work / name
    texts, writers, lesson = [m.text for m in messages], [m.writer for m in messages], _lesson(messages)
    for out, chosen in ((held_out, enough & ~outside), (shipped, enough)):
        if not out.exists():
            print(f"{out.name}: {chosen.sum():,} messages", flush=True)
            fit_network(begin(), texts, writers, lesson, np.flatnonzero(chosen), out)
    return held_out, shipped


def english_side(
    encoder: MiniLMEncoder, messages: Sequence[Told], rows: Mapping[str, SparseRow], n_features: int, work: Path
) -> Side:
    """Fit the English ear on token states, and score each judged message by parts that have not read its writer.

    It takes minutes, and stands until messages or encoder change: the result is kept in the work folder.
    """
    judged = np.array([is_residents(m) for m in messages])
    kept = work / f"english-{encoder.version}-{_digest(messages)}.npz"
    if not kept.exists():
        states = read_states(encoder, [m.text for m in messages])
        print(f"{len(messages):,} English messages, {len(states.rows):,} tokens", flush=True)
        lesson = _lesson(messages)

        def scored(inside: Ints, outside: Ints) -> Floats:
            return hear(fit_ear(states, lesson, inside, "fold", seeds=SEEDS[:1]), states, outside)[:, 0]

        heard, said = _held_out(messages, judged, scored, [rows[m.text] for m in messages], n_features)
        ear = fit_ear(states, lesson, np.arange(len(messages)), encoder.version, seeds=SEEDS)
        arrays: dict[str, Any] = {"heard": heard[judged], "said": said[judged], **ear.arrays("ear")}
        np.savez(kept, **arrays)
    with np.load(kept) as stored:
        return Side(
            limits=ENGLISH_LIMITS,
            messages=[m for m, is_judged in zip(messages, judged, strict=True) if is_judged],
            heard=stored["heard"],
            said=stored["said"],
            ear=Ear.from_arrays("ear", stored, encoder.version),
        )


def foreign_side(
    teacher: MiniLMEncoder,
    student: MiniLMEncoder,
    messages: Sequence[Told],
    rows: Mapping[str, SparseRow],
    n_features: int,
) -> Side:
    """Fit the ear of all other languages on sentence vectors, English among them: they share one space."""
    judged = np.array([m.language != ENGLISH and is_residents(m) for m in messages])
    languages = [Language(code=m.language, probability=1.0) for m in messages]
    means = MultilingualEncoder(teacher, student).encode([m.text for m in messages], languages)
    lesson = _lesson(messages)

    def scored(inside: Ints, outside: Ints) -> Floats:
        return hear_means(fit_mean_ear(means, lesson, inside, "fold", seeds=SEEDS), means[outside])[:, 0]

    heard, said = _held_out(messages, judged, scored, [rows[m.text] for m in messages], n_features)
    return Side(
        limits=FOREIGN_LIMITS,
        messages=[m for m, is_judged in zip(messages, judged, strict=True) if is_judged],
        heard=heard[judged],
        said=said[judged],
        ear=fit_mean_ear(means, lesson, np.arange(len(messages)), student.version, seeds=SEEDS),
    )


def _lesson(messages: Sequence[Told]) -> Lesson:
    return Lesson(
        danger=np.array([m.line is not None for m in messages], dtype=np.float32),
        crisis=np.array([m.line == "988" for m in messages], dtype=np.float32),
        weight=np.array([1.0 if m.hard else ROUTINE_WEIGHT for m in messages], dtype=np.float32),
    )


def _held_out(
    messages: Sequence[Told],
    judged: Bools,
    scored: Callable[[Ints, Ints], Floats],
    rows: Sequence[SparseRow],
    n_features: int,
) -> tuple[Floats, Floats]:
    """Return the logits of ear and words for each judged message, by parts that have not read its writer."""
    heard, said = np.zeros(len(judged), np.float32), np.zeros(len(judged), np.float32)
    for outside in _parts(messages, judged):
        chosen = np.flatnonzero(outside)
        coefficients, bias = fit_words(messages, rows, n_features, ~outside)
        heard[chosen] = scored(np.flatnonzero(~outside), chosen)
        said[chosen] = [rows[at].weights @ coefficients[rows[at].indices] + bias for at in chosen.tolist()]
        print("held out", len(chosen), flush=True)
    return heard, said


def fit_words(
    messages: Sequence[Told], rows: Sequence[SparseRow], n_features: int, inside: Bools
) -> tuple[Floats, float]:
    """Fit the words' weights on the messages inside."""
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    chosen: list[int] = np.flatnonzero(inside).tolist()
    matrix = sparse.csr_matrix(stacked(rows[at] for at in chosen), shape=(len(chosen), n_features))
    weight = [1.0 if messages[at].hard else ROUTINE_WEIGHT for at in chosen]
    model = LogisticRegression(C=WORDS_PENALTY, max_iter=300, solver="liblinear")
    model.fit(matrix, [messages[at].line is not None for at in chosen], sample_weight=weight)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def _parts(messages: Sequence[Told], judged: Bools) -> Iterator[Bools]:
    """Yield what is held out together: all judged messages of every third writer."""
    writers = sorted({m.writer for m, is_judged in zip(messages, judged, strict=True) if is_judged})
    fold_of = {writer: number % FOLDS for number, writer in enumerate(writers)}
    folds = np.array([fold_of.get(m.writer, -1) for m in messages])
    yield from (folds == number for number in range(FOLDS))


def _digest(messages: Sequence[Told]) -> str:
    return sha256("\n".join(f"{message.line}\t{message.text}" for message in messages).encode()).hexdigest()[:8]


if __name__ == "__main__":
    typer.run(main)
