"""Contacts that are about one matter: possible duplicates, and surges that become one incident with its children.

Two contacts are of one matter when their types go together, their times are near and nothing in their places keeps
them apart. Names of places do what a map would (`triage.places`); where no place is told, the words have to agree.
Similarities are cosines of words weighted by how rare they are among the contacts compared (TF-IDF).
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from triage.errors import SettingsError
from triage.places import Place

_WORD = re.compile(r"[^\W\d_]{3,}")
# Below it two texts without a place, or with a vague one, are of two matters; found on a scripted week.
ALIKE: Final = 0.2
_Words = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A contact as it is compared with others.

    Attributes:
        message_id: Its identity.
        service_type: The code that stands.
        received_at: When it came, aware.
        text: What the resident said.
        place: Where it is said to be.
    """

    message_id: str
    service_type: str
    received_at: datetime
    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """An earlier or later contact that may be about the same matter, with what speaks for it."""

    message_id: str
    similarity: float
    days: float
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """A burst of contacts about one matter: an incident and its children.

    Attributes:
        service_type: The commonest type among them; ties go to the first in the alphabet.
        area: The names of places most of them share, commonest first; empty where none told a place.
        message_ids: The contacts, oldest first.
        started_at: When the first one came.
        last_at: When the last one came.
    """

    service_type: str
    area: tuple[str, ...]
    message_ids: tuple[str, ...]
    started_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRules:
    """When contacts are about one matter.

    Attributes:
        related: Sets of types that one event calls up.
        surge_contacts: How many make a surge.
        surge_gap: Longest time between one and the next.
        surge_numbers: Longest way between them, in house numbers of a street.
        duplicate_span: Longest time between duplicates.
        duplicate_numbers: Longest way between duplicates.
    """

    related: tuple[frozenset[str], ...] = ()
    surge_contacts: int = 4
    surge_gap: timedelta = timedelta(hours=3)
    surge_numbers: int = 1_000
    duplicate_span: timedelta = timedelta(days=14)
    duplicate_numbers: int = 40

    def go_together(self, one: str, other: str) -> bool:
        """Tell whether one event may call up both types."""
        return one == other or any(one in types and other in types for types in self.related)

    def duplicates(self, report: Report, others: Sequence[Report], *, limit: int = 5) -> tuple[Duplicate, ...]:
        """Return the contacts that may be about the same matter as a report, likeliest first.

        The report itself is never among them. Ties go to the newer one.
        """
        words = _Weights([report, *others])
        found = [
            _duplicate(report, other, words)
            for other in others
            if other.message_id != report.message_id and self._is_duplicate(report, other, words)
        ]
        return tuple(sorted(found, key=lambda each: (-each.similarity, each.days))[:limit])

    def surges(self, reports: Sequence[Report]) -> tuple[Surge, ...]:
        """Return the bursts among reports, oldest first; each report is in one of them at most."""
        ordered = sorted(reports, key=lambda report: (report.received_at, report.message_id))
        words = _Weights(ordered)
        groups = _Groups(len(ordered))
        for first, second in self._neighbors(ordered):
            if self._is_one_event(ordered[first], ordered[second], words):
                groups.join(first, second)
        kept = [[ordered[at] for at in group] for group in groups.all() if len(group) >= self.surge_contacts]
        return tuple(_surge(members) for members in kept)

    def _neighbors(self, ordered: Sequence[Report]) -> Iterator[tuple[int, int]]:
        """Yield the places of all pairs that are near in time."""
        oldest = 0
        for at, report in enumerate(ordered):
            while report.received_at - ordered[oldest].received_at > self.surge_gap:
                oldest += 1
            yield from ((before, at) for before in range(oldest, at))

    def _is_one_event(self, one: Report, other: Report, words: "_Weights") -> bool:
        if not self.go_together(one.service_type, other.service_type):
            return False
        if not one.place.names and not other.place.names:
            return words.similarity(one, other) >= ALIKE
        distance = one.place.distance(other.place)
        return distance is not None and distance <= self.surge_numbers

    def _is_duplicate(self, one: Report, other: Report, words: "_Weights") -> bool:
        distance = one.place.distance(other.place)
        if (
            distance is None
            or distance > self.duplicate_numbers
            or abs(one.received_at - other.received_at) > self.duplicate_span
            or not self.go_together(one.service_type, other.service_type)
        ):
            return False
        exact = one.place.is_as_exact_as(other.place) and one.service_type == other.service_type
        return exact or words.similarity(one, other) >= ALIKE


