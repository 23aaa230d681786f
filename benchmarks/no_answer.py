"""Fits kb/data/no_answer_model.json and says how well it does on questions and on whole sets it has not seen.

Run with TRIAGE_DATA_DIR set: `python -m benchmarks.no_answer [--encoder FOLDER] [--write]`. Sources: the starter
articles with the questions in kb/data, and the public sets in TRIAGE_DATA_DIR/retrieval, of which only the fitted
numbers are kept. Every tenth question has its right articles hidden; questions of other subjects are foreign.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.retrieval import Loaded, load_encoder, public_sets, starter_set
from kb.evaluation import no_answer_figures
from kb.no_answer import DENSE_SIGNALS, LEXICAL_SIGNALS
from kb.no_answer_training import (
    Example,
    as_record,
    asked_both_ways,
    calibration_error,
    cross_validated,
    examples_of,
    fit,
    least_probability,
    left_out,
    together,
    without_vectors,
)
from triage.types import Query

ANSWER_PRECISION = 0.85  # share of the best articles shown as an answer that are right
KEPT_SHARE = 0.9  # of the answerable questions that must not end as none
MODEL = Path(str(files("kb") / "data" / "no_answer_model.json"))
CARD = (
    "Logistic regression on signals of the search; fitted on questions written for the sample articles (kb/data),"
    " and on four public question sets (FAQ on covid-19, programming questions), whose texts are not kept."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """The same questions with their vectors and without."""

    dense: list[Example]
    lexical: list[Example]


def main() -> None:
    """Fit, report, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, help="folder of a converted encoder; the installed one if left out")
    parser.add_argument("--write", action="store_true", help=f"replace {MODEL.name}")
    options = parser.parse_args()
    encoder = load_encoder(options.encoder)
    starter = starter_set(encoder)
    examples = collect([starter, *public_sets(encoder)])
    report("with vectors", examples.dense, DENSE_SIGNALS)
    report("without vectors", examples.lexical, LEXICAL_SIGNALS)
    record = fitted(examples, starter.judged.name)
    print(json.dumps(record, indent=1))
    if options.write:
        MODEL.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def collect(sets: Sequence[Loaded]) -> Examples:
    """Return the examples of all sets."""
    examples = Examples(dense=[], lexical=[])
    for place, loaded in enumerate(sets):
        numbers = {article.id: number for number, article in enumerate(loaded.search.snapshot.articles)}
        right = [frozenset(numbers[name] for name in loaded.judged.qrels[one.id]) for one in loaded.judged.questions]
        asked = asked_both_ways(loaded.queries, right, [*loaded.others, *_foreign(sets, place)])
        examples.dense.extend(examples_of(loaded.judged.name, loaded.search, asked))
        examples.lexical.extend(examples_of(loaded.judged.name, loaded.search, without_vectors(asked)))
    return examples


def _foreign(sets: Sequence[Loaded], place: int) -> list[Query]:
    """Return questions of sets on other subjects, a third as many as the set has of its own."""
    here = sets[place]
    others = [query for loaded in sets if loaded.subject != here.subject for query in loaded.queries]
    step = max(1, 3 * len(others) // len(here.queries))
    return others[::step] if not here.others else []


def report(title: str, examples: Sequence[Example], names: Sequence[str]) -> None:
    """Print the figures of each set, by models that have not seen the question, and none of the set."""
    print(f"\n{title:32} {'unseen questions':>24} {'unseen set':>24}\n{'':32}" + " auroc  rej@90    ece   " * 2)
    folds, whole = cross_validated(examples, names), left_out(examples, names)
    for source in dict.fromkeys(example.source for example in examples):
        places = [place for place, example in enumerate(examples) if example.source == source]
        here = [examples[place] for place in places]
        print(f"{source:32}" + "".join(_figures(here, probabilities[places]) for probabilities in (folds, whole)))


def _figures(examples: Sequence[Example], probabilities: npt.NDArray[np.float64]) -> str:
    figures = no_answer_figures(*together(examples, probabilities))
    error = calibration_error(examples, probabilities)
    return f"{figures.auroc:6.3f} {figures.rejected_at_90:6.3f} {error:7.3f}  "


def fitted(examples: Examples, main_source: str) -> dict[str, object]:
    """Return the JSON values of the model; thresholds come from unseen questions to the sample articles."""
    dense = fit(examples.dense, DENSE_SIGNALS)
    probabilities = cross_validated(examples.dense, DENSE_SIGNALS)
    places = [place for place, example in enumerate(examples.dense) if example.source == main_source]
    here = [examples.dense[place] for place in places]
    answerable, _ = together(here, probabilities[places])
    answer_from = least_probability(here, probabilities[places], precision=ANSWER_PRECISION)
    possible_from = float(np.quantile(answerable, 1 - KEPT_SHARE))
    record = {
        "card": CARD,
        "examples": len(examples.dense),
        "answer_from": round(max(answer_from, possible_from), 3),
        "possible_from": round(possible_from, 3),
        "dense": as_record(dense),
        "lexical": as_record(fit(examples.lexical, LEXICAL_SIGNALS)),
    }
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    return {"version": f"no-answer-{digest[:8]}", **record}


if __name__ == "__main__":
    main()
