"""The best next question: which of the two likeliest types it is, else the first that a crew needs answered."""

from collections.abc import Sequence

from triage.taxonomy import Attribute, ServiceType, Taxonomy
from triage.types import ServiceTypeSuggestion

CLOSE = 0.5  # the second type's probability over the first's from which the two have to be told apart


def next_question(
    suggestions: Sequence[ServiceTypeSuggestion], missing: Sequence[Attribute], taxonomy: Taxonomy
) -> str | None:
    """Return what to ask next; None where nothing is left to ask.

    Args:
        suggestions: Types of the taxonomy, best first.
        missing: What the best type still needs, in asking order.
        taxonomy: The city's types and their questions.
    """
    if len(suggestions) > 1 and suggestions[1].probability >= CLOSE * suggestions[0].probability > 0:
        return telling_apart(taxonomy[suggestions[0].code], taxonomy[suggestions[1].code])
    return missing[0].question if missing else None


def telling_apart(first: ServiceType, second: ServiceType) -> str:
    """Return the question whose answer speaks for one of two types.

    That is a question which only one of them asks, with answers to choose from, required ones before others and the
    first type's before the second's; where neither has one, both are named.
    """
    only = [
        (not attribute.required, number, attribute.question)
        for number, (own, other) in enumerate(((first, second), (second, first)))
        for attribute in own.attributes
        if attribute.values and attribute.code not in {each.code for each in other.attributes}
    ]
    return min(only)[2] if only else f"Which is it: {first.name.lower()}, or {second.name.lower()}?"
