"""Whom, where and when an answer holds, and whether a message says so."""

from collections.abc import Iterable, Set
from functools import lru_cache

from kb.articles import Article
from kb.lexical import stems_of


def asked_for(article: Article, stems: Iterable[str]) -> str | None:
    """Return the condition that a message leaves open, in words to ask with; None where nothing is open.

    A message tells the condition where it holds every informative word of one of `applies_said`, or, where there is
    none, of the condition itself. What is not told is asked for, never guessed.

    Args:
        article: With its condition, if it has one.
        stems: Of the whole message.
    """
    if article.applies_if is None:
        return None
    told = frozenset(stems)
    said = _wordings(article.applies_said or (article.applies_if,), article.language)
    return None if any(wording <= told for wording in said if wording) else article.applies_if


@lru_cache(maxsize=10_000)
def _wordings(texts: tuple[str, ...], language: str) -> tuple[Set[str], ...]:
    return tuple(frozenset(stems_of(text, language)) for text in texts)
