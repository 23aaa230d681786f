"""A file of messages, a line each, to a file of answers, a line each: order kept, nothing dropped."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from triage.channels.request import decoded, given_id, message_of
from triage.errors import MessageRejected
from triage.pipeline import Pipeline
from triage.types import Message, Triage

log = logging.getLogger(__name__)
CHUNK = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """Stands where an answer would: which line could not be triaged, and why."""

    message_id: str
    title: str
    detail: str
    line: int

    def as_json(self) -> dict[str, Any]:
        """Return the public form."""
        return {"message_id": self.message_id, "error": {"title": self.title, "detail": self.detail, "line": self.line}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one line."""

    json: bytes
    is_error: bool


def triage_lines(
    lines: Iterable[bytes], pipeline: Pipeline, *, only: Sequence[str] = (), workers: int = 2
) -> Iterator[Outcome]:
    """Triage JSON lines, chunks side by side; blank lines are passed over.

    Args:
        lines: Requests, one JSON object each.
        pipeline: Does the work.
        only: Names of `Triage` fields to keep beside `message_id`; all where empty.
        workers: Chunks under way at the same time.

    Yields:
        One outcome a line that is not blank, in order.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())

    def work(chunk: list[tuple[int, bytes]]) -> list[Outcome]:
        return [_outcome(value, only) for value in triage_chunk(chunk, pipeline)]

    with ThreadPoolExecutor(workers, thread_name_prefix="batch") as pool:
        yield from _in_order(pool, work, _chunks(numbered))


def triage_chunk(chunk: Sequence[tuple[int, bytes]], pipeline: Pipeline) -> list[Triage | ErrorRecord]:
    """Return an answer or an error record for each (line number, line), in order."""
    read = [_read(number, line) for number, line in chunk]
    return triage_read(read, [number for number, _ in chunk], pipeline)


def triage_read(
    read: Sequence[Message | ErrorRecord], numbers: Sequence[int], pipeline: Pipeline
) -> list[Triage | ErrorRecord]:
    """Return an answer for each message and let error records through, in order.

    This is one of the edges that catch what nobody expected: it is logged by id and type, never by text, and the
    other messages are answered.
    """
    messages = [value for value in read if isinstance(value, Message)]
    try:
        answers = iter(pipeline.triage_batch(messages))
        return [next(answers) if isinstance(value, Message) else value for value in read]
    except Exception as error:
        log.error("a chunk of %d messages failed: %s; each is tried alone", len(messages), type(error).__name__)
    return [
        _alone(value, number, pipeline) if isinstance(value, Message) else value
        for value, number in zip(read, numbers, strict=True)
    ]


def _alone(message: Message, number: int, pipeline: Pipeline) -> Triage | ErrorRecord:
    try:
        return pipeline.triage(message)
    except Exception as error:
        log.error("message %s failed: %s", message.id, type(error).__name__)
        detail = f"{type(error).__name__}; the message was not triaged, an agent has to read it"
        return ErrorRecord(message_id=message.id, title="Triage failed", detail=detail, line=number)


def _read(number: int, line: bytes) -> Message | ErrorRecord:
    try:
        raw = decoded(line)
    except MessageRejected as error:
        return _rejected(None, number, error)
    return read_one(raw, number, f"line-{number}")


def read_one(raw: object, number: int, made_up_id: str) -> Message | ErrorRecord:
    """Return the message that a decoded line describes, or the error record that says why it is none."""
    try:
        return message_of(raw, made_up_id)
    except MessageRejected as error:
        return _rejected(raw, number, error)


def _rejected(raw: object, number: int, error: MessageRejected) -> ErrorRecord:
    """Return the error record of a line, named by its own id where it has one."""
    name = given_id(raw) or f"line-{number}"
    return ErrorRecord(message_id=name, title="Message rejected", detail=str(error), line=number)


def _outcome(value: Triage | ErrorRecord, only: Sequence[str]) -> Outcome:
    if isinstance(value, ErrorRecord):
        return Outcome(json=orjson.dumps(value.as_json()), is_error=True)
    shown = {"message_id": value.message_id, **{name: getattr(value, name) for name in only}} if only else value
    return Outcome(json=orjson.dumps(shown), is_error=False)


def _chunks(numbered: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    while chunk := list(islice(numbered, CHUNK)):
        yield chunk


def _in_order(
    pool: ThreadPoolExecutor,
    work: Callable[[list[tuple[int, bytes]]], list[Outcome]],
    chunks: Iterator[list[tuple[int, bytes]]],
) -> Iterator[Outcome]:
    """Keep a few chunks under way, so that memory does not grow with the file, and yield in the order read."""
    under_way: deque[Future[list[Outcome]]] = deque()
    try:
        for chunk in chunks:
            under_way.append(pool.submit(work, chunk))
            if len(under_way) > 4:
                yield from under_way.popleft().result()
        while under_way:
            yield from under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()
