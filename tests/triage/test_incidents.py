"""Duplicates and surges: what goes together, what must not, and how well both do on a scripted week."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.incidents import duplicate_figures, read_week, surge_figures
from triage.errors import SettingsError
from triage.incidents import IncidentRules, Report, load
from triage.places import Place

RULES = load()
START = datetime(2026, 10, 5, 7, tzinfo=UTC)
OAK = Place(names=frozenset({"oak"}))
ELM = Place(names=frozenset({"elm"}))
NOWHERE = Place()


def report(
    name: str, *, minutes: float = 0, code: str = "water.no_water", place: Place = OAK, text: str = "no water"
) -> Report:
    at = START + timedelta(minutes=minutes)
    return Report(message_id=name, service_type=code, received_at=at, text=text, place=place)


def test_four_contacts_of_one_street_within_hours_are_a_surge() -> None:
    reports = [report(f"m-{number}", minutes=60 * number) for number in (3, 0, 2, 1)]
    [surge] = RULES.surges([*reports, report("elm", place=ELM), report("late", minutes=600)])
    assert surge.message_ids == ("m-0", "m-1", "m-2", "m-3")
    assert (surge.service_type, surge.area) == ("water.no_water", ("oak",))
    assert (surge.started_at, surge.last_at) == (START, START + timedelta(hours=3))


def test_types_that_one_event_calls_up_are_one_surge_named_after_the_commonest() -> None:
    codes = ["water.main_break", "streets.flooding", "water.no_water", "water.no_water"]
    [surge] = RULES.surges([report(code + str(at), code=code, minutes=at) for at, code in enumerate(codes)])
    assert surge.service_type == "water.no_water"
    assert RULES.surges([report(str(at), code=code) for at, code in enumerate([*codes[1:], "waste.missed"])]) == ()


def test_contacts_without_a_place_are_one_surge_where_they_say_the_same() -> None:
    same = [report(str(at), place=NOWHERE, text="payment page gives an error 500", minutes=at) for at in range(4)]
    other = [report("x", place=NOWHERE, text="meter reader was rude")]
    [surge] = RULES.surges([*same, *other])
    assert (surge.message_ids, surge.area) == (("0", "1", "2", "3"), ())


def test_a_far_house_number_is_no_part_of_a_surge() -> None:
    places = [Place(names=frozenset({"oak"}), numbers=frozenset({("oak", number)})) for number in (900, 910, 1_900)]
    reports = [report(str(at), place=place) for at, place in enumerate([*places, OAK])]
    assert RULES.surges(reports[:3]) == ()
    [surge] = RULES.surges([*reports[:3], report("a", place=places[0])])
    assert surge.message_ids == ("0", "1", "2", "a")
    far = Place(names=frozenset({"oak"}), numbers=frozenset({("oak", 9_000)}))
    assert RULES.surges([*reports[:3], report("far", place=far)]) == ()


def test_a_duplicate_has_its_type_place_and_days() -> None:
    others = [
        report("near", minutes=1_440),
        report("other-type", code="animal.barking"),
        report("other-place", place=ELM),
        report("long-ago", minutes=-60 * 24 * 15),
    ]
    mine = report("mine", text="no water here")
    [found] = RULES.duplicates(mine, [mine, *others])
    assert (found.message_id, found.days, found.places) == ("near", 1.0, ("oak",))
    assert 0 < found.similarity < 1


def test_the_likeliest_duplicate_is_first_and_no_more_are_given_than_asked_for() -> None:
    others = [
        report("weak", text="water is off again"),
        report("strong", text="no water here"),
        report("equal", minutes=5),
    ]
    found = RULES.duplicates(report("mine"), others, limit=2)
    assert [each.message_id for each in found] == ["equal", "strong"]
    assert found[0].similarity == 1.0


REPORTS = st.lists(
    st.builds(
        Report,
        message_id=st.uuids().map(str),
        service_type=st.sampled_from(["water.no_water", "water.main_break", "waste.missed"]),
        received_at=st.integers(0, 600).map(lambda minutes: START + timedelta(minutes=minutes)),
        text=st.sampled_from(["no water", "pipe burst", "", "bin not emptied"]),
        place=st.sampled_from([OAK, ELM, NOWHERE]),
    ),
    max_size=20,
    unique_by=lambda one: one.message_id,
)


@given(reports=REPORTS)
def test_the_order_of_contacts_changes_no_surge_and_none_is_in_two(reports: list[Report]) -> None:
    surges = RULES.surges(reports)
    assert RULES.surges(reports[::-1]) == surges
    members = [name for surge in surges for name in surge.message_ids]
    assert len(members) == len(set(members))
    assert all(len(surge.message_ids) >= RULES.surge_contacts for surge in surges)


@given(reports=REPORTS)
def test_duplicates_are_mutual(reports: list[Report]) -> None:
    found = {
        (one.message_id, other.message_id) for one in reports for other in RULES.duplicates(one, reports, limit=99)
    }
    assert found == {(second, first) for first, second in found}


def test_a_scripted_week_has_surges_at_the_wanted_precision_and_recall() -> None:
    measured = surge_figures(RULES, read_week(RULES))
    assert measured.precision >= 0.9
    assert measured.recall >= 0.7
    assert measured.true == 339


def test_a_scripted_week_has_its_duplicates_found() -> None:
    measured = duplicate_figures(RULES, read_week(RULES))
    assert measured.precision >= 0.9
    assert measured.recall >= 0.7


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "surge: {contacts: 0, hours: 3, house_numbers: 9}\nduplicate: {days: 1, house_numbers: 1}",
        "surge: {contacts: 4, hours: 3}\nduplicate: {days: 1, house_numbers: 1}",
        "surge: {contacts: 4, hours: 3, house_numbers: 9}\nduplicate: {days: 1, house_numbers: 1}\nrelated: [a]",
        "3",
    ],
)
def test_rules_that_are_wrong_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "incidents.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"incidents\.yaml"):
        load(file)


def test_rules_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set TRIAGE_INCIDENTS"):
        load(tmp_path / "none.yaml")


def test_a_city_chooses_its_own_rules(tmp_path: Path) -> None:
    file = tmp_path / "incidents.yaml"
    file.write_text("surge: {contacts: 2, hours: 1, house_numbers: 9}\nduplicate: {days: 1, house_numbers: 1}", "utf-8")
    assert load(file) == IncidentRules(
        surge_contacts=2,
        surge_gap=timedelta(hours=1),
        surge_numbers=9,
        duplicate_span=timedelta(days=1),
        duplicate_numbers=1,
    )
