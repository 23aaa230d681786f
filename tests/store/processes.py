"""Programs that tests run as processes of their own, to kill them or to let them compete.

`python -m tests.store.processes NAME URL ARGUMENT` prints `ready`, waits for a line, works, and prints `done`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine, event

from tests.store.samples import POTHOLE, message_of, pair_of, triage_of
from triage.errors import DecisionConflict
from triage.store import SqlTriageStore, open_store
from triage.store.database import Database


def killed_before(store: SqlTriageStore, beginning: str) -> None:
    """Save three messages, one of them known; die before the first statement that begins so, or before the commit."""

    def die(*arguments: object) -> None:
        if beginning == "COMMIT" or str(arguments[2]).startswith(beginning):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit" if beginning == "COMMIT" else "before_cursor_execute", die)
    store.save([(message_of("m-1", "a new text"), triage_of("m-1", POTHOLE)), pair_of("m-2"), pair_of("m-3")])


def killed_after(store: SqlTriageStore, _: str) -> None:
    """Save, and die as soon as it has returned."""
    store.save([(message_of("m-1", "a new text"), triage_of("m-1", POTHOLE)), pair_of("m-2"), pair_of("m-3")])
    os.kill(os.getpid(), signal.SIGKILL)


def saves(store: SqlTriageStore, order: str) -> None:
    """Save the same 60 messages as every other process, twenty at a time, forwards or backwards."""
    numbers = range(60) if order == "forwards" else range(59, -1, -1)
    ids = [f"m-{number}" for number in numbers]
    for start in range(0, 60, 20):
        batch = [pair_of(message_id) for message_id in ids[start : start + 20]]
        store.save([*batch, (message_of(ids[0], f"text of {order}"), triage_of(ids[0]))])


def decides(store: SqlTriageStore, name: str) -> None:
    """Decide on twenty messages as seen at version 1, and print how often nobody was faster."""
    won = 0
    for number in range(20):
        try:
            store.decide(f"m-{number}", POTHOLE, name, 1)
        except DecisionConflict:
            continue
        won += 1
    print(won, flush=True)


PROGRAMS: dict[str, Callable[[SqlTriageStore, str], None]] = {
    "killed_before": killed_before,
    "killed_after": killed_after,
    "saves": saves,
    "decides": decides,
}


def run_together(url: str, programs: Sequence[tuple[str, str]]) -> list[tuple[int, str]]:
    """Start a process for each program and argument, let all begin at once; return exit statuses and outputs."""
    command = [sys.executable, "-m", "tests.store.processes"]
    processes = [
        subprocess.Popen([*command, name, url, argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name, argument in programs
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    return [(process.returncode, output) for process, output in zip(processes, outputs, strict=True)]


def goes_on(url: str, number: str) -> None:
    """Save so many messages on whatever revision the database has, as a process does that was started before."""
    store = SqlTriageStore(Database(url))
    begin_together()
    for message in range(int(number)):
        store.save([pair_of(f"old-{message}")])
        time.sleep(0.02)
    store.close()


def main(name: str, url: str, argument: str) -> None:
    """Run one program; `opens` opens the store only when all may begin, `goes_on` without looking at its revision."""
    if name == "goes_on":
        goes_on(url, argument)
        return
    if name == "opens":
        begin_together()
        open_store(url).close()
        return
    with open_store(url) as store:
        begin_together()
        PROGRAMS[name](store, argument)


def begin_together() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:4])
