"""The shipped service types are those of the design, and a city's own file is checked with the lines of its faults."""

from pathlib import Path

import pytest

from tests.fakes import shipped_taxonomy
from triage import taxonomy
from triage.errors import SettingsError, TaxonomyError
from triage.taxonomy import ANSWERED_BY, CATCH_ALL
from triage.types import EntityKind, UrgencyLevel

DESIGNED = Path(__file__).parent.parent / "data" / "taxonomy.tsv"
GOOD = """\
version: "7"
departments:
  - Streets
  - General
service_types:
  - code: streets.pothole
    group: streets
    name: Pothole
    department: Streets
    default_urgency: normal
    target_hours: 72
    description: a hole
    attributes:
      - {code: address, question: "Where?", datatype: string, required: true, values: []}
      - {code: size, question: "How big?", datatype: singlevaluelist, required: true, values: ["a fist", "a tire"]}
  - code: city.other
    group: city
    name: Other
    department: General
    default_urgency: low
    target_hours: 0
    description: anything else
"""


def load(tmp_path: Path, content: str) -> taxonomy.Taxonomy:
    file = tmp_path / "city.yaml"
    file.write_text(content, encoding="utf-8")
    return taxonomy.load(file)


def refusal(tmp_path: Path, content: str) -> str:
    """Return what is said of a file, its path cut away: `LINE: …`, a line each."""
    with pytest.raises(TaxonomyError) as caught:
        load(tmp_path, content)
    return str(caught.value).replace(f"{tmp_path / 'city.yaml'}:", "")


def test_the_shipped_types_are_the_102_of_the_design() -> None:
    rows = [line.split("\t") for line in DESIGNED.read_text(encoding="utf-8").splitlines()[1:]]
    designed = [
        (code, name, department, urgency, float(hours), covers)
        for code, name, department, urgency, hours, covers in rows
    ]
    shipped = [
        (found.code, found.name, found.department, found.default_urgency.value, found.target_hours, found.description)
        for found in shipped_taxonomy().service_types
    ]
    assert len(designed) == 102
    assert shipped == designed


def test_every_group_is_the_part_of_the_code_before_the_dot() -> None:
    assert [found.group for found in shipped_taxonomy().service_types] == [
        code.split(".")[0] for code in shipped_taxonomy().codes
    ]


def test_where_a_crew_drives_out_the_place_is_asked_for() -> None:
    crews = {"Streets", "Urban forestry", "Water", "Code enforcement"}
    without = [
        found.code
        for found in shipped_taxonomy().service_types
        if found.department in crews
        and found.code != "streets.closure"  # a question: nobody drives out
        and not any(each.required and each.code in ("address", "account") for each in found.attributes)
    ]
    assert without == []


def test_every_shipped_question_ends_in_a_mark_and_every_code_is_asked_once() -> None:
    for found in shipped_taxonomy().service_types:
        codes = [attribute.code for attribute in found.attributes]
        assert len(codes) == len(set(codes)), found.code
        assert all(attribute.question.rstrip()[-1] in "?." for attribute in found.attributes), found.code


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    assert found.codes == ("streets.pothole", "city.other")
    pothole = found["streets.pothole"]
    assert (pothole.department, pothole.default_urgency, pothole.target_hours) == (
        "Streets",
        UrgencyLevel.NORMAL,
        72.0,
    )
    assert [attribute.values for attribute in pothole.attributes] == [(), ("a fist", "a tire")]
    assert "streets.pothole" in found
    assert "streets.sign" not in found
    with pytest.raises(KeyError):
        found["streets.sign"]


