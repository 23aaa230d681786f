"""Lines of the log: JSON, with the request they belong to, without the words of an exception or a library."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from triage import logs

SECRET = "my-ssn-is-078-05-1120"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged, with the loggers as they were before put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    ours = {name: logging.getLogger(name).level for name in logs.OURS}
    stream = io.StringIO()
    logs.set_up("INFO", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    for name, before in ours.items():
        logging.getLogger(name).setLevel(before)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_logger_event_and_fields(written: io.StringIO) -> None:
    logging.getLogger("triage.batch").info("%s failed", "encoder", extra={"fields": {"status": 200}})
    [line] = lines(written)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "info", "logger": "triage.batch", "event": "encoder failed", "status": 200}


def test_lines_inside_a_request_carry_its_id(written: io.StringIO) -> None:
    with logs.of_request("r-1"):
        assert logs.request_id() == "r-1"
        logging.getLogger("api").info("inside")
    logging.getLogger("api").info("outside")
    assert [line.get("request_id") for line in lines(written)] == ["r-1", None]
    assert logs.request_id() is None


def test_an_exception_is_its_type_and_its_places_never_its_words(written: io.StringIO) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("api").exception("failed")
    [line] = lines(written)
    assert (line["error"], line["event"]) == ("ValueError", "failed")
    assert line["at"][-1].startswith("test_logs.py:")
    assert SECRET not in written.getvalue()


def test_a_library_is_heard_from_warning_on_without_its_words(written: io.StringIO) -> None:
    logging.getLogger("sqlalchemy.engine").info("INSERT %s", SECRET)
    logging.getLogger("uvicorn.error").error("bad request: %s", SECRET)
    [line] = lines(written)
    assert (line["logger"], line["level"]) == ("uvicorn.error", "error")
    assert line["event"].startswith("test_logs:")
    assert SECRET not in written.getvalue()


def test_a_newline_in_a_field_starts_no_line(written: io.StringIO) -> None:
    logging.getLogger("api").info("a\nb", extra={"fields": {"route": 'x"\n{"level": "forged"}'}})
    assert len(written.getvalue().splitlines()) == 1
    assert lines(written)[0]["event"] == "a\nb"


def test_a_level_keeps_what_is_less_grave_away(written: io.StringIO) -> None:
    logs.set_up("WARNING", written)
    logging.getLogger("triage.batch").info("not shown")
    logging.getLogger("triage.batch").warning("shown")
    assert [line["event"] for line in lines(written)] == ["shown"]
