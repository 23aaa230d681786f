"""Whether a message is understood in its own language: sentences beside their English, service types, parity.

Run `python -m benchmarks.multilingual`; the first table needs TRIAGE_DATA_DIR. Nothing that is measured here was
trained on: parallel/dev is held out of the parallel text, the messages were written by people who wrote no training
message.
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.classifiers import LinearClassifier, calibrated
from models.parity import measure, read_requests, table
from models.recipes.pairs import held_out
from triage.bounds import wilson
from triage.protocols import Encoder
from triage.types import Language
from wiring import Built, Settings, build_pipeline, load_encoder

DATA = Path(__file__).parent / "data"
LANGUAGES = ("es", "pt", "fr", "ru", "uk", "zh", "vi", "ko", "ar", "tl", "fa", "ht", "hmn", "so")
SOURCES = ("tatoeba", "massive", "massive-hans", "massive-hant", "civic")
MESSAGES = ("es", "zh", "yue", "vi", "ru", "uk", "ko", "tl", "ar", "fa", "pt", "fr", "ht", "hmn", "so")
TOP = 3


def main() -> None:
    """Measure and print."""
    settings = Settings.from_env()
    encoder = load_encoder(settings)
    print(f"encoder {encoder.version}\n")
    if settings.data is None:
        print("TRIAGE_DATA_DIR is not set: it must name the folder that holds parallel/dev\n")
    else:
        print_found_first(encoder, settings.data / "parallel")
    print_service_types(encoder, LinearClassifier.load(Built(settings).classifier))
    print("\nThe same requests in many languages, with the whole service (`triage model parity`)\n")
    print(table(measure(read_requests(DATA / "parity.jsonl"), build_pipeline(settings).triage_batch)))


def print_found_first(encoder: Encoder, parallel: Path) -> None:
    """Print how often a sentence's own English is the nearest of all English sentences of its file."""
    print(
        "Right English sentence found first, parallel/dev\n\n| language | source | n | found first |\n|---|---|---|---|"
    )
    for code in LANGUAGES:
        for source in SOURCES:
            pairs = held_out(parallel, code, source)
            if pairs:
                found = found_first(encoder, [p.text for p in pairs], [p.english for p in pairs], code)
                print(f"| {code} | {source} | {len(pairs)} | {100 * found:.1f} % |", flush=True)


def found_first(encoder: Encoder, texts: list[str], english: list[str], code: str) -> float:
    """Return the share of texts whose English, or one worded the same, is nearest."""
    known = encoder.encode(english, [Language(code="en", probability=1.0)] * len(english))
    vectors = encoder.encode(texts, [Language(code=code, probability=1.0)] * len(texts))
    nearest = (vectors @ known.T).argmax(axis=1)
    return float(np.mean([english[row] == right for row, right in zip(nearest, english, strict=True)]))


def print_service_types(encoder: Encoder, model: LinearClassifier) -> None:
    """Print how often the type is found in a foreign message, and in its English translation."""
    print(f"\nService types of fresh messages, model {model.version}\n")
    print(
        "| language | n | top-1 | top-3 [95 %] | English translation top-1 | top-3 | top-3 gap |\n" + "|---" * 7 + "|"
    )
    for code in MESSAGES:
        rows = [json.loads(line) for line in (DATA / f"messages-{code}.jsonl").read_text("utf-8").splitlines()]
        labels = [row["label"] for row in rows]
        own = ranks(encoder, model, [row["text"] for row in rows], [row["language"] for row in rows], labels)
        twins = ranks(encoder, model, [row["english"] for row in rows], ["en"] * len(rows), labels)
        low, high = wilson(int((own < TOP).sum()), len(own))
        print(
            f"| {code} | {len(rows)} | {(own < 1).mean():.2f} | {(own < TOP).mean():.2f} [{low:.2f}, {high:.2f}] | "
            f"{(twins < 1).mean():.2f} | {(twins < TOP).mean():.2f} | "
            f"{100 * ((twins < TOP).mean() - (own < TOP).mean()):+.0f} |"
        )


def ranks(
    encoder: Encoder, model: LinearClassifier, texts: list[str], codes: list[str], labels: list[str]
) -> npt.NDArray[np.int64]:
    """Return the place of the right label, 0 for the first, shape (n_texts,)."""
    vectors = encoder.encode(texts, [Language(code=code, probability=1.0) for code in codes])
    chances = calibrated(model.scores([model.features.row(text) for text in texts], vectors), model.weights)
    right = np.array([model.labels.index(label) for label in labels])
    places: npt.NDArray[np.int64] = (chances > chances[np.arange(len(right)), right][:, None]).sum(axis=1)
    return places


if __name__ == "__main__":
    main()
