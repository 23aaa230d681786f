"""What is shown of a call while the resident speaks: a suggestion that does not flicker, and every danger heard.

A shown service type gives way only to one that leads it clearly (CLEAR) at once, or a little (LEAD) for several updates
in a row (STEADY). A finding of the tripwire shows at once and stays: people take it back, more words do not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from triage.channels.request import MAX_CHARACTERS
from triage.channels.voice import CallState, Segment, Speaker
from triage.safety import combine
from triage.types import Safety, SafetyHit, ServiceTypeSuggestion, Triage

SHOWN_FROM: Final = 0.3  # probability of the first suggestion
LEAD: Final = 0.1
CLEAR: Final = 0.4
STEADY: Final = 2  # updates in a row


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadySuggestion:
    """Holds what is shown against small changes of mind.

    Attributes:
        code: What is shown; None before anything is likely enough.
        rival: What led it last.
        times: In how many updates in a row it led.
    """

    code: str | None = None
    rival: str | None = None
    times: int = 0

    def next(self, ranked: Sequence[ServiceTypeSuggestion]) -> "SteadySuggestion":
        """Return what holds after one more update, given its suggestions, best first."""
        if not ranked:
            return self
        best = ranked[0]
        if self.code is None:
            return SteadySuggestion(code=best.code if best.probability >= SHOWN_FROM else None)
        if best.code == self.code:
            return SteadySuggestion(code=self.code)
        return self._challenged(best, ranked)

    def _challenged(self, best: ServiceTypeSuggestion, ranked: Sequence[ServiceTypeSuggestion]) -> "SteadySuggestion":
        standing = next((each.probability for each in ranked if each.code == self.code), 0.0)
        lead = best.probability - standing
        times = self.times + 1 if best.code == self.rival and lead >= LEAD else int(lead >= LEAD)
        if lead >= CLEAR or times >= STEADY:
            return SteadySuggestion(code=best.code)
        return SteadySuggestion(code=self.code, rival=best.code, times=times)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMemory:
    """What was shown and found of a call so far; any process goes on from it."""

    steady: SteadySuggestion = field(default_factory=SteadySuggestion)
    shown: ServiceTypeSuggestion | None = None
    hits: tuple[SafetyHit, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Return the memory that `stored` was made of; an empty one where nothing is stored."""
        if not stored:
            return cls()
        shown = stored["shown"]
        return cls(
            steady=SteadySuggestion(**stored["steady"]),
            shown=ServiceTypeSuggestion(**{**shown, "because": tuple(shown["because"])}) if shown else None,
            hits=tuple(SafetyHit(**hit) for hit in stored["hits"]),
        )

    @property
    def stored(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @property
    def safety(self) -> Safety:
        """Everything that the tripwire has found in the call so far."""
        return combine(self.hits)

    def after(self, triage: Triage, *, is_newest: bool) -> "CallMemory":
        """Return the memory after one more answer; one that came too late only adds what it found of danger."""
        known = {(hit.rule, hit.text): hit for hit in reversed((*self.hits, *triage.safety.reasons))}
        hits = tuple(reversed(known.values()))
        if not is_newest:
            return CallMemory(steady=self.steady, shown=self.shown, hits=hits)
        steady = self.steady.next(triage.service_types)
        shown = next((each for each in triage.service_types if each.code == steady.code), self.shown)
        return CallMemory(steady=steady, shown=shown, hits=hits)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call as it stands.

    Attributes:
        call_id: Which call.
        state: Whether more is to come.
        segments: How many the resident has said.
        suggestion: The service type to show; None until one is likely enough. It is steady, unlike `triage`.
        safety: Everything that the tripwire has found in the call so far.
        triage: The answer to all that the resident has said; None before the first word.
    """

    call_id: str
    state: CallState
    segments: int
    suggestion: ServiceTypeSuggestion | None
    safety: Safety
    triage: Triage | None


def spoken(segments: Sequence[Segment]) -> str:
    """Return what the resident has said, a segment a line, given the segments in the order of the call."""
    said = (segment.text for segment in segments if segment.speaker is Speaker.CUSTOMER)
    return "\n".join(filter(None, said))[:MAX_CHARACTERS]
