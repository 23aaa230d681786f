"""Reads contacts and answers as they stand."""

from typing import Any

from sqlalchemy import Connection, Row, Select, func, null, select

from triage.errors import NotFound
from triage.store.deciding import standing_decisions
from triage.store.documents import json_object
from triage.store.identity import message_key, text_digest
from triage.store.records import Counts, StoredContact, StoredDecision, StoredTriage
from triage.store.schema import contacts, decisions, messages, rejections, triages
from triage.store.texts import KnownTexts
from triage.types import Channel, Message

_TRIAGE_COLUMNS = (
    triages.c.id.label("triage_id"),
    triages.c.revision.label("triage_revision"),
    triages.c.answer,
    triages.c.suggestion,
    triages.c.created_at.label("triaged_at"),
)


def contact_id_of(connection: Connection, message_id: str, *, lock: bool = False) -> int:
    """Return the contact of a message; with `lock`, nobody else changes it before the transaction ends.

    Raises:
        NotFound: If no such message is stored.
    """
    statement = select(contacts.c.id).where(contacts.c.message_key == message_key(message_id))
    contact_id: int | None = connection.execute(statement.with_for_update() if lock else statement).scalar()
    if contact_id is None:
        raise NotFound(f"no message {message_id} is stored")
    return contact_id


def recent_contacts(connection: Connection, limit: int) -> list[StoredContact]:
    """Return the contacts stored last, newest first.

    Raises:
        ValueError: If limit < 1.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    newest = select(contacts.c.id).order_by(contacts.c.id.desc()).limit(limit)
    return contacts_chosen(connection, newest)


def contact(connection: Connection, contact_id: int) -> StoredContact:
    """Return one contact, which must be stored, with its bytes."""
    [found] = contacts_chosen(connection, select(contacts.c.id).where(contacts.c.id == contact_id), raw=True)
    return found


def triages_of(connection: Connection, message_id: str) -> list[StoredTriage]:
    """Return every answer to the message: by revision of its text, oldest first."""
    statement: Select[Any] = (
        select(*_TRIAGE_COLUMNS)
        .where(triages.c.contact_id == contact_id_of(connection, message_id))
        .order_by(triages.c.revision, triages.c.id)
    )
    return [_triage(row, message_id) for row in connection.execute(statement)]


def answers_to(connection: Connection, message: Message) -> list[StoredTriage]:
    """Return every answer to this very text under this id, oldest first."""
    here = select(contacts.c.id).where(contacts.c.message_key == message_key(message.id))
    contact_id: int | None = connection.execute(here).scalar()
    if contact_id is None:
        return []
    revisions = KnownTexts.of(connection, [contact_id]).revisions(contact_id, text_digest(message))
    statement: Select[Any] = (
        select(*_TRIAGE_COLUMNS)
        .where(triages.c.contact_id == contact_id, triages.c.revision.in_(revisions))
        .order_by(triages.c.id)
    )
    return [_triage(row, message.id) for row in connection.execute(statement)]


def triaged(connection: Connection, message_id: str, triage_id: int | None = None) -> tuple[Message, StoredTriage]:
    """Return an answer, the latest where none is named, with the very text that it was given to.

    Raises:
        NotFound: If no such message or answer is stored.
    """
    answers = [stored for stored in triages_of(connection, message_id) if triage_id in (None, stored.id)]
    if not answers:
        raise NotFound(f"message {message_id} has no such triage")
    return _message_revision(connection, message_id, answers[-1].revision), answers[-1]


def _message_revision(connection: Connection, message_id: str, revision: int) -> Message:
    """Return a message with one of its texts, which must be stored."""
    of_contact = messages.c.contact_id == contacts.c.id
    here = (contacts.c.message_key == message_key(message_id)) & (messages.c.revision == revision)
    columns = [column for column in messages.c if column.name != "created_at"]
    statement: Select[Any] = select(contacts, *columns).join(messages, of_contact).where(here)
    return message_of(connection.execute(statement).one())


def count_rows(connection: Connection) -> Counts:
    """Count the rows of every table."""
    tables = {"contacts": contacts, "messages": messages, "triages": triages}
    tables |= {"decisions": decisions, "rejections": rejections}
    numbers = [select(func.count()).select_from(table).scalar_subquery().label(name) for name, table in tables.items()]
    return Counts(**connection.execute(select(*numbers)).one()._mapping)


def contacts_chosen(connection: Connection, chosen: Select[int], *, raw: bool = False) -> list[StoredContact]:
    """Return the contacts whose ids a statement selects, newest first; with their bytes only where `raw`."""
    rows = connection.execute(_newest_texts(chosen, raw=raw)).all()
    standing = standing_decisions(connection, [row.id for row in rows])
    return [_contact(row, standing.get(row.id)) for row in rows]


def _newest_texts(chosen: Select[int], *, raw: bool) -> Select[Any]:
    """Select each chosen contact with its newest text and the newest answer to that text, if there is one."""
    ids = chosen.subquery()
    of_contact = messages.c.contact_id == contacts.c.id
    newest = select(func.max(messages.c.revision)).where(of_contact).correlate(contacts).scalar_subquery()
    of_text = (triages.c.contact_id == contacts.c.id) & (triages.c.revision == messages.c.revision)
    latest = select(func.max(triages.c.id)).where(of_text).correlate(contacts, messages).scalar_subquery()
    joined = (
        contacts.join(ids, ids.c.id == contacts.c.id)
        .join(messages, of_contact & (messages.c.revision == newest))
        .outerjoin(triages, of_text & (triages.c.id == latest))
    )
    columns = [column for column in messages.c if column.name not in ("contact_id", "created_at", "raw")]
    kept = messages.c.raw if raw else null().label("raw")
    return select(contacts, *columns, kept, *_TRIAGE_COLUMNS).select_from(joined).order_by(contacts.c.id.desc())


def _contact(row: Row[Any], decision: StoredDecision | None) -> StoredContact:
    return StoredContact(
        message=message_of(row),
        revision=row.revision,
        raw=row.raw,
        triage=None if row.triage_id is None else _triage(row, row.message_id),
        decision=decision,
        created_at=row.created_at,
    )


def message_of(row: Row[Any]) -> Message:
    """Return the message that a row of `contacts`, joined with one of `messages`, keeps."""
    return Message(
        id=row.message_id,
        text=row.text,
        channel=Channel(row.channel),
        subject=row.subject,
        language_hint=row.language_hint,
        received_at=row.received_at,
        thread_id=row.thread_id,
    )


def _triage(row: Row[Any], message_id: str) -> StoredTriage:
    return StoredTriage(
        id=row.triage_id,
        message_id=message_id,
        revision=row.triage_revision,
        answer=json_object(row.answer),
        suggestion=row.suggestion,
        created_at=row.triaged_at,
    )
