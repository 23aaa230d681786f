"""What a filter leaves of a snapshot, applied before anything is compared; and which language a version is shown in."""

from dataclasses import dataclass

import numpy as np

from kb.articles import Article
from kb.index import Mask, Snapshot
from triage.types import SearchFilter


@dataclass(frozen=True, slots=True)
class Scope:
    """What a filter leaves on a day; None where that is everything."""

    articles: Mask | None = None
    sections: Mask | None = None
    questions: Mask | None = None


def scope_of(snapshot: Snapshot, chosen: SearchFilter) -> Scope:
    """Return the articles, sections and questions that a filter with its day leaves."""
    articles = np.array([_passes(article, chosen) for article in snapshot.articles])
    sections = articles[snapshot.article_of_section]
    if chosen.audience is not None:
        sections &= np.array([section.audience is chosen.audience for section in snapshot.sections])
        articles = np.zeros_like(articles)
        articles[snapshot.article_of_section[sections]] = True
    if articles.all() and sections.all():
        return Scope()
    return Scope(articles, sections, articles[snapshot.article_of_question])


def _passes(article: Article, chosen: SearchFilter) -> bool:
    """Whether an article passes a filter, whose day is given; of its sections `audience` decides."""
    return (
        (chosen.on is None or article.is_valid_on(chosen.on))
        and (chosen.department is None or article.department.casefold() == chosen.department.casefold())
        and (chosen.language is None or chosen.language in (article.language, _base(article.language)))
    )


def language_likeness(language: str, wanted: str) -> int:
    """Return 3 for the same language, 2 for one of the same base, 1 for English, which every agent reads, else 0."""
    if language == wanted:
        return 3
    return 2 if _base(language) == _base(wanted) else int(language == "en")


def _base(language: str) -> str:
    return language.partition("-")[0]
