"""Notices hold from one moment to another and are never forgotten."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.clock import Clock
from triage.errors import NotFound
from triage.store import SqlTriageStore
from triage.store.notices import Notice


def boil(clock: Clock) -> Notice:
    return Notice(
        title="Boil water",
        text="Boil tap water for one minute.",
        valid_until=clock.now + timedelta(days=2),
        district="3",
        service_types=("water.quality",),
        words=("boil", "tap water"),
        language="en",
        url="https://example.org/boil",
        contradicts=("water-safe",),
    )


def test_a_notice_holds_from_its_beginning_to_its_end(timed: SqlTriageStore, clock: Clock) -> None:
    notice = replace(boil(clock), valid_from=clock.now + timedelta(hours=1))
    pinned = timed.notices.pin(notice, "lea")
    assert (pinned.notice, pinned.pinned_by) == (notice, "lea")
    assert timed.notices.active() == ()
    clock.pass_by(hours=1)
    assert timed.notices.active() == (pinned,)
    clock.pass_by(days=2)
    assert timed.notices.active() == ()
    assert timed.notices.active(clock.now - timedelta(days=1)) == timed.notices.list() == (pinned,)


def test_a_notice_that_is_taken_down_holds_no_more(timed: SqlTriageStore, clock: Clock) -> None:
    first, second = (timed.notices.pin(boil(clock), "lea") for _ in range(2))
    assert [notice.id for notice in timed.notices.active()] == [second.id, first.id]
    withdrawn = timed.notices.withdraw(first.id, "max")
    clock.pass_by(minutes=1)
    assert timed.notices.withdraw(first.id, "lea") == withdrawn == timed.notices.of(first.id)
    assert (withdrawn.withdrawn_by, withdrawn.is_active_at(clock.now)) == ("max", False)
    assert [notice.id for notice in timed.notices.active()] == [second.id]


def test_the_articles_that_say_otherwise_are_written_down(timed: SqlTriageStore, clock: Clock) -> None:
    pinned = timed.notices.pin(boil(clock), "lea")
    timed.notices.set_contradicts(pinned.id, ["a", "b"])
    assert timed.notices.of(pinned.id).notice.contradicts == ("a", "b")
    assert [event.kind.value for event in timed.events.since(0)] == ["notice"]


def test_a_notice_needs_a_title_and_an_end_that_is_to_come(timed: SqlTriageStore, clock: Clock) -> None:
    with pytest.raises(ValueError, match="needs a title"):
        replace(boil(clock), title=" ")
    with pytest.raises(ValueError, match="end after it begins"):
        replace(boil(clock), valid_from=clock.now + timedelta(days=3))
    with pytest.raises(ValueError, match="must end in the future"):
        timed.notices.pin(replace(boil(clock), valid_until=clock.now), "lea")
    for ask in (timed.notices.of, lambda number: timed.notices.withdraw(number, "lea")):
        with pytest.raises(NotFound, match="no notice has the number 9"):
            ask(9)
