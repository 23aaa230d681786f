"""Deletes contacts whose time is over, each with a tombstone that says so.

The default keeps two years from the last thing that happened with a contact: a city in California may not destroy
records that are younger (Gov. Code § 34090). Labels and gap queries go with their contacts; what has none, such as
rejected input and searches, goes by its own age. Articles, notices, models, keys and the audit stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, delete, func, insert, select

from triage.store.chain import append_links, deletion_link
from triage.store.resource import Resource
from triage.store.schema import (
    attachments,
    contacts,
    decisions,
    messages,
    pauses,
    pending,
    places,
    rejections,
    standing,
    tombstones,
    triages,
)
from triage.store.schema_learning import disagreements, feedback, gap_queries, labels
from triage.store.schema_mail import mails
from triage.store.schema_service import claims, events, idempotency_keys, incident_contacts, links, outbox

YEARS: Final = 2
_BATCH: Final = 200
# In an order in which nothing points at what is gone.
OF_CONTACT: Final[tuple[Table, ...]] = (
    *(pending, claims, attachments, places, pauses, links, idempotency_keys, incident_contacts, events, outbox, mails),
    *(feedback, gap_queries, labels, disagreements, decisions, triages, standing, messages),
)
_WITHOUT_CONTACT: Final[tuple[Table, ...]] = (rejections, gap_queries, mails, feedback, idempotency_keys)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What was deleted, or would be.

    Attributes:
        before: Contacts in which nothing happened from this moment on.
        contacts: How many contacts.
        rows: How many rows of every table, theirs and those without a contact.
        dry_run: True where nothing was deleted.
    """

    before: datetime
    contacts: int
    rows: int
    dry_run: bool


class Retention(Resource):
    """Deletes what need not be kept any longer."""

    def run(
        self, *, by: str, years: int = YEARS, dry_run: bool = False, progress: Progress | None = None
    ) -> RetentionReport:
        """Delete contacts in which nothing has happened for so long; two hundred in a transaction.

        Broken off, it leaves whole contacts or tombstones; run again, it goes on.

        Args:
            by: Who orders it; kept in the tombstones.
            years: How long contacts are kept, at least 2.
            dry_run: Only count.
            progress: Told of how many contacts are done.

        Raises:
            ValueError: If years < 2.
        """
        if years < YEARS:
            raise ValueError(f"records are kept for at least {YEARS} years (Gov. Code § 34090), got {years}")
        before = years_before(self._now(), years)
        rule = f"nothing happened since {before.date().isoformat()}, kept {years} years"
        with self._database.reading() as connection:
            total = connection.execute(select(func.count()).select_from(_expired(before).subquery())).scalar_one()
            if dry_run:
                rows = _count_rows(connection, before)
                return RetentionReport(before=before, contacts=total, rows=rows, dry_run=True)
        done = rows = 0
        while batch := self._delete_batch(before, rule, by):
            done, rows = done + batch[0], rows + batch[1]
            if progress is not None:
                progress("retention", done, max(total, done))
        with self._database.writing() as connection:
            rows += sum(
                connection.execute(delete(table).where(_old(table, before))).rowcount for table in _WITHOUT_CONTACT
            )
        return RetentionReport(before=before, contacts=done, rows=rows, dry_run=False)

    def _delete_batch(self, before: datetime, rule: str, by: str) -> tuple[int, int] | None:
        """Delete some contacts; None where none is left."""
        now = self._now()
        chosen = select(contacts).where(contacts.c.id.in_(_expired(before))).order_by(contacts.c.message_key)
        with self._database.writing() as connection:
            locked = connection.execute(chosen.limit(_BATCH).with_for_update(skip_locked=True)).all()
            if not locked:
                return None
            rows = _still_expired(connection, locked, before)
            if not rows:
                return 0, 0
            last = _last_activity(connection, [row.id for row in rows])
            stones = [_tombstone(row, last[row.id], rule, by, now) for row in rows]
            for stone in stones:
                stone["rows_deleted"] = _delete_contact(connection, stone["contact_id"])
            connection.execute(insert(tombstones), stones)
            append_links(connection, [deletion_link(stone["contact_id"], stone) for stone in stones], now)
        return len(stones), sum(stone["rows_deleted"] for stone in stones)


