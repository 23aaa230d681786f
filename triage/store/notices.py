"""Notices that a supervisor pins: true from one moment to another, for a district or for types of service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from triage.errors import NotFound
from triage.store.database import insert_row
from triage.store.documents import json_strings, to_json
from triage.store.events import EventKind, publish
from triage.store.resource import Resource
from triage.store.schema_service import notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What residents and agents have to know for a time.

    Attributes:
        title: One line, not empty.
        text: What an agent may read aloud.
        valid_until: When it ends by itself.
        valid_from: When it begins; None for at once.
        district: Where it holds; None for the whole city.
        service_types: Codes that it is about; empty for any.
        words: Words of queries that it is about.
        language: BCP 47 code of title and text; None where it is not told.
        url: Where more is said.
        contradicts: Ids of articles that say otherwise meanwhile.
    """

    title: str
    text: str
    valid_until: datetime
    valid_from: datetime | None = None
    district: str | None = None
    service_types: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    language: str | None = None
    url: str | None = None
    contradicts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ValueError("a notice needs a title")
        if self.valid_from is not None and self.valid_until <= self.valid_from:
            raise ValueError("a notice must end after it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotice:
    """A notice with its number, who pinned it, and who took it down before its time."""

    id: int
    notice: Notice
    pinned_by: str
    created_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None

    def is_active_at(self, moment: datetime) -> bool:
        """Tell whether the notice holds at a moment."""
        begins = self.notice.valid_from or self.created_at
        return self.withdrawn_at is None and begins <= moment < self.notice.valid_until


class NoticeStore(Resource):
    """Notices; none is ever deleted, so that it can be told what was pinned on a given day."""

    def pin(self, notice: Notice, by: str) -> StoredNotice:
        """Pin a notice.

        Raises:
            ValueError: If it has ended already.
        """
        now = self._now()
        if notice.valid_until <= now:
            raise ValueError(f"a notice must end in the future, got {notice.valid_until.isoformat()}")
        row = {
            "title": notice.title,
            "text": notice.text,
            "district": notice.district,
            "service_types": to_json(notice.service_types),
            "words": to_json(notice.words),
            "language": notice.language,
            "url": notice.url,
            "contradicts": to_json(notice.contradicts),
            "pinned_by": by,
            "valid_from": notice.valid_from or now,
            "valid_until": notice.valid_until,
            "created_at": now,
        }
        with self._database.writing() as connection:
            notice_id = insert_row(connection, notices, row)
            publish(connection, [(EventKind.NOTICE, None, {"notice": notice_id})], now)
            return _notice_of(connection, notice_id)

    def active(self, at: datetime | None = None) -> tuple[StoredNotice, ...]:
        """Return the notices that hold at a moment, now where None, newest first."""
        moment = at or self._now()
        holds = notices.c.withdrawn_at.is_(None) & (notices.c.valid_from <= moment) & (notices.c.valid_until > moment)
        with self._database.reading() as connection:
            rows = connection.execute(select(notices).where(holds).order_by(notices.c.id.desc()))
            return tuple(_notice(row) for row in rows)

    def list(self, limit: int = 100) -> tuple[StoredNotice, ...]:
        """Return notices of any time, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(notices).order_by(notices.c.id.desc()).limit(limit))
            return tuple(_notice(row) for row in rows)

    def of(self, notice_id: int) -> StoredNotice:
        """Return one notice.

        Raises:
            NotFound: If none has that number.
        """
        with self._database.reading() as connection:
            return _notice_of(connection, notice_id)

    def withdraw(self, notice_id: int, by: str) -> StoredNotice:
        """Take a notice down; one that was taken down stays as it is.

        Raises:
            NotFound: If none has that number.
        """
        still_up = (notices.c.id == notice_id) & notices.c.withdrawn_at.is_(None)
        now = self._now()
        with self._database.writing() as connection:
            _notice_of(connection, notice_id)
            connection.execute(update(notices).where(still_up).values(withdrawn_by=by, withdrawn_at=now))
            publish(connection, [(EventKind.NOTICE, None, {"notice": notice_id})], now)
            return _notice_of(connection, notice_id)

    def set_contradicts(self, notice_id: int, article_ids: Sequence[str]) -> None:
        """Write down which articles say otherwise.

        Raises:
            NotFound: If none has that number.
        """
        with self._database.writing() as connection:
            _notice_of(connection, notice_id)
            here = update(notices).where(notices.c.id == notice_id)
            connection.execute(here.values(contradicts=to_json(tuple(article_ids))))


def _notice_of(connection: Connection, notice_id: int) -> StoredNotice:
    row = connection.execute(select(notices).where(notices.c.id == notice_id)).one_or_none()
    if row is None:
        raise NotFound(f"no notice has the number {notice_id}")
    return _notice(row)


def _notice(row: Row[Any]) -> StoredNotice:
    notice = Notice(
        title=row.title,
        text=row.text,
        valid_until=row.valid_until,
        valid_from=row.valid_from,
        district=row.district,
        service_types=json_strings(row.service_types),
        words=json_strings(row.words),
        language=row.language,
        url=row.url,
        contradicts=json_strings(row.contradicts),
    )
    return StoredNotice(
        id=row.id,
        notice=notice,
        pinned_by=row.pinned_by,
        created_at=row.created_at,
        withdrawn_by=row.withdrawn_by,
        withdrawn_at=row.withdrawn_at,
    )
