"""The city's map: whose matter an address, a crossing or a landmark is, and in which district it lies.

Read from one file (`city.yaml`, or a city's own); no map service is asked. A place that the file does not know stays
unknown: a wrong district sends a crew to the wrong end of the city.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self

import yaml

from triage.errors import SettingsError
from triage.types import CityPlace, Entity, EntityKind, Owner

SUFFIXES: Final = {
    "st": "street", "str": "street", "ave": "avenue", "av": "avenue", "blvd": "boulevard", "rd": "road", "ln": "lane",
    "dr": "drive", "ct": "court", "pl": "place", "ter": "terrace", "terr": "terrace", "cir": "circle",
    "pkwy": "parkway", "hwy": "highway", "sq": "square", "wy": "way", "trl": "trail",
}  # fmt: skip
_WHOLE_SUFFIXES: Final = frozenset({*SUFFIXES.values(), "way", "bend", "row"})
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NUMBER = re.compile(r"\d{1,6}")
# Whose matter a crossing is where two streets have different owners: the higher road's.
_HIGHEST_FIRST: Final = (Owner.STATE, Owner.COUNTY, Owner.CITY)
_RESOLVED: Final = frozenset({EntityKind.ADDRESS, EntityKind.INTERSECTION, EntityKind.LANDMARK})

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """House numbers of a street, inclusive, and where they lie."""

    low: int
    high: int
    district: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """A street: its blocks, or the one district of its whole length."""

    name: str
    owner: Owner
    blocks: tuple[Block, ...]

    def district(self, number: int | None) -> str | None:
        """Return the district of a house number; without one, that of the whole street where it has but one."""
        if number is None:
            districts = {block.district for block in self.blocks}
            return districts.pop() if len(districts) == 1 else None
        return next((block.district for block in self.blocks if block.low <= number <= block.high), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """A place with a name of its own."""

    name: str
    address: str | None
    owner: Owner
    district: str


class CityMap:
    """Knows the city's streets and landmarks; safe to share between threads."""

    def __init__(self, streets: Mapping[Words, Street], landmarks: Mapping[Words, Landmark], version: str) -> None:
        self._streets, self._landmarks = streets, landmarks
        self._longest = max((len(words) for words in (*streets, *landmarks)), default=0)
        self.version = version

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read a city's map, or the sample city's.

        Raises:
            SettingsError: If the file is missing or no YAML, or names a district or an owner that does not exist.
        """
        source = path or Path(str(files("triage") / "city.yaml"))
        document = _read(source)
        try:
            districts = frozenset(map(str, document["districts"]))
            streets = [(row, _street(row, districts)) for row in document.get("streets", ())]
            landmarks = [(row, _landmark(row, districts)) for row in document.get("landmarks", ())]
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(
                f"{source}: a street or landmark in it is wrong ({error}); see triage/city.yaml"
            ) from error
        return cls(
            _by_unique_name((name, street) for row, street in streets for name in _street_names(row)),
            _by_unique_name((name, landmark) for row, landmark in landmarks for name in _names(row)),
            f"{document.get('version', '0')}-{document.get('name', source.stem)}",
        )

    @property
    def landmarks(self) -> frozenset[Words]:
        """The landmarks' names and aliases, in lower-case words, for the finder to look for."""
        return frozenset(self._landmarks)

    def resolve(self, entity: Entity) -> CityPlace | None:
        """Return the place that a span means; None where the map does not know it."""
        if entity.kind not in _RESOLVED:
            return None
        words = _words(entity.text)
        if entity.kind == EntityKind.LANDMARK:
            return next((_place_of(landmark) for landmark in self._met(words, self._landmarks)), None)
        streets = list(self._met(words, self._streets))
        if entity.kind == EntityKind.INTERSECTION:
            return _crossing(streets) if len(streets) == 2 else None
        return _address(streets[0], words) if streets else None

    def _met(self, words: Sequence[str], known: Mapping[Words, Any]) -> Iterator[Any]:
        """Yield what is named in the words, from left to right, the longest name first."""
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                if (found := known.get(tuple(words[at : at + length]))) is not None:
                    yield found
                    at += length
                    break
            else:
                at += 1


def _address(street: Street, words: Sequence[str]) -> CityPlace | None:
    number = next((int(word) for word in words if _NUMBER.fullmatch(word)), None)
    district = street.district(number)
    if district is None:
        return None
    name = street.name if number is None else f"{number} {street.name}"
    return CityPlace(name=name, district=district, owner=street.owner)


def _crossing(streets: Sequence[Street]) -> CityPlace | None:
    first, second = streets
    districts = {district for street in streets if (district := street.district(None)) is not None}
    if first is second or len(districts) != 1:
        return None
    owner = next(owner for owner in _HIGHEST_FIRST if owner in {first.owner, second.owner})
    return CityPlace(name=f"{first.name} & {second.name}", district=districts.pop(), owner=owner)


def _place_of(landmark: Landmark) -> CityPlace:
    name = f"{landmark.name}, {landmark.address}" if landmark.address else landmark.name
    return CityPlace(name=name, district=landmark.district, owner=landmark.owner)


def _words(text: str) -> list[str]:
    """Return the words of a name, lower case, street suffixes spelled out."""
    return [SUFFIXES.get(word, word) for word in _WORD.findall(text.lower())]


def _names(row: Mapping[str, Any]) -> Iterator[Words]:
    for name in (row["name"], *row.get("aliases", ())):
        yield tuple(_words(str(name)))


def _street_names(row: Mapping[str, Any]) -> Iterator[Words]:
    """Yield each name as it is, and without its suffix: "Mill" is Mill Street, where there is no Mill Road."""
    for words in _names(row):
        yield words
        if len(words) > 1 and words[-1] in _WHOLE_SUFFIXES:
            yield words[:-1]


def _by_unique_name(named: Iterable[tuple[Words, Any]]) -> dict[Words, Any]:
    """Return what each name stands for; a name that two share, such as "Orchard", stands for neither."""
    found: dict[Words, Any] = {}
    shared: set[Words] = set()
    for name, value in named:
        if found.setdefault(name, value) is not value:
            shared.add(name)
    return {name: value for name, value in found.items() if name not in shared}


def _street(row: Mapping[str, Any], districts: frozenset[str]) -> Street:
    blocks = row.get("blocks") or [{"from": 0, "to": 999_999, "district": row["district"]}]
    return Street(
        name=str(row["name"]),
        owner=Owner(row.get("owner", Owner.CITY)),
        blocks=tuple(
            Block(low=int(block["from"]), high=int(block["to"]), district=_known(block["district"], districts))
            for block in blocks
        ),
    )


def _landmark(row: Mapping[str, Any], districts: frozenset[str]) -> Landmark:
    return Landmark(
        name=str(row["name"]),
        address=row.get("address"),
        owner=Owner(row.get("owner", Owner.CITY)),
        district=_known(row["district"], districts),
    )


def _known(district: object, districts: frozenset[str]) -> str:
    if str(district) not in districts:
        raise ValueError(f"no district {district!r}, there are {', '.join(sorted(districts))}")
    return str(district)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); set TRIAGE_CITY to a YAML file") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{path}: needs `districts`, `streets` and `landmarks`, see triage/city.yaml")
    return document
