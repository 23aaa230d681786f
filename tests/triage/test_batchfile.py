"""A line in, a line out: order kept, nothing dropped, what went wrong named by its line."""

import itertools
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import POISON, FailingEncoder, FailingTripwire, fake_parts
from triage.batchfile import CHUNK, triage_lines
from triage.pipeline import Pipeline
from triage.types import Message, Triage

ALARM = b'{"id": "x", "text": "gas smell"}'


def answers(lines: Iterable[bytes], *, only: Sequence[str] = (), **parts: object) -> list[Any]:
    return [orjson.loads(outcome.json) for outcome in triage_lines(lines, Pipeline(fake_parts(**parts)), only=only)]


def test_each_line_gets_the_answer_that_its_message_gets_alone() -> None:
    [found] = answers([ALARM])
    alone = orjson.loads(orjson.dumps(Pipeline(fake_parts()).triage(Message(id="x", text="gas smell"))))
    assert found | {"timings_ms": {}} == alone | {"timings_ms": {}}


@pytest.mark.parametrize(
    ("line", "name", "detail"),
    [
        (b"not json", "line-2", "is not JSON: expecting value at character 0; send one JSON object"),
        (b'[{"text": "a"}]', "line-2", "must be a JSON object, got an array"),
        (b'{"id": "m-9", "text": ""}', "m-9", "text is empty; send what the resident wrote"),
        (
            b'{"id": "m-9", "text": "a\\u0000"}',
            "m-9",
            "text holds a NUL character at offset 1; remove it and send again",
        ),
        (
            b'{"id": "m-9", "text": "\\udc00"}',
            "m-9",
            "text holds half a surrogate pair, which no encoding can carry; send well-formed Unicode",
        ),
        (b'{"id": "m-9", "txt": "a"}', "m-9", None),
        (b'{"id": "\\udc00", "text": "a"}', "line-2", None),
        (b'{"id": 7, "text": "a"}', "line-2", "id: input should be a valid string"),
        (b'{"id": "m-9", "text": "a", "channel": "fax"}', "m-9", None),
        (b'{"text": "\xff"}', "line-2", "is not UTF-8: byte 10 cannot be read; send JSON in UTF-8"),
        (
            b'{"text": "' + b"a" * 1_000_000 + b'"}',
            "line-2",
            "text is too long: at most 100,000 characters are read",
        ),
    ],
)
def test_a_bad_line_becomes_an_error_record_and_the_rest_goes_on(line: bytes, name: str, detail: str | None) -> None:
    before, bad, after = answers([b'{"id": "a", "text": "couch"}', line, ALARM])
    assert (before["message_id"], after["message_id"]) == ("a", "x")
    assert after["safety"]["line"] == "911"
    assert set(bad) == {"message_id", "error"}
    assert bad["message_id"] == name
    assert (bad["error"]["title"], bad["error"]["line"]) == ("Message rejected", 2)
    assert detail is None or bad["error"]["detail"] == detail


def test_blank_lines_are_passed_over_and_still_counted() -> None:
    found = answers([b"\n", b"  \r\n", b"nonsense\n", b"", b'{"text": "couch"}\r\n'])
    assert [each["message_id"] for each in found] == ["line-3", "line-5"]
    assert found[0]["error"]["line"] == 3


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_order_is_kept_over_many_chunks(workers: int) -> None:
    names = [f"m-{number}" for number in range(CHUNK * 7 + 3)]
    lines = [orjson.dumps({"id": name, "text": "couch"}) if number % 5 else b"{" for number, name in enumerate(names)]
    found = list(triage_lines(lines, Pipeline(fake_parts()), workers=workers))
    expected = [name if number % 5 else f"line-{number + 1}" for number, name in enumerate(names)]
    assert [orjson.loads(outcome.json)["message_id"] for outcome in found] == expected
    assert [outcome.is_error for outcome in found] == [number % 5 == 0 for number in range(len(names))]


def test_only_the_named_fields_and_the_id_are_kept_in_the_order_named() -> None:
    [found] = answers([ALARM], only=["safety", "language"])
    assert list(found) == ["message_id", "safety", "language"]
    assert found["safety"]["line"] == "911"


def test_error_records_are_whole_even_where_only_some_fields_are_kept() -> None:
    [found] = answers([b"{"], only=["language"])
    assert set(found["error"]) == {"title", "detail", "line"}


def test_an_unexpected_exception_in_one_message_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    lines = [orjson.dumps({"id": f"m-{n}", "text": POISON if n == 1 else "couch"}) for n in range(4)]
    with caplog.at_level(logging.ERROR):
        found = answers(lines, tripwire=FailingTripwire(POISON))
    assert [each["message_id"] for each in found] == ["m-0", "m-1", "m-2", "m-3"]
    assert ["error" in each for each in found] == [False, True, False, False]
    assert found[1]["error"] == {
        "title": "Triage failed",
        "detail": "ComponentError; the message was not triaged, an agent has to read it",
        "line": 2,
    }
    assert caplog.messages[-1] == "message m-1 failed: ComponentError"
    assert POISON not in caplog.text


def test_a_component_that_fails_on_one_line_is_no_error_but_degrades_it() -> None:
    lines = [orjson.dumps({"id": f"m-{n}", "text": f"{POISON} a" if n == 1 else "couch"}) for n in range(3)]
    found = answers(lines, encoder=FailingEncoder(POISON))
    assert [each["degraded"] for each in found] == [[], ["encoder"], []]


def test_a_file_is_read_as_it_is_worked_on_not_all_at_once() -> None:
    read = itertools.count()

    def endless() -> Iterator[bytes]:
        while True:
            next(read)
            yield b'{"text": "couch"}'

    outcomes = triage_lines(endless(), Pipeline(fake_parts()))
    first = next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert not first.is_error
    assert next(read) <= 8 * CHUNK


def test_an_empty_file_gives_an_empty_file() -> None:
    assert answers([]) == []


@given(lines=st.lists(st.binary(max_size=30) | st.just(ALARM), max_size=6))
def test_every_line_that_is_not_blank_has_one_outcome(lines: list[bytes]) -> None:
    found = answers(lines)
    written = [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert [each["error"]["line"] if "error" in each else None for each in found] == [
        None if lines[number - 1] == ALARM else number for number in written
    ]


def test_the_fields_that_only_takes_are_those_of_the_answer() -> None:
    [found] = answers([ALARM], only=[name for name in Triage.__dataclass_fields__ if name != "message_id"])
    assert list(found) == list(Triage.__dataclass_fields__)
