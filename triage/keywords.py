"""The classifier of last resort: words of the message that stand in a type's name or description."""

from collections import Counter
from collections.abc import Iterable

from triage.taxonomy import CATCH_ALL, Taxonomy
from triage.types import Prediction

TOP = 5
_COMMON_WORDS = "a an and are at be by for from has have in is it its my no not of on or our the to was with"
_COMMON = frozenset(_COMMON_WORDS.split())


class KeywordClassifier:
    """Counts shared words, weighted by how few types use them; no vector, no training, cannot fail."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._words = {
            service_type.code: frozenset(_words(f"{service_type.name} {service_type.description}"))
            for service_type in taxonomy.service_types
        }
        self._types_with = Counter(word for words in self._words.values() for word in words)

    def classify(self, text: str) -> tuple[Prediction, ...]:
        """Return up to five types that share words with the text, else `city.other`; probabilities sum to at most 1.

        They stay under 0.5: nobody should act on them alone. Ties go to the code first in the alphabet.
        """
        said = set(_words(text))
        weights = {
            code: sum(1 / self._types_with[word] for word in said & words) for code, words in self._words.items()
        }
        total = 2 * sum(weights.values())
        best = sorted((code for code in weights if weights[code]), key=lambda code: (-weights[code], code))[:TOP]
        if not best:
            return (Prediction(label=CATCH_ALL, probability=0.0),)
        return tuple(
            Prediction(
                label=code,
                probability=weights[code] / total,
                because=tuple(sorted(said & self._words[code])),
            )
            for code in best
        )


def _words(text: str) -> Iterable[str]:
    letters = "".join(character if character.isalnum() else " " for character in text.lower())
    return (word for word in letters.split() if word not in _COMMON)
