"""What is told of the articles found: answer, possible answers or none, each quoted word for word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from kb.conditions import asked_for
from kb.index import Snapshot
from kb.lexical import stems_of
from kb.no_answer import NoAnswerModel, Signals
from kb.quotes import best_quote
from kb.sections import Section
from triage.types import Answer, AnswerStatus, SearchResult

LEAST_SHARE_OF_BEST = 0.05  # of the best answer's probability that a further answer must have


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One article that may answer, by its best section.

    Attributes:
        article: Its number in the snapshot.
        section: The number of its best section.
        similarity: The weighted sum that ranks.
        signals: What its probability is computed from.
        probability: That it answers; never above that of one found before.
    """

    article: int
    section: int
    similarity: float
    signals: Signals
    probability: float


class Answers:
    """Words what was found in one snapshot. Safe to share between threads."""

    def __init__(self, snapshot: Snapshot, no_answer: NoAnswerModel) -> None:
        self._snapshot, self._no_answer = snapshot, no_answer
        self._sentence_stems = lru_cache(maxsize=20_000)(self._stems_of_sentences)

    def of(self, found: Sequence[Found], words: Mapping[str, float], k: int) -> SearchResult:
        """Return up to k answers, empty where the status is none; very unlikely ones beside the best are left out.

        Args:
            found: The best articles, best first, LOOKED_AT at least where there are so many.
            words: The query's stems with their idf.
            k: At least 1.
        """
        status = self._no_answer.status([one.probability for one in found])
        if status is AnswerStatus.NONE:
            return SearchResult()
        kept = [one for one in found[:k] if one.probability >= LEAST_SHARE_OF_BEST * found[0].probability]
        answers = tuple(self._answer(one, words) for one in kept)
        if answers[0].condition is not None:
            status = AnswerStatus.POSSIBLE
        return SearchResult(status=status, answers=answers)

    def _answer(self, found: Found, words: Mapping[str, float]) -> Answer:
        article = self._snapshot.articles[found.article]
        section = self._snapshot.sections[found.section]
        return Answer(
            article_id=article.id,
            title=article.title,
            section=section.heading,
            quote=self._quote(found.section, section, words),
            probability=round(found.probability, 4),
            url=article.url,
            reviewed_on=article.reviewed_on.isoformat() if article.reviewed_on else None,
            audience=section.audience,
            condition=asked_for(article, words),
            language=article.language,
        )

    def _quote(self, number: int, section: Section, words: Mapping[str, float]) -> str:
        whole = sum(words.values()) or 1.0
        shares = {stem: weight / whole for stem, weight in words.items()}
        matched = [shares.keys() & stems for stems in self._sentence_stems(number)]
        return best_quote(section.text, self._snapshot.sentences[number], matched, shares)

    def _stems_of_sentences(self, number: int) -> tuple[frozenset[str], ...]:
        article = self._snapshot.articles[self._snapshot.article_of_section[number]]
        text = self._snapshot.sections[number].text
        spans = self._snapshot.sentences[number]
        return tuple(frozenset(stems_of(text[start:end], article.language)) for start, end in spans)
