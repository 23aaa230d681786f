"""The quote: the one to three sentences of a section that answer a question best, word for word."""

from collections.abc import Mapping, Sequence, Set
from math import fsum

MAX_CHARS = 400
MAX_SENTENCES = 3
# An article opens with its answer, a section mostly does, and a sentence is understood with the one it follows: the
# bonus pays for going back to the opening, but not for two more sentences than the question needs.
FIRST_SENTENCE_BONUS = 0.12
SENTENCE_COST = 0.05

Span = tuple[int, int]


def best_quote(text: str, spans: Sequence[Span], matched: Sequence[Set[str]], shares: Mapping[str, float]) -> str:
    """Return up to MAX_SENTENCES neighboring sentences of a text, at most MAX_CHARS long, verbatim.

    Args:
        text: The section, plain.
        spans: Its sentences as (start, end), in order.
        matched: The stems that each sentence has in common with the question.
        shares: The stems of the question, and how much of it each is worth; in sum 1.

    Returns:
        A slice of the text. Ties go to the earlier, then to the shorter one. Where even the shortest choice is too
        long, its first MAX_CHARS characters, cut between words.
    """
    choices = [
        (first, last)
        for first in range(len(spans))
        for last in range(first, min(first + MAX_SENTENCES, len(spans)))
        if spans[last][1] - spans[first][0] <= MAX_CHARS
    ]
    if not choices:
        return _cut(text[spans[0][0] :] if spans else text)

    def worth(choice: Span) -> float:
        first, last = choice
        found = set().union(*matched[first : last + 1])
        # The exact sum does not depend on the order of a set, which differs between processes.
        return (
            fsum(map(shares.__getitem__, found)) + FIRST_SENTENCE_BONUS * (first == 0) - SENTENCE_COST * (last - first)
        )

    first, last = max(choices, key=worth)
    return text[spans[first][0] : spans[last][1]]


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    return text[:MAX_CHARS].rpartition(" ")[0] or text[:MAX_CHARS]
