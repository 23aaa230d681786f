import pytest

from kb.districts import districts_in, says_district


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is district 3 concerned?", ("3",)),
        ("district three or District No. 12", ("3", "12")),
        ("DISTRICT 3b and District #4", ("3B", "4")),
        ("I live in District B.", ("B",)),
        ("district seventeen", ("17",)),
        ("is there a notice in my district today", ()),
        ("which district am I in, which district I live in", ()),
        ("the theater district until Friday", ()),
        ("my district once a week", ()),
    ],
)
def test_a_district_is_a_number_or_one_capital_letter_and_no_other_word(text: str, expected: tuple[str, ...]) -> None:
    assert districts_in(text) == expected


@pytest.mark.parametrize(
    ("text", "district", "expected"),
    [
        ("district three", "3", True),
        ("district three", "District 3", True),
        ("between district 3 and district 5", "5", True),
        ("district 5", "3", False),
        ("in my district today", "3", None),
        ("in district downtown", "Downtown", True),
        ("district 5", "Downtown", None),
    ],
)
def test_a_text_speaks_for_a_district_against_it_or_of_none(text: str, district: str, expected: bool | None) -> None:
    assert says_district(text, district) is expected
