"""Questions to the sample articles in Spanish, Chinese, Vietnamese and Russian, beside the same questions in English.

Run `python -m benchmarks.questions [--encoder FOLDER]`. The questions of kb/data/queries-*.jsonl were written for this
project in their language and put into English afterwards; an article counts in whichever language it is found.
"""

import argparse
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.retrieval import load_encoder, starter_set
from kb.evaluation import ALONE, as_queries, bootstrap_interval, with_weights
from kb.judged_sets import Question
from kb.search import SectionSearch
from triage.types import Query

LANGUAGES = {"es": "es", "zh": "zh-Hans", "vi": "vi", "ru": "ru"}
CUTS = (1, 5, 10)
WANTED_GAP = 0.10  # at most, of recall@5

Hits = npt.NDArray[np.bool_]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, help="folder of a converted encoder; the installed one if left out")
    encoder = load_encoder(parser.parse_args().encoder)
    search = starter_set(encoder).search
    searches = {"fusion": search} | {name: with_weights(search, weights) for name, weights in ALONE.items()}
    print(f"encoder {encoder.version}, {len(search.snapshot.articles)} articles\n")
    print(
        "| language | n | run | R@1 | R@5 | R@10 | in English: R@1 | R@5 | R@10 | gap at 5 [95 %] |\n"
        + "|---" * 10
        + "|"
    )
    for name, code in LANGUAGES.items():
        lines = (Path(str(files("kb"))) / "data" / f"queries-{name}.jsonl").read_text("utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        right = [frozenset(row["article_ids"]) for row in rows]
        own = as_queries([Question(id=row["id"], text=row["text"], language=code) for row in rows], encoder)
        twins = as_queries([Question(id=row["id"], text=row["english"], language="en") for row in rows], encoder)
        for run, each in searches.items():
            here, there = found_at(each, own, right), found_at(each, twins, right)
            low, high = bootstrap_interval(there[:, 1].astype(float) - here[:, 1], np.random.default_rng(0))
            gap = there[:, 1].mean() - here[:, 1].mean()
            shares = " | ".join(f"{share:.3f}" for share in (*here.mean(axis=0), *there.mean(axis=0)))
            print(f"| {name} | {len(rows)} | {run} | {shares} | {gap:+.3f} [{low:+.3f}, {high:+.3f}] |")
    print(f"\nWanted: a gap of at most {WANTED_GAP:.2f}.")


def found_at(search: SectionSearch, queries: Sequence[Query], right: Sequence[frozenset[str]]) -> Hits:
    """Return whether a right article, in any language, is among the first of each of CUTS, shape (n, len(CUTS))."""
    articles, groups = search.snapshot.articles, search.snapshot.groups
    numbers = {article.id: number for number, article in enumerate(articles)}
    group = (lambda number: number) if groups is None else groups.__getitem__
    rows = []
    for ranking, wanted in zip(search.rank(queries, k=max(CUTS)), right, strict=True):
        groups_wanted = {int(group(numbers[name])) for name in wanted}
        hits = [int(group(found.article)) in groups_wanted for found in ranking]
        rows.append([any(hits[:cut]) for cut in CUTS])
    return np.array(rows)


if __name__ == "__main__":
    main()
