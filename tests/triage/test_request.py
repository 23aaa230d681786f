"""Bad input is refused with the rule and what to do, never with the resident's words; good input arrives whole."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from triage.channels.request import explained, given_id, message_of, message_of_line
from triage.errors import MessageRejected, MessageTooLong
from triage.types import Channel, Message

SECRET = "my-ssn-is-078-05-1120"


def refusal(raw: object) -> str:
    with pytest.raises(MessageRejected) as caught:
        message_of(raw, "made-up")
    return str(caught.value)


def line_refusal(line: bytes) -> str:
    with pytest.raises(MessageRejected) as caught:
        message_of_line(line, "made-up")
    return str(caught.value)


def test_every_field_of_a_request_arrives_in_the_message() -> None:
    line = orjson.dumps(
        {
            "id": "crm/17",
            "text": "  no hot water\n",
            "channel": "sms",
            "subject": "Flat 3",
            "language_hint": "es-MX",
            "received_at": "2026-03-01T08:30:00-08:00",
            "thread_id": "t-1",
        }
    )
    assert message_of_line(line, "made-up") == Message(
        id="crm/17",
        text="  no hot water\n",
        channel=Channel.SMS,
        subject="Flat 3",
        language_hint="es-MX",
        received_at=datetime(2026, 3, 1, 8, 30, tzinfo=timezone(timedelta(hours=-8))),
        thread_id="t-1",
    )


def test_a_text_alone_is_a_web_message_under_the_made_up_id() -> None:
    assert message_of({"text": "pothole"}, "m-7") == Message(id="m-7", text="pothole", channel=Channel.WEB)


def test_a_time_without_a_zone_is_read_as_utc() -> None:
    message = message_of({"text": "pothole", "received_at": "2026-03-01T08:30:00"}, "m")
    assert message.received_at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["🙏🙏🙏", "311", "??", "\u200b", "ﷺ", "a\tb\r\nc"])
def test_a_text_of_emoji_digits_or_signs_is_a_message(text: str) -> None:
    assert message_of({"text": text}, "m").text == text


@pytest.mark.parametrize("text", ["", " ", "\n\t \u3000", "\u2028"])
def test_an_empty_text_is_refused(text: str) -> None:
    assert refusal({"text": text}) == "text is empty; send what the resident wrote"


@pytest.mark.parametrize("channel", [channel.value for channel in Channel])
def test_every_channel_is_known_by_its_name(channel: str) -> None:
    assert message_of({"text": "a", "channel": channel}, "m").channel == Channel(channel)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({}, "text is missing"),
        ({"text": None}, "text: input should be a valid string"),
        ({"text": 5}, "text: input should be a valid string"),
        ({"text": ["a"]}, "text: input should be a valid string"),
        ({"text": f"{SECRET}\x00"}, "text holds a NUL character at offset 21; remove it and send again"),
        (
            {"text": "a", "subject": f"{SECRET}\x00"},
            "subject holds a NUL character at offset 21; remove it and send again",
        ),
        (
            {"text": f"{SECRET}\ud800"},
            "text holds half a surrogate pair, which no encoding can carry; send well-formed Unicode",
        ),
        (
            {"text": "a", "channel": SECRET},
            "channel: input should be 'call', 'transcript', 'email', 'web', 'sms', 'chat', 'app' or 'ticket'",
        ),
        (
            {"text": "a", "txet": SECRET},
            "txet is not a field of a message; fields are "
            "id, text, channel, subject, language_hint, received_at, thread_id",
        ),
        ({"text": "a", "subject": "s" * 2_001}, "subject is too long: at most 2,000 characters are read"),
        ({"text": "a", "id": "i" * 201}, "id is too long: at most 200 characters are read"),
        ({"text": "a", "id": ""}, "id: string should have at least 1 character"),
        ({"text": "a", "id": f"{SECRET}\n"}, "id holds a control character; remove it and send again"),
        ({"text": "a", "id": 17}, "id: input should be a valid string"),
        ({"text": "a", "language_hint": SECRET * 2}, "language_hint is too long: at most 35 characters are read"),
        ({"text": "a", "thread_id": "\x7f"}, "thread_id holds a control character; remove it and send again"),
        ([{"text": SECRET}], "must be a JSON object, got an array"),
        (SECRET, "must be a JSON object, got a string"),
        (311, "must be a JSON object, got a number"),
        (True, "must be a JSON object, got a boolean"),
        (None, "must be a JSON object, got null"),
    ],
)
def test_a_broken_rule_is_named_and_nothing_is_quoted(raw: object, sentence: str) -> None:
    assert refusal(raw) == sentence


def test_a_value_of_another_form_is_told_the_form_and_not_of_control_characters() -> None:
    class Asked(BaseModel):
        label: Annotated[str, Field(pattern=r"^[\w.]+$")]

    def said(label: str) -> list[str]:
        with pytest.raises(ValidationError) as caught:
            Asked(label=label)
        return explained(caught.value.errors(), of_message=False)

    assert said("a b") == [r"label does not have the form ^[\w.]+$"]
    assert said("a\x07b") == ["label holds a control character; remove it and send again"]
    assert said("") == ["label is empty"]


def test_every_broken_rule_is_named_at_once() -> None:
    assert refusal({"text": "", "channel": "fax", "received_at": "yesterday"}) == (
        "text is empty; send what the resident wrote; "
        "channel: input should be 'call', 'transcript', 'email', 'web', 'sms', 'chat', 'app' or 'ticket'; "
        "received_at: input should be a valid datetime or date, input is too short"
    )


def test_a_megabyte_of_text_is_too_long_and_says_the_limit() -> None:
    with pytest.raises(MessageTooLong, match="text is too long: at most 100,000 characters are read"):
        message_of({"text": "a" * 1_000_000}, "m")


def test_a_text_of_exactly_the_limit_is_read() -> None:
    assert len(message_of({"text": "ä" * 100_000}, "m").text) == 100_000


def test_the_name_of_an_unknown_field_is_cut_and_can_be_written_as_json() -> None:
    found = refusal({"text": "a", "n" * 5_000: 1})
    assert found.startswith("n" * 60 + " is not a field")
    assert orjson.dumps(refusal({"text": "a", "\ud800": 1}))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"", "is not JSON: expecting value at character 0; send one JSON object"),
        (b"{", "is not JSON: expecting property name enclosed in double quotes at character 1; send one JSON object"),
        (b'{"text": "a"} x', "is not JSON: extra data at character 14; send one JSON object"),
        (b'{"text": "a\n"}', "is not JSON: invalid control character at at character 11; send one JSON object"),
        (b'{"text": "\xff"}', "is not UTF-8: byte 10 cannot be read; send JSON in UTF-8"),
        (b"[" * 50_000, "is JSON too deep or with numbers too long to read; send one flat JSON object"),
        (b"9" * 5_000, "is JSON too deep or with numbers too long to read; send one flat JSON object"),
        (b'[{"text": "a"}]', "must be a JSON object, got an array"),
        (b'"text"', "must be a JSON object, got a string"),
        (b'{"text": NaN}', "text: input should be a valid string"),
        (
            b'{"text": "\\ud83d"}',
            "text holds half a surrogate pair, which no encoding can carry; send well-formed Unicode",
        ),
    ],
)
def test_a_line_that_is_no_request_says_why(line: bytes, sentence: str) -> None:
    assert line_refusal(line) == sentence


def test_a_byte_order_mark_before_the_first_line_is_passed_over() -> None:
    assert message_of_line(b'\xef\xbb\xbf{"text": "a"}', "m").text == "a"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"id": "a"}, "a"),
        ({"id": 5}, None),
        ({"id": ""}, None),
        ({"id": "\ud800"}, None),
        ({"id": "x" * 201}, None),
        ({}, None),
        ([1], None),
        (None, None),
    ],
)
def test_only_an_id_that_is_one_names_an_error_record(raw: object, name: str | None) -> None:
    assert given_id(raw) == name


def message_or_sentence(read: Callable[[], Message]) -> Message | str:
    try:
        return read()
    except MessageRejected as error:
        return str(error)


@given(line=st.binary(max_size=80) | st.text(max_size=40).map(str.encode))
def test_any_bytes_become_a_message_or_are_refused(line: bytes) -> None:
    found = message_or_sentence(lambda: message_of_line(line, "made-up"))
    assert orjson.dumps(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
REQUESTS = st.fixed_dictionaries(
    {"text": ANY_TEXT | JSON},
    optional=dict.fromkeys(
        ("id", "channel", "subject", "language_hint", "received_at", "thread_id", "more"), ANY_TEXT | JSON
    ),
)


@given(raw=REQUESTS | JSON)
def test_any_json_becomes_a_message_or_is_refused(raw: object) -> None:
    found = message_or_sentence(lambda: message_of(raw, "made-up"))
    assert orjson.dumps(found)
    if isinstance(found, Message):
        assert isinstance(raw, dict)
        assert found.text == raw["text"]
        assert found.id == (raw.get("id") or "made-up")
