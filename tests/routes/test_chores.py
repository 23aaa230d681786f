"""What the service does beside answering goes on, whatever one time of it raises."""

import asyncio
from collections.abc import Callable

import pytest
from fastapi import FastAPI

from routes.chores import Chore, repeating
from triage.errors import StoreError


async def done_until(chore: Chore, is_enough: Callable[[], bool]) -> None:
    async with repeating([chore])(FastAPI()), asyncio.timeout(10):
        while not is_enough():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("error", [StoreError("a couch"), ValueError("a couch")])
def test_a_chore_is_done_again_after_it_failed_and_only_the_kind_of_failure_is_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    times: list[int] = []

    def work() -> None:
        times.append(len(times))
        if len(times) == 1:
            raise error

    asyncio.run(done_until(Chore(name="tidying", work=work, every_s=0.001), lambda: len(times) >= 3))
    assert f"tidying failed: {type(error).__name__}" in caplog.text
    assert "a couch" not in caplog.text
