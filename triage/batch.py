"""A batch of messages under way through the pipeline, and the guard around each step.

A step that raises is tried again message by message, so that one poisoned text cannot take a neighbor's answer away;
a message that fails alone names the component in `degraded`, gets the step's fallback, and an agent is asked
(docs/decisions/0002).
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from triage.types import Message

log = logging.getLogger(__name__)
Value = TypeVar("Value")


class Batch:
    """What is known so far of some messages; every list runs in their order.

    Attributes:
        messages: The messages as they came.
        texts: What the models read of them.
        degraded: Per message, the components that failed on it.
        warnings: Per message, what its reader should know.
        timings_ms: Mean milliseconds a message, by stage.
    """

    def __init__(self, messages: Sequence[Message], texts: Sequence[str]) -> None:
        self.messages = messages
        self.texts = texts
        self.degraded: list[list[str]] = [[] for _ in messages]
        self.warnings: list[list[str]] = [[] for _ in messages]
        self.timings_ms: dict[str, float] = {}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        start = time.perf_counter()
        yield
        elapsed_ms = (time.perf_counter() - start) * 1_000 / len(self.messages)
        self.timings_ms[stage] = round(self.timings_ms.get(stage, 0.0) + elapsed_ms, 4)

    def step(
        self,
        component: str,
        stage: str,
        call: Callable[[Sequence[int]], Sequence[Value]],
        fallback: Callable[[int], Value],
        *,
        only: Sequence[int] | None = None,
    ) -> list[Value]:
        """Run a step, degrading message by message.

        Args:
            component: Name for `degraded`.
            stage: Name for `timings_ms`.
            call: Takes message numbers, returns one value for each, in order.
            fallback: Takes the number of a message on which `call` failed, returns what stands in.
            only: The message numbers to run over; all where None.

        Returns:
            One value a message number, in order.
        """
        chosen = range(len(self.messages)) if only is None else only
        if not chosen:
            return []
        with self.timed(stage):
            try:
                return _one_each(call(chosen), chosen)
            except Exception as error:
                log.warning("%s failed on a batch of %d: %s", component, len(chosen), type(error).__name__)
            return [self._alone(component, call, fallback, i) for i in chosen]

    def _alone(
        self, component: str, call: Callable[[Sequence[int]], Sequence[Value]], fallback: Callable[[int], Value], i: int
    ) -> Value:
        try:
            return _one_each(call([i]), [i])[0]
        except Exception as error:
            log.warning("%s failed on message %s: %s", component, self.messages[i].id, type(error).__name__)
            self.degraded[i].append(component)
            self.warnings[i].append(f"{component} did not work; an agent should look")
            return fallback(i)


def _one_each(values: Sequence[Value], chosen: Sequence[int]) -> list[Value]:
    if len(values) != len(chosen):
        raise ValueError(f"{len(chosen)} messages went in, {len(values)} values came out")
    return list(values)
