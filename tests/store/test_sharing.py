"""Four writers and two workers on one database, some of them killed: nothing is lost, nothing doubled."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.sharing import FINISHED, OWN, SHARED, WRITERS, is_answered_at_once, message_ids
from triage.store import Actor, Counts, open_store
from triage.store.deliveries import DeliveryState

GIVE_UP_S = 240
Process = subprocess.Popen[bytes]


@pytest.fixture
def started() -> Iterator[list[Process]]:
    """The processes of the test; none outlives it."""
    processes: list[Process] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def lines(folder: Path) -> list[str]:
    return [line for log in sorted(folder.glob("*.log")) for line in log.read_text("utf-8").splitlines()]


def wait_for(folder: Path, number: int) -> None:
    """Wait until so many things have been acknowledged."""
    end = time.monotonic() + GIVE_UP_S
    while len(lines(folder)) < number:
        assert time.monotonic() < end, "the processes do nothing"
        time.sleep(0.01)


def kill(process: Process) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL


def finish(process: Process) -> None:
    assert process.wait(GIVE_UP_S) == 0


@pytest.mark.system
def test_processes_that_share_a_database_and_are_killed_lose_and_double_nothing(
    url: str, tmp_path: Path, started: list[Process]
) -> None:
    def start(program: str, name: str, log: str) -> Process:
        command = [sys.executable, "-m", "tests.store.sharing", program, url, name, str(tmp_path / f"{log}.log")]
        started.append(subprocess.Popen(command))
        return started[-1]

    open_store(url).close()
    writers = {name: start("writer", name, name) for name in WRITERS}
    workers = [start("worker", name, name) for name in ("a", "b")]
    for number, name in enumerate(("w0", "w1"), start=1):
        wait_for(tmp_path, 8 * number)
        kill(writers[name])
        writers[name] = start("writer", name, f"{name}-again")
    kill(workers[0])
    workers[0] = start("worker", "c", "c")
    for process in writers.values():
        finish(process)
    with open_store(url) as store:
        store.links.set_cursor(FINISHED, "yes")
    for process in workers:
        finish(process)

    expected = {message_id for name in WRITERS for message_id in message_ids(name)}
    at_once = {message_id for message_id in expected if is_answered_at_once(message_id)}
    assert len(expected) == len(WRITERS) * OWN + SHARED
    acknowledged = Counter(lines(tmp_path))
    assert expected <= acknowledged.keys()
    with open_store(url) as store:
        assert {contact.message.id for contact in store.recent(1000)} == expected
        whole = len(expected)
        decided = whole + len(at_once)
        assert store.counts() == Counts(contacts=whole, messages=whole, triages=whole, decisions=decided, rejections=0)
        people = [contact.message.id for contact in store.recent(1000) if contact.decision.actor is Actor.PERSON]  # type: ignore[union-attr]
        assert set(people) == at_once
        sent = [stored.delivery.key for stored in store.outbox.list(DeliveryState.SENT, limit=1000)]
        assert sorted(sent) == sorted(f"crm:{message_id}" for message_id in at_once)
        assert max(acknowledged[key] for key in sent) == 1
        found = store.receipts.verify()
        assert (found.links, found.problems) == (1 + whole + decided, ())
        events = [event.number for event in store.events.since(0, limit=10_000)]
        assert events == list(range(1, len(events) + 1))
