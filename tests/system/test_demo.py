"""The demo's two weeks, with the real models: what a newcomer finds when the page opens."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from kb.gap_notes import note_triages
from triage.calendar_file import load as load_calendar
from triage.incident_watch import IncidentWatch
from triage.incidents import load as load_rules
from triage.pipeline import Pipeline
from triage.sample_days import SampleClock, SampleDays
from triage.store import Action, Actor, SqlTriageStore, Status, open_store
from triage.store.contact_list import ContactFilter
from triage.types import UrgencyLevel

PROCESSOR_S = 40  # 15 s by the clock are meant on two free cores; a busy machine is no failing test
SURGE = 14


def city(pipeline: Pipeline, store: SqlTriageStore, clock: SampleClock) -> SampleDays:
    return SampleDays(
        pipeline=pipeline,
        store=store,
        clock=clock,
        calendar=load_calendar(),
        watch=IncidentWatch(store=store, rules=load_rules(), taxonomy=pipeline.parts.taxonomy),
        noted=lambda pairs: note_triages(store.gaps, pairs),
    )


@pytest.fixture(scope="module")
def morning(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlTriageStore]:
    clock = SampleClock()
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('demo') / 'city.db'}", now=clock) as store:
        started = time.process_time()
        assert city(pipeline, store, clock).load(lambda name, done, total: None) == 300
        assert time.process_time() - started < PROCESSOR_S
        assert city(pipeline, store, clock).load(lambda name, done, total: None) == 0
        yield store


def test_contacts_came_over_every_channel_in_twelve_languages_and_more(morning: SqlTriageStore) -> None:
    assert morning.contacts.counts_by("channel") == {
        "call": 79, "web": 60, "app": 51, "sms": 33, "email": 33, "chat": 24, "transcript": 15, "ticket": 5
    }  # fmt: skip
    languages = morning.contacts.counts_by("language")
    assert len(languages) >= 16
    assert {"en", "es", "vi", "ru", "uk", "zh-Hans", "zh-Hant", "ko", "tl", "ar", "fa", "fr", "ht"} <= set(languages)


def test_most_of_the_past_is_decided_and_today_waits(morning: SqlTriageStore) -> None:
    status = morning.contacts.counts_by("status")
    assert status["open"] + status["closed"] == 300
    assert 90 <= status["open"] <= 130
    actors = morning.contacts.counts_by("actor")
    assert actors[Actor.PERSON] >= 240
    assert actors[Actor.POLICY] >= 40


def test_agents_accepted_more_than_they_overrode_and_every_type_exists(
    morning: SqlTriageStore, pipeline: Pipeline
) -> None:
    stored = [one for number in range(1, 301) for one in morning.decisions_of(f"sample-{number:03}")]
    actions = [one.action for one in stored]
    assert actions.count(Action.ACCEPT) > 3 * actions.count(Action.OVERRIDE) > 30
    assert actions.count(Action.ANSWER_USED) > 100
    assert {one.decision.service_type for one in stored} - {None, *pipeline.parts.taxonomy.codes} == set()


def test_the_main_break_is_one_incident_with_its_children(morning: SqlTriageStore) -> None:
    [incident] = morning.incidents.list()
    assert incident.service_type == "water.main_break"
    assert incident.area is not None
    assert {"juniper", "orchard"} <= set(incident.area.split(", "))
    assert len(incident.message_ids) >= SURGE - 1


def test_one_emergency_waits_for_somebody(morning: SqlTriageStore) -> None:
    grave = ContactFilter(status=Status.OPEN, urgency=UrgencyLevel.EMERGENCY, actor=Actor.POLICY)
    waiting = {contact.message.id for contact in morning.contacts.list(grave).contacts}
    assert "sample-297" in waiting
    assert len(waiting) <= 5  # beside bare wires in a hallway, what the learned part wrongly takes for danger


def test_there_are_gaps_a_notice_and_duplicates(morning: SqlTriageStore, pipeline: Pipeline) -> None:
    assert len(morning.gaps.unclustered()) >= 10
    [notice] = morning.notices.active(datetime.now(UTC))
    assert "Juniper Street" in notice.notice.title
    watch = IncidentWatch(store=morning, rules=load_rules(), taxonomy=pipeline.parts.taxonomy)
    again = [each.message_id for each in watch.duplicates_of("sample-286")]
    assert "sample-248" in again  # the hole on Prospect Hill Road, reported twice this morning


def test_an_arabic_contact_keeps_its_address_in_latin_letters(morning: SqlTriageStore) -> None:
    contact = morning.contact_of("sample-239")
    assert contact.triage is not None
    assert contact.triage.answer["language"]["code"] == "ar"
    assert [each["text"] for each in contact.triage.answer["entities"] if each["kind"] == "address"] == [
        "1420 Prospect Hill Rd"
    ]


def test_the_chain_of_receipts_holds(morning: SqlTriageStore) -> None:
    assert morning.receipts.verify().problems == ()
