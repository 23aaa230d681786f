"""What the service does by itself while it runs: surges become incidents."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from fastapi import FastAPI

from triage.errors import TriageError
from triage.incident_watch import IncidentWatch

log = logging.getLogger(__name__)

WATCHER: Final = "service"  # who opens the incidents that nobody opened


def watching(watch: IncidentWatch, every_s: float | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return a lifespan in which somebody looks for surges.

    Args:
        watch: Looks for them.
        every_s: Seconds between two looks; nobody looks where None.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_look(watch, every_s))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return lifespan


async def _look(watch: IncidentWatch, every_s: float | None) -> None:
    while every_s is not None:
        await asyncio.sleep(every_s)
        try:
            await asyncio.to_thread(watch.open_surges, datetime.now(UTC), WATCHER)
        except TriageError as error:  # the next look is a new try
            log.warning("surges could not be looked for: %s", type(error).__name__)
