"""Sample contacts of the fictional city, for the demo."""

from importlib.resources import files

from triage.channels.request import message_of_line
from triage.errors import NotFound
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.types import Message, Triage


def sample_messages() -> list[Message]:
    """Return the sample contacts that ship with the project."""
    lines = (files("triage") / "samples.jsonl").read_bytes().splitlines()
    return [message_of_line(line, f"sample-{number}") for number, line in enumerate(lines, start=1)]


def triage_samples(pipeline: Pipeline, store: SqlTriageStore) -> list[tuple[Message, Triage]]:
    """Triage and store the sample contacts that are not stored yet, and return them with their answers."""
    messages = [message for message in sample_messages() if not _is_stored(store, message)]
    pairs = list(zip(messages, pipeline.triage_batch(messages), strict=True))
    store.save(pairs)
    return pairs


def _is_stored(store: SqlTriageStore, message: Message) -> bool:
    try:
        store.triage_of(message.id)
    except NotFound:
        return False
    return True
