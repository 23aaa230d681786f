"""Articles over time: what each said on a given day, and what people propose to change in them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from triage.errors import NotFound
from triage.store.database import insert_row
from triage.store.identity import name_key
from triage.store.resource import Resource
from triage.store.schema_learning import article_versions as versions
from triage.store.schema_learning import proposals

_NO_DOCUMENT = b""


class ProposalKind(StrEnum):
    """What is proposed: a wording that the article is also asked as, or another text."""

    ALIAS = "alias"
    EDIT = "edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleVersion:
    """An article as it was from `created_at` on; `document` is None from its deletion on."""

    article_id: str
    version: int
    document: str | None
    changed_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that waits for review; `accepted` is None until then."""

    id: int
    article_id: str
    kind: ProposalKind
    text: str
    language: str | None
    proposed_by: str
    created_at: datetime
    accepted: bool | None
    reviewed_by: str | None
    reviewed_at: datetime | None


class ArticleStore(Resource):
    """Versions of articles and proposals to change them."""

    def keep_version(self, article_id: str, document: str | None, by: str) -> int:
        """Keep an article's text as it is now, and return its version; an unchanged text keeps its version.

        Args:
            article_id: The article.
            document: Its file, whole; None where it was deleted.
            by: Who changed it.
        """
        digest = _NO_DOCUMENT if document is None else name_key(document)
        with self._database.writing() as connection:
            last = _last(connection, article_id)
            if last is not None and bytes(last.digest) == digest:
                return int(last.version)
            number = last.version + 1 if last is not None else 1
            row = {
                "article_id": article_id,
                "version": number,
                "digest": digest,
                "document": document,
                "changed_by": by,
                "created_at": self._now(),
            }
            connection.execute(insert(versions).values(row))
        return int(number)

    def at(self, article_id: str, moment: datetime) -> ArticleVersion | None:
        """Return what an article said at a moment; None before its first version."""
        then = (versions.c.article_id == article_id) & (versions.c.created_at <= moment)
        statement = select(versions).where(then).order_by(versions.c.version.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(statement).one_or_none()
        return _version(row) if row else None

    def versions(self, article_id: str) -> tuple[ArticleVersion, ...]:
        """Return every version of an article, oldest first."""
        statement = select(versions).where(versions.c.article_id == article_id).order_by(versions.c.version)
        with self._database.reading() as connection:
            return tuple(_version(row) for row in connection.execute(statement))

    def current(self, article_id: str) -> ArticleVersion:
        """Return the newest version of an article, also where that is its deletion.

        Raises:
            NotFound: If none was ever kept.
        """
        statement = select(versions).where(versions.c.article_id == article_id).order_by(versions.c.version.desc())
        with self._database.reading() as connection:
            row = connection.execute(statement.limit(1)).one_or_none()
        if row is None:
            raise NotFound(f"no article has the id {article_id}")
        return _version(row)

    def standing(self) -> tuple[ArticleVersion, ...]:
        """Return the newest version of every article that was not deleted, by id."""
        newest = select(versions.c.article_id, func.max(versions.c.version).label("version"))
        last = newest.group_by(versions.c.article_id).subquery()
        is_last = (versions.c.article_id == last.c.article_id) & (versions.c.version == last.c.version)
        statement = select(versions).join(last, is_last).where(versions.c.document.is_not(None))
        with self._database.reading() as connection:
            return tuple(_version(row) for row in connection.execute(statement.order_by(versions.c.article_id)))

    def propose(self, article_id: str, kind: ProposalKind, text: str, by: str, *, language: str | None = None) -> int:
        """Store a proposal, and return its number."""
        row = {
            "article_id": article_id,
            "kind": kind.value,
            "text": text,
            "language": language,
            "proposed_by": by,
            "created_at": self._now(),
        }
        with self._database.writing() as connection:
            return insert_row(connection, proposals, row)

    def proposals(self, *, open_only: bool = True) -> tuple[Proposal, ...]:
        """Return proposals, oldest first."""
        statement = select(proposals).order_by(proposals.c.id)
        if open_only:
            statement = statement.where(proposals.c.accepted.is_(None))
        with self._database.reading() as connection:
            return tuple(_proposal(row) for row in connection.execute(statement))

    def proposal(self, proposal_id: int) -> Proposal:
        """Return one proposal.

        Raises:
            NotFound: If none has that number.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(proposals).where(proposals.c.id == proposal_id)).one_or_none()
        if row is None:
            raise NotFound(f"no proposal has the number {proposal_id}")
        return _proposal(row)

    def review(self, proposal_id: int, accepted: bool, by: str) -> Proposal:
        """Accept or refuse a proposal; the first review stands.

        Raises:
            NotFound: If none has that number.
        """
        self.claim_review(proposal_id, accepted, by)
        return self.proposal(proposal_id)

    def claim_review(self, proposal_id: int, accepted: bool, by: str) -> bool:
        """Accept or refuse a proposal that waits; tell whether this review is the one that stands."""
        waiting = (proposals.c.id == proposal_id) & proposals.c.accepted.is_(None)
        values = {"accepted": accepted, "reviewed_by": by, "reviewed_at": self._now()}
        with self._database.writing() as connection:
            return connection.execute(update(proposals).where(waiting).values(values)).rowcount == 1

    def reopen(self, proposal_id: int) -> None:
        """Let a proposal wait for review again, as where what was accepted cannot be written."""
        values = dict.fromkeys(("accepted", "reviewed_by", "reviewed_at"))
        with self._database.writing() as connection:
            connection.execute(update(proposals).where(proposals.c.id == proposal_id).values(values))


def _last(connection: Connection, article_id: str) -> Row[Any] | None:
    statement: Select[Any] = select(versions.c.version, versions.c.digest).where(versions.c.article_id == article_id)
    return connection.execute(statement.order_by(versions.c.version.desc()).limit(1)).one_or_none()


def _version(row: Row[Any]) -> ArticleVersion:
    return ArticleVersion(
        article_id=row.article_id,
        version=row.version,
        document=row.document,
        changed_by=row.changed_by,
        created_at=row.created_at,
    )


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(
        id=row.id,
        article_id=row.article_id,
        kind=ProposalKind(row.kind),
        text=row.text,
        language=row.language,
        proposed_by=row.proposed_by,
        created_at=row.created_at,
        accepted=row.accepted,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
    )
