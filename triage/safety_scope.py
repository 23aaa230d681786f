"""Whether a danger that a text names is meant: not denied, not past, not asked about, not over.

A scope is a set of cues with a reach: how far from the danger they count, and on which side. A cue that belongs
to the danger's own words ("not" in "not breathing") never counts against it, and none of another language than the
danger's: "no" denies in Spanish and means "in the" in Portuguese.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from triage.safety_patterns import Match, Part, Spotted


class Reach(StrEnum):
    """Where a cue has to stand to decide about a danger."""

    BEFORE = "before"  # at most `words` words before a part of the danger, or between its words, in one clause
    AFTER = "after"  # at most `words` words behind a part of the danger, in one sentence
    NEAR = "near"  # at most `words` words before or behind the danger, in one sentence
    SENTENCE = "sentence"  # anywhere in a sentence of the danger
    FROM_HERE = "from here"  # in a sentence of the danger, or in any later one
    TEXT = "text"  # anywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One way in which a named danger is not meant.

    Attributes:
        name: Also the owner of its cues' patterns.
        reach: Where its cues count.
        words: For `before`, `after` and `near`, the distance in words that are no fillers.
        unless: Name of the cues that cancel it when they stand within 5 words of the danger (for `from here`, when
            they stand behind its cue), or None.
        only: Beginnings of the ids of the rules that it excuses; empty for all.
    """

    name: str
    reach: Reach
    words: int = 0
    unless: str | None = None
    only: tuple[str, ...] = ()


_OVERRIDE_WORDS = 5


class ScopeJudge:
    """Decides about the dangers of one text, from the cues found in it."""

    def __init__(self, scopes: Sequence[Scope], cues: Iterable[Match], spotted: Spotted) -> None:
        self._scopes = scopes
        self._spotted = spotted
        self._cues: dict[str, list[Match]] = {}
        for cue in cues:
            self._cues.setdefault(cue.owner, []).append(cue)

    def meant(self, danger: Match, despite: frozenset[str]) -> bool:
        """Tell whether no scope outside `despite`, and no veto of the danger's own rule, lies over it."""
        vetoes = self._cues.get(veto_name(danger.owner), ())
        if any(_is_read_with(veto, danger) and self._in_sentences(veto, danger) for veto in vetoes):
            return False
        return not any(self._lies_over(scope, danger) for scope in self._scopes if scope.name not in despite)

    def _lies_over(self, scope: Scope, danger: Match) -> bool:
        if scope.only and not danger.owner.startswith(scope.only):
            return False
        cues = [cue for cue in self._cues.get(scope.name, ()) if self._counts(scope, cue, danger)]
        return bool(cues) and not self._cancelled(scope, danger, cues)

    def _cancelled(self, scope: Scope, danger: Match, cues: Sequence[Match]) -> bool:
        if scope.unless is None:
            return False
        overrides = [o for o in self._cues.get(scope.unless, ()) if not any(_overlap(o, cue) for cue in cues)]
        if scope.reach is Reach.FROM_HERE:
            last = max(cue.end for cue in cues)
            return any(override.start >= last for override in overrides)
        return any(self._close(override, danger) for override in overrides)

    def _close(self, cue: Match, danger: Match) -> bool:
        if not self._in_sentences(cue, danger):
            return False
        return max(danger.start - cue.end, cue.start - danger.end, 0) <= _OVERRIDE_WORDS

    def _counts(self, scope: Scope, cue: Match, danger: Match) -> bool:
        if not _is_read_with(cue, danger) or any(cue.start in part.taken for part in danger.parts):
            return False
        match scope.reach:
            case Reach.BEFORE:
                return any(self._before(cue, part, scope.words) for part in danger.parts)
            case Reach.AFTER:
                return any(self._after(cue, part, scope.words) for part in danger.parts)
            case Reach.NEAR:
                return self._near(cue, danger, scope.words)
            case Reach.SENTENCE:
                return self._in_sentences(cue, danger)
            case Reach.FROM_HERE:
                return cue.end > danger.start or self._in_sentences(cue, danger)
            case Reach.TEXT:
                return True

    def _before(self, cue: Match, part: Part, words: int) -> bool:
        if cue.start < part.end and part.start < cue.end:
            return True
        clauses, weights = self._spotted.reading.clauses, self._spotted.weights
        if cue.end > part.start or clauses[cue.start] != clauses[part.start]:
            return False
        return weights[part.start] - weights[cue.end] <= words and part.start - cue.end <= words + 4

    def _after(self, cue: Match, part: Part, words: int) -> bool:
        sentences, weights = self._spotted.reading.sentences, self._spotted.weights
        if cue.start < part.end or sentences[cue.start] != sentences[part.start]:
            return False
        return weights[cue.start] - weights[part.end] <= words and cue.start - part.end <= words + 4

    def _near(self, cue: Match, danger: Match, words: int) -> bool:
        weights = self._spotted.weights
        between = max(weights[danger.start] - weights[cue.end], weights[cue.start] - weights[danger.end])
        return between <= words and self._in_sentences(cue, danger)

    def _in_sentences(self, cue: Match, danger: Match) -> bool:
        sentences = self._spotted.reading.sentences
        return sentences[danger.start] <= sentences[cue.start] <= sentences[danger.end - 1]


def veto_name(rule: str) -> str:
    """Return the owner under which a rule's own `unless` patterns are found."""
    return f"unless {rule}"


def _is_read_with(cue: Match, danger: Match) -> bool:
    return cue.language in ("", danger.language)


def _overlap(one: Match, other: Match) -> bool:
    return one.start < other.end and other.start < one.end


def scopes_of(entries: Mapping[str, Mapping[str, object]]) -> tuple[Scope, ...]:
    """Return the scopes of a rule file, in its order."""
    return tuple(
        Scope(
            name=name,
            reach=Reach(str(entry["reach"])),
            words=int(str(entry.get("words", 0))),
            unless=None if entry.get("unless") is None else str(entry["unless"]),
            only=tuple(str(entry["only"]).split(", ")) if "only" in entry else (),
        )
        for name, entry in entries.items()
    )
