"""A call triaged while the resident speaks: segments in order, each once, and a suggestion that does not flicker.

A shown service type gives way only to one that leads it clearly (CLEAR) at once, or a little (LEAD) for several updates
in a row (STEADY). A finding of the tripwire shows at once and stays: people take it back, more words do not.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from triage.channels.request import MAX_CHARACTERS
from triage.channels.voice import MAX_SEGMENTS, CallState, CallUpdate, Segment, Speaker
from triage.errors import MessageRejected
from triage.safety import combine
from triage.types import Channel, Message, Safety, SafetyHit, ServiceTypeSuggestion, Triage

SHOWN_FROM: Final = 0.3  # probability of the first suggestion
LEAD: Final = 0.1
CLEAR: Final = 0.4
STEADY: Final = 2  # updates in a row
MAX_CALLS: Final = 1_000

Triager = Callable[[Message], Triage]


class SteadySuggestion:
    """Holds what is shown against small changes of mind."""

    def __init__(self) -> None:
        self.code: str | None = None
        self._rival: str | None = None
        self._times = 0

    def next(self, ranked: Sequence[ServiceTypeSuggestion]) -> str | None:
        """Return the code to show, given the suggestions of one more update, best first."""
        if not ranked:
            return self.code
        best = ranked[0]
        if self.code is None:
            self.code = best.code if best.probability >= SHOWN_FROM else None
        elif best.code == self.code:
            self._rival, self._times = None, 0
        else:
            self._challenge(best, ranked)
        return self.code

    def _challenge(self, best: ServiceTypeSuggestion, ranked: Sequence[ServiceTypeSuggestion]) -> None:
        standing = next((each.probability for each in ranked if each.code == self.code), 0.0)
        lead = best.probability - standing
        self._times = self._times + 1 if best.code == self._rival and lead >= LEAD else int(lead >= LEAD)
        self._rival = best.code
        if lead >= CLEAR or self._times >= STEADY:
            self.code, self._rival, self._times = best.code, None, 0


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


class RollingCall:
    """One call; not safe to share between threads, `LiveCalls` is.

    Args:
        call_id: Its identity, which is the final record's.
        triage: Triages one message; raises what the pipeline raises.
    """

    def __init__(self, call_id: str, triage: Triager) -> None:
        self.call_id = call_id
        self._triage = triage
        self._segments: dict[str, Segment] = {}
        self._state = CallState.LIVE
        self._language: str | None = None
        self._steady = SteadySuggestion()
        self._shown: ServiceTypeSuggestion | None = None
        self._hits: dict[tuple[str, str], SafetyHit] = {}
        self._answered: tuple[Message, Triage] | None = None

    def take(self, update: CallUpdate) -> CallView:
        """Return the call as it stands with an update; one that brings nothing new triages nothing.

        Raises:
            MessageRejected: If the call would have more than MAX_SEGMENTS segments.
        """
        known = {} if update.replaces else self._segments
        new = {segment.id: segment for segment in reversed(update.segments) if segment.id not in known}
        if len(known) + len(new) > MAX_SEGMENTS:
            raise MessageRejected(f"a call has at most {MAX_SEGMENTS:,} segments")
        self._segments = {**known, **new}
        self._language = update.language_hint or self._language
        if self._state is CallState.LIVE or update.state is CallState.ENDED:
            self._state = update.state
        self._answer()
        return self.view()

    def view(self) -> CallView:
        """Return the call as it stands."""
        triage = self._answered[1] if self._answered else None
        said = sum(segment.speaker is Speaker.CUSTOMER for segment in self._segments.values())
        return CallView(
            call_id=self.call_id,
            state=self._state,
            segments=said,
            suggestion=self._shown,
            safety=combine(tuple(self._hits.values())),
            triage=triage,
        )

    @property
    def record(self) -> tuple[Message, Triage] | None:
        """What is stored at the end: all that the resident said, with its answer; None where it was nothing."""
        return self._answered

    def _answer(self) -> None:
        spoken = [segment.text for segment in sorted(self._segments.values()) if segment.speaker is Speaker.CUSTOMER]
        text = "\n".join(filter(None, spoken))[:MAX_CHARACTERS]
        message = Message(id=self.call_id, text=text, channel=Channel.TRANSCRIPT, language_hint=self._language)
        if not text or (self._answered and self._answered[0] == message):
            return
        triage = self._triage(message)
        self._answered = (message, triage)
        code = self._steady.next(triage.service_types)
        self._shown = next((each for each in triage.service_types if each.code == code), self._shown)
        for hit in triage.safety.reasons:
            self._hits.setdefault((hit.rule, hit.text), hit)


class LiveCalls:
    """The calls of this process, each taken by one thread at a time; a call that has ended is forgotten.

    Args:
        triage: Triages one message.
        keep: Stores a call's record; called when it ends, and before a call is forgotten for lack of room.
    """

    def __init__(self, triage: Triager, keep: Callable[[Message, Triage], None]) -> None:
        self._triage = triage
        self._keep = keep
        self._calls: OrderedDict[str, tuple[RollingCall, Lock]] = OrderedDict()
        self._lock = Lock()

    def take(self, call_id: str, update: CallUpdate) -> CallView:
        """Return a call as it stands with an update; its record is stored before this returns, if it has ended.

        Raises:
            MessageRejected: If the call would have too many segments.
        """
        call, lock = self._call(call_id)
        with lock:
            view = call.take(update)
            if view.state is not CallState.LIVE:
                self._store(call)
        if view.state is CallState.ENDED:
            with self._lock:
                self._calls.pop(call_id, None)
        return view

    def keep(self, call_id: str) -> None:
        """Store what has come of a call so far, as when its line breaks; the call may go on."""
        with self._lock:
            found = self._calls.get(call_id)
        if found:
            with found[1]:
                self._store(found[0])

    def _call(self, call_id: str) -> tuple[RollingCall, Lock]:
        with self._lock:
            if call_id not in self._calls:
                self._calls[call_id] = (RollingCall(call_id, self._triage), Lock())
            self._calls.move_to_end(call_id)
            found = self._calls[call_id]
            oldest = self._calls.popitem(last=False)[1] if len(self._calls) > MAX_CALLS else None
        if oldest:
            with oldest[1]:
                self._store(oldest[0])
        return found

    def _store(self, call: RollingCall) -> None:
        if call.record:
            self._keep(*call.record)
