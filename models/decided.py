"""Labels from the store: what people labelled, and what agents decided."""

from collections.abc import Callable, Iterator, Sequence

from models.datasets import Example, Row
from triage.store import SqlTriageStore
from triage.store.labels import StoredLabel
from triage.text import readable
from triage.types import Channel, Message

PAGE = 1_000


def rows_of_store(store: SqlTriageStore) -> list[Row]:
    """Return every labelled text of the store; a text that people labelled counts before what was decided on it."""
    labelled = list(_all(lambda after: store.labels.list(after_id=after, limit=PAGE)))
    said = {each.message_id for each in labelled if each.message_id}
    decided = _all(lambda after: store.labels.decided(after_id=after, limit=PAGE))
    return [_row(each) for each in (*labelled, *(each for each in decided if each.message_id not in said))]


def _all(page: Callable[[int], Sequence[StoredLabel]]) -> Iterator[StoredLabel]:
    after = 0
    while found := page(after):
        yield from found
        after = found[-1].id


def _row(label: StoredLabel) -> Row:
    text = readable(Message(id=label.message_id or "label", text=label.text))
    example = Example(
        text=text,
        label=label.label,
        group=label.message_id or "",
        language=label.language or "und",
        channel=label.channel or Channel.WEB.value,
        received_at=label.received_at or label.created_at,
    )
    return f"store:{label.source}-{label.id}", example
