"""Live updates: one reader a process follows the store's changes and hands them to everyone who listens.

A listener has a bounded queue. One that does not keep up is let go; it comes back with the number of the last change
it saw and is told what it missed from the store, as after a lost connection. Processes tell each other nothing: each
polls the store's counter of changes, which all of them share.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final, Protocol

from triage.errors import StoreError
from triage.store.events import Event

PAGE: Final = 200


class Log(Protocol):
    """Where changes are read from: `triage.store.events.EventLog`."""

    def since(self, number: int, limit: int = PAGE) -> Sequence[Event]: ...

    def last(self) -> int: ...


class LiveUpdates:
    """Follows the changes for every listener of one process; belongs to one event loop.

    Args:
        log: The store's changes.
        poll_s: Seconds between two looks at the store, while anyone listens.
        heartbeat_s: Seconds of silence after which a listener is told that the line still holds.
        queue: Changes that may wait for one listener.
    """

    def __init__(self, log: Log, *, poll_s: float = 1.0, heartbeat_s: float = 15.0, queue: int = 500) -> None:
        self._log = log
        self._poll_s = poll_s
        self._heartbeat_s = heartbeat_s
        self._queue = queue
        self._listeners: set[asyncio.Queue[Event]] = set()
        self._reader: asyncio.Task[None] | None = None

    async def last(self) -> int:
        """Return the number of the last change."""
        return await asyncio.to_thread(self._log.last)

    async def missed(self, since: int) -> Sequence[Event]:
        """Return the changes after a number that the store still has, 200 at most."""
        return await asyncio.to_thread(self._log.since, since, PAGE)

    async def follow(self, since: int) -> AsyncGenerator[Event | None, None]:
        """Yield changes as they come, each once and in order; None where nothing came for a while.

        Args:
            since: The number of the last change that the listener saw; `last()` for those from now on.

        Yields:
            What was missed, then what comes, until the listener falls behind or leaves.
        """
        queue: asyncio.Queue[Event] = asyncio.Queue(self._queue)
        # Told before anything is read: what is committed from here on reaches the queue, what was before, the pages.
        self._join(queue, await self.last())
        seen = since
        try:
            while page := await self.missed(seen):
                for event in page:
                    yield event
                seen = page[-1].number
            async for waited in self._waiting(queue):
                if waited is None or waited.number > seen:
                    yield waited
        finally:
            self._leave(queue)

    async def _waiting(self, queue: asyncio.Queue[Event]) -> AsyncIterator[Event | None]:
        """Yield what is put into the queue until the queue is let go."""
        while queue in self._listeners or not queue.empty():
            try:
                yield await asyncio.wait_for(queue.get(), self._heartbeat_s)
            except TimeoutError:
                yield None

    def _join(self, queue: asyncio.Queue[Event], last: int) -> None:
        self._listeners.add(queue)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(last))

    def _leave(self, queue: asyncio.Queue[Event]) -> None:
        self._listeners.discard(queue)
        if not self._listeners and self._reader is not None:
            self._reader.cancel()
            self._reader = None

    async def _read(self, seen: int) -> None:
        """Hand on what is new; a database that is away for a while only makes it wait."""
        while True:
            try:
                page = await self.missed(seen)
            except StoreError:
                page = ()
            for event in page:
                self._hand_on(event)
                seen = event.number
            if len(page) < PAGE:
                await asyncio.sleep(self._poll_s)

    def _hand_on(self, event: Event) -> None:
        for queue in tuple(self._listeners):
            if queue.full():
                self._listeners.discard(queue)
            else:
                queue.put_nowait(event)
