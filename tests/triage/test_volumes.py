"""Contacts are counted by day and kind, in the city's zone."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.fakes import fake_parts
from triage.pipeline import Pipeline
from triage.store import open_store
from triage.types import Channel, Message
from triage.volumes import OTHERS, ContactFact, contact_facts, newest_contacts, series

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def fact(day: int, channel: str, hour: int = 0) -> ContactFact:
    return ContactFact(
        at=NOON + timedelta(days=day, hours=hour),
        channel=channel,
        language="en",
        service_type="waste.bulky",
        urgency="normal",
        decided_by="policy",
    )


def test_days_without_a_contact_and_rare_values_are_counted_too() -> None:
    found = series([fact(0, "web"), fact(2, "web"), fact(2, "call"), fact(2, "sms")], "channel", top=1)
    assert found.days == (date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4))
    assert (found.names, found.counts) == (("web", OTHERS), ((1, 0, 1), (0, 0, 2)))
    assert found.totals == {"web": 2, OTHERS: 2}


def test_a_day_is_one_of_the_citys_zone() -> None:
    late = [fact(0, "web", hour=11)]  # 23:00 UTC
    assert series(late, "channel").days == (date(2026, 3, 2),)
    assert series(late, "channel", zone=timezone(timedelta(hours=2))).days == (date(2026, 3, 3),)


def test_an_unknown_field_or_nothing_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="field must be one of channel, language"):
        series([fact(0, "web")], "text")
    with pytest.raises(ValueError, match="no contact"):
        series([], "channel")


def test_the_store_gives_a_fact_a_contact_with_its_time_of_arrival(tmp_path: Path) -> None:
    pipeline = Pipeline(fake_parts())
    times = [NOON + timedelta(days=number) for number in range(205)]
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        for number, time in enumerate(times):
            message = Message(id=f"m-{number}", text="couch", channel=Channel.SMS, received_at=time)
            store.save([(message, pipeline.triage(message))])
        facts = contact_facts(store)
        assert [contact.message.id for contact in newest_contacts(store, 2)] == ["m-204", "m-203"]
    assert len(facts) == 205
    assert (facts[0].at, facts[-1].at) == (times[-1], NOON)
    assert (facts[0].channel, facts[0].language, facts[0].service_type) == ("sms", "en", "waste.dumping")
    assert facts[0].decided_by == "policy"
