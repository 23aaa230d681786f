"""Residents' wordings that an agent has confirmed: proposed as aliases, added to their article after review."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from kb.articles import Article
from kb.lexical import stems_of, words_of
from triage.store.articles import ArticleStore, Proposal, ProposalKind
from triage.store.feedback import StoredFeedback, Verdict

CONFIRMING = frozenset({Verdict.USED, Verdict.HELPFUL})
MAX_WORDS = 25  # of a wording: a whole letter is no way of asking
LEAST_STEMS = 2


def propose(store: ArticleStore, article: Article, wording: str, *, by: str, language: str | None = None) -> int | None:
    """Propose a masked wording as an alias; None where it is too long, says too little or is known.

    Returns:
        The number of the proposal, also of one that waits already; None too where it was reviewed before.
    """
    line = _alias(article, wording)
    if line is None:
        return None
    same = _proposed(store).get((article.id, _key(line)))
    if same is not None:
        return same.id if same.accepted is None else None
    return store.propose(article.id, ProposalKind.ALIAS, line, by, language=language)


def harvest(store: ArticleStore, articles: Iterable[Article], feedback: Iterable[StoredFeedback]) -> int:
    """Propose the questions that agents found well answered; return how many wait that did not before."""
    known = {article.id: article for article in articles}
    proposed = set(_proposed(store))
    before = len(proposed)
    for one in feedback:
        article = known.get(one.article_id)
        if one.verdict not in CONFIRMING or not one.query or article is None:
            continue
        line = _alias(article, one.query)
        if line is not None and (article.id, _key(line)) not in proposed:
            store.propose(article.id, ProposalKind.ALIAS, line, one.given_by, language=one.language)
            proposed.add((article.id, _key(line)))
    return len(proposed) - before


def _alias(article: Article, wording: str) -> str | None:
    """Return a wording in one line; None where it makes no alias of an article, or is one."""
    line = " ".join(wording.split())
    known = {_key(text) for text in (article.title, *article.aliases)}
    if len(words_of(line)) > MAX_WORDS or len(set(stems_of(line))) < LEAST_STEMS or "[" in line or _key(line) in known:
        return None
    return line


def _proposed(store: ArticleStore) -> dict[tuple[str, str], Proposal]:
    """Return the first proposal of every wording, reviewed or not, by article and words."""
    newest_first = reversed(store.proposals(open_only=False))
    return {(one.article_id, _key(one.text)): one for one in newest_first if one.kind is ProposalKind.ALIAS}


def with_accepted(articles: Sequence[Article], proposals: Iterable[Proposal]) -> tuple[Article, ...]:
    """Return the articles with the aliases that were accepted for them, in the order they were proposed."""
    accepted: dict[str, list[str]] = {}
    for one in sorted(proposals, key=lambda proposal: proposal.id):
        if one.accepted and one.kind is ProposalKind.ALIAS:
            accepted.setdefault(one.article_id, []).append(one.text)
    return tuple(
        replace(article, aliases=tuple(dict.fromkeys((*article.aliases, *accepted[article.id]))))
        if article.id in accepted
        else article
        for article in articles
    )


def _key(text: str) -> str:
    return " ".join(words_of(text))
