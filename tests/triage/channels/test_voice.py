"""Calls: three shapes of segments, and a suggestion that does not flicker."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import fake_parts
from triage.channels.rolling import CallMemory, SteadySuggestion, spoken
from triage.channels.voice import CallState, CallUpdate, Segment, Speaker, update_of
from triage.errors import MessageRejected
from triage.pipeline import Pipeline
from triage.types import Message, ServiceTypeSuggestion

PIPELINE = Pipeline(fake_parts())


def said(number: int, text: str, speaker: Speaker = Speaker.CUSTOMER) -> Segment:
    return Segment(begin_ms=number * 1_000, end_ms=number * 1_000 + 900, id=f"s-{number}", speaker=speaker, text=text)


def ranked(**probabilities: float) -> list[ServiceTypeSuggestion]:
    order = sorted(probabilities, key=lambda code: -probabilities[code])
    return [ServiceTypeSuggestion(code=c, name=c, department="d", probability=probabilities[c]) for c in order]


def test_a_real_time_event_gives_the_transcripts_of_the_resident_and_the_agent() -> None:
    event = {
        "Version": "1.0.0",
        "Channel": "VOICE",
        "ContactId": "c-1",
        "LanguageCode": "es-US",
        "EventType": "SEGMENTS",
        "Segments": [
            {"Utterance": {"Id": "u", "PartialContent": "someone du"}},
            {"Transcript": lens("t-1", "CUSTOMER", "someone dumped a couch", 900)},
            {"Categories": {"MatchedCategories": []}},
            {"Transcript": lens("t-0", "AGENT", "City 311", 0)},
        ],
    }
    assert update_of(event, call_id="c-1") == CallUpdate(
        segments=(
            Segment(begin_ms=900, end_ms=1_400, id="t-1", speaker=Speaker.CUSTOMER, text="someone dumped a couch"),
            Segment(begin_ms=0, end_ms=500, id="t-0", speaker=Speaker.AGENT, text="City 311"),
        ),
        language_hint="es-US",
    )


def lens(identity: str, role: str, text: str, begin: int) -> dict[str, Any]:
    return {
        "Id": identity,
        "ParticipantRole": role,
        "Content": text,
        "BeginOffsetMillis": begin,
        "EndOffsetMillis": begin + 500,
        "Sentiment": "NEUTRAL",
    }


def test_the_file_after_a_call_replaces_what_came_live() -> None:
    line = {key: value for key, value in lens("p-1", "", "a couch", 10).items() if key != "ParticipantRole"}
    file = {
        "CustomerMetadata": {"ContactId": "c-1"},
        "JobStatus": "COMPLETED",
        "LanguageCode": "en-US",
        "Participants": [{"ParticipantId": "1", "ParticipantRole": "CUSTOMER"}],
        "Transcript": [{**line, "ParticipantId": "1"}],
    }
    update = update_of(file, call_id="c-1")
    assert (update.state, update.replaces, spoken(update.segments)) == (CallState.ENDED, True, "a couch")


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ([], "must be a JSON object"),
        ({}, "must have EventType and Segments"),
        ({"EventType": "OTHER"}, "EventType must be one of STARTED, SEGMENTS, COMPLETED, FAILED"),
        ({"EventType": "STARTED", "ContactId": "c-2"}, "ContactId is another call"),
        ({"segments": [{"id": "", "text": "a", "begin_ms": 0}]}, "needs an id"),
        ({"segments": [{"id": "1", "text": 4, "begin_ms": 0}]}, "needs a text"),
        ({"segments": [{"id": "1", "text": "a", "begin_ms": -1}]}, "whole milliseconds"),
        ({"segments": [{"id": "1", "text": "a", "begin_ms": 5, "end_ms": 4}]}, "must not end before it begins"),
        ({"segments": [], "more": 1}, "remove the others"),
        ({"segments": {}}, "segments must be an array of objects"),
    ],
)
def test_what_is_no_update_is_rejected_with_the_rule(raw: object, rule: str) -> None:
    with pytest.raises(MessageRejected, match=rule):
        update_of(raw, call_id="c-1")


def codes(*updates: list[ServiceTypeSuggestion]) -> list[str | None]:
    """Return what is shown after each update of a call."""
    steady, shown = SteadySuggestion(), []
    for update in updates:
        steady = steady.next(update)
        shown.append(steady.code)
    return shown


def test_a_suggestion_gives_way_to_a_clear_lead_at_once_and_to_a_small_one_when_it_stays() -> None:
    small = ranked(b=0.55, a=0.4)
    updates = (
        ranked(a=0.2, b=0.1),
        ranked(a=0.5, b=0.4),
        small,
        ranked(a=0.5, b=0.4),
        small,
        small,
        ranked(c=0.9, b=0.1),
    )
    assert codes(*updates) == [None, "a", "a", "a", "a", "b", "c"]


@given(leads=st.lists(st.floats(0.0, 0.09), max_size=30))
def test_a_suggestion_never_flickers_between_types_that_are_close(leads: list[float]) -> None:
    turns = [ranked(a=0.45, b=0.45 + lead) if n % 2 else ranked(a=0.45 + lead, b=0.45) for n, lead in enumerate(leads)]
    assert set(codes(ranked(a=0.5, b=0.4), *turns)) == {"a"}


def test_what_is_remembered_is_the_same_after_it_was_stored() -> None:
    triage = PIPELINE.triage(Message(id="m", text="someone dumped a couch, gas smell"))
    memory = CallMemory().after(triage, is_newest=True)
    assert memory.shown is not None
    assert CallMemory.of(memory.stored) == memory
    assert CallMemory.of({}) == CallMemory()


def test_an_answer_that_comes_late_adds_dangers_and_changes_no_suggestion() -> None:
    couch = PIPELINE.triage(Message(id="m", text="someone dumped a couch"))
    gas = PIPELINE.triage(Message(id="m", text="water in the street, gas smell"))
    memory = CallMemory().after(couch, is_newest=True)
    late = memory.after(gas, is_newest=False)
    assert (late.shown, late.safety.line) == (memory.shown, "911")
