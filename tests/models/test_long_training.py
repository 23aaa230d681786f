"""What long trainings share: the clock, the checkpoint and the batches."""

import random
from pathlib import Path

import pytest
import torch

from models.recipes import long_training
from models.recipes.long_training import LONGEST_STEP_S, LongTraining, batches_by_length


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(long_training, "time", clock)
    return clock


def step_of(training: LongTraining, clock: Clock, seconds: float) -> None:
    def learn() -> float:
        clock.now += seconds
        return 0.5

    assert training.step(learn) == 0.5


def test_a_pause_does_not_run_the_clock_down(tmp_path: Path, clock: Clock) -> None:
    training = LongTraining({}, tmp_path / "checkpoint.pt", budget_s=40)
    step_of(training, clock, 2)
    clock.now += 5_000  # between the steps
    step_of(training, clock, 5_000)  # within one
    assert training.spent_s == 2 + LONGEST_STEP_S
    assert training.progress == 0.3


def test_a_broken_off_training_goes_on_where_its_checkpoint_was(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "checkpoint.pt"
    kept = torch.nn.Linear(2, 1)
    training = LongTraining({"body": kept}, path, budget_s=5_000)
    step_of(training, clock, 1)
    assert not path.exists()
    clock.now += 600
    step_of(training, clock, 1)
    step_of(training, clock, 1)  # not kept: the next checkpoint is ten minutes away

    body = torch.nn.Linear(2, 1)
    again = LongTraining({"body": body}, path, budget_s=5_000)
    again.resume()
    assert (again.steps, again.spent_s, again.passes) == (2, 2.0, 1)
    assert torch.equal(body.weight, kept.weight)
    again.start_again()
    assert (again.steps, again.spent_s, again.passes) == (0, 0.0, 2)


def test_without_a_checkpoint_a_training_begins(tmp_path: Path) -> None:
    training = LongTraining({}, tmp_path / "checkpoint.pt", budget_s=10)
    training.resume()
    assert (training.steps, training.progress) == (0, 0.0)


def test_batches_hold_items_of_like_length_and_leave_none_out() -> None:
    items = ["a" * length for length in (1, 9, 2, 9, 1, 30, 2, 3)]
    batches = batches_by_length(items, lambda item: (len(item),), 12, random.Random(0))
    assert sorted(item for batch in batches for item in batch) == sorted(items)
    assert sorted([len(item) for item in batch] for batch in batches) == [[1, 1, 2, 2], [3], [9], [9], [30]]
