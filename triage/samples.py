"""Two ordinary weeks of contacts of the fictional city, and what its agents did with them; for the demo.

`samples.jsonl` has one contact a line, written by hand, oldest first. Its times are told from the present, so that the
demo is always about the last two weeks:

- `id`, `channel`, `text`, `subject`, `thread`: as in a request; `thread` is the id of the thread's first contact;
- `day` and `at`: so many days before today, at a clock time of the city; calls are never on a day off (see
  `triage.sample_days`); or `ago`: so many minutes before now;
- `type` and `urgency`: what a careful supervisor sets; the level is the type's own where it is left out;
- `steps`: what was done, each `by` a role's number, so many minutes `after` the contact came: `take` (the type and the
  urgency above: an override where the service suggested another type, else accepted), `answer` with an `article`,
  `reroute` to a `department`, `close`, `undo`, `pause` and `resume` (while the resident is asked), `claim`; a `note`
  says why.

`samples_notices.jsonl` has the notices that a lead has pinned: `id`, `ago`, `by`, `title`, `text`, `hours` that it
holds from then on, `service_types` and `words`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from triage.types import Channel, UrgencyLevel


class Do(StrEnum):
    """What an agent does with a sample contact."""

    TAKE = "take"
    ANSWER = "answer"
    REROUTE = "reroute"
    CLOSE = "close"
    UNDO = "undo"
    PAUSE = "pause"
    RESUME = "resume"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that somebody did with a sample contact, `after` minutes after it came."""

    by: str
    after: int
    do: Do
    article: str | None = None
    department: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if (self.do is Do.ANSWER) != (self.article is not None):
            raise ValueError(f"an answer needs its article, and nothing else has one: {self}")
        if (self.do is Do.REROUTE) != (self.department is not None):
            raise ValueError(f"a reroute needs its department, and nothing else has one: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample contact; its time is either `day` and `at`, or `ago` (minutes).

    Attributes:
        service_type: The right one.
        urgency: The right one; None where it is the type's own.
        steps: What was done, in order.
    """

    id: str
    channel: Channel
    text: str
    service_type: str
    subject: str | None = None
    thread_id: str | None = None
    urgency: UrgencyLevel | None = None
    day: int | None = None
    at: time | None = None
    ago: int | None = None
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if (self.day is None) != (self.at is None) or (self.day is None) == (self.ago is None):
            raise ValueError(f"{self.id} needs a day and a time, or how long ago it was")
        if any(one.after > next.after for one, next in zip(self.steps, self.steps[1:], strict=False)):
            raise ValueError(f"the steps of {self.id} are not in order")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleNotice:
    """A notice that a lead pinned `ago` minutes before now, for so many hours."""

    id: str
    ago: int
    by: str
    title: str
    text: str
    hours: int
    service_types: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@cache
def samples() -> tuple[Sample, ...]:
    """Return the sample contacts, oldest first."""
    return tuple(_sample(line) for line in _lines("samples.jsonl"))


@cache
def sample_notices() -> tuple[SampleNotice, ...]:
    """Return the sample notices, oldest first."""
    return tuple(
        SampleNotice(**{**line, "service_types": tuple(line["service_types"]), "words": tuple(line["words"])})
        for line in _lines("samples_notices.jsonl")
    )


def _lines(name: str) -> Iterator[dict[str, Any]]:
    return (orjson.loads(line) for line in (files("triage") / name).read_bytes().splitlines())


def _sample(line: dict[str, Any]) -> Sample:
    return Sample(
        id=line["id"],
        channel=Channel(line["channel"]),
        text=line["text"],
        service_type=line["type"],
        subject=line.get("subject"),
        thread_id=line.get("thread"),
        urgency=UrgencyLevel(line["urgency"]) if "urgency" in line else None,
        day=line.get("day"),
        at=time.fromisoformat(line["at"]) if "at" in line else None,
        ago=line.get("ago"),
        steps=tuple(Step(**{**step, "do": Do(step["do"])}) for step in line.get("steps", ())),
    )
