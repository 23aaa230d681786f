"""Near-duplicates: the same message again with a word changed, found by MinHash in time linear in the messages.

Broder 1997, "On the resemblance and containment of documents"; the bands of rows are those of Leskovec, Rajaraman
and Ullman, "Mining of Massive Datasets", section 3.4.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SHINGLE = 5  # characters
SIMILAR = 0.7  # Jaccard similarity of the shingles from which two messages are one and the same
BANDS, ROWS = 16, 3  # a pair at SIMILAR meets in a band with probability 0.999
_PRIME = np.uint64((1 << 31) - 1)


def near_duplicates(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return for each text the number of the first text that it is a near-duplicate of, its own where there is none.

    Each text is compared with the first text of each of its 16 buckets, never with all of them; "near-duplicate of"
    is made transitive.

    Args:
        texts: In any language; white space and case do not count.

    Returns:
        int64, shape (n_texts,); texts with the same number belong together.
    """
    shingles = [_shingles(text) for text in texts]
    parents = list(range(len(texts)))
    first_of: dict[tuple[int, bytes], int] = {}
    a, b = _permutations()
    for number, found in enumerate(shingles):
        signature = ((found[:, None] * a + b) % _PRIME).min(axis=0).reshape(BANDS, ROWS)
        for band, row in enumerate(signature):
            first = first_of.setdefault((band, row.tobytes()), number)
            root, own = _root(parents, first), _root(parents, number)
            if root != own and jaccard(shingles[first], found) >= SIMILAR:
                parents[max(root, own)] = min(root, own)
    return np.array([_root(parents, number) for number in range(len(texts))], dtype=np.int64)


def jaccard(one: npt.NDArray[np.uint64], other: npt.NDArray[np.uint64]) -> float:
    """Return the size of the intersection over the size of the union, in [0, 1]; both sorted, each value once."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def _shingles(text: str) -> npt.NDArray[np.uint64]:
    """Return the numbers of a text's shingles, at least one, sorted."""
    plain = " ".join(text.lower().split())
    pieces = {plain[start : start + SHINGLE] for start in range(max(1, len(plain) - SHINGLE + 1))}
    numbers = {zlib.crc32(piece.encode("utf-8", "surrogatepass")) >> 1 for piece in pieces}
    return np.array(sorted(numbers), dtype=np.uint64)


def _permutations() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return the factors and summands of the hash functions, always the same ones; each shape (BANDS * ROWS,)."""
    random = np.random.default_rng(0)
    size = BANDS * ROWS
    return random.integers(1, _PRIME, size, dtype=np.uint64), random.integers(0, _PRIME, size, dtype=np.uint64)


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]  # halves the path for the next one
        number = parents[number]
    return number
