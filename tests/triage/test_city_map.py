"""The city's map: where a place lies and whose matter it is, or nothing rather than a guess."""

from functools import cache
from pathlib import Path

import pytest

from triage.city_map import CityMap
from triage.entities import EntityFinder
from triage.errors import SettingsError
from triage.types import CityPlace, Owner

MAP = """
districts: [North, South]
streets:
  - {name: Elm Street, blocks: [{from: 1, to: 99, district: North}, {from: 100, to: 199, district: South}]}
  - {name: Pine Road, district: North, owner: county}
  - {name: Pine Court, district: South}
  - {name: Oak Avenue, district: North}
  - {name: Highway 9, aliases: [Route 9], district: North, owner: state}
landmarks:
  - {name: City Hall, aliases: [el ayuntamiento], address: 5 Oak Avenue, district: North}
"""


@cache
def finder() -> EntityFinder:
    return EntityFinder.load()


@pytest.fixture
def town(tmp_path: Path) -> EntityFinder:
    (tmp_path / "city.yaml").write_text(MAP, "utf-8")
    return EntityFinder.load(None, CityMap.load(tmp_path / "city.yaml"))


def place_of(finder: EntityFinder, text: str) -> CityPlace | None:
    (entity,) = finder.find(text)
    return entity.place


@pytest.mark.parametrize(
    ("text", "name", "district", "owner"),
    [
        ("pothole at 12 Elm St", "12 Elm Street", "North", Owner.CITY),
        ("POTHOLE AT 150 ELM STREET APT 4", "150 Elm Street", "South", Owner.CITY),
        ("hay un bache en 150 Elm St", "150 Elm Street", "South", Owner.CITY),
        ("ổ gà ở số 12 Elm St", "12 Elm Street", "North", Owner.CITY),
        ("яма у дома 7 Pine Rd", "7 Pine Road", "North", Owner.COUNTY),
        ("the 100 block of Elm floods", "100 Elm Street", "South", Owner.CITY),
        ("the light at Oak and Pine Rd is out", "Oak Avenue & Pine Road", "North", Owner.COUNTY),
        ("couch at the corner of Oak Ave & Route 9", "Oak Avenue & Highway 9", "North", Owner.STATE),
        # Elm runs through two districts; the crossing lies where Oak does.
        ("the light at Elm and Oak is out", "Elm Street & Oak Avenue", "North", Owner.CITY),
        ("I am in front of City Hall", "City Hall, 5 Oak Avenue", "North", Owner.CITY),
    ],
)
def test_a_place_is_found_on_the_map(town: EntityFinder, text: str, name: str, district: str, owner: Owner) -> None:
    assert place_of(town, text) == CityPlace(name=name, district=district, owner=owner)


@pytest.mark.parametrize(
    "text",
    [
        "pothole at 12 Maple Street",  # no such street
        "pothole at 900 Elm Street",  # no such number
        "pothole at 7 Pine",  # Road or Court?
        "my number is 212-555-0199",
    ],
)
def test_what_the_map_does_not_know_for_sure_stays_unknown(town: EntityFinder, text: str) -> None:
    assert [entity.place for entity in town.find(text) if entity.place] == []


def test_the_sample_city_ships() -> None:
    assert place_of(finder(), "water everywhere at 505 Juniper St") == CityPlace(
        name="505 Juniper Street", district="Eastbank", owner=Owner.CITY
    )
    assert place_of(finder(), "dead deer on 1207 Quarry Road") == CityPlace(
        name="1207 Quarry Road", district="Quarry", owner=Owner.COUNTY
    )


def test_a_span_stays_exact_where_the_map_spells_the_name_out(town: EntityFinder) -> None:
    text = "no light, 12 elm st. since monday"
    entity = next(entity for entity in town.find(text) if entity.place)
    assert text[entity.start : entity.end] == entity.text == "12 elm st"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("districts: [North]\nstreets:\n  - {name: Elm, district: West}", "no district 'West', there are North"),
        ("districts: [North]\nstreets:\n  - {name: Elm, district: North, owner: king}", "king"),
        ("districts: [North]\nlandmarks:\n  - {district: North}", "name"),
        ("streets: []", "districts"),
        ("[]", "needs `districts`"),
        ("a: [", "is not YAML"),
    ],
)
def test_a_wrong_map_is_refused_with_what_to_do(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "city.yaml").write_text(content, "utf-8")
    with pytest.raises(SettingsError, match=message):
        CityMap.load(tmp_path / "city.yaml")
    with pytest.raises(SettingsError, match="set TRIAGE_CITY"):
        CityMap.load(tmp_path / "nothing.yaml")
