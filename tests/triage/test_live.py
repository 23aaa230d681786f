"""Live updates: each change once and in order, whoever made it; a slow listener is let go, not waited for."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from triage.errors import StoreError
from triage.live import PAGE, LiveUpdates
from triage.store.events import Event, EventKind


class FakeLog:
    """Changes that a test appends, as another process would."""

    def __init__(self, number: int = 0) -> None:
        self.events: list[Event] = []
        self.broken = False
        self.append(number)

    def append(self, count: int = 1) -> None:
        for _ in range(count):
            number = len(self.events) + 1
            at = datetime(2026, 11, 20, tzinfo=UTC)
            self.events.append(Event(number=number, kind=EventKind.DECIDED, message_id="m-1", detail={}, created_at=at))

    def since(self, number: int, limit: int = PAGE) -> Sequence[Event]:
        if self.broken:
            raise StoreError("the database did not do it (made to fail)")
        return self.events[number : number + limit]

    def last(self) -> int:
        return len(self.events)


async def numbers(updates: LiveUpdates, since: int, count: int, then: Callable[[], None]) -> list[int | None]:
    """Follow until so many changes have come; `then` is called once the listener is there."""
    seen: list[int | None] = []
    async with aclosing(following(updates, since)) as events:
        task = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)
        then()
        while len(seen) < count:
            event = await asyncio.wait_for(task, 5)
            seen.append(event.number if event else None)
            task = asyncio.ensure_future(anext(events))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return seen


def following(updates: LiveUpdates, since: int) -> AsyncGenerator[Event | None, None]:
    return updates.follow(since)


def quick(log: FakeLog, *, heartbeat_s: float = 5, queue: int = 500) -> LiveUpdates:
    return LiveUpdates(log, poll_s=0.01, heartbeat_s=heartbeat_s, queue=queue)


def test_a_listener_is_told_what_it_missed_and_then_what_comes() -> None:
    log = FakeLog(5)
    assert asyncio.run(numbers(quick(log), 2, 5, lambda: log.append(2))) == [3, 4, 5, 6, 7]


def test_a_listener_that_begins_at_the_last_change_hears_from_now_on() -> None:
    async def from_now_on() -> list[int | None]:
        updates = quick(log)
        return await numbers(updates, await updates.last(), 2, lambda: log.append(2))

    log = FakeLog(5)
    assert asyncio.run(from_now_on()) == [6, 7]


def test_more_than_a_page_is_missed_and_nothing_is_left_out() -> None:
    log = FakeLog(2 * PAGE + 7)
    expected = list(range(1, 2 * PAGE + 9))
    assert asyncio.run(numbers(quick(log, queue=3), 0, len(expected), log.append)) == expected


def test_two_listeners_hear_the_same_from_one_reader() -> None:
    async def both() -> list[list[int | None]]:
        updates = quick(log)
        listeners = (numbers(updates, 0, 3, lambda: log.append(1)) for _ in range(2))
        return list(await asyncio.gather(*listeners))

    log = FakeLog(1)
    assert asyncio.run(both()) == [[1, 2, 3], [1, 2, 3]]


def test_silence_is_told() -> None:
    assert asyncio.run(numbers(quick(FakeLog(), heartbeat_s=0.02), 0, 2, lambda: None)) == [None, None]


def test_a_listener_that_falls_behind_is_let_go_and_misses_nothing_when_it_comes_back() -> None:
    async def slow() -> tuple[list[int], list[int | None]]:
        updates, heard = quick(log, queue=2, heartbeat_s=0.1), []
        async for event in updates.follow(0):
            if event is not None:
                heard.append(event.number)
            if event is not None and event.number == 1:
                asyncio.get_running_loop().call_later(0.05, log.append)
            if event is not None and event.number == 2:  # the first that came through the queue
                log.append(8)
                await asyncio.sleep(0.2)
        return heard, await numbers(updates, heard[-1], 10 - heard[-1], lambda: None)

    log = FakeLog(1)
    heard, rest = asyncio.run(slow())
    assert len(heard) < 10
    assert [*heard, *rest] == list(range(1, 11))


def test_a_database_that_is_away_only_makes_listeners_wait() -> None:
    async def away() -> list[int | None]:
        updates = quick(log)

        def breaks() -> None:
            log.broken = True
            asyncio.get_running_loop().call_later(0.05, repair)

        def repair() -> None:
            log.broken = False
            log.append()

        return await numbers(updates, 3, 1, breaks)

    log = FakeLog(3)
    assert asyncio.run(away()) == [4]


def test_a_listener_cannot_begin_without_the_database() -> None:
    log = FakeLog(1)
    log.broken = True
    with pytest.raises(StoreError):
        asyncio.run(numbers(quick(log), 0, 1, lambda: None))
