"""What long trainings share: a clock that pauses do not run down, checkpoints to go on from, batches by length."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

T = TypeVar("T")

CHECKPOINT_S = 600
LONGEST_STEP_S = 10  # more is a pause: the machine slept, or somebody stopped the process for a while


class Stateful(Protocol):
    """A network or an optimizer."""

    def state_dict(self) -> Any: ...  # noqa: ANN401 - torch's own types say no more

    def load_state_dict(self, state: Any) -> Any: ...  # noqa: ANN401


@dataclass(slots=True)
class LongTraining:
    """How far a training is.

    Attributes:
        parts: What a checkpoint keeps, by name.
        checkpoint: The file, written every ten minutes and at the end.
        budget_s: The training ends when so much time was spent in steps.
        steps: Taken in this pass.
        spent_s: In them.
        passes: This one is the so many'th.
    """

    parts: Mapping[str, Stateful]
    checkpoint: Path
    budget_s: float
    steps: int = 0
    spent_s: float = 0.0
    passes: int = 1
    _saved: float = 0.0

    @property
    def progress(self) -> float:
        """0 at the start, 1 when the time is over."""
        return self.spent_s / self.budget_s

    def step(self, learn: Callable[[], float]) -> float:
        """Take a step on the clock, keep a checkpoint where one is due, and return the loss."""
        started = time.monotonic()
        loss = learn()
        now = time.monotonic()
        self.steps += 1
        self.spent_s += min(now - started, LONGEST_STEP_S)
        self._saved = self._saved or started
        if now - self._saved > CHECKPOINT_S:
            self.save()
            self._saved = now
        return loss

    def start_again(self) -> None:
        """Begin a further pass with the whole time before it."""
        self.steps, self.spent_s, self.passes = 0, 0.0, self.passes + 1

    def save(self) -> None:
        """Write the checkpoint; the old one stays until the new one is whole."""
        counts = {"steps": self.steps, "spent_s": self.spent_s, "passes": self.passes}
        scratch = self.checkpoint.with_suffix(".part")
        torch.save({name: part.state_dict() for name, part in self.parts.items()} | counts, scratch)
        scratch.rename(self.checkpoint)

    def resume(self) -> None:
        """Go on from the checkpoint, where there is one."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.steps, self.spent_s, self.passes = state["steps"], state["spent_s"], state["passes"]
        print(f"going on after step {self.steps:,} of pass {self.passes}", flush=True)


def batches_by_length(
    items: Sequence[T], pieces_of: Callable[[T], tuple[int, ...]], most_pieces: int, rng: random.Random
) -> list[list[T]]:
    """Return one pass over the items, those of like length together, the batches in random order.

    Args:
        items: At least one.
        pieces_of: An item's lengths in pieces; sorted by them, and their sum counts.
        most_pieces: Of a batch, padding included, but for an item that is longer alone.
        rng: Of the order.
    """
    order = sorted(items, key=lambda item: (pieces_of(item), rng.random()))
    batches: list[list[T]] = [[]]
    for item in order:
        if sum(pieces_of(item)) * (len(batches[-1]) + 1) > most_pieces:
            batches.append([])
        batches[-1].append(item)
    rng.shuffle(batches)
    return [batch for batch in batches if batch]
