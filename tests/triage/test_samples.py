"""The sample contacts of the demo."""

from pathlib import Path

from tests.fakes import fake_parts
from triage.pipeline import Pipeline
from triage.samples import sample_messages, triage_samples
from triage.store import open_store
from triage.types import Channel


def test_the_samples_are_messages_of_every_channel_under_names_of_their_own() -> None:
    messages = sample_messages()
    assert len({message.id for message in messages}) == len(messages) >= 20
    assert {message.channel for message in messages} == set(Channel)


def test_starting_the_demo_twice_stores_the_samples_once(tmp_path: Path) -> None:
    pipeline = Pipeline(fake_parts())
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as store:
        first = triage_samples(pipeline, store)
        counts = store.counts()
        second = triage_samples(pipeline, store)
        assert store.counts() == counts
    assert counts.contacts == counts.triages == len(sample_messages())
    assert [message for message, _ in first] == sample_messages()
    assert second == []
