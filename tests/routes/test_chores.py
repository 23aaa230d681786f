"""What the service does beside answering goes on, whatever one time of it raises."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from routes.chores import KEPT, Chore, repeating, tidy
from triage.errors import StoreError
from triage.store import open_store


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


@pytest.mark.parametrize(("age", "is_kept"), [(KEPT + timedelta(hours=1), False), (KEPT - timedelta(hours=1), True)])
def test_what_is_kept_for_thirty_days_is_deleted_then(tmp_path: Path, age: timedelta, is_kept: bool) -> None:
    then = datetime.now(UTC) - age
    with open_store(f"sqlite:///{tmp_path / 'city.db'}", now=lambda: then) as store:
        store.idempotency.begin("k", b"digest")
        store.idempotency.finish("k", status=201, answer=b"{}")
        store.policy.set(mode="suggest", reason="a new city", by="lea")
        store.sessions.open(digest=b"d", subject="s", name="Ana", role="agent", expires_at=then)
        tidy(store)
        assert (store.idempotency.begin("k", b"digest") is not None) is is_kept
        assert bool(store.events.since(0)) is is_kept
        assert store.sessions.purge() == 0
