import pytest

from triage.languages import BY_CODE, LANGUAGES, SERVED, Direction, code_of


def test_every_code_has_one_row() -> None:
    assert len(BY_CODE) == len(LANGUAGES) == 64
    assert len(SERVED) == 25


def test_the_languages_written_from_the_right_are_known() -> None:
    assert {row.code for row in LANGUAGES if row.direction is Direction.RIGHT_TO_LEFT} == {"ar", "fa", "ur", "he"}


def test_an_interpreter_is_named_for_all_but_english() -> None:
    assert BY_CODE["es"].interpreter == "Spanish"
    assert BY_CODE["yue"].interpreter == "Cantonese"
    assert [row.code for row in LANGUAGES if row.interpreter is None] == ["en"]


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("es-MX", "es"),
        ("EN_us", "en"),
        ("zh-TW", "zh-Hant"),
        ("zh-Hant-HK", "zh-Hant"),
        ("zh", "zh-Hans"),
        ("fil", "tl"),
        (" vi ", "vi"),
        ("tlh", None),
        ("", None),
    ],
)
def test_tags_of_forms_and_phone_queues_are_understood(tag: str, code: str | None) -> None:
    assert code_of(tag) == code