def test_the_version_changes_with_the_file(tmp_path: Path) -> None:
    first, second = load(tmp_path, GOOD).version, load(tmp_path, GOOD.replace("72", "71")).version
    assert first.startswith("7-")
    assert first != second
    assert load(tmp_path, GOOD).version == first


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("department: Streets", "department: Roads", "6: 'streets.pothole': unknown department 'Roads'"),
        (
            "code: city.other",
            "code: streets.pothole",
            "16: code 'streets.pothole' stands already in line 6; give each type its own code",
        ),
        (
            "default_urgency: normal",
            "default_urgency: asap",
            "6: 'streets.pothole': default_urgency must be one of "
            "emergency, urgent, high, normal, low, info, got 'asap'",
        ),
        (
            "target_hours: 72",
            "target_hours: -1",
            "6: 'streets.pothole': target_hours must be a number of hours, 0 or more, got -1",
        ),
        (
            "target_hours: 72",
            "target_hours: soon",
            "6: 'streets.pothole': target_hours must be a number of hours, 0 or more, got 'soon'",
        ),
        (
            "target_hours: 72",
            "target_hours: true",
            "6: 'streets.pothole': target_hours must be a number of hours, 0 or more, got True",
        ),
        (
            "target_hours: 72",
            "target_hours: .nan",
            "6: 'streets.pothole': target_hours must be a number of hours, 0 or more, got nan",
        ),
        (
            "target_hours: 72",
            "target_hours: .inf",
            "6: 'streets.pothole': target_hours must be a number of hours, 0 or more, got inf",
        ),
        (
            "group: city",
            "group: town",
            "16: 'city.other': group must be the part of the code before the dot, got 'town'",
        ),
        ("name: Pothole", "name: ' '", "6: 'streets.pothole': name must be a text that is not empty, got ' '"),
        ("name: Pothole", "nom: Pothole", "6: 'streets.pothole': name must be a text that is not empty, got None"),
        (
            "description: a hole",
            "description: 5",
            "6: 'streets.pothole': description must be a text that is not empty, got 5",
        ),
        ("code: streets.pothole", "code: [a]", "6: ['a']: code must be a text that is not empty, got ['a']"),
        (
            'question: "Where?"',
            "ask: me",
            "6: 'streets.pothole': an attribute needs a code and a question",
        ),
        (
            "datatype: string",
            "datatype: colour",
            "6: 'streets.pothole': datatype of 'address' must be one of "
            "string, text, number, datetime, singlevaluelist, multivaluelist, got 'colour'",
        ),
        ('values: ["a fist", "a tire"]', "values: []", "6: 'streets.pothole': 'size' is a list and needs values"),
        (
            'values: ["a fist", "a tire"]',
            "values: [yes, no]",
            "6: 'streets.pothole': values of 'size' must be texts; quote them, got [True, False]",
        ),
        (
            'values: ["a fist", "a tire"]',
            "values: fist",
            "6: 'streets.pothole': values of 'size' must be texts; quote them, got 'fist'",
        ),
        (
            "code: city.other\n    group: city",
            "code: town.other\n    group: town",
            "1: there is no 'city.other'; unclear messages need a place to go",
        ),
        ("  - Streets\n  - General", "  Streets: 1", "1: departments must be a list of names"),
    ],
)
def test_a_broken_rule_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert any(line.startswith(said) for line in refusal(tmp_path, GOOD.replace(old, new, 1)).splitlines())


def test_all_broken_rules_are_named_at_once(tmp_path: Path) -> None:
    content = GOOD.replace("target_hours: 72", "target_hours: -1").replace("department: General", "department: Mars")
    assert [line.split(":")[0] for line in refusal(tmp_path, content).splitlines()] == ["6", "16"]


def test_a_type_that_is_no_mapping_and_attributes_that_are_no_list_are_named(tmp_path: Path) -> None:
    assert "a service type must be a mapping, got 'pothole'" in refusal(tmp_path, GOOD + "  - pothole\n")
    assert "16: 'city.other': attributes must be a list, got 5" in refusal(tmp_path, GOOD + "    attributes: 5\n")


@pytest.mark.parametrize("content", ["", "[]", "service_types: 5", "departments: []", "just words"])
def test_a_file_without_its_two_lists_says_what_it_needs(tmp_path: Path, content: str) -> None:
    assert "needs `departments` and `service_types`" in refusal(tmp_path, content)


def test_what_is_no_yaml_names_the_line(tmp_path: Path) -> None:
    assert "line 2" in refusal(tmp_path, "service_types: [\n}")


def test_a_missing_or_unreadable_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set TRIAGE_TAXONOMY to a YAML file"):
        taxonomy.load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"version: \xff")
    with pytest.raises(TaxonomyError, match="cannot be read"):
        taxonomy.load(tmp_path / "latin.yaml")


def test_a_place_or_a_value_in_the_text_answers_its_question(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)

    def open_codes(kinds: list[EntityKind], text: str) -> list[str]:
        return [attribute.code for attribute in found.unanswered("streets.pothole", kinds, text)]

    assert open_codes([], "a hole") == ["address", "size"]
    assert open_codes([EntityKind.INTERSECTION], "a hole") == ["size"]
    assert open_codes([EntityKind.PHONE], "as big as A TIRE") == ["address"]
    assert open_codes([EntityKind.LANDMARK], "a fist deep") == []
    assert found.unanswered(CATCH_ALL, [], "") == ()


def test_every_attribute_that_an_entity_answers_is_answered_by_kinds_that_exist() -> None:
    kinds = {kind for answering in ANSWERED_BY.values() for kind in answering}
    assert kinds <= set(EntityKind)
