"""What agents say of answers, and how often articles are shown and used."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from triage.store.database import insert_ignoring, insert_row
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema import contacts
from triage.store.schema_learning import article_usage, feedback


class Verdict(StrEnum):
    """What an agent says of an answer."""

    USED = "used"
    HELPFUL = "helpful"
    WRONG = "wrong"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFeedback:
    """One verdict on an article's section; `message_id` is None where it came from a search."""

    id: int
    article_id: str
    section: str
    verdict: Verdict
    message_id: str | None
    query: str | None
    language: str | None
    note: str | None
    given_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleUsage:
    """How often something was done with an article on a day in UTC."""

    article_id: str
    day: date
    usage: str
    count: int


class FeedbackStore(Resource):
    """Verdicts on answers and counts of use."""

    def give(
        self,
        *,
        article_id: str,
        verdict: Verdict,
        by: str,
        section: str = "",
        message_id: str | None = None,
        query: str | None = None,
        language: str | None = None,
        note: str | None = None,
    ) -> int:
        """Store a verdict, count it as a use of the article, and return its number.

        Args:
            article_id: The article.
            verdict: What the agent says.
            by: Who says so.
            section: The article's section; empty for the whole.
            message_id: The contact that was answered.
            query: The question that was asked, masked by the caller.
            language: BCP 47 code of the question.
            note: In the agent's words.

        Raises:
            NotFound: If no such message is stored.
        """
        now = self._now()
        with self._database.writing() as connection:
            row = {
                "article_id": article_id,
                "section": section,
                "verdict": verdict.value,
                "contact_id": None if message_id is None else contact_id_of(connection, message_id),
                "query": query,
                "language": language,
                "note": note,
                "given_by": by,
                "created_at": now,
            }
            feedback_id = insert_row(connection, feedback, row)
            _count(connection, article_id, now.date(), verdict.value, 1)
        return feedback_id

    def of(self, article_id: str) -> tuple[StoredFeedback, ...]:
        """Return the verdicts on an article, newest first."""
        return self._read(feedback.c.article_id == article_id, None)

    def list(self, limit: int = 100) -> tuple[StoredFeedback, ...]:
        """Return verdicts, newest first."""
        return self._read(feedback.c.id > 0, limit)

    def totals(self) -> Mapping[str, Mapping[Verdict, int]]:
        """Return, by article, how often each verdict was given."""
        statement = select(feedback.c.article_id, feedback.c.verdict, func.count()).group_by(
            feedback.c.article_id, feedback.c.verdict
        )
        totals: dict[str, dict[Verdict, int]] = defaultdict(lambda: dict.fromkeys(Verdict, 0))
        with self._database.reading() as connection:
            for article_id, verdict, number in connection.execute(statement):
                totals[article_id][Verdict(verdict)] = number
        return dict(totals)

    def count_usage(self, article_id: str, usage: str = "shown", number: int = 1) -> None:
        """Count that something was done with an article today."""
        with self._database.writing() as connection:
            _count(connection, article_id, self._now().date(), usage, number)

    def usage(self, since: date) -> tuple[ArticleUsage, ...]:
        """Return the counts of every day from `since` on, by article and day."""
        statement = select(article_usage).where(article_usage.c.day >= since.isoformat())
        order = (article_usage.c.article_id, article_usage.c.day, article_usage.c.usage)
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(*order)).all()
        return tuple(
            ArticleUsage(
                article_id=row.article_id, day=date.fromisoformat(row.day), usage=row.usage, count=row._mapping["count"]
            )
            for row in rows
        )

    def _read(self, chosen: ColumnElement[bool], limit: int | None) -> tuple[StoredFeedback, ...]:
        statement = (
            select(feedback, contacts.c.message_id)
            .outerjoin(contacts, contacts.c.id == feedback.c.contact_id)
            .where(chosen)
            .order_by(feedback.c.id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(_feedback(row) for row in connection.execute(statement))


def _count(connection: Connection, article_id: str, day: date, usage: str, number: int) -> None:
    key = {"article_id": article_id, "day": day.isoformat(), "usage": usage}
    insertion = insert_ignoring(connection.dialect.name, article_usage, "article_id", "day", "usage")
    connection.execute(insertion, {**key, "count": 0})
    here = [article_usage.c[name] == value for name, value in key.items()]
    connection.execute(update(article_usage).where(*here).values(count=article_usage.c["count"] + number))


def _feedback(row: Row[Any]) -> StoredFeedback:
    return StoredFeedback(
        id=row.id,
        article_id=row.article_id,
        section=row.section,
        verdict=Verdict(row.verdict),
        message_id=row.message_id,
        query=row.query,
        language=row.language,
        note=row.note,
        given_by=row.given_by,
        created_at=row.created_at,
    )
