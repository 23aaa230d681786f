"""How often the default classifier is right: a fifth of the writers held out at a time, a blind test, a real city.

Run `python -m benchmarks.accuracy` (about four minutes). The last table needs TRIAGE_DATA_DIR.
"""

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.calibration import expected_calibration_error
from models.classifiers import LinearClassifier, calibrated, softmax
from models.datasets import Example, default_data, digest_of, read_examples
from models.fitting import DEFAULT, embed, fit
from triage.protocols import Encoder
from triage.types import Vectors
from wiring import Built, Settings, load_encoder

BLIND = Path(__file__).parent / "data" / "messages.jsonl"
BOOTSTRAPS = 1_000
FOLDS = 5

# Types of New Haven's requests in 2014, and the codes that a careful agent would accept for them.
NEW_HAVEN = {
    "pothole_road_surface": "streets.pothole streets.sinkhole streets.snow",
    "tree_maintenance": "trees.trimming trees.hazard",
    "trash_recycling_collection": "waste.missed waste.cart waste.bulky waste.recycling_info waste.litter",
    "storm_drain_sewer_flood": "streets.flooding water.sewer water.leak water.main_break streets.sinkhole",
    "illegal_dumping": "waste.dumping code.property",
    "sidewalk_curb": "streets.sidewalk streets.obstruction streets.snow",
    "policing_public_safety": "police.report police.suspicious police.traffic police.records",
    "private_property_code": "code.property code.housing code.construction code.vacant code.zoning",
    "parks_recreation_facility": "parks.maintenance parks.reservation parks.programs",
    "traffic_signal": "streets.traffic_signal",
    "traffic_sign_marking": "streets.sign streets.marking",
    "traffic_safety_calming": "police.traffic streets.marking",
    "parking_violation": "parking.violation parking.abandoned parking.permit",
    "street_light": "streets.streetlight",
    "litter_street_cleaning": "waste.litter streets.sweeping",
    "parking_meter": "parking.meter",
    "health_environment_odor": "health.odor health.vector health.food",
    "snow_ice": "streets.snow",
    "noise": "code.noise",
    "graffiti": "code.graffiti",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A labelled message with what it is grouped by; `right` are the codes that count."""

    example: Example
    right: frozenset[str]
    style: str
    channel: str


def main() -> None:
    """Measure and print."""
    settings = Settings.from_env()
    encoder = load_encoder(settings)
    rows = read_rows(default_data())
    vectors = embed([row.example for row in rows], encoder, lambda *_: None)
    print(f"data #{digest_of([row.example for row in rows])}, {len(rows)} messages, encoder {encoder.version}\n")
    print("Each writer held out, with a fifth of the others\n")
    print_header()
    writers = sorted({row.example.group for row in rows})
    for number in range(FOLDS):
        together = writers[number::FOLDS]
        outside = np.array([row.example.group in together for row in rows])
        theirs, scores, labels = held_out(rows, vectors, outside)
        for writer in together:
            own = [at for at, row in enumerate(theirs) if row.example.group == writer]
            print_row(writer, [theirs[at] for at in own], scores[own], labels)
    model = LinearClassifier.load(Built(settings).classifier)
    print(f"\nBlind test by another writer, model {model.version}\n")
    print_header()
    blind = read_rows(BLIND)
    chances = probabilities(model, blind, encoder)
    for name, chosen in groups(blind):
        print_row(name, [blind[i] for i in chosen], chances[chosen], model.labels)
    if settings.data is None:
        print("\nTRIAGE_DATA_DIR is not set: it must name the folder that holds city311/dev.jsonl.gz")
    else:
        real = read_new_haven(settings.data / "city311" / "dev.jsonl.gz")
        print("\nNew Haven's requests of May 2014; a perfect reader of their labels scores .85 to .89\n")
        print_header()
        print_row("all", real, probabilities(model, real, encoder), model.labels)


def read_rows(path: Path) -> list[Row]:
    """Return the messages of a file or folder with their groups."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    raw = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    examples = read_examples(path)
    return [
        Row(example=example, right=frozenset({example.label}), style=each["style"], channel=each["channel"])
        for example, each in zip(examples, raw, strict=True)
    ]


def read_new_haven(path: Path) -> list[Row]:
    """Return a real city's requests whose type has a counterpart here, with all codes that count as right."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        raw = [json.loads(line) for line in lines]
    return [
        Row(
            example=Example(text=each["text"], label=each["type"]),
            right=frozenset(
                code for kind in (each["type"], *each["accept"]) for code in NEW_HAVEN.get(kind, "").split()
            ),
            style="",
            channel=each["author"],
        )
        for each in raw
        if each["type"] in NEW_HAVEN
    ]


def held_out(
    rows: Sequence[Row], vectors: Vectors, outside: npt.NDArray[np.bool_]
) -> tuple[list[Row], npt.NDArray[np.float32], tuple[str, ...]]:
    """Return the rows outside, their probabilities by a model of the others, and its labels."""
    labels = tuple(sorted({row.example.label for row in rows}))
    truth = np.array([labels.index(row.example.label) for row in rows])
    texts = [row.example.text for row, is_outside in zip(rows, outside, strict=True) if not is_outside]
    weights, features = fit(texts, vectors[~outside], truth[~outside], labels, DEFAULT.vector_weights[0], DEFAULT)
    model = LinearClassifier(weights, features, version="held-out")
    chosen = [row for row, is_outside in zip(rows, outside, strict=True) if is_outside]
    scores = model.scores([features.row(row.example.text) for row in chosen], vectors[outside])
    return chosen, softmax(scores / np.float32(DEFAULT.temperature or 1)), labels


def probabilities(model: LinearClassifier, rows: Sequence[Row], encoder: Encoder) -> npt.NDArray[np.float32]:
    """Return the probability of each label, shape (n_rows, n_labels)."""
    vectors = embed([row.example for row in rows], encoder, lambda *_: None)
    return calibrated(model.scores([model.features.row(row.example.text) for row in rows], vectors), model.weights)


def groups(rows: Sequence[Row]) -> Iterable[tuple[str, list[int]]]:
    """Yield all rows, then those of each style and of each channel, as numbers."""
    yield "all", list(range(len(rows)))
    for name in sorted({row.style for row in rows}):
        yield name, [i for i, row in enumerate(rows) if row.style == name]
    for name in sorted({row.channel for row in rows}):
        yield name, [i for i, row in enumerate(rows) if row.channel == name]


def print_header() -> None:
    """Print the head of a table."""
    print("| | n | top-1 | ± | top-3 | calibration error |\n|---|---|---|---|---|---|")


def print_row(name: str, rows: Sequence[Row], chances: npt.NDArray[np.float32], labels: Sequence[str]) -> None:
    """Print one line: the bootstrap's 95 % half width stands beside top-1."""
    order = np.argsort(-chances, axis=1, kind="stable")
    hits = np.array([labels[best[0]] in row.right for row, best in zip(rows, order, strict=True)])
    top3 = np.mean([bool(row.right & {labels[i] for i in best[:3]}) for row, best in zip(rows, order, strict=True)])
    draws = np.random.default_rng(0).choice(hits, size=(BOOTSTRAPS, len(hits))).mean(axis=1)
    half = (np.quantile(draws, 0.975) - np.quantile(draws, 0.025)) / 2
    ece = expected_calibration_error(chances.max(axis=1), hits)
    print(f"| {name} | {len(rows)} | {hits.mean():.3f} | {half:.3f} | {top3:.3f} | {ece:.3f} |")


if __name__ == "__main__":
    main()
