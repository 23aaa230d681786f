"""Fixed texts to residents."""

import string

import pytest

from triage.languages import SERVED
from triage.replies import ReplyName, languages, reply

FIFTEEN = {"en", "es", "zh-Hans", "zh-Hant", "vi", "ru", "uk", "tl", "ko", "ar", "pt", "fr", "ht", "hmn", "fa", "so"}
VALUES = {"number": "311-0042", "hours": "8–5"}


def test_every_language_that_residents_are_answered_in_has_every_text() -> None:
    assert set(languages()) == FIFTEEN
    assert set(SERVED) >= FIFTEEN


@pytest.mark.parametrize("name", ReplyName)
@pytest.mark.parametrize("language", sorted(FIFTEEN))
def test_a_text_says_in_every_language_what_it_says_in_english(name: ReplyName, language: str) -> None:
    text, english = reply(name, language, **VALUES), reply(name, "en", **VALUES)
    assert text.language == language
    assert [value in text.text for value in VALUES.values()] == [value in english.text for value in VALUES.values()]
    assert [line in text.text for line in ("911", "988", "311")] == [
        line in english.text for line in ("911", "988", "311")
    ]
    assert not [field for _, field, _, _ in string.Formatter().parse(text.text) if field]


def test_no_text_claims_a_review_that_nobody_made() -> None:
    assert {reply(ReplyName.CLOSED, language).reviewed for language in FIFTEEN} == {False}


def test_cantonese_is_written_in_traditional_signs_and_an_unknown_language_in_english() -> None:
    assert reply(ReplyName.CLOSED, "yue") == reply(ReplyName.CLOSED, "zh-Hant")
    assert reply(ReplyName.CLOSED, "sw").language == "en"


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ValueError, match="request_received needs number"):
        reply(ReplyName.REQUEST_RECEIVED, "es")
