"""A further matter: a resident who writes about a pothole and then asks about a bill has told of two.

A text is cut in two between its sentences. Where, the words alone say, which costs little: where one side speaks most
for the message's type and the other for another type that the message leans to. Both sides are then read and ranked
like messages; a further matter is told only where each side is sure of its own.

Measured on the 408 blind English messages: of 200 pairs written after each other .26 of the further matters are told,
none wrongly; .02 of the messages with one matter get a second one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from triage.taxonomy import CATCH_ALL
from triage.types import FurtherType, Prediction

LEAST_SECOND: Final = 0.03  # of the message's second type: below it nothing else is told, and no time is spent
LEAST_SURE: Final = 0.9  # of each side in its own type
MOST_CUTS: Final = 12
_LEAST_WORDS: Final = 4
_SENTENCE = re.compile(r"[^.!?。؟！？\n]+(?:[.!?。؟！？]+|\n|$)")
_WORD = re.compile(r"[\u3400-\u9fff\uac00-\ud7a3]{2}|[^\W_]+")


@dataclass(frozen=True, slots=True)
class Cut:
    """A text cut in two between sentences: [start, end) of the first side, and of the second."""

    first: tuple[int, int]
    second: tuple[int, int]

    def sides(self, text: str) -> tuple[str, str]:
        """Return both sides."""
        return text[slice(*self.first)], text[slice(*self.second)]


def may_tell_more(predictions: Sequence[Prediction]) -> bool:
    """Tell whether a message leans to a second type at all."""
    return len(predictions) > 1 and predictions[1].probability >= LEAST_SECOND


def cuts_of(text: str) -> list[Cut]:
    """Return where a text may be cut, at most MOST_CUTS places, never before a sentence too short to tell anything."""
    starts = [
        match.start() + len(match.group()) - len(match.group().lstrip())
        for match in _SENTENCE.finditer(text)
        if len(_WORD.findall(match.group())) >= _LEAST_WORDS
    ]
    if len(starts) < 2:
        return []
    first, end = starts[0], len(text.rstrip())
    return [Cut((first, len(text[:at].rstrip())), (at, end)) for at in starts[1 : MOST_CUTS + 1]]


def best_cut(whole: Sequence[Prediction], by_words: Sequence[Sequence[Prediction]]) -> int:
    """Return the number of the cut whose sides differ most.

    Args:
        whole: The message's ranking.
        by_words: The rankings of both sides of each cut, one after the other.
    """
    return max(range(len(by_words) // 2), key=lambda number: _apart(whole, *by_words[2 * number : 2 * number + 2]))


def further_types(
    whole: Sequence[Prediction], cut: Cut, rankings: Sequence[Sequence[Prediction]]
) -> tuple[FurtherType, ...]:
    """Return the further matter that one side of a cut tells, where both sides are sure.

    Args:
        whole: The message's ranking.
        cut: Where it was cut.
        rankings: Of the first side and of the second.
    """
    main, leanings = whole[0].label, {prediction.label for prediction in whole[1:]} - {CATCH_ALL}
    best = [ranking[0] for ranking in rankings]
    if min(prediction.probability for prediction in best) < LEAST_SURE:
        return ()
    for own, other, (start, end) in ((best[0], best[1], cut.second), (best[1], best[0], cut.first)):
        blurred = _same_group(own.label, main) and not _same_group(other.label, main)
        if (own.label == main or blurred) and other.label in leanings - {main}:
            return (FurtherType(code=other.label, probability=other.probability, start=start, end=end),)
    return ()


def _apart(whole: Sequence[Prediction], first: Sequence[Prediction], second: Sequence[Prediction]) -> float:
    """Return how surely one side speaks for the message's type and the other for another one it leans to."""
    main = whole[0].label
    return max(
        min(_share(one, main), _share(other, leaning.label))
        for leaning in whole[1:]
        for one, other in ((first, second), (second, first))
    )


def _same_group(label: str, other: str) -> bool:
    """Tell whether two types are of one group: two matters at once blur the message's own type within its group."""
    return label.partition(".")[0] == other.partition(".")[0]


def _share(ranking: Sequence[Prediction], label: str) -> float:
    return next((prediction.probability for prediction in ranking if prediction.label == label), 0.0)
