"""Places, numbers, contacts and dates in a message, with exact offsets into it.

Everything a city writes in its own way (formats, cue words, street suffixes, landmarks) stands in one settings
file; what is personal among them, and how it is hidden, is `triage.masking`'s matter.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import yaml

from triage.city_map import CityMap
from triage.entities_dates import chinese_dates, dates
from triage.entities_numbers import Found, NumberReader, number_formats
from triage.entities_places import PlaceReader
from triage.entities_text import Lexicon, Tokens, tokenize, word_list
from triage.errors import SettingsError
from triage.types import Entity, EntityKind

# Who wins an overlap: what must never be stored first, then what has a cue, then the longer span.
_PLACE_ORDER, _DATE_ORDER = 4, 6


class EntityFinder:
    """Finds entities; built once by `load`, safe to share between threads."""

    def __init__(self, words: Lexicon, numbers: NumberReader, places: PlaceReader, city: CityMap, version: str) -> None:
        self._words = words
        self._numbers = numbers
        self._places = places
        self._city = city
        self.version = version

    @classmethod
    def load(cls, path: Path | None = None, city: CityMap | None = None) -> Self:
        """Read a city's settings, or those that ship with the project.

        Args:
            path: How numbers, places and dates are written there.
            city: Its map, which tells what a place is; the sample city's where None.

        Raises:
            SettingsError: If the file is missing, is no YAML, or a format in it is wrong.
        """
        content, document = _read(path or default_path())
        city = city or CityMap.load()
        return cls(
            Lexicon(document),
            NumberReader(
                number_formats(document.get("numbers", {})),
                document.get("digit_words", {}),
                frozenset(word_list(document.get("exchanges", ()))),
            ),
            PlaceReader(
                _phrases(document.get("streets", "")), _phrases(document.get("landmarks", "")) | city.landmarks
            ),
            city,
            f"{document.get('version', '0')}-{hashlib.sha256(content.encode()).hexdigest()[:8]}+{city.version}",
        )

    def find(self, text: str) -> tuple[Entity, ...]:
        """Return the entities of a text, ordered by start, without overlaps; linear in its length."""
        tokens = tokenize(text, self._words)
        chosen = _without_overlaps(self._candidates(tokens))
        return tuple(self._placed(_entity(text, tokens, found)) for found in chosen)

    def _placed(self, entity: Entity) -> Entity:
        place = self._city.resolve(entity)
        return entity if place is None else replace(entity, place=place)

    def _candidates(self, tokens: Tokens) -> Iterator[Found]:
        yield from self._numbers.found(tokens)
        for place in self._places.places(tokens):
            start, end = tokens.starts[place.start], tokens.ends[place.end - 1]
            yield Found(place.kind, start, end, place.probability, _PLACE_ORDER)
        for low, high in dates(tokens):
            yield Found(EntityKind.DATE, tokens.starts[low], tokens.ends[high - 1], 0.95, _DATE_ORDER)
        for low, high in chinese_dates(tokens.plain):
            yield Found(EntityKind.DATE, low, high, 0.95, _DATE_ORDER)


def default_path() -> Path:
    """Return the settings that ship with the project."""
    return Path(str(files("triage") / "entities.yaml"))


def _read(path: Path) -> tuple[str, Mapping[str, Any]]:
    try:
        content = path.read_text(encoding="utf-8")
        document = yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); set TRIAGE_ENTITIES to a YAML file") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{path}: needs `numbers` and lists of words, see {default_path()}")
    return content, document


def _phrases(value: object) -> frozenset[tuple[str, ...]]:
    """Return names as tuples of tokens; `_` in a name is a blank."""
    nothing = Lexicon({})
    return frozenset(tuple(tokenize(name.replace("_", " "), nothing).words) for name in word_list(value))


def _without_overlaps(candidates: Iterable[Found]) -> list[Found]:
    """Return the candidates that win their overlaps, by start: lower order first, then longer, then earlier."""
    ranked = sorted(candidates, key=lambda found: (found.order, found.start - found.end, found.start))
    if len(ranked) < 2:
        return ranked
    taken = bytearray(max(found.end for found in ranked))
    chosen = []
    for found in ranked:
        if not any(taken[found.start : found.end]):
            taken[found.start : found.end] = b"\x01" * (found.end - found.start)
            chosen.append(found)
    return sorted(chosen, key=lambda found: found.start)


def _entity(text: str, tokens: Tokens, found: Found) -> Entity:
    start, end = tokens.original(found.start, found.end)
    return Entity(kind=found.kind, text=text[start:end], start=start, end=end, probability=found.probability)
