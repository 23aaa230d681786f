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
    best: Span | None = None
    best_worth = -1.0
    for first, start in enumerate(start for start, _ in spans):
        found: set[str] = set()
        for last in range(first, min(first + MAX_SENTENCES, len(spans))):
            if spans[last][1] - start > MAX_CHARS:
                break
            found |= matched[last]
            # The exact sum does not depend on the order of a set, which differs between processes.
            worth = fsum([shares[stem] for stem in found]) if found else 0.0
            worth += FIRST_SENTENCE_BONUS * (first == 0) - SENTENCE_COST * (last - first)
            if worth > best_worth:
                best, best_worth = (first, last), worth
            if first and not found:
                break
    if best is None:
        return _cut(text[spans[0][0] :] if spans else text)
    return text[spans[best[0]][0] : spans[best[1]][1]]


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    return text[:MAX_CHARS].rpartition(" ")[0] or text[:MAX_CHARS]
