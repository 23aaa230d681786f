"""Articles as agents read them: what stands, since when, who keeps it, and what changed between two versions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Path, Query

from kb.articles import Article, parse_article
from kb.changes import Change, changes
from kb.sections import Section
from routes.access import require
from routes.fields import Limit
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Right
from triage.errors import DataError, NotFound
from triage.store.articles import ArticleVersion
from triage.store.feedback import Verdict
from triage.types import Audience

router = APIRouter(prefix="/v1/kb", tags=["knowledge base"])
ArticleId = Annotated[
    str, Path(min_length=1, max_length=200, description="The article.", examples=["bulky-item-pickup"])
]
Number = Annotated[int, Query(ge=1, le=2**31 - 1)]
_UNKNOWN = problems(s404="There is no such article, or no such version of it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRow:
    """An article as it is listed.

    Attributes:
        review_due: The day until which its review is good; null where nobody promised one.
        overdue: Whether that day has passed, or it was never reviewed.
        version: Grows with each change of its file.
    """

    article_id: str
    title: str
    language: str
    department: str
    audience: Audience
    owner: str | None
    reviewed_on: date | None
    review_due: date | None
    overdue: bool
    version: int
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """When an article changed, and by whom; `deleted` where it was taken away."""

    version: int
    changed_by: str
    created_at: datetime
    deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleAnswer:
    """An article whole.

    Attributes:
        document: Its file: front matter and Markdown.
        sections: What is shown and quoted, in the order of the file.
        answers_today: Whether it lies between valid_from and valid_until.
        versions: Newest first.
        verdicts: How often agents gave each verdict on it.
    """

    row: ArticleRow
    service_types: tuple[str, ...]
    aliases: tuple[str, ...]
    sections: tuple[Section, ...]
    applies_if: str | None
    url: str | None
    valid_from: date | None
    valid_until: date | None
    answers_today: bool
    translations: Mapping[str, str]
    sample: bool
    document: str
    versions: tuple[VersionRow, ...]
    verdicts: Mapping[Verdict, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed from one version to another, as stretches of the text in its order."""

    before: int
    after: int
    changes: tuple[Change, ...]


@router.get("/articles", dependencies=[require(Right.KB_READ)], responses=problems())
def list_articles(
    services: Given,
    limit: Limit = 50,
    overdue: Annotated[bool, Query(description="Only those whose review is overdue, the oldest review first.")] = False,
) -> list[ArticleRow]:
    """Return articles, those that changed last first."""
    rows = _rows(services.store.articles.standing(), services.today())
    if overdue:
        late = [row for row in rows if row.overdue]
        return sorted(late, key=lambda row: (row.review_due or date.min, row.article_id))[:limit]
    return sorted(rows, key=lambda row: (row.changed_at, row.article_id), reverse=True)[:limit]


@router.get("/articles/{article_id}", dependencies=[require(Right.KB_READ)], responses=_UNKNOWN)
def read_article(article_id: ArticleId, services: Given) -> ArticleAnswer:
    """Return an article with its versions and what agents said of it."""
    version = services.store.articles.current(article_id)
    if version.document is None:
        raise NotFound(f"the article {article_id} was taken away on {version.created_at.date()}")
    return _shown(services, version, parsed(article_id, version.document), version.document)


@router.get("/articles/{article_id}/versions/{version}", dependencies=[require(Right.KB_READ)], responses=_UNKNOWN)
def read_version(
    article_id: ArticleId, version: Annotated[int, Path(ge=1, le=2**31 - 1)], services: Given
) -> ArticleVersion:
    """Return an article as it was: its file at a version."""
    return _version(services, article_id, version)


@router.get("/articles/{article_id}/changes", dependencies=[require(Right.KB_READ)], responses=_UNKNOWN)
def read_changes(article_id: ArticleId, services: Given, before: Number, after: Number) -> Difference:
    """Return what changed from one version of an article to another; no file counts as an empty one."""
    old, new = _version(services, article_id, before), _version(services, article_id, after)
    return Difference(before=before, after=after, changes=changes(old.document or "", new.document or ""))


@lru_cache(maxsize=5_000)
def parsed(article_id: str, document: str) -> Article:
    """Return the article of a file that the store kept.

    Raises:
        DataError: If it was written under other rules than today's.
    """
    return parse_article(document, source=article_id)


def _rows(versions: Iterable[ArticleVersion], today: date) -> list[ArticleRow]:
    rows = []
    for version in versions:
        try:
            article = parsed(version.article_id, version.document or "")
        except DataError:
            continue  # the check of the articles names it
        rows.append(_row(article, version, today))
    return rows


def _row(article: Article, version: ArticleVersion, today: date) -> ArticleRow:
    due = review_due(article)
    return ArticleRow(
        article_id=article.id,
        title=article.title,
        language=article.language,
        department=article.department,
        audience=article.audience,
        owner=article.owner,
        reviewed_on=article.reviewed_on,
        review_due=due,
        overdue=article.reviewed_on is None or (due is not None and due < today),
        version=version.version,
        changed_by=version.changed_by,
        changed_at=version.created_at,
    )


def review_due(article: Article) -> date | None:
    """Return the last day on which the article's review is good; None where nobody promised one."""
    if article.reviewed_on is None or article.review_every_days is None:
        return None
    return article.reviewed_on + timedelta(days=article.review_every_days)


def _shown(services: Services, version: ArticleVersion, article: Article, document: str) -> ArticleAnswer:
    today = services.today()
    kept = reversed(services.store.articles.versions(article.id))
    return ArticleAnswer(
        row=_row(article, version, today),
        service_types=article.service_types,
        aliases=article.aliases,
        sections=article.sections,
        applies_if=article.applies_if,
        url=article.url,
        valid_from=article.valid_from,
        valid_until=article.valid_until,
        answers_today=article.is_valid_on(today),
        translations=dict(article.translations),
        sample=article.sample,
        document=document,
        versions=tuple(
            VersionRow(
                version=one.version,
                changed_by=one.changed_by,
                created_at=one.created_at,
                deleted=one.document is None,
            )
            for one in kept
        ),
        verdicts=services.store.feedback.totals().get(article.id, dict.fromkeys(Verdict, 0)),
    )


def _version(services: Services, article_id: str, number: int) -> ArticleVersion:
    for version in services.store.articles.versions(article_id):
        if version.version == number:
            return version
    raise NotFound(f"the article {article_id} has no version {number}")