def years_before(moment: datetime, years: int) -> datetime:
    """Return the same day so many years before; the 28th for a 29th of February that is not there."""
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=moment.year - years, day=day)


def _activity() -> tuple[tuple[Table, ColumnElement[Any]], ...]:
    return (
        (contacts, contacts.c.created_at),
        (messages, messages.c.created_at),
        (triages, triages.c.created_at),
        (decisions, decisions.c.decided_at),
        (outbox, func.coalesce(outbox.c.finished_at, outbox.c.created_at)),
        (labels, labels.c.created_at),
        (feedback, feedback.c.created_at),
        (pauses, func.coalesce(pauses.c.resumed_at, pauses.c.paused_at)),
    )


def _expired(before: datetime) -> Select[int]:
    """Select contacts in which nothing happened from a moment on, and nothing waits to be sent."""
    recent = [
        select(table.c.contact_id).where(table.c.contact_id == contacts.c.id, moment >= before).exists()
        for table, moment in _activity()
        if table is not contacts
    ]
    unsent = select(outbox.c.id).where(outbox.c.contact_id == contacts.c.id, outbox.c.state == "due").exists()
    return select(contacts.c.id).where(contacts.c.created_at < before, *(~each for each in (*recent, unsent)))


def _still_expired(connection: Connection, locked: Sequence[Row[Any]], before: datetime) -> list[Row[Any]]:
    """Leave out the contacts in which something happened between the look and the lock."""
    again = _expired(before).where(contacts.c.id.in_([row.id for row in locked]))
    expired = set(connection.execute(again).scalars())
    return [row for row in locked if row.id in expired]


def _last_activity(connection: Connection, contact_ids: Sequence[int]) -> dict[int, datetime]:
    last: dict[int, datetime] = {}
    for table, moment in _activity():
        key = table.c.id if table is contacts else table.c.contact_id
        statement = select(key, func.max(moment)).where(key.in_(contact_ids)).group_by(key)
        for contact_id, latest in connection.execute(statement):
            last[contact_id] = max(latest, last.get(contact_id, latest))
    return last


def _tombstone(row: Row[Any], last_activity_at: datetime, rule: str, by: str, now: datetime) -> dict[str, Any]:
    return {
        "contact_id": row.id,
        "message_key": row.message_key,
        "channel": row.channel,
        "created_at": row.created_at,
        "last_activity_at": last_activity_at,
        "deleted_at": now,
        "rule": rule,
        "deleted_by": by,
    }


def _delete_contact(connection: Connection, contact_id: int) -> int:
    number = sum(
        connection.execute(delete(table).where(table.c.contact_id == contact_id)).rowcount for table in OF_CONTACT
    )
    return number + connection.execute(delete(contacts).where(contacts.c.id == contact_id)).rowcount


def _count_rows(connection: Connection, before: datetime) -> int:
    expired = _expired(before)
    of_contacts = [
        select(func.count()).select_from(table).where(table.c.contact_id.in_(expired)) for table in OF_CONTACT
    ]
    whole = select(func.count()).select_from(contacts).where(contacts.c.id.in_(expired))
    others = [select(func.count()).select_from(table).where(_old(table, before)) for table in _WITHOUT_CONTACT]
    return sum(connection.execute(statement).scalar_one() for statement in (*of_contacts, whole, *others))


def _old(table: Table, before: datetime) -> ColumnElement[bool]:
    is_old = table.c.created_at < before
    return is_old & table.c.contact_id.is_(None) if "contact_id" in table.c else is_old
