"""What the service does by itself while it runs, beside answering: each task again and again, at its own pace."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import FastAPI

from routes.calls import live_calls
from routes.services import Services
from triage.backlog import Backlog
from triage.store import SqlTriageStore

log = logging.getLogger(__name__)

SURGES_EVERY_S: Final = 60.0
BACKLOG_EVERY_S: Final = 5.0
CALLS_EVERY_S: Final = 60.0
TIDYING_EVERY_S: Final = 3_600.0
KEPT: Final = timedelta(days=30)  # how long a repeated request gets its first answer, and missed changes are told
WATCHER: Final = "service"  # who opens the incidents that nobody opened


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """A task that the service repeats.

    Attributes:
        name: As logs name it.
        work: Does it once; the kind of what it raises is logged, and the next time is a new try.
        every_s: Seconds between the end of one time and the start of the next.
    """

    name: str
    work: Callable[[], object]
    every_s: float


def of_service(services: Services) -> tuple[Chore, ...]:
    """Return what every process of the service does; several may do it side by side."""
    backlog = Backlog(services.store.work, services.pipeline)
    return (
        Chore(
            name="looking for surges",
            work=lambda: services.incidents.open_surges(datetime.now(UTC), WATCHER),
            every_s=SURGES_EVERY_S,
        ),
        Chore(name="storing calls that have gone silent", work=live_calls(services).sweep, every_s=CALLS_EVERY_S),
        Chore(name="working off the backlog", work=backlog.work_off, every_s=BACKLOG_EVERY_S),
        Chore(name="deleting what is over its time", work=lambda: tidy(services.store), every_s=TIDYING_EVERY_S),
    )


def tidy(store: SqlTriageStore) -> None:
    """Delete kept answers to requests and told changes of before KEPT, and the sessions that have ended."""
    before = datetime.now(UTC) - KEPT
    store.idempotency.purge(before)
    store.events.purge(before)
    store.sessions.purge()


def repeating(chores: Sequence[Chore]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan in which the chores are done, each in a thread of its own."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_repeat(chore)) for chore in chores]
        yield
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)

    return lifespan


async def _repeat(chore: Chore) -> None:
    while True:
        await asyncio.sleep(chore.every_s)
        try:
            await asyncio.to_thread(chore.work)
        except Exception as error:  # the edge of this task: it must not end by one bad moment
            log.error("%s failed: %s", chore.name, type(error).__name__)
