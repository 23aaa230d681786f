"""Calls triaged while the resident speaks, by any process: what was said is stored before it is answered.

A call's record is stored when it ends, when its line breaks, and when it has gone silent; it may go on after each.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from threading import Lock
from typing import Final

import orjson

from triage.channels.rolling import CallMemory, CallView, spoken
from triage.channels.voice import CallState, CallUpdate, Speaker
from triage.store.calls import CallStore, StoredCall
from triage.store.resource import utc_now
from triage.types import Channel, Message, Triage

log = logging.getLogger(__name__)

SILENT_AFTER: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(days=1)  # from the last word, once the record is stored
MAX_ANSWERS: Final = 1_000  # that one process remembers, so that a repetition triages nothing

Triager = Callable[[Message], Triage]
Keeper = Callable[[Message, Triage, bytes], None]


class LiveCalls:
    """The calls under way; safe to share between threads and beside any number of other processes.

    Args:
        calls: Where they are kept.
        triage: Triages one message.
        keep: Stores a call's record with the segments that it was made of.
    """

    def __init__(self, calls: CallStore, triage: Triager, keep: Keeper) -> None:
        self._calls = calls
        self._triage = triage
        self._keep = keep
        self._answers: OrderedDict[str, tuple[Message, Triage]] = OrderedDict()
        self._lock = Lock()
        self._storing = Lock()

    def take(self, call_id: str, update: CallUpdate) -> CallView:
        """Return a call as it stands with an update; its record is stored before this returns, if it has ended.

        Raises:
            MessageRejected: If the call would have too many segments.
        """
        call = self._calls.add(call_id, update)
        message = _message(call)
        triage = None if message is None else self._answer(message)
        memory = CallMemory.of(call.memory)
        if triage is not None and call.revision > call.answered:
            memory = self._remember(call, triage)
        if call.state is not CallState.LIVE:
            self._store(call, message, triage)
        return CallView(
            call_id=call_id,
            state=call.state,
            segments=sum(segment.speaker is Speaker.CUSTOMER for segment in call.segments),
            suggestion=memory.shown,
            safety=memory.safety,
            triage=triage,
        )

    def keep(self, call_id: str) -> None:
        """Store what has come of a call so far, as when its line breaks; the call may go on."""
        call = self._calls.of(call_id)
        if call is not None:
            message = _message(call)
            self._store(call, message, None if message is None else self._answer(message))

    def sweep(self) -> int:
        """Store the records of calls that have gone silent, forget those long over, and return how many were stored."""
        now = utc_now()
        stored = failed = 0
        while silent := self._calls.unkept(now - SILENT_AFTER, skip=failed):
            kept = sum(map(self._keep_silent, silent))
            stored, failed = stored + kept, failed + len(silent) - kept
        self._calls.purge(now - FORGOTTEN_AFTER)
        return stored

    def _keep_silent(self, call_id: str) -> bool:
        try:
            self.keep(call_id)
        except Exception as error:  # an edge: one call that cannot be triaged must not hold up the others
            log.warning("the silent call %s cannot be stored: %s", call_id, type(error).__name__)
            return False  # it stays as it is: the next sweep is a new try
        return True

    def _answer(self, message: Message) -> Triage:
        """Return the answer to a message, the one given before where it is the same."""
        with self._lock:
            known = self._answers.get(message.id)
        if known and known[0] == message:
            return known[1]
        triage = self._triage(message)
        with self._lock:
            self._answers[message.id] = (message, triage)
            self._answers.move_to_end(message.id)
            while len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        return triage

    def _remember(self, call: StoredCall, triage: Triage) -> CallMemory:
        stored = self._calls.remember(
            call.call_id,
            call.revision,
            lambda memory, is_newest: CallMemory.of(memory).after(triage, is_newest=is_newest).stored,
        )
        return CallMemory.of(stored)

    def _store(self, call: StoredCall, message: Message | None, triage: Triage | None) -> None:
        """Store the record of a call as it was triaged, unless a newer one was stored meanwhile.

        One at a time in a process, so that the text that came last is the newest of the record as well. No transaction
        may stay open around it: SQLite lets nobody else write then, and so not the record either.
        """
        with self._storing:
            now = self._calls.of(call.call_id)
            if now is None or now.kept >= call.revision:
                return
            if message is not None and triage is not None:
                self._keep(message, triage, _raw(call))
            self._calls.mark_kept(call.call_id, call.revision)


def _message(call: StoredCall) -> Message | None:
    """Return all that the resident has said, as one message; None before the first word."""
    text = spoken(call.segments)
    if not text:
        return None
    return Message(
        id=call.call_id,
        text=text,
        channel=Channel.TRANSCRIPT,
        language_hint=call.language_hint,
        received_at=call.created_at,
    )


def _raw(call: StoredCall) -> bytes:
    segments = [asdict(segment) for segment in call.segments]
    return orjson.dumps({"segments": segments, "state": call.state, "language_hint": call.language_hint})
