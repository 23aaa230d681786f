"""Which classifier to ship: the recipes side by side, on messages of writers none of them has seen and on BANKING77.

Run `python -m benchmarks.classifiers [--finetune] [--rows N]` (two minutes; with --finetune half an hour on two cores);
TRIAGE_DATA_DIR must name the folder with intents/. `--rows` learns from N drawn messages only, to see that it runs.
"Beyond the encoder" counts what comes on top of the vector that the service has anyway: a tuned encoder reads again.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.intents import read_banking
from models.classifiers import LinearClassifier, softmax
from models.datasets import Example, default_data, digest_of, read_examples
from models.finetuning import Tuner, cost_of
from models.fitting import DEFAULT, Recipe, embed, fit
from models.splitting import Split, parts_of
from triage.protocols import Encoder
from triage.types import Vectors
from wiring import Settings, load_encoder

HELD_OUT = 4  # a quarter of the writers
PROTOTYPES = replace(DEFAULT, prototypes=4.0)
TUNED_WEIGHT = 2.0  # of a vector that knows the labels
TIMED = 300  # messages
Chances = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is learned from and what is measured on; every label of the second stands in the first."""

    name: str
    train: tuple[Example, ...]
    test: tuple[Example, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """In alphabetical order."""
        return tuple(sorted({example.label for example in self.train}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A classifier as measured.

    Attributes:
        name: Of the line.
        chances: Probabilities of the test messages, shape (n_test, n_labels).
        ms: Milliseconds a message beyond the service's encoder, one message at a time, the median.
        mb: Its files in 10^6 bytes, as `triage model train` writes them.
    """

    name: str
    chances: Chances
    ms: float
    mb: float


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    settings = Settings.from_env()
    if settings.data is None:
        sys.exit("TRIAGE_DATA_DIR is not set: it must name the folder that holds intents/")
    banking = read_banking(settings.data / "intents")
    encoder = load_encoder(settings)
    for task in (own_messages(), Task(name="BANKING77, official test", train=banking.train, test=banking.test)):
        task = smaller(task, asked.rows) if asked.rows else task
        print(f"{task.name}, data #{digest_of([*task.train, *task.test])}: {len(task.train)} messages, ", end="")
        print(f"{len(task.test)} held out, encoder {encoder.version}\n")
        print("| | accuracy | top-3 | ms a message beyond the encoder | MB |\n|---|---|---|---|---|")
        for contender in contenders(task, encoder, Tuner() if asked.finetune else None):
            print(row(contender, task), flush=True)
        print()


def own_messages() -> Task:
    """Return the project's English messages, a quarter of the writers held out, near-duplicates of the others not."""
    examples = [example for example in read_examples(default_data()) if example.language == "en"]
    parts = parts_of(examples, HELD_OUT, 0, Split.GROUPED)
    inside, outside = (tuple(examples[at] for at in np.flatnonzero(part[0])) for part in (parts.inside, parts.outside))
    return Task(name=f"The project's English messages, {parts.kind}, the first", train=inside, test=outside)


def smaller(task: Task, rows: int) -> Task:
    """Return the task with so many messages to learn from, drawn, and the test messages of their labels."""
    drawn = np.random.default_rng(0).permutation(len(task.train))[:rows]
    train = tuple(task.train[at] for at in np.sort(drawn))
    labels = {example.label for example in train}
    return replace(task, train=train, test=tuple(each for each in task.test if each.label in labels)[:rows])


def contenders(task: Task, encoder: Encoder, tuner: Tuner | None) -> list[Contender]:
    """Return the classifiers, measured; those with a tuned encoder where there is a tuner."""
    vectors = embed([*task.train, *task.test], encoder, _quiet)
    shipped = measured("vector + TF-IDF (shipped)", task, vectors, DEFAULT)
    found = [shipped, measured("class prototypes + linear", task, vectors, PROTOTYPES)]
    if tuner:
        tuned = with_tuned_encoder(task, tuner)
        found += [tuned, ensemble("fine-tuned and shipped, mean of log probabilities", tuned, shipped)]
    return found


def measured(name: str, task: Task, vectors: Vectors, recipe: Recipe) -> Contender:
    """Fit a recipe and measure it; `vectors` are of what is learned from, then of what is tested, shape (n, dim)."""
    n = len(task.train)
    numbers = {label: number for number, label in enumerate(task.labels)}
    truth = np.array([numbers[example.label] for example in task.train])
    texts = [example.text for example in task.train]
    weights, features = fit(texts, vectors[:n], truth, task.labels, recipe.vector_weights[0], recipe)
    model = LinearClassifier(replace(weights, temperature=recipe.temperature or 1.0), features, version=name)
    scores = model.scores([features.row(example.text) for example in task.test], vectors[n:])
    return Contender(
        name=name,
        chances=softmax(scores / np.float32(model.weights.temperature)),
        ms=_median_ms(lambda at: model.classify([task.test[at].text], vectors[n + at : n + at + 1]), len(task.test)),
        mb=_size_mb(model),
    )


def with_tuned_encoder(task: Task, tuner: Tuner) -> Contender:
    """Fine-tune on what is learned from, then fit the shipped recipe on the new vectors."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "encoder"
        encoder = tuner.tune(task.train, folder, _told)
        cost = cost_of(encoder, folder, task.test)
    vectors = embed([*task.train, *task.test], encoder, _quiet)
    found = measured("fine-tuned encoder + linear", task, vectors, replace(DEFAULT, vector_weights=(TUNED_WEIGHT,)))
    return replace(found, ms=found.ms + cost["ms"], mb=found.mb + cost["mb"])


def ensemble(name: str, *members: Contender) -> Contender:
    """Return the members' mean of log probabilities, with the cost of all."""
    logs = np.mean([np.log(np.maximum(member.chances, 1e-12)) for member in members], axis=0)
    return Contender(
        name=name,
        chances=softmax(logs.astype(np.float32)),
        ms=sum(member.ms for member in members),
        mb=sum(member.mb for member in members),
    )


def row(contender: Contender, task: Task) -> str:
    """Return one line of the table."""
    order = np.argsort(-contender.chances, axis=1, kind="stable")[:, :3]
    hits = np.array(
        [[task.labels[at] == each.label for at in best] for best, each in zip(order, task.test, strict=True)]
    )
    accuracy, top3 = hits[:, 0].mean(), hits.any(axis=1).mean()
    return f"| {contender.name} | {accuracy:.4f} | {top3:.4f} | {contender.ms:.2f} | {contender.mb:.1f} |"


def _median_ms(classify: Callable[[int], object], n: int) -> float:
    taken = []
    for at in range(min(n, TIMED)):
        began = time.perf_counter()
        classify(at)
        taken.append(time.perf_counter() - began)
    return 1000 * float(np.median(taken))


def _size_mb(model: LinearClassifier) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        model.save(Path(scratch))
        return sum(path.stat().st_size for path in Path(scratch).iterdir()) / 1e6


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finetune", action="store_true", help="measure a tuned encoder too")
    parser.add_argument("--rows", type=int, help="learn from so many messages only")
    return parser.parse_args()


def _quiet(what: str, done: int, total: int) -> None:
    """Report nothing."""


def _told(what: str, done: int, total: int) -> None:
    if done % 20 == 0:
        print(f"{what} {done} of {total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
