"""Addresses, intersections and landmarks, read from anchors: a number, a joiner, a word such as "park"."""

from collections.abc import Iterator
from dataclasses import dataclass

from triage.entities_addresses import AddressReader
from triage.entities_crossings import CrossingReader
from triage.entities_streets import NAME_WORDS, StreetReader, is_name
from triage.entities_text import Tokens, Word
from triage.types import EntityKind

_ANCHOR = Word.DIGITS | Word.NUMBER | Word.JOINER | Word.PREFIX | Word.LANDMARK


@dataclass(frozen=True, slots=True)
class Place:
    """Tokens [start, end) that are a place."""

    kind: EntityKind
    start: int
    end: int
    probability: float


class PlaceReader:
    """Finds places in the tokens of one text.

    Args:
        streets: Streets known without suffix, as tuples of words.
        landmarks: Names of landmarks, as tuples of words.
    """

    def __init__(self, streets: frozenset[tuple[str, ...]], landmarks: frozenset[tuple[str, ...]]) -> None:
        reader = StreetReader(streets)
        self._addresses, self._crossings = AddressReader(reader), CrossingReader(reader)
        self._landmarks = landmarks
        self._landmark_starts = frozenset(landmark[0] for landmark in landmarks)

    def places(self, tokens: Tokens) -> Iterator[Place]:
        """Yield the places of a text; they may overlap, the longer one is meant then."""
        starts = self._landmark_starts
        for at, flags in enumerate(tokens.flags):
            if tokens.words[at] in starts:
                yield from self._listed_landmark(tokens, at)
            if flags & _ANCHOR:
                yield from self._anchored(tokens, at, flags)

    def _anchored(self, tokens: Tokens, at: int, flags: int) -> Iterator[Place]:
        if flags & (Word.DIGITS | Word.NUMBER):
            for start, end, probability in self._addresses.numbered(tokens, at):
                yield Place(EntityKind.ADDRESS, start, end, probability)
        if flags & Word.JOINER:
            for start, end, probability in self._crossings.joined(tokens, at):
                yield Place(EntityKind.INTERSECTION, start, end, probability)
        if flags & Word.PREFIX:
            for start, end, probability in self._addresses.behind_name(tokens, at):
                yield Place(EntityKind.ADDRESS, start, end, probability)
        if flags & Word.LANDMARK:
            yield from self._landmark(tokens, at)

    def _landmark(self, tokens: Tokens, at: int) -> Iterator[Place]:
        start = at
        while start > at - NAME_WORDS and start > 0 and is_name(tokens, start - 1) and not tokens.breaks(start):
            start -= 1
        if start < at and not (tokens.starts_segment(start) and start + 1 == at and tokens.has(start, Word.ORDINARY)):
            yield Place(EntityKind.LANDMARK, start, at + 1, 0.8)

    def _listed_landmark(self, tokens: Tokens, at: int) -> Iterator[Place]:
        for landmark in self._landmarks:
            if tuple(tokens.words[at : at + len(landmark)]) == landmark:
                yield Place(EntityKind.LANDMARK, at, at + len(landmark), 0.9)
