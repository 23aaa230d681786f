"""Live and finished transcripts of calls to segments: Amazon Connect Contact Lens, and a plain stream.

A segment is what one speaker said without a break; its identity within the call makes it count once. What a partial
utterance says comes again whole, and is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from triage.channels.mail_text import sound
from triage.errors import MessageRejected

MAX_SEGMENTS: Final = 5_000
MAX_SEGMENT: Final = 5_000  # characters
MAX_ID: Final = 100
LATEST_MS: Final = 24 * 3_600_000
_ENDS: Final = {"STARTED": None, "SEGMENTS": None, "COMPLETED": "ended", "FAILED": "failed"}


class Speaker(StrEnum):
    """Who speaks; only the resident's words are triaged."""

    CUSTOMER = "customer"
    AGENT = "agent"


class CallState(StrEnum):
    """Whether more is to come; a call whose transcription failed goes on without it."""

    LIVE = "live"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Segment:
    """What one speaker said without a break; in the order of the call."""

    begin_ms: int
    end_ms: int
    id: str
    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUpdate:
    """What has come of a call.

    Attributes:
        segments: As they came; not ordered.
        state: The call's state with it.
        language_hint: BCP 47 tag that the transcription was set to; None where it does not say.
        replaces: Whether this is the whole call anew, as after it: what came live is then forgotten.
    """

    segments: tuple[Segment, ...]
    state: CallState = CallState.LIVE
    language_hint: str | None = None
    replaces: bool = False


def update_of(raw: object, *, call_id: str) -> CallUpdate:
    """Return what a decoded JSON value tells of a call, in any of the three shapes.

    Args:
        raw: A real-time event of Contact Lens (`EventType`), its file after the call (`Transcript`), or the plain shape
            `{"segments": [{"id", "speaker"?, "text", "begin_ms", "end_ms"?}], "state"?, "language_hint"?}`.
        call_id: The call that it must be about.

    Raises:
        MessageRejected: If it is none of them, is about another call, or breaks a limit.
    """
    if not isinstance(raw, Mapping):
        raise MessageRejected("must be a JSON object: a Contact Lens event, or segments")
    if "EventType" in raw:
        update = _of_event(raw, call_id)
    elif "Transcript" in raw:
        update = _of_file(raw, call_id)
    elif "segments" in raw:
        update = _of_plain(raw)
    else:
        raise MessageRejected("must have EventType and Segments, Transcript and Participants, or segments")
    if len(update.segments) > MAX_SEGMENTS:
        raise MessageRejected(f"has {len(update.segments):,} segments, at most {MAX_SEGMENTS:,} are read")
    return update


def _of_event(raw: Mapping[str, Any], call_id: str) -> CallUpdate:
    event = raw["EventType"]
    if not isinstance(event, str) or event not in _ENDS:
        raise MessageRejected(f"EventType must be one of {', '.join(_ENDS)}")
    _check_call(raw.get("ContactId"), call_id)
    told = [each.get("Transcript") for each in _objects(raw.get("Segments") or [], "Segments")]
    segments = tuple(_lens_segment(each, each.get("ParticipantRole")) for each in told if isinstance(each, Mapping))
    state = CallState(_ENDS[event] or CallState.LIVE)
    return CallUpdate(segments=segments, state=state, language_hint=_tag(raw.get("LanguageCode")))


def _of_file(raw: Mapping[str, Any], call_id: str) -> CallUpdate:
    metadata = raw.get("CustomerMetadata")
    _check_call(metadata.get("ContactId") if isinstance(metadata, Mapping) else None, call_id)
    participants = _objects(raw.get("Participants") or [], "Participants")
    roles = {str(each.get("ParticipantId")): each.get("ParticipantRole") for each in participants}
    lines = _objects(raw["Transcript"], "Transcript")
    segments = tuple(_lens_segment(each, roles.get(str(each.get("ParticipantId")))) for each in lines)
    has_failed = raw.get("JobStatus") == "FAILED"
    state = CallState.FAILED if has_failed else CallState.ENDED
    return CallUpdate(
        segments=segments, state=state, language_hint=_tag(raw.get("LanguageCode")), replaces=not has_failed
    )


def _of_plain(raw: Mapping[str, Any]) -> CallUpdate:
    unknown = raw.keys() - {"segments", "state", "language_hint"}
    if unknown:
        raise MessageRejected("fields of a plain update are segments, state and language_hint; remove the others")
    state = raw.get("state", CallState.LIVE.value)
    if state not in tuple(CallState):
        raise MessageRejected(f"state must be one of {', '.join(CallState)}")
    segments = tuple(_plain_segment(each) for each in _objects(raw["segments"], "segments"))
    return CallUpdate(segments=segments, state=CallState(state), language_hint=_tag(raw.get("language_hint")))


def _lens_segment(raw: Mapping[str, Any], role: object) -> Segment:
    speaker = Speaker.CUSTOMER if role == "CUSTOMER" else Speaker.AGENT
    return _segment(
        raw.get("Id"), speaker, raw.get("Content"), raw.get("BeginOffsetMillis"), raw.get("EndOffsetMillis")
    )


def _plain_segment(raw: Mapping[str, Any]) -> Segment:
    speaker = raw.get("speaker", Speaker.CUSTOMER.value)
    if speaker not in tuple(Speaker):
        raise MessageRejected(f"speaker of a segment must be one of {', '.join(Speaker)}")
    begin = raw.get("begin_ms")
    return _segment(raw.get("id"), Speaker(speaker), raw.get("text"), begin, raw.get("end_ms", begin))


def _segment(identity: object, speaker: Speaker, text: object, begin: object, end: object) -> Segment:
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_ID:
        raise MessageRejected(f"a segment needs an id of 1 to {MAX_ID} characters")
    if not isinstance(text, str) or len(text) > MAX_SEGMENT:
        raise MessageRejected(f"a segment needs a text of at most {MAX_SEGMENT:,} characters")
    begin_ms, end_ms = _offset(begin), _offset(end)
    if end_ms < begin_ms:
        raise MessageRejected("a segment must not end before it begins")
    return Segment(begin_ms=begin_ms, end_ms=end_ms, id=identity, speaker=speaker, text=" ".join(sound(text).split()))


def _offset(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LATEST_MS:
        raise MessageRejected("a segment needs its begin and end in whole milliseconds since the call began")
    return value


def _objects(value: object, name: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise MessageRejected(f"{name} must be an array of objects")
    return value


def _check_call(given: object, call_id: str) -> None:
    if given is not None and given != call_id:
        raise MessageRejected("ContactId is another call than the address names")


def _tag(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 35 and value.replace("-", "").isalnum() else None
