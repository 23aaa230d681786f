"""One JSON object a line on the error stream, with the request it belongs to, and no word of a resident.

An exception's own text and its source lines may quote what was being worked on: a line names its type and the places
it passed through, never what it says. What a library logs of its own accord is reduced to where it came from, since
its words are not this project's to vouch for.
"""

import json
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TextIO

# The parts of this project; a logger of any other name is a library's.
OURS: Final = ("api", "cli", "wiring", "routes", "triage", "models", "kb")
MAX_FRAMES: Final = 12

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


@contextmanager
def of_request(request_id: str) -> Iterator[None]:
    """Put this id into every line that is logged inside, from the same task and the threads it waits for."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def request_id() -> str | None:
    """Return the id of the request under way; None outside of one."""
    return _request_id.get()


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON: time, level, logger, event, the request's id and the fields given.

    Fields are given as `log.info("answered", extra={"fields": {"status": 200}})`.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if _is_ours(record.name) else f"{record.module}:{record.lineno}",
            **_of_request(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at"] = places(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True, default=lambda value: type(value).__name__)


def set_up(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send what every logger says to the error stream, as JSON lines; what others have set up is taken down.

    Args:
        level: The least grave level of this project's own lines; a library's begin at WARNING.
        stream: Where to write; the error stream where None.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)


def _of_request() -> Mapping[str, str]:
    found = request_id()
    return {"request_id": found} if found else {}


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in OURS


def places(error: BaseException | None) -> list[str]:
    """Return where an error came from, innermost last, as `file.py:line function`."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames[-MAX_FRAMES:]]
