"""What the models read of a message: the resident's own words."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.text import MAX_CHARACTERS, has_words, leaves_out, normalize, readable
from triage.types import Message

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
# Characters that normalization acts on, close together.
TRICKY = st.text(
    st.sampled_from("eé\u0301\u200b\u200d\ufeff\u00ad \t\r\n\x00\x0b\x1c\x85\u2028\u2000ﬁ한ᄒ\u1161\u11ab>A")
)


def read(text: str, subject: str | None = None) -> str:
    return readable(Message(id="m", text=text, subject=subject))


@given(text=ANY_TEXT | TRICKY)
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once


@given(text=ANY_TEXT | TRICKY)
def test_a_normalized_text_is_nfc_without_control_characters_or_loose_space(text: str) -> None:
    found = normalize(text)
    assert unicodedata.is_normalized("NFC", found)
    assert not [character for character in found if ord(character) < 32 and character != "\n"]
    assert all(line == line.strip() and "  " not in line for line in found.split("\n"))
    assert found == found.strip()


@given(text=ANY_TEXT | TRICKY, subject=st.none() | ANY_TEXT)
def test_any_message_is_read_in_one_line_of_bounded_length(text: str, subject: str | None) -> None:
    found = read(text, subject)
    assert len(found) <= MAX_CHARACTERS
    assert "\n" not in found


@given(text=st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=40))
def test_words_alone_are_never_cut_away(text: str) -> None:
    assert read(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u0301b", "áb"),
        ("a\u200b\u0301b", "áb"),
        ("so\u00adfa", "sofa"),
        ("  two\t words \r\n\r\n  next ", "two words\n\nnext"),
        ("bell\x07here", "bell here"),
        ("\ufeffstart", "start"),
        ("\u200b \n", ""),
    ],
)
def test_normalizing_folds_space_and_drops_what_nobody_sees(text: str, expected: str) -> None:
    assert normalize(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello,\n\nthe hydrant leaks.\n-- \nJo Park\n555-0100", "the hydrant leaks."),
        ("Still dark.\n\nOn Tue, Mar 3, 2026 at 9:00, City 311 wrote:\n> We fixed it.", "Still dark."),
        ("No pickup again\nSent from my phone", "No pickup again"),
        ("Please call\n-----Original Message-----\nFrom: 311", "Please call"),
        ("Hola, no pasó el camión\nEl lun, 2 mar 2026 escribió:\n> gracias", "no pasó el camión"),
        ("> only a quote", "> only a quote"),
        ("Good morning everyone, the elm fell", "the elm fell"),
        ("Hi", "Hi"),
        ("hello!!", "hello!!"),
        ("High water in the street", "High water in the street"),
        ("Hey there's a leak", "there's a leak"),
    ],
)
def test_greeting_quoted_mail_and_signature_are_cut(text: str, expected: str) -> None:
    assert read(text) == expected


def test_the_subject_is_read_first_unless_the_text_repeats_it() -> None:
    assert read("It is out again.", "Streetlight") == "Streetlight. It is out again."
    assert read("The streetlight is out.", "Streetlight") == "The streetlight is out."


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    found = read("pothole " + "blah " * 2_000 + "please call me")
    assert found.startswith("pothole blah")
    assert found.endswith("please call me")
    assert len(found) == MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "expected"), [("a", True), ("路", True), ("12 ?!", False), ("🙏", False), ("", False)]
)
def test_only_letters_make_words(text: str, expected: bool) -> None:
    assert has_words(text) is expected


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("My cart is broken.", False),
        ("My cart is broken.\nFrom: my window I see him coming", True),
        ("My cart is broken.\nSent from my phone", True),
        ("> quoted and nothing else", False),
        ("word " * (MAX_CHARACTERS // 4), True),
    ],
)
def test_it_is_known_where_words_are_left_out(text: str, cut: bool) -> None:
    assert leaves_out(Message(id="m", text=text)) is cut
