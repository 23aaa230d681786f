"""The vector index at a million rows: recall@10 of exact search, and milliseconds a query.

Run with TRIAGE_DATA_DIR set: `python -m benchmarks.scale [--rows 1000000]`, with OMP_NUM_THREADS=1 for the time of
one core; the processor's time is told beside the clock's, for a machine that does something else too. The rows are real
embeddings (the sample articles and the public sets) with noise: random directions have no neighbors. Each row is a
real vector plus a Gaussian of NOISE times its length, brought to unit length; the queries are the sets' real questions.
It needs about 5 GB for a million rows and some minutes for the lists.
"""

import argparse
import resource
import time

import numpy as np

from benchmarks.retrieval import load_encoder, public_sets, starter_set
from kb.index import EXACT_UP_TO, LISTS_READ, Rows, VectorIndex
from triage.types import Vectors

NOISE = 0.5
K = 10
QUERIES = 300
CHUNK = 50_000


def main() -> None:
    """Build, search and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    encoder = load_encoder(None)
    sets = [starter_set(encoder), *public_sets(encoder)]
    real = np.concatenate(
        [
            part.vectors
            for one in sets
            for part in (one.search.snapshot.section_index, one.search.snapshot.question_index)
        ]
    )
    questions = np.stack([query.vector for one in sets for query in one.queries])
    queries = questions[np.random.default_rng(1).permutation(len(questions))[:QUERIES]]
    rows = noisy(real, options.rows)
    start = time.perf_counter()
    index = VectorIndex(rows)
    built_s = time.perf_counter() - start
    exact = exactly(rows, queries)
    times, worked, shared = [], [], []
    for query, wanted in zip(queries, exact, strict=True):
        start, start_of_work = time.perf_counter(), time.process_time()
        found = index.nearest(query[None], k=K)[0]
        times.append(time.perf_counter() - start)
        worked.append(time.process_time() - start_of_work)
        shared.append(len(set(found.tolist()) & set(wanted.tolist())) / K)
    kind = "lists of neighbors" if len(rows) > EXACT_UP_TO else "all rows, a byte a number"
    made = f"{len(rows):,} rows of {rows.shape[1]} numbers from {len(real):,} real ones"
    print(f"{made}, {kind}, built in {built_s:.0f} s")
    for name, each in (("clock", times), ("processor", worked)):
        p50, p95 = np.percentile(each, [50, 95]) * 1e3
        print(f"{name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    print(f"recall@{K} {np.mean(shared):.3f} of exact, {QUERIES} real questions, {LISTS_READ} lists read")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB at most")


def noisy(real: Vectors, count: int) -> Vectors:
    """Return unit vectors near real ones, shape (count, dim)."""
    generator = np.random.default_rng(0)
    rows = np.empty((count, real.shape[1]), dtype=np.float32)
    for start in range(0, count, CHUNK):
        part = real[generator.integers(len(real), size=min(CHUNK, count - start))]
        noise = generator.standard_normal(part.shape, dtype=np.float32) * np.float32(NOISE / np.sqrt(part.shape[1]))
        moved = part + noise
        rows[start : start + len(part)] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return rows


def exactly(rows: Vectors, queries: Vectors) -> Rows:
    """Return the K nearest rows of each query by comparing all, a chunk after the other."""
    best = np.full((len(queries), K), -np.inf, dtype=np.float32)
    numbers = np.zeros((len(queries), K), dtype=np.int64)
    for start in range(0, len(rows), CHUNK):
        similarities = np.hstack([best, queries @ rows[start : start + CHUNK].T])
        places = np.arange(start, min(start + CHUNK, len(rows)))
        candidates = np.hstack([numbers, np.tile(places, (len(queries), 1))])
        chosen = np.argpartition(-similarities, K, axis=1)[:, :K]
        best, numbers = np.take_along_axis(similarities, chosen, 1), np.take_along_axis(candidates, chosen, 1)
    return numbers


if __name__ == "__main__":
    main()
