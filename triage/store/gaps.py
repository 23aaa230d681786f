"""The gap ledger: questions that the knowledge base does not answer, by topic and language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from triage.errors import NotFound
from triage.store.database import chunks, insert_row
from triage.store.reading import contact_id_of
from triage.store.resource import Resource
from triage.store.schema_learning import gap_queries as queries
from triage.store.schema_learning import gaps
from triage.types import AnswerStatus

_EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GapQuery:
    """A question that was not answered, or only possibly; masked."""

    id: int
    gap_id: int | None
    query: str
    language: str
    service_type: str | None
    status: AnswerStatus
    probability: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A topic that residents ask about and no article answers.

    Attributes:
        id: Names it.
        topic: What is asked, in few words.
        language: BCP 47 code of the questions.
        count: How many questions there were.
        examples: Up to five of them, newest first.
        first_at: When it was first asked; None where the questions are no longer kept.
        last_at: When it was last asked; None likewise.
        article_id: The article that answers it now; None while it is open.
        closed_by: Who said so.
        closed_at: When.
    """

    id: int
    topic: str
    language: str
    count: int
    examples: tuple[str, ...]
    first_at: datetime | None
    last_at: datetime | None
    article_id: str | None
    closed_by: str | None
    closed_at: datetime | None


class GapLedger(Resource):
    """Unanswered questions and the gaps that they make."""

    def note(
        self,
        *,
        query: str,
        language: str,
        status: AnswerStatus,
        message_id: str | None = None,
        service_type: str | None = None,
        probability: float | None = None,
    ) -> int:
        """Write down a question that was not answered, and return its number.

        A contact that is still being written asks once: what was noted of it before and is in no gap yet is replaced.

        Args:
            query: The question, masked by the caller.
            language: BCP 47 code of it.
            status: `none` or `possible`.
            message_id: The contact that asked; None for a search.
            service_type: The likeliest type.
            probability: Of the best answer, in [0, 1]; None where there was none.

        Raises:
            NotFound: If no such message is stored.
            ValueError: If the question was answered.
        """
        if status is AnswerStatus.ANSWER:
            raise ValueError("a question that was answered is no gap")
        with self._database.writing() as connection:
            contact_id = None if message_id is None else contact_id_of(connection, message_id, lock=True)
            if contact_id is not None:
                before = (queries.c.contact_id == contact_id) & queries.c.gap_id.is_(None)
                connection.execute(delete(queries).where(before))
            row = {
                "contact_id": contact_id,
                "query": query,
                "language": language,
                "service_type": service_type,
                "status": status.value,
                "probability": probability,
                "created_at": self._now(),
            }
            return insert_row(connection, queries, row)

    def unclustered(self, limit: int = 1000) -> tuple[GapQuery, ...]:
        """Return questions that belong to no gap yet, oldest first."""
        statement = select(queries).where(queries.c.gap_id.is_(None)).order_by(queries.c.id).limit(limit)
        with self._database.reading() as connection:
            return tuple(_query(row) for row in connection.execute(statement))

    def cluster(self, topic: str, language: str, query_ids: Sequence[int]) -> int:
        """Make a gap of questions, and return its number."""
        row = {"topic": topic, "language": language, "created_at": self._now()}
        with self._database.writing() as connection:
            gap_id = insert_row(connection, gaps, row)
            _assign(connection, gap_id, query_ids)
        return gap_id

    def assign(self, gap_id: int, query_ids: Sequence[int]) -> None:
        """Add questions to a gap.

        Raises:
            NotFound: If no gap has that number.
        """
        with self._database.writing() as connection:
            _check(connection.execute(select(gaps.c.id).where(gaps.c.id == gap_id)).one_or_none(), gap_id)
            _assign(connection, gap_id, query_ids)

    def list(self, *, open_only: bool = True, limit: int = 100) -> tuple[Gap, ...]:
        """Return gaps, those asked most first; ties go to the older one."""
        number = func.count(queries.c.id)
        times = (func.min(queries.c.created_at).label("first_at"), func.max(queries.c.created_at).label("last_at"))
        statement = (
            select(gaps, number.label("count"), *times)
            .outerjoin(queries, queries.c.gap_id == gaps.c.id)
            .group_by(gaps.c.id)
            .order_by(number.desc(), gaps.c.id)
            .limit(limit)
        )
        if open_only:
            statement = statement.where(gaps.c.closed_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
            return tuple(_gap(row, _examples(connection, row.id)) for row in rows)

    def close(self, gap_id: int, article_id: str, by: str) -> None:
        """Say which article answers a gap now.

        Raises:
            NotFound: If no gap has that number.
        """
        self._set(gap_id, {"article_id": article_id, "closed_by": by, "closed_at": self._now()})

    def reopen(self, gap_id: int) -> None:
        """Say that a gap is not answered after all.

        Raises:
            NotFound: If no gap has that number.
        """
        self._set(gap_id, {"article_id": None, "closed_by": None, "closed_at": None})

    def _set(self, gap_id: int, values: dict[str, Any]) -> None:
        with self._database.writing() as connection:
            statement = update(gaps).where(gaps.c.id == gap_id).values(values).returning(gaps.c.id)
            _check(connection.execute(statement).one_or_none(), gap_id)


def _check(found: Row[Any] | None, gap_id: int) -> None:
    if found is None:
        raise NotFound(f"no gap has the number {gap_id}")


def _assign(connection: Connection, gap_id: int, query_ids: Sequence[int]) -> None:
    for chunk in chunks(query_ids):
        connection.execute(update(queries).where(queries.c.id.in_(chunk)).values(gap_id=gap_id))


def _examples(connection: Connection, gap_id: int) -> tuple[str, ...]:
    statement = select(queries.c.query).where(queries.c.gap_id == gap_id)
    return tuple(connection.execute(statement.order_by(queries.c.id.desc()).limit(_EXAMPLES)).scalars())


def _query(row: Row[Any]) -> GapQuery:
    return GapQuery(
        id=row.id,
        gap_id=row.gap_id,
        query=row.query,
        language=row.language,
        service_type=row.service_type,
        status=AnswerStatus(row.status),
        probability=row.probability,
        created_at=row.created_at,
    )


def _gap(row: Row[Any], examples: tuple[str, ...]) -> Gap:
    return Gap(
        id=row.id,
        topic=row.topic,
        language=row.language,
        count=row._mapping["count"],
        examples=examples,
        first_at=row.first_at,
        last_at=row.last_at,
        article_id=row.article_id,
        closed_by=row.closed_by,
        closed_at=row.closed_at,
    )
