"""Calls: three shapes of segments, each once and in order, a suggestion that does not flicker, the final record."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import fake_parts
from triage.channels.rolling import LiveCalls, RollingCall, SteadySuggestion
from triage.channels.voice import CallState, CallUpdate, Segment, Speaker, update_of
from triage.errors import MessageRejected
from triage.pipeline import Pipeline
from triage.types import Message, ServiceTypeSuggestion, Triage

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
    call = RollingCall("c-1", PIPELINE.triage)
    call.take(CallUpdate(segments=(said(1, "a cow"),)))
    view = call.take(update_of(file, call_id="c-1"))
    assert (view.state, view.segments) == (CallState.ENDED, 1)
    assert call.record is not None
    assert call.record[0].text == "a couch"


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


@given(data=st.data())
def test_segments_in_any_order_and_any_number_of_times_give_the_same_record(data: st.DataObject) -> None:
    segments = [said(number, word) for number, word in enumerate(("someone", "dumped", "a couch", "here"))]
    sent = data.draw(st.lists(st.sampled_from(segments), max_size=12)) + data.draw(st.permutations(segments))
    call = RollingCall("c-1", PIPELINE.triage)
    for segment in sent:
        call.take(CallUpdate(segments=(segment,)))
    assert call.record is not None
    assert call.record[0].text == "someone\ndumped\na couch\nhere"


def test_a_segment_that_is_known_triages_nothing() -> None:
    asked: list[Message] = []

    def counted(message: Message) -> Triage:
        asked.append(message)
        return PIPELINE.triage(message)

    call = RollingCall("c-1", counted)
    for _ in range(3):
        call.take(CallUpdate(segments=(said(1, "a couch"), said(2, "thanks", Speaker.AGENT))))
    assert [message.text for message in asked] == ["a couch"]


def test_a_suggestion_gives_way_to_a_clear_lead_at_once_and_to_a_small_one_when_it_stays() -> None:
    steady = SteadySuggestion()
    assert steady.next(ranked(a=0.2, b=0.1)) is None
    assert steady.next(ranked(a=0.5, b=0.4)) == "a"
    assert steady.next(ranked(b=0.55, a=0.4)) == "a"
    assert steady.next(ranked(a=0.5, b=0.4)) == "a"
    assert [steady.next(ranked(b=0.55, a=0.4)) for _ in range(2)] == ["a", "b"]
    assert steady.next(ranked(c=0.9, b=0.1)) == "c"


@given(leads=st.lists(st.floats(0.0, 0.09), max_size=30))
def test_a_suggestion_never_flickers_between_types_that_are_close(leads: list[float]) -> None:
    steady = SteadySuggestion()
    steady.next(ranked(a=0.5, b=0.4))
    turns = [ranked(a=0.45, b=0.45 + lead) if n % 2 else ranked(a=0.45 + lead, b=0.45) for n, lead in enumerate(leads)]
    assert {steady.next(turn) for turn in turns} <= {"a"}


def test_an_emergency_shows_at_once_and_stays() -> None:
    call = RollingCall("c-1", PIPELINE.triage)
    assert call.take(CallUpdate(segments=(said(1, "there is a gas smell"),))).safety.line == "911"
    changed = CallUpdate(segments=(said(2, "never mind"),), replaces=True)
    assert call.take(changed).safety.line == "911"


def test_a_call_is_stored_when_it_ends_or_fails_or_its_line_breaks() -> None:
    kept: list[str] = []
    calls = LiveCalls(PIPELINE.triage, lambda message, _: kept.append(f"{message.id}: {message.text}"))
    calls.take("c-1", CallUpdate(segments=(said(1, "a couch"),)))
    assert kept == []
    calls.keep("c-1")
    calls.take("c-1", CallUpdate(segments=(said(2, "here"),), state=CallState.ENDED))
    calls.take("c-2", CallUpdate(segments=(said(1, "hello"),), state=CallState.FAILED))
    calls.take("c-3", CallUpdate(segments=(), state=CallState.ENDED))
    assert kept == ["c-1: a couch", "c-1: a couch\nhere", "c-2: hello"]
