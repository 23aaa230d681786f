"""Calls of several processes on one store: each segment once, whatever the order; a restart loses nothing."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FailingTripwire, fake_parts
from tests.triage.channels.test_voice import said
from triage import live_calls
from triage.channels.voice import MAX_SEGMENTS, CallState, CallUpdate, Speaker
from triage.errors import MessageRejected, NotFound
from triage.live_calls import FORGOTTEN_AFTER, SILENT_AFTER, LiveCalls
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store
from triage.store.resource import utc_now
from triage.types import Message, Triage

PIPELINE = Pipeline(fake_parts())
POISONED = Pipeline(fake_parts(tripwire=FailingTripwire("poison")))
LONG_SILENT = SILENT_AFTER + timedelta(seconds=1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('calls') / 'city.db'}") as store:
        yield store


class Process:
    """What one process of the service has: the calls, and what it triaged and stored."""

    def __init__(self, store: SqlTriageStore, pipeline: Pipeline = PIPELINE) -> None:
        self.pipeline = pipeline
        self.while_triaging: Callable[[], object] = lambda: None  # once
        self.while_keeping: Callable[[], object] = lambda: None  # once
        self.asked: list[str] = []
        self.kept: list[tuple[str, str]] = []
        self.raws: list[bytes] = []
        self.calls = LiveCalls(store.calls, self._triage, self._keep)

    def _triage(self, message: Message) -> Triage:
        self.asked.append(message.text)
        meanwhile, self.while_triaging = self.while_triaging, lambda: None
        meanwhile()
        return self.pipeline.triage(message)

    def _keep(self, message: Message, triage: Triage, raw: bytes) -> None:
        meanwhile, self.while_keeping = self.while_keeping, lambda: None
        meanwhile()
        self.kept.append((message.id, message.text))
        self.raws.append(raw)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)[:90]


def heard(*segments: object, state: CallState = CallState.LIVE, replaces: bool = False) -> CallUpdate:
    return CallUpdate(segments=tuple(segments), state=state, replaces=replaces)  # type: ignore[arg-type]


numbers = iter(range(1_000_000))


@given(data=st.data())
def test_segments_in_any_order_any_number_of_times_by_any_process_give_the_same_record(
    shared: SqlTriageStore, data: st.DataObject
) -> None:
    segments = [said(number, word) for number, word in enumerate(("someone", "dumped", "a couch", "here"))]
    sent = data.draw(st.lists(st.sampled_from(segments), max_size=6)) + data.draw(st.permutations(segments))
    call, processes = f"c-{next(numbers)}", [Process(shared), Process(shared)]
    for segment in sent:
        view = processes[data.draw(st.integers(0, 1))].calls.take(call, heard(segment))
    assert view.segments == 4
    last = processes[0]
    last.calls.take(call, heard(state=CallState.ENDED))
    assert last.kept == [(call, "someone\ndumped\na couch\nhere")]


def test_a_process_goes_on_with_the_call_of_one_that_died(shared: SqlTriageStore, name: str) -> None:
    first = Process(shared)
    shown = first.calls.take(name, heard(said(1, "someone dumped a couch, and a gas smell")))
    second = Process(shared)
    view = second.calls.take(name, heard(said(2, "in the alley"), state=CallState.ENDED))
    assert (view.suggestion, view.safety.line) == (shown.suggestion, "911")
    assert second.kept == [(name, "someone dumped a couch, and a gas smell\nin the alley")]
    assert first.kept == []


def test_a_suggestion_does_not_flicker_between_processes(shared: SqlTriageStore, name: str) -> None:
    codes = []
    for number, words in enumerate(("someone dumped a couch", "down the street", "yes")):
        view = Process(shared).calls.take(name, heard(said(number, words)))
        codes.append(view.suggestion.code if view.suggestion else None)
    assert codes == ["waste.dumping"] * 3


def test_a_segment_that_is_known_triages_nothing(shared: SqlTriageStore, name: str) -> None:
    process = Process(shared)
    for _ in range(3):
        process.calls.take(name, heard(said(1, "a couch"), said(2, "thanks", Speaker.AGENT)))
    assert process.asked == ["a couch"]


def test_an_emergency_shows_at_once_and_stays(shared: SqlTriageStore, name: str) -> None:
    calls = Process(shared).calls
    assert calls.take(name, heard(said(1, "there is a gas smell"))).safety.line == "911"
    assert calls.take(name, heard(said(2, "never mind"), replaces=True)).safety.line == "911"


def test_the_file_after_a_call_replaces_what_came_live(shared: SqlTriageStore, name: str) -> None:
    process = Process(shared)
    process.calls.take(name, heard(said(1, "a cow"), state=CallState.ENDED))
    process.calls.take(name, heard(said(1, "a couch"), state=CallState.ENDED, replaces=True))
    assert process.kept == [(name, "a cow"), (name, "a couch")]


def test_what_comes_after_the_end_is_added_to_the_whole(shared: SqlTriageStore, name: str) -> None:
    process = Process(shared)
    process.calls.take(name, heard(said(1, "a couch"), state=CallState.ENDED))
    process.calls.take(name, heard(said(1, "a couch")))
    late = process.calls.take(name, heard(said(0, "hello")))
    assert (late.state, late.segments) == (CallState.ENDED, 2)
    assert process.kept == [(name, "a couch"), (name, "hello\na couch")]


def test_a_failed_call_is_stored_and_may_end_after_all(shared: SqlTriageStore, name: str) -> None:
    process = Process(shared)
    process.calls.take(name, heard(said(1, "hello"), state=CallState.FAILED))
    assert process.calls.take(name, heard(state=CallState.LIVE)).state is CallState.FAILED
    process.calls.take(name, heard(said(2, "a couch"), state=CallState.ENDED))
    assert process.kept == [(name, "hello"), (name, "hello\na couch")]


def test_a_call_without_a_word_of_the_resident_leaves_no_record(shared: SqlTriageStore, name: str) -> None:
    process = Process(shared)
    view = process.calls.take(name, heard(said(1, "City 311", Speaker.AGENT), state=CallState.ENDED))
    assert (view.segments, view.triage, process.kept) == (0, None, [])


def test_a_record_comes_with_the_segments_that_it_was_made_of(shared: SqlTriageStore, name: str) -> None:
    process = Process(shared)
    process.calls.take(name, heard(said(1, "a couch"), said(0, "City 311", Speaker.AGENT), state=CallState.ENDED))
    [raw] = map(json.loads, process.raws)
    assert [(segment["id"], segment["speaker"], segment["text"]) for segment in raw["segments"]] == [
        ("s-0", "agent", "City 311"),
        ("s-1", "customer", "a couch"),
    ]


def test_a_call_that_goes_silent_is_stored_by_whoever_sweeps_and_forgotten_later(
    shared: SqlTriageStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Process(shared).calls.take(name, heard(said(1, "a couch")))
    sweeper = Process(shared)
    for after in (timedelta(), LONG_SILENT, SILENT_AFTER + timedelta(minutes=1)):
        moment = utc_now() + after
        monkeypatch.setattr(live_calls, "utc_now", lambda moment=moment: moment)
        sweeper.calls.sweep()
    assert sweeper.kept.count((name, "a couch")) == 1
    assert shared.calls.of(name) is not None
    monkeypatch.setattr(live_calls, "utc_now", lambda: utc_now() + FORGOTTEN_AFTER + timedelta(minutes=1))
    sweeper.calls.sweep()
    assert shared.calls.of(name) is None


def test_a_silent_call_that_cannot_be_triaged_holds_up_none_behind_it_and_is_tried_again(
    shared: SqlTriageStore, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number, words in enumerate(("poison", "a couch")):
        Process(shared).calls.take(f"{name}-{number}", heard(said(1, words)))
    later = utc_now() + LONG_SILENT
    monkeypatch.setattr(live_calls, "utc_now", lambda: later)
    sweeper = Process(shared, POISONED)
    stored = sweeper.calls.sweep()
    assert sweeper.kept[-1] == (f"{name}-1", "a couch")
    assert stored == len(sweeper.kept)
    assert f"the silent call {name}-0 cannot be stored: ComponentError" in caplog.text
    mended = Process(shared)
    assert mended.calls.sweep() == 1
    assert mended.kept == [(f"{name}-0", "poison")]


def test_a_hundred_calls_that_cannot_be_triaged_hold_up_none_behind_them(
    shared: SqlTriageStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        shared.calls.add(f"{name}-{number}", heard(said(1, "poison")))
    Process(shared).calls.take(f"{name}-last", heard(said(1, "a couch")))
    later = utc_now() + LONG_SILENT
    monkeypatch.setattr(live_calls, "utc_now", lambda: later)
    sweeper = Process(shared, POISONED)
    sweeper.calls.sweep()
    assert (f"{name}-last", "a couch") in sweeper.kept
    assert Process(shared).calls.sweep() == 100


def test_a_text_that_was_overtaken_while_it_was_triaged_is_not_stored_as_the_newest(
    shared: SqlTriageStore, name: str
) -> None:
    slow, fast = Process(shared), Process(shared)
    whole = heard(said(1, "a couch"), said(2, "in the alley"), state=CallState.ENDED)
    slow.while_triaging = lambda: fast.calls.take(name, whole)
    slow.calls.take(name, heard(said(1, "a couch"), state=CallState.ENDED))
    assert (slow.kept, fast.kept) == ([], [(name, "a couch\nin the alley")])
    stored = shared.calls.of(name)
    assert stored is not None
    assert stored.kept == stored.revision


def test_of_two_texts_that_a_process_stores_at_once_the_whole_one_comes_last(shared: SqlTriageStore, name: str) -> None:
    process = Process(shared)
    rest = heard(said(2, "in the alley"), state=CallState.ENDED)
    other = Thread(target=lambda: process.calls.take(name, rest))

    def overtake() -> None:
        other.start()
        other.join(0.3)

    process.while_keeping = overtake
    process.calls.take(name, heard(said(1, "a couch"), state=CallState.ENDED))
    other.join()
    assert process.kept == [(name, "a couch"), (name, "a couch\nin the alley")]


def test_a_call_without_measure_is_refused_and_stays_as_it_was(shared: SqlTriageStore, name: str) -> None:
    process = Process(shared)
    process.calls.take(name, heard(*(said(number, "") for number in range(MAX_SEGMENTS))))
    with pytest.raises(MessageRejected, match="at most 5,000 segments"):
        process.calls.take(name, heard(said(MAX_SEGMENTS, "more")))
    stored = shared.calls.of(name)
    assert stored is not None
    assert len(stored.segments) == MAX_SEGMENTS


def test_nothing_is_a_contact_before_its_record_is_stored(shared: SqlTriageStore, name: str) -> None:
    Process(shared).calls.take(name, heard(said(1, "a couch")))
    with pytest.raises(NotFound):
        shared.contact_of(name)
