"""Labels of the store as examples to train on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.decided import rows_of_store
from tests.fakes import fake_parts
from triage.pipeline import Pipeline
from triage.store import open_store
from triage.store.labels import LabelSource
from triage.types import Channel, Decision, Message, Mode

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
CALLED = NOW - timedelta(days=30)


def test_an_example_has_the_channel_and_the_time_of_its_contact(tmp_path: Path) -> None:
    call = Message(id="m-1", text="a couch on the curb", channel=Channel.CALL, received_at=CALLED)
    mail = Message(id="m-2", text="water in the street", channel=Channel.EMAIL)
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", now=lambda: NOW) as store:
        store.save(list(zip((call, mail), Pipeline(fake_parts()).triage_batch((call, mail)), strict=True)))
        store.decide("m-1", Decision(mode=Mode.SUGGEST, service_type="waste.bulky", department="Waste"), "jo", 1)
        store.labels.add(label="water.leak", by="ana", source=LabelSource.QUEUE, message_id="m-2")
        store.labels.add(label="city.hours", by="ana", source=LabelSource.IMPORT, text="when do you open?")
        found = [example for _, example in rows_of_store(store)]
    assert [(each.label, each.channel, each.received_at) for each in found] == [
        ("water.leak", "email", NOW),
        ("city.hours", "web", NOW),
        ("waste.bulky", "call", CALLED),
    ]
