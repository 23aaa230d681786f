"""Whole cases: everything that is kept of a contact, to hand out or to explain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Table, func, select

from triage.store.deciding import decisions_of
from triage.store.reading import contact_id_of, message_of, triages_of
from triage.store.records import Status, StoredDecision, StoredTriage
from triage.store.resource import Resource
from triage.store.schema import contacts, messages, standing
from triage.store.schema_learning import feedback, labels
from triage.types import Message

_PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One contact with its whole history.

    Attributes:
        messages: Every text, oldest first.
        triages: Every answer, by revision of its text, oldest first.
        decisions: Every decision, oldest first; the last one stands.
        labels: Training labels by people, as field, label and who said so.
        feedback: Verdicts on answers, as article, verdict and who said so.
        status: Whether something is still to be done.
        created_at: When the contact was first stored.
    """

    messages: tuple[Message, ...]
    triages: tuple[StoredTriage, ...]
    decisions: tuple[StoredDecision, ...]
    labels: tuple[tuple[str, str, str], ...]
    feedback: tuple[tuple[str, str, str], ...]
    status: Status
    created_at: datetime

    @property
    def message(self) -> Message:
        """The newest text."""
        return self.messages[-1]

    @property
    def answer(self) -> Mapping[str, Any] | None:
        """The last answer to the newest text; None where it has none."""
        last = self.triages[-1] if self.triages else None
        return last.answer if last and last.revision == len(self.messages) else None


class CaseStore(Resource):
    """Cases, one at a time."""

    def of(self, message_id: str) -> Case:
        """Return one case.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            here = contacts.c.id == contact_id_of(connection, message_id)
            return _case(connection, connection.execute(_contacts().where(here)).one())

    def each(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Case]:
        """Yield the cases stored from one moment to before another, oldest first, a hundred read at a time."""
        last = 0
        while True:
            page = _within(_contacts(), since, until).where(contacts.c.id > last)
            with self._database.reading() as connection:
                rows = connection.execute(page.order_by(contacts.c.id).limit(_PAGE)).all()
                cases = [_case(connection, row) for row in rows]
            yield from cases
            if not rows:
                return
            last = rows[-1].id

    def count(self, since: datetime | None = None, until: datetime | None = None) -> int:
        """Return how many cases `each` yields."""
        statement = _within(select(func.count()).select_from(contacts), since, until)
        with self._database.reading() as connection:
            return int(connection.execute(statement).scalar_one())


def _contacts() -> Select[Any]:
    columns = (contacts.c.id, contacts.c.message_id, contacts.c.created_at, standing.c.status)
    return select(*columns).join(standing, standing.c.contact_id == contacts.c.id)


def _within(statement: Select[Any], since: datetime | None, until: datetime | None) -> Select[Any]:
    if since is not None:
        statement = statement.where(contacts.c.created_at >= since)
    return statement if until is None else statement.where(contacts.c.created_at < until)


def _case(connection: Connection, row: Row[Any]) -> Case:
    return Case(
        messages=_messages(connection, row.id),
        triages=tuple(triages_of(connection, row.message_id)),
        decisions=tuple(decisions_of(connection, row.id)),
        labels=_said(connection, row.id, labels, "field", "label", "labelled_by"),
        feedback=_said(connection, row.id, feedback, "article_id", "verdict", "given_by"),
        status=Status(row.status),
        created_at=row.created_at,
    )


def _messages(connection: Connection, contact_id: int) -> tuple[Message, ...]:
    columns = [column for column in messages.c if column.name not in ("created_at", "raw", "contact_id")]
    statement: Select[Any] = select(contacts, *columns).join(messages, messages.c.contact_id == contacts.c.id)
    rows = connection.execute(statement.where(contacts.c.id == contact_id).order_by(messages.c.revision))
    return tuple(message_of(row) for row in rows)


def _said(connection: Connection, contact_id: int, table: Table, *names: str) -> tuple[tuple[str, str, str], ...]:
    statement = select(*(table.c[name] for name in names)).where(table.c.contact_id == contact_id)
    return tuple((row[0], row[1], row[2]) for row in connection.execute(statement.order_by(table.c.id)))
