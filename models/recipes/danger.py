"""Trains the danger model on the project's own messages: `python -m models.recipes.danger --encoder … --work FOLDER`.

Run it again whenever an encoder's weights change: the ears listen to its token states. Every figure comes from
messages whose writer the scoring model has not read. A language's threshold is set where no more of its hard negatives
and of ordinary requests raise an alarm than `Limits` grants; half of the weight is its own messages', half all
languages', because some have few.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import typer

from models.danger import ANY_RULE, ENGLISH, WEIGHTS, DangerModel, DangerWeights, Floats, Weighing
from models.datasets import default_data
from models.ear import Ear
from models.encoder import STUDENT, MiniLMEncoder, MultilingualEncoder
from models.features import SparseRow, TfidfFeatures, stacked
from models.recipes.ears import Ints, Lesson, fit_ear, fit_mean_ear, hear, hear_means, read_states
from triage.safety import Tripwire
from triage.types import Language, SafetyHit

WORDS_PENALTY, WEIGHING_PENALTY = 3.0, 0.3
ROUTINE_WEIGHT, ROUTINE_SHARE = 0.8, 0.9  # of ordinary requests, which are many
FOLDS, SEEDS = 3, (0, 1)
EMERGENCY = "city.emergency"  # the type
SET_ASIDE = ("blind",)  # beginnings of the names of files that are measured on, and never read here
# What the rules were written by; read where the recipe is run from a checkout.
DEVELOPMENT = tuple(Path("tests") / "data" / "safety" / name for name in ("dev.tsv", "plain.tsv"))
RULES_OWN, DEVELOPERS = "rules", "dev"  # writers whose messages the rules were written for

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message; `line` is None where nobody is in danger. `hard` ones were written for this question."""

    text: str
    line: str | None
    language: str
    writer: str
    hard: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a side may raise false alarms on, and how much ordinary requests count where its parts are weighed.

    Attributes:
        most_false: Share of hard negatives.
        most_routine: Share of ordinary requests.
        routine_weight: Of one of them beside a message that was written for this question.
    """

    most_false: float
    most_routine: float
    routine_weight: float


# Other languages have rules that hear most of what is told plainly; their learned part adds what is told otherwise.
ENGLISH_LIMITS = Limits(most_false=0.04, most_routine=0.08, routine_weight=0.8)
FOREIGN_LIMITS = Limits(most_false=0.05, most_routine=0.06, routine_weight=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What was fitted for one encoder, with the messages that its thresholds are set on, and their held-out logits."""

    limits: Limits
    messages: Sequence[Told]
    heard: Floats
    said: Floats
    ear: Ear


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
    teacher, student = MiniLMEncoder.load(english), MiniLMEncoder.load(STUDENT)
    fitted = {
        "english": english_side(teacher, messages, rows, len(features), work),
        "foreign": foreign_side(teacher, student, messages, rows, len(features)),
    }
    weighings, thresholds, facts = list[Weighing](), dict[str, float](), dict[str, object]()
    for name, side in fitted.items():
        judge = Judge(side, hits)
        weighings.append(judge.weighing())
        thresholds |= judge.thresholds(weighings[-1])
        facts[f"held_out_{name}"] = judge.facts(weighings[-1], thresholds)
        print(json.dumps(facts[f"held_out_{name}"]), flush=True)
    everything = np.ones(len(messages), dtype=bool)
    coefficients, bias = fit_words(messages, [rows[message.text] for message in messages], len(features), everything)
    weights = DangerWeights(
        words=coefficients, words_bias=bias, english=weighings[0], foreign=weighings[1], thresholds=thresholds
    )
    digest = _digest(messages)
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    facts |= {"data": digest, "messages": len(messages)}
    ears = [side.ear for side in fitted.values()]
    DangerModel(weights, features, version=f"danger-{digest}").save(WEIGHTS, ears, facts)


