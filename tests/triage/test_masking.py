import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.entities import EntityFinder
from triage.masking import WITH_PLACES, mask, pseudonymize

KEY = b"0123456789abcdef"


@cache
def finder() -> EntityFinder:
    return EntityFinder.load()


def masked(text: str) -> str:
    return mask(text, finder().find(text))


def test_each_kind_gets_its_own_tag() -> None:
    text = "I am at dana@example.org or 916-555-0142, card 4111 1111 1111 1111, account 4471902."
    assert masked(text) == "I am at [email] or [phone], card [card], account [account]."


def test_a_further_occurrence_is_masked_without_its_cue_and_in_another_form() -> None:
    assert (
        masked("account 0044-8812. Again: 00448812, and 0044 8812!")
        == "account [account]. Again: [account], and [account]!"
    )


def test_a_repeated_e_mail_is_masked_in_any_case() -> None:
    assert masked("Dana@example.org, DANA@EXAMPLE.ORG") == "[email], [email]"


def test_a_longer_number_that_contains_a_masked_one_keeps_its_own_digits() -> None:
    assert masked("account 44719 and pole 9944719") == "account [account] and pole 9944719"


def test_places_are_masked_on_request() -> None:
    text = "leak at 2210 Florin Rd"
    assert mask(text, finder().find(text)) == text
    assert mask(text, finder().find(text), kinds=WITH_PLACES) == "leak at [address]"


def test_a_number_gets_the_same_pseudonym_however_it_is_written() -> None:
    texts = ("call 916-555-0142", "call (916) 555-0142", "call +1 916 555 0142")
    assert len({pseudonymize(text, finder().find(text), KEY) for text in texts}) == 1


def test_another_key_gives_another_pseudonym() -> None:
    text = "account 4471902"
    entities = finder().find(text)
    assert pseudonymize(text, entities, KEY) != pseudonymize(text, entities, KEY[::-1])
    assert re.fullmatch(r"account \[account-[0-9a-f]{10}\]", pseudonymize(text, entities, KEY))


def test_a_card_has_no_pseudonym() -> None:
    text = "4111111111111111"
    assert pseudonymize(text, finder().find(text), KEY) == "[card]"


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        pseudonymize("", (), b"short")


def _card(fifteen: str) -> str:
    total = sum(
        (2 * int(d) - 9 * (int(d) > 4)) if place % 2 == 0 else int(d) for place, d in enumerate(reversed(fifteen))
    )
    return fifteen + str(-total % 10)


DIGITS = st.text("0123456789", min_size=14, max_size=14)
PHONES = st.builds(
    lambda area, rest, shape: shape.format(area, "5" + rest[:2], rest[2:]),
    st.integers(200, 999), st.from_regex(r"[0-9]{6}", fullmatch=True),
    st.sampled_from(["{}-{}-{}", "({}) {}-{}", "{}.{}.{}", "{}{}{}", "+1 {} {} {}", "{} {} {}"]),
)  # fmt: skip
EMAILS = st.from_regex(r"[a-z0-9][a-z0-9._]{0,12}[a-z0-9]@[a-z][a-z0-9-]{0,9}[a-z0-9]\.(org|com|gov)", fullmatch=True)
CARDS = st.builds(
    lambda rest, parted: " ".join(re.findall("....", _card("4" + rest))) if parted else _card("4" + rest),
    DIGITS,
    st.booleans(),
)
ACCOUNTS = st.from_regex(r"account (no\. |number |# ?|is )?[0-9]{5,12}", fullmatch=True)
AROUND = st.text(
    st.characters(exclude_categories=["Nd", "Cs", "Mn", "Cf", "Nl", "No"], exclude_characters="@-._%+'/():,#&<>"),
    max_size=40,
)


@given(AROUND, st.one_of(PHONES, EMAILS, CARDS, ACCOUNTS), AROUND)
@settings(max_examples=400, deadline=None)
def test_personal_data_inserted_anywhere_is_caught(before: str, value: str, after: str) -> None:
    secret = value.rpartition(" ")[2] if value.startswith("account") else value
    secret = secret.removeprefix("#")
    once, twice = f"{before} {value} {after}", f"{before} {value} {after} {secret} {before}"
    assert secret not in masked(once)
    assert secret not in masked(twice)


@given(AROUND, st.one_of(PHONES.filter(lambda phone: phone[0] != "+"), CARDS), AROUND)
@settings(max_examples=200, deadline=None)
def test_telephones_and_cards_glued_to_letters_are_caught(before: str, value: str, after: str) -> None:
    assert value not in masked(f"{before.strip()}{value}{after.strip()}")
