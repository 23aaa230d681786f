"""Triage a stored text again, and tell whether the answer is the same, and if not, why."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from triage.pipeline import Pipeline
from triage.store.documents import json_object, to_json
from triage.store.records import StoredTriage
from triage.types import Message, Translate, TranslationStatus

# How far a probability may be off: a text computed alone or beside others is rounded differently (3e-4 was seen).
TOLERANCE: Final = 5e-3
_NOT_COMPARED: Final = ("versions", "timings_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A stored answer beside the one that would be given now.

    Attributes:
        changed_versions: What is of another version now, as name, version then, version now.
        changed_fields: Fields of the answer that are not the same, in the answer's order.
    """

    changed_versions: tuple[tuple[str, str | None, str | None], ...]
    changed_fields: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether the answer is the same."""
        return not self.changed_fields

    @property
    def is_explained(self) -> bool:
        """Whether the answer is the same, or something that made it is of another version now."""
        return self.is_same or bool(self.changed_versions)


def replay(message: Message, stored: StoredTriage, pipeline: Pipeline) -> Replay:
    """Triage a message with the text that was answered, and compare.

    Args:
        message: The message with that text.
        stored: The answer then.
        pipeline: What would answer now.
    """
    then = stored.answer
    later = then["translation"]["status"] == TranslationStatus.PENDING
    now = json_object(to_json(pipeline.triage(message, translate=Translate.LATER if later else Translate.WAIT)))
    return Replay(
        changed_versions=_changed_versions(then["versions"], now["versions"]),
        changed_fields=tuple(
            name for name in now if name not in _NOT_COMPARED and not _is_same(then.get(name), now[name])
        ),
    )


def _changed_versions(
    then: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[tuple[str, str | None, str | None], ...]:
    names = dict.fromkeys((*then, *now))
    return tuple((name, then.get(name), now.get(name)) for name in names if then.get(name) != now.get(name))


def _is_same(then: object, now: object) -> bool:
    if isinstance(then, float | int) and isinstance(now, float | int) and not isinstance(then, bool):
        return math.isclose(then, now, abs_tol=TOLERANCE)
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return then.keys() == now.keys() and all(_is_same(then[name], now[name]) for name in now)
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_is_same, then, now))
    return then == now
