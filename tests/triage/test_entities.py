from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.entities import EntityFinder
from triage.entities_numbers import passes_luhn
from triage.errors import SettingsError
from triage.types import EntityKind

MARKED = Path(__file__).parents[1] / "data" / "entities" / "marked.tsv"
PLACES = {EntityKind.ADDRESS, EntityKind.INTERSECTION}
NUMBERS = {
    EntityKind.PHONE, EntityKind.EMAIL, EntityKind.CARD, EntityKind.ACCOUNT, EntityKind.PERMIT, EntityKind.CITATION,
    EntityKind.LICENSE, EntityKind.CASE, EntityKind.METER, EntityKind.PLATE,
}  # fmt: skip


@cache
def finder() -> EntityFinder:
    return EntityFinder.load()


def found(text: str) -> list[tuple[str, str]]:
    return [(entity.kind.value, entity.text) for entity in finder().find(text)]


def marked() -> Iterator[tuple[str, str, Counter[tuple[str, str]]]]:
    for line in MARKED.read_text(encoding="utf-8").splitlines():
        language, text, marks = line.split("\t")
        yield (
            language,
            text,
            Counter((kind, span) for kind, _, span in (mark.partition("=") for mark in marks.split("|") if mark)),
        )


@pytest.mark.parametrize(
    ("kinds", "least_precision", "least_recall"),
    [(PLACES, 0.95, 0.90), (NUMBERS, 0.98, 0.95)],
    ids=["places", "numbers"],
)
def test_hand_marked_spans_are_found_exactly(
    kinds: set[EntityKind], least_precision: float, least_recall: float
) -> None:
    right = given_spans = wanted_spans = 0
    for _, text, wanted in marked():
        want = Counter({mark: n for mark, n in wanted.items() if mark[0] in kinds})
        got = Counter(mark for mark in found(text) if mark[0] in kinds)
        right += (want & got).total()
        given_spans += got.total()
        wanted_spans += want.total()
    assert right / given_spans >= least_precision
    assert right / wanted_spans >= least_recall


@pytest.mark.parametrize(
    "text",
    [
        "2 trucks and 3 cars", "call 911", "open 9 to 5", "me and my wife", "the bill and the fee", 
        "first and foremost",
        "the 9th and 10th", "24/7 service", "and/or", "we have 300 people",
    ],
)  # fmt: skip
def test_everyday_words_are_no_places(text: str) -> None:
    assert [kind for kind, _ in found(text) if kind in PLACES] == []


def test_invisible_characters_inside_words_do_not_hide_an_address() -> None:
    text = "at 22\u200b10 Flo\u00adrin Rd and \u200fcall 916-555\u200d-0142"
    assert found(text) == [("address", "22\u200b10 Flo\u00adrin Rd"), ("phone", "916-555\u200d-0142")]


def test_markup_does_not_hide_an_address() -> None:
    text = "<p>at 2210 <b>Florin</b>&nbsp;Rd</p>"
    assert [text[entity.start : entity.end] for entity in finder().find(text)] == ["2210 <b>Florin</b>&nbsp;Rd"]


def test_a_cyrillic_letter_inside_a_latin_street_is_read_as_latin() -> None:
    assert found("1840 Hurlеy Wаy") == [("address", "1840 Hurlеy Wаy")]


def test_digits_of_other_scripts_are_a_telephone() -> None:
    assert found("اتصل ٩١٦-٥٥٥-٠١٤٢") == [("phone", "٩١٦-٥٥٥-٠١٤٢")]


@pytest.mark.parametrize(
    ("digits", "valid"), [("4111111111111111", True), ("4111111111111112", False), ("79927398713", True)]
)
def test_luhn_is_worked_out_by_hand(digits: str, valid: bool) -> None:
    assert passes_luhn(digits) is valid


def test_a_number_with_a_wrong_check_digit_is_no_card() -> None:
    assert ("card", "4111 1111 1111 1112") not in found("card 4111 1111 1111 1112")


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_spans_are_ordered_exact_and_apart_for_any_text(text: str) -> None:
    entities = finder().find(text)
    assert all(entity.text == text[entity.start : entity.end] and entity.start < entity.end for entity in entities)
    assert all(one.end <= other.start for one, other in pairwise(entities))


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "1",
        "@",
        "1 ",
        "a@",
        "and ",
        "nine ",
        "9th and ",
        "Oak ",
        "<a",
        ".",
        "\u200b1",
        "4111 ",
        "calle ",
        "account ",
        "of the ",
    ],
)
def test_time_is_linear_in_the_length(unit: str) -> None:
    def seconds(characters: int) -> float:
        text = unit * (characters // len(unit))
        started = thread_time()
        finder().find(text)
        return thread_time() - started

    finder()
    short = min(seconds(10_000) for _ in range(3))
    # Eight times the text; quadratic work would take sixty-four times as long.
    assert min(seconds(80_000) for _ in range(2)) < 30 * short + 0.2


def test_a_wrong_format_is_named(tmp_path: Path) -> None:
    settings_file = tmp_path / "entities.yaml"
    settings_file.write_text("numbers: {account: {cues: [account], format: '('}}", encoding="utf-8")
    with pytest.raises(SettingsError, match="'account'"):
        EntityFinder.load(settings_file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.yaml"):
        EntityFinder.load(tmp_path / "nothing.yaml")


def test_a_city_can_bring_its_own_formats(tmp_path: Path) -> None:
    settings_file = tmp_path / "entities.yaml"
    settings_file.write_text("numbers: {meter: {cues: [dial], format: 'Z\\d{3}', digits: 3}}", encoding="utf-8")
    assert [entity.text for entity in EntityFinder.load(settings_file).find("dial Z123 and dial 4412")] == ["Z123"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("permit BLD 24-0412 is late", "BLD 24-0412"),
        ("acct4471902 is closed", "4471902"),
        ("account 4 4 7 1 9 0 2 please", "4 4 7 1 9 0 2"),
        ("88213047 is my account", "88213047"),
        ("the account I pay for my mother is 7730-21184", "7730-21184"),
    ],
)
def test_a_number_is_read_whole_however_its_cue_leads_to_it(text: str, number: str) -> None:
    assert [span for _, span in found(text)] == [number]


def test_a_second_number_written_like_the_first_is_of_its_kind() -> None:
    assert found("account 33-90021, the letter had 33-90012") == [("account", "33-90021"), ("account", "33-90012")]


@pytest.mark.parametrize(
    "text",
    [
        "the permit fee was $12400",
        "my meter reading went from 44120 to 45980",
        "показания счётчика 60118",
        "the permit cost is 12000 dollars",
    ],
)
def test_a_price_and_a_reading_are_no_number_of_a_permit_or_meter(text: str) -> None:
    assert found(text) == []