class _Weights:
    """Words of some reports, each weighted by how rare it is among them: 1 + ln(reports / reports with it)."""

    def __init__(self, reports: Sequence[Report]) -> None:
        said = {report.message_id: _words(report) for report in reports}
        seen = Counter(word for words in said.values() for word in words)
        self._vectors = {
            name: _unit({word: 1 + math.log(len(said) / seen[word]) for word in words}) for name, words in said.items()
        }

    def similarity(self, one: Report, other: Report) -> float:
        """Return the cosine of two reports' words; 0 where one has none."""
        here, there = self._vectors[one.message_id], self._vectors[other.message_id]
        return sum(weight * there[word] for word, weight in here.items() if word in there)


def _words(report: Report) -> frozenset[str]:
    """Return the words that are no part of the place's name: the place is compared by itself."""
    names = {word for name in report.place.names for word in name.split()}
    return frozenset(_WORD.findall(report.text.lower())) - names


def _unit(weights: dict[str, float]) -> _Words:
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {word: weight / length for word, weight in weights.items()}


class _Groups:
    """Numbers that belong together, joined pair by pair (union-find)."""

    def __init__(self, size: int) -> None:
        self._parents = list(range(size))

    def join(self, one: int, other: int) -> None:
        self._parents[max(self._root(one), self._root(other))] = min(self._root(one), self._root(other))

    def all(self) -> list[list[int]]:
        """Return every group, by its lowest number."""
        groups: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self._parents)):
            groups[self._root(number)].append(number)
        return list(groups.values())

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number


def _duplicate(report: Report, other: Report, words: _Weights) -> Duplicate:
    return Duplicate(
        message_id=other.message_id,
        similarity=round(min(1.0, words.similarity(report, other)), 4),
        days=round(abs(report.received_at - other.received_at) / timedelta(days=1), 2),
        places=tuple(sorted(report.place.names & other.place.names)),
    )


def _surge(members: Sequence[Report]) -> Surge:
    types = Counter(report.service_type for report in members)
    names = Counter(name for report in members for name in report.place.names)
    common = [name for name, count in sorted(names.items(), key=lambda each: (-each[1], each[0])) if count > 1]
    return Surge(
        service_type=min(types, key=lambda code: (-types[code], code)),
        area=tuple(common[:3]),
        message_ids=tuple(report.message_id for report in members),
        started_at=members[0].received_at,
        last_at=members[-1].received_at,
    )


def default_path() -> Path:
    """Return the rules that ship with the project."""
    return Path(str(files("triage") / "incidents.yaml"))


def load(path: Path | None = None) -> IncidentRules:
    """Read and check a file of rules.

    Raises:
        SettingsError: If the file is missing, is no YAML, or a number or list in it is wrong.
    """
    source = path or default_path()
    try:
        document = yaml.load(source.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return _rules(document)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{source}: cannot be read ({error}); set TRIAGE_INCIDENTS to a YAML file") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{source}: is no file of incident rules ({error!r}); see {default_path()}") from error


def _rules(document: Mapping[str, Any]) -> IncidentRules:
    surge, duplicate = document["surge"], document["duplicate"]
    related = document.get("related") or []
    if not all(isinstance(types, list) for types in related):
        raise ValueError(f"related must be a list of lists of types, got {related!r}")
    return IncidentRules(
        related=tuple(frozenset(map(str, types)) for types in related),
        surge_contacts=_positive(surge, "contacts"),
        surge_gap=timedelta(hours=_positive(surge, "hours")),
        surge_numbers=_positive(surge, "house_numbers"),
        duplicate_span=timedelta(days=_positive(duplicate, "days")),
        duplicate_numbers=_positive(duplicate, "house_numbers"),
    )


def _positive(section: Mapping[str, Any], name: str) -> int:
    value = section[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number above 0, got {value!r}")
    return value
