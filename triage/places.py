"""Where contacts say that something is: names of streets, parks and quarters, with the house numbers beside them.

No map is asked. Names are read from what the entity finder found, from street suffixes and from capital letters after
"in", "near" and the like; a name that one contact spells out ("Mercer Blvd") is then known in the others ("Mercer at
Tamarack"), so contacts are read together.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from triage.types import Entity, EntityKind

_SUFFIX: Final = (
    r"(?:streets?|st|avenues?|ave|av|boulevard|blvd|roads?|rd|lanes?|ln|drive|dr|courts?|ct|place|pl|way|terrace|ter"
    r"|circle|cir|parkway|pkwy|highway|hwy|row|alley|trail|trl)"
)
_STREET = re.compile(rf"(?:\b(\d{{1,6}})\s+)?\b((?:[A-Za-zÀ-ÿ'’]+|\d+(?:st|nd|rd|th)))\s+{_SUFFIX}\b\.?", re.IGNORECASE)
_SIDE_BY_SIDE = re.compile(r"(\w[\w'’]*)\s*(?:&|and|at|y|con)\s+(\w[\w'’]*)", re.IGNORECASE)
_NAMED = re.compile(
    r"\b(?:in|near|around|at|by|of|next to|from|behind|en|cerca de)\s+(?:the\s+)?"
    r"([A-Z][\w'’]+(?:\s+[A-Z][\w'’]+){0,2})"
)
_NUMBERED = re.compile(r"\b(\d{1,6})\s+([A-Z][\w'’]+)")
# Words before a suffix that name no street, and capital letters that name no place.
_NO_STREET = re.compile(
    "the|an?|my|our|your|his|her|their|this|that|same|whole|entire|main|side|city|every|each|no|of|on|in|across|down"
    "|and|to|up|from|under|middle|both|street|road|one|two|travelled|bike|right|left|fast|either|wet|busy|public"
    "|la|el|una?|mi|por|en|block|back|dirt|private|access|frontage|cross|dead|through|blocking|parking"
)
_NO_PLACE = re.compile(
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august"
    "|september|october|november|december|english|spanish|i|city|county|state|council|mayor"
)
_PLACES: Final = frozenset({EntityKind.ADDRESS, EntityKind.INTERSECTION, EntityKind.LANDMARK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a contact says of its place.

    Attributes:
        names: Streets without their suffix, parks, schools and quarters, in lower case.
        numbers: (street, house number) of each address.
        crossing: Whether two streets are named as crossing each other.
    """

    names: frozenset[str] = frozenset()
    numbers: frozenset[tuple[str, int]] = frozenset()
    crossing: bool = False

    def distance(self, other: "Place") -> int | None:
        """Return how far apart two places can be at most, in house numbers; None where nothing ties them.

        0 where both name one crossing, address, park or quarter, or one street without a number.
        """
        shared = self.names & other.names
        if not shared or (self.crossing and other.crossing and len(shared) < 2):
            return None
        return min((_apart(self.on(name), other.on(name)) for name in shared), default=None)

    def is_as_exact_as(self, other: "Place") -> bool:
        """Tell whether both name a point of the same kind: an address, a crossing, or neither."""
        return (bool(self.numbers), self.crossing) == (bool(other.numbers), other.crossing)

    def on(self, street: str) -> tuple[int, ...]:
        """Return the house numbers on a street, in order."""
        return tuple(sorted(number for name, number in self.numbers if name == street))


def _apart(here: Sequence[int], there: Sequence[int]) -> int:
    return min((abs(a - b) for a in here for b in there), default=0)


def read_places(texts: Sequence[str], entities: Sequence[Sequence[Entity]]) -> list[Place]:
    """Return the place of each text, all read together.

    Args:
        texts: What the contacts say.
        entities: What was found in each text, with offsets into it.
    """
    first = [_own_place(text, found) for text, found in zip(texts, entities, strict=True)]
    known = frozenset(name for place in first for name in place.names)
    return [_with_known(text, place, known) for text, place in zip(texts, first, strict=True)]


def _own_place(text: str, entities: Sequence[Entity]) -> Place:
    names: set[str] = set()
    numbers: set[tuple[str, int]] = set()
    for number, street in _STREET.findall(text):
        name = street.lower()
        if not _NO_STREET.fullmatch(name):
            names.add(name)
            numbers.update([(name, int(number))] if number else [])
    spans = [entity for entity in entities if entity.kind in _PLACES]
    for entity in spans:
        if entity.kind is EntityKind.INTERSECTION:
            names.update(_crossed(entity.text))
        elif entity.kind is EntityKind.LANDMARK:
            names.add(entity.text.lower())
    names.update(_quarters(text))
    crossing = any(entity.kind is EntityKind.INTERSECTION for entity in spans)
    return Place(names=frozenset(names), numbers=frozenset(numbers), crossing=crossing)


def _crossed(text: str) -> set[str]:
    """Return the two streets of a crossing without their suffixes."""
    bare = re.sub(rf"\b{_SUFFIX}\b\.?", " ", text, flags=re.IGNORECASE)
    sides = re.split(r"\s*(?:&|/|\band\b|\bat\b|\by\b|\bcon\b|\bnear\b)\s*", bare, flags=re.IGNORECASE)
    return {side.split()[-1].lower() for side in sides if side.split()}


def _quarters(text: str) -> set[str]:
    """Return names with capital letters after a word of place: parks, schools, quarters."""
    found = set()
    for name in _NAMED.findall(text):
        words = [word for word in name.lower().split() if not _NO_PLACE.fullmatch(word)]
        if words and not re.fullmatch(_SUFFIX, words[-1]):
            found.add(" ".join(words))
    return found


def _with_known(text: str, place: Place, known: frozenset[str]) -> Place:
    """Add the names that other contacts spell out: words in capitals, and names of several words in any case."""
    said = {word.lower() for word in re.findall(r"\b[A-Z][\w'’]+", text)} & known
    lowered = text.lower()
    said |= {name for name in known if " " in name and name in lowered}
    numbers = {(name.lower(), int(number)) for number, name in _NUMBERED.findall(text) if name.lower() in known}
    pairs = [{a.lower(), b.lower()} for a, b in _SIDE_BY_SIDE.findall(text)]
    names = place.names | said
    return Place(
        names=names,
        numbers=place.numbers | numbers,
        crossing=place.crossing or any(pair <= names and len(pair) == 2 for pair in pairs),
    )
