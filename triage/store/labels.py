"""Training labels: what people say is right of a message, and what agents decided, to train on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, select

from triage.store.database import insert_row
from triage.store.reading import contact_id_of
from triage.store.records import Action, Actor
from triage.store.resource import Resource
from triage.store.schema import contacts, decisions, messages, standing
from triage.store.schema_learning import labels

# A person who takes something back, or only closes, says nothing of the type.
_TELLING = tuple(action.value for action in (Action.ACCEPT, Action.OVERRIDE, Action.REROUTE, Action.ANSWER_USED))

_OF_CONTACT = (
    contacts.c.message_id,
    contacts.c.channel,
    func.coalesce(contacts.c.received_at, contacts.c.created_at, type_=contacts.c.created_at.type).label("received_at"),
)


class LabelSource(StrEnum):
    """Where a label comes from."""

    QUEUE = "queue"
    AGENT = "agent"
    IMPORT = "import"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLabel:
    """A label with the text that it is of.

    Attributes:
        id: Grows with time; that of a decision is the decision's.
        message_id: The contact's message; None where the text is of none.
        text: What the resident wrote.
        field: What is labelled, such as `service_type` or `language`.
        label: What is right.
        language: BCP 47 code of the text; None where it is not told.
        source: Where the label comes from.
        labelled_by: Who says so.
        created_at: When.
        channel: How the contact came in; None where the text is of none.
        received_at: When the contact came in, as its channel tells or else as it was stored; None likewise.
    """

    id: int
    message_id: str | None
    text: str
    field: str
    label: str
    language: str | None
    source: LabelSource
    labelled_by: str
    created_at: datetime
    channel: str | None
    received_at: datetime | None


class LabelStore(Resource):
    """Labels by people; a later label of the same text and field stands beside the earlier one."""

    def add(
        self,
        *,
        label: str,
        by: str,
        source: LabelSource,
        field: str = "service_type",
        message_id: str | None = None,
        text: str | None = None,
        language: str | None = None,
    ) -> int:
        """Store a label of a contact's newest text, or of a text that is no contact's; return its number.

        Raises:
            NotFound: If no such message is stored.
            ValueError: If neither or both of message and text are given.
        """
        if (message_id is None) == (text is None):
            raise ValueError("a label is either of a message or of a text")
        row: dict[str, Any] = {
            "text": text,
            "field": field,
            "label": label,
            "language": language,
            "source": source.value,
            "labelled_by": by,
            "created_at": self._now(),
        }
        with self._database.writing() as connection:
            if message_id is not None:
                row |= _newest_text(connection, message_id)
            return insert_row(connection, labels, row)

    def list(self, *, field: str = "service_type", after_id: int = 0, limit: int = 1000) -> tuple[StoredLabel, ...]:
        """Return labels of a field, oldest first; `after_id` is the last one of the page before."""
        statement = _labels().where(labels.c.field == field, labels.c.id > after_id)
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(labels.c.id).limit(limit))
            return tuple(_label(row) for row in rows)

    def decided(self, *, after_id: int = 0, limit: int = 1000) -> tuple[StoredLabel, ...]:
        """Return the service types that stand by a person's decision, as labels of the contacts' newest texts.

        Args:
            after_id: The id of the last one of the page before.
            limit: How many at most.
        """
        with self._database.reading() as connection:
            rows = connection.execute(_decided(after_id, limit)).all()
        return tuple(
            StoredLabel(
                id=row.id,
                message_id=row.message_id,
                text=row.text,
                field="service_type",
                label=row.service_type,
                language=row.language,
                source=LabelSource.AGENT,
                labelled_by=row.decided_by,
                created_at=row.decided_at,
                channel=row.channel,
                received_at=row.received_at,
            )
            for row in rows
        )


def _newest_text(connection: Connection, message_id: str) -> dict[str, int]:
    contact_id = contact_id_of(connection, message_id)
    newest = select(func.max(messages.c.revision)).where(messages.c.contact_id == contact_id)
    return {"contact_id": contact_id, "revision": connection.execute(newest).scalar_one()}


def _labels() -> Select[Any]:
    same_text = and_(messages.c.contact_id == labels.c.contact_id, messages.c.revision == labels.c.revision)
    columns: Sequence[Any] = [column for column in labels.c if column.name not in ("contact_id", "revision", "text")]
    text = func.coalesce(labels.c.text, messages.c.text, type_=labels.c.text.type).label("text")
    joined = labels.outerjoin(messages, same_text).outerjoin(contacts, contacts.c.id == labels.c.contact_id)
    return select(*columns, text, *_OF_CONTACT).select_from(joined)


def _decided(after_id: int, limit: int) -> Select[Any]:
    stands = and_(standing.c.contact_id == decisions.c.contact_id, standing.c.version == decisions.c.version)
    newest = select(func.max(messages.c.revision)).where(messages.c.contact_id == decisions.c.contact_id)
    of_contact = and_(
        messages.c.contact_id == decisions.c.contact_id,
        messages.c.revision == newest.correlate(decisions).scalar_subquery(),
    )
    columns = (decisions.c.id, decisions.c.service_type, decisions.c.decided_by, decisions.c.decided_at)
    return (
        select(*columns, messages.c.text, *_OF_CONTACT, standing.c.language)
        .join(standing, stands)
        .join(messages, of_contact)
        .join(contacts, contacts.c.id == decisions.c.contact_id)
        .where(decisions.c.actor == Actor.PERSON.value, decisions.c.action.in_(_TELLING))
        .where(decisions.c.service_type.is_not(None), decisions.c.id > after_id)
        .order_by(decisions.c.id)
        .limit(limit)
    )


def _label(row: Row[Any]) -> StoredLabel:
    return StoredLabel(
        id=row.id,
        message_id=row.message_id,
        text=row.text,
        field=row.field,
        label=row.label,
        language=row.language,
        source=LabelSource(row.source),
        labelled_by=row.labelled_by,
        created_at=row.created_at,
        channel=row.channel,
        received_at=row.received_at,
    )
