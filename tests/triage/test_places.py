"""Names of streets, parks and quarters, read from what contacts say, together."""

import pytest

from triage.entities import EntityFinder
from triage.places import Place, read_places

FINDER = EntityFinder.load()


def places_of(*texts: str) -> list[Place]:
    return read_places(texts, [FINDER.find(text) for text in texts])


@pytest.mark.parametrize(
    ("text", "names", "numbers"),
    [
        ("no water at 912 Oak St apartment 6", {"oak"}, {("oak", 912)}),
        ("smells like bleach all along quarry rd", {"quarry"}, set()),
        ("Brown water in Riverbend since seven", {"riverbend"}, set()),
        ("loose dogs by Bancroft School", {"bancroft school"}, set()),
        ("there is a hole in the road on Monday", set(), set()),
        ("what time does city hall open", {"city hall"}, set()),
        ("", set(), set()),
    ],
)
def test_a_place_is_read_from_what_a_resident_says(text: str, names: set[str], numbers: set[tuple[str, int]]) -> None:
    [place] = places_of(text)
    assert (set(place.names), set(place.numbers), place.crossing) == (names, numbers, False)


def test_a_crossing_has_both_streets() -> None:
    [place] = places_of("water everywhere at 9th & Oak")
    assert (set(place.names), place.crossing) == ({"9th", "oak"}, True)


def test_a_name_that_one_contact_spells_out_is_known_in_the_others() -> None:
    spelled, bare, numbered, lower = places_of(
        "light out on Mercer Blvd", "still dark at Mercer", "dark since six, 1200 Mercer", "he is a mercer"
    )
    assert spelled.names == bare.names == {"mercer"}
    assert numbered.numbers == {("mercer", 1200)}
    assert lower.names == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("912 Oak St", "900 Oak St", 12),
        ("912 Oak St", "all of Oak St", 0),
        ("912 Oak St", "912 Elm St", None),
        ("Oak St and 9th St", "9th St and Oak St", 0),
        ("Oak St and 9th St", "Oak St and 31st St", None),
        ("Oak St and 9th St", "912 Oak St", 0),
        ("somewhere", "somewhere", None),
    ],
)
def test_places_are_as_far_apart_as_their_names_say(one: str, other: str, distance: int | None) -> None:
    here, there = places_of(one, other)
    assert here.distance(there) == distance
    assert there.distance(here) == distance
