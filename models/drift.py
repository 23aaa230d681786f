"""How far messages have moved away from those that a model was trained on, and whether that is more than chance.

A profile counts messages by language, channel, length and nearness; two profiles are compared by total variation: the
share of the messages that would have to be of another kind for both to be alike.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.datasets import OUT_OF_SCOPE, Example
from models.fitting import Progress, embed
from models.scope import centers_of
from triage.protocols import Encoder
from triage.types import Vectors

WORDS = (5, 10, 20, 40, 80)  # upper ends of the bins of length
DRAWS = 500
_CHUNK = 4_096

Profile = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How far one feature of the messages has moved.

    Attributes:
        feature: `languages`, `channels`, `labels`, `words` (how many a message has) or `nearness` (cosine to the
            nearest label's center).
        distance: Total variation between then and now, in [0, 1].
        by_chance: What 95 of 100 samples of this size from the training data stay under.
        most: The values that moved most: name, share then, share now.
    """

    feature: str
    distance: float
    by_chance: float
    most: tuple[tuple[str, float, float], ...]

    @property
    def is_more_than_chance(self) -> bool:
        """Whether a sample of the training data of this size would rarely look so different."""
        return self.distance > self.by_chance


def profile_of(examples: Sequence[Example], nearness: npt.NDArray[np.float32] | None = None) -> dict[str, Counter[str]]:
    """Return how many examples have each value of each feature.

    Args:
        examples: What is counted.
        nearness: Their cosines to the nearest label's center, shape (n_examples,); None where there are no vectors.
    """
    found = {
        "languages": Counter(example.language for example in examples),
        "channels": Counter(example.channel for example in examples),
        "labels": Counter(example.label for example in examples if example.label != OUT_OF_SCOPE),
        "words": Counter(_words(example.text) for example in examples),
    }
    if nearness is not None:
        found["nearness"] = Counter(f"{np.floor(each * 10) / 10:.1f}" for each in np.clip(nearness, 0, 0.99).tolist())
    return found


def nearness_inside(vectors: Vectors, truth: npt.NDArray[np.int64], n_labels: int) -> npt.NDArray[np.float32]:
    """Return the cosine of each training text to the nearest center, its own share taken out of its own label's.

    Args:
        vectors: Embeddings, unit length, shape (n_texts, dim).
        truth: The label of each, shape (n_texts,); negative for a text of none.
        n_labels: How many labels there are.
    """
    known = truth >= 0
    sums = np.zeros((n_labels, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, truth[known], vectors[known])
    centers = centers_of(vectors[known], truth[known], n_labels)

    def of_rows(rows: slice) -> npt.NDArray[np.float32]:
        chunk = vectors[rows]
        inside = np.flatnonzero(known[rows])
        own_labels = truth[rows][inside]
        cosines = chunk @ centers.T
        others = sums[own_labels] - chunk[inside]
        others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        cosines[inside, own_labels] = (others * chunk[inside]).sum(axis=1)
        nearest: npt.NDArray[np.float32] = cosines.max(axis=1)
        return nearest

    return _in_chunks(of_rows, len(vectors))


def nearness_outside(vectors: Vectors, centers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the cosine of each text that was not learned from to the nearest center, shape (n_texts,)."""
    return _in_chunks(lambda rows: (vectors[rows] @ centers.T).max(axis=1), len(vectors))


def profiles(
    trained_on: Sequence[Example], now: Sequence[Example], encoder: Encoder, progress: Progress
) -> tuple[Profile, Profile]:
    """Return the profiles of training messages and of what came since, nearness among them.

    Args:
        trained_on: With the labels that were learned.
        now: At least one message; what its label is counts as said.
        encoder: Gives the vectors.
        progress: Told of (what, done, total).
    """
    labels = sorted({example.label for example in trained_on} - {OUT_OF_SCOPE})
    truth = np.array([labels.index(each.label) if each.label in labels else -1 for each in trained_on])
    vectors = embed(trained_on, encoder, progress)
    centers = centers_of(vectors[truth >= 0], truth[truth >= 0], len(labels))
    then = profile_of(trained_on, nearness_inside(vectors, truth, len(labels)))
    return then, profile_of(now, nearness_outside(embed(now, encoder, progress), centers))


def drift(then: Profile, now: Profile, *, seed: int = 0) -> tuple[Moved, ...]:
    """Compare two profiles, feature by feature; those that either lacks are left out.

    Args:
        then: Of the training data.
        now: Of what came since.
        seed: Of the samples that tell what chance does.
    """
    return tuple(
        _moved(feature, then[feature], counts, seed)
        for feature, counts in now.items()
        if sum(then.get(feature, {}).values()) and sum(counts.values())
    )


def _moved(feature: str, then: Mapping[str, int], now: Mapping[str, int], seed: int) -> Moved:
    names = sorted({*then, *now})
    old, new = (np.array([counts.get(name, 0) for name in names], dtype=np.float64) for counts in (then, now))
    n = int(new.sum())
    old, new = old / old.sum(), new / n
    draws = np.random.default_rng(seed).multinomial(n, old, size=DRAWS) / n
    order = np.argsort(-np.abs(old - new), kind="stable")[:3]
    return Moved(
        feature=feature,
        distance=round(float(np.abs(old - new).sum() / 2), 4),
        by_chance=round(float(np.quantile(np.abs(draws - old).sum(axis=1) / 2, 0.95)), 4),
        most=tuple((names[i], round(float(old[i]), 4), round(float(new[i]), 4)) for i in order if old[i] != new[i]),
    )


def _words(text: str) -> str:
    n = len(text.split())
    return next((f"up to {end}" for end in WORDS if n <= end), f"over {WORDS[-1]}")


def _in_chunks(of_rows: Callable[[slice], npt.NDArray[np.float32]], n: int) -> npt.NDArray[np.float32]:
    """Compute row by row in chunks, so that no matrix of every text and every label is held."""
    parts = [of_rows(slice(start, start + _CHUNK)) for start in range(0, n, _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