def read_messages() -> list[Told]:
    """Return the messages written for this question, the rules' own, and ordinary requests that are not urgent."""
    found = [
        Told(text=row["text"], line=row["line"], language=row["language"], writer=row["writer"], hard=True)
        for row in _rows(default_data().parent / "safety")
    ]
    found += [
        Told(text=row["english"], line=row["line"], language=ENGLISH, writer=f"english of {row['writer']}", hard=True)
        for row in _rows(default_data().parent / "safety")
        if "english" in row
    ]
    found += [*_examples_of_rules(), *_development()]
    rng = np.random.default_rng(1)
    for row in _rows(default_data()):
        # What is as urgent as an emergency without being one (a burst main) is no lesson in either.
        is_danger = row["label"] == EMERGENCY
        if (is_danger or row["urgency"] not in {"urgent", "emergency"}) and rng.random() < ROUTINE_SHARE:
            line = "911" if is_danger else None
            found.append(Told(text=row["text"], line=line, language=row["language"], writer=row["writer"], hard=False))
    return list({message.text: message for message in found}.values())


def english_side(
    encoder: MiniLMEncoder, messages: Sequence[Told], rows: Mapping[str, SparseRow], n_features: int, work: Path
) -> Side:
    """Fit the English ear on token states, and score each judged message by parts that have not read its writer.

    It takes minutes, and stands until messages or encoder change: the result is kept in the work folder.
    """
    chosen = [m for m in messages if m.language == ENGLISH]
    judged = np.array([_is_residents(m) for m in chosen])
    kept = work / f"english-{encoder.version}-{_digest(chosen)}.npz"
    if not kept.exists():
        states = read_states(encoder, [m.text for m in chosen])
        print(f"{len(chosen):,} English messages, {len(states.rows):,} tokens", flush=True)
        lesson = _lesson(chosen)

        def scored(inside: Ints, outside: Ints) -> Floats:
            return hear(fit_ear(states, lesson, inside, "fold", seeds=SEEDS[:1]), states, outside)[:, 0]

        heard, said = _held_out(chosen, judged, scored, [rows[m.text] for m in chosen], n_features)
        ear = fit_ear(states, lesson, np.arange(len(chosen)), encoder.version, seeds=SEEDS)
        arrays: dict[str, Any] = {"heard": heard[judged], "said": said[judged], **ear.arrays("ear")}
        np.savez(kept, **arrays)
    with np.load(kept) as stored:
        return Side(
            limits=ENGLISH_LIMITS,
            messages=[m for m, is_judged in zip(chosen, judged, strict=True) if is_judged],
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
    judged = np.array([m.language != ENGLISH and _is_residents(m) for m in messages])
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


class Judge:
    """Sets weights and thresholds by what was held out."""

    def __init__(self, side: Side, hits: Mapping[str, Sequence[SafetyHit]]) -> None:
        self._limits = side.limits
        self._messages, self._heard, self._said = side.messages, side.heard, side.said
        self._hits = [hits[m.text] for m in self._messages]
        self._truth = np.array([m.line is not None for m in self._messages])
        self._hard = np.array([m.hard for m in self._messages])

    def weighing(self) -> Weighing:
        """Fit how ear, words and rules are weighed, on what was held out from the first two."""
        from sklearn.linear_model import LogisticRegression

        names = sorted({hit.rule for some in self._hits for hit in some if hit.line is not None})
        found = np.array([[float(any(hit.rule == name for hit in some)) for name in names] for some in self._hits])
        known = np.column_stack([self._heard, self._said, found.any(axis=1), found])
        weight = np.where(self._hard, 1.0, self._limits.routine_weight)
        model = LogisticRegression(C=WEIGHING_PENALTY, max_iter=2_000).fit(known, self._truth, sample_weight=weight)
        ear, words, any_rule, *rules = (float(value) for value in model.coef_[0])
        return Weighing(
            bias=float(model.intercept_[0]),
            ear=ear,
            words=words,
            rules={ANY_RULE: any_rule, **dict(zip(names, rules, strict=True))},
        )

    def scores(self, weighing: Weighing) -> Floats:
        """Return the logit of each judged message."""
        return np.array(
            [
                weighing.score(heard, said, hits)
                for heard, said, hits in zip(self._heard, self._said, self._hits, strict=True)
            ],
            dtype=np.float32,
        )

    def thresholds(self, weighing: Weighing) -> dict[str, float]:
        """Return a threshold for each language; "" stands for every other one."""
        scores, codes = self.scores(weighing), np.array([message.language for message in self._messages])
        harmless, routine = self._hard & ~self._truth, ~self._hard & ~self._truth
        general = max(
            _quantile(scores[harmless], self._limits.most_false), _quantile(scores[routine], self._limits.most_routine)
        )
        found = {} if ENGLISH in codes else {"": general}
        for code in sorted(set(codes)):
            own = codes == code
            hard = _quantile_of_both(scores[harmless & own], scores[harmless], self._limits.most_false)
            easy = _quantile_of_both(scores[routine & own], scores[routine], self._limits.most_routine)
            found[str(code)] = max(hard, easy)
        return {code: round(threshold, 4) for code, threshold in found.items()}

    def facts(self, weighing: Weighing, thresholds: dict[str, float]) -> dict[str, object]:
        """Return what is heard at the thresholds, and together with the rules that are sure, by language."""
        codes = np.array([message.language for message in self._messages])
        limits = np.array([thresholds.get(code, thresholds.get("", 0.0)) for code in codes])
        sure = np.array([any(hit.sure and hit.line for hit in some) for some in self._hits])
        alarm = (self.scores(weighing) > limits) | sure
        return {
            str(code): {
                "heard": _share(alarm[own & self._hard & self._truth]),
                "false_alarms": _share(alarm[own & self._hard & ~self._truth]),
                "routine_alarms": _share(alarm[own & ~self._hard & ~self._truth]),
            }
            for code in ("all", *sorted(set(codes)))
            for own in [(codes == code) | (code == "all")]
        }


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


def _is_residents(message: Told) -> bool:
    return message.writer not in {RULES_OWN, DEVELOPERS} and not message.writer.startswith("english of")


def _examples_of_rules() -> Iterator[Told]:
    for rule in Tripwire.load().rules:
        for line, texts in ((rule.line, rule.hits), (None, rule.passes)):
            if rule.line is not None:
                for text in texts:
                    language = ENGLISH if text.isascii() else "und"
                    yield Told(text=text, line=line, language=language, writer=RULES_OWN, hard=True)


def _development() -> Iterator[Told]:
    checkout = Path(str(files("models"))).parent
    rows = [row for path in DEVELOPMENT for row in (checkout / path).read_text("utf-8").splitlines()]
    for row in rows:
        if row.strip() and not row.startswith("#"):
            text, line, note = row.split("\t")[:3]
            code = note.split()[0]
            language = "zh-Hans" if code == "zh" else code
            yield Told(text=text, line=None if line == "-" else line, language=language, writer=DEVELOPERS, hard=True)


def _quantile(scores: Floats, above: float) -> float:
    return float(np.quantile(scores, 1 - above)) if len(scores) else 0.0


def _quantile_of_both(own: Floats, everyone: Floats, above: float) -> float:
    """Return the quantile of one language's scores and of all, both weighing the same."""
    if not len(own):
        return _quantile(everyone, above)
    return _quantile(np.concatenate([np.repeat(own, max(1, round(len(everyone) / len(own)))), everyone]), above)


def _share(alarms: Bools) -> list[float]:
    return [round(float(alarms.mean()), 4), len(alarms)] if len(alarms) else [0.0, 0]


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted(folder.glob("*.jsonl")):
        if not path.name.startswith(SET_ASIDE):
            yield from map(json.loads, path.read_text("utf-8").splitlines())


if __name__ == "__main__":
    typer.run(main)
