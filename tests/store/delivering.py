"""Programs that decide and deliver, to be killed at any moment; a nursery forks them, which takes milliseconds.

What each is given is plain, so that it can be sent to another process.
"""

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from typing import Any

from tests.store.samples import POTHOLE, pair_of
from triage.backends.http import HttpClient
from triage.backends.planning import BackEndDispatch
from triage.backends.settings import BackEnd, Kind
from triage.backends.transports import workers
from triage.errors import DecisionConflict
from triage.outbox import OutboxWorker
from triage.store import SqlTriageStore, open_store
from triage.types import Decision, Mode

LEASE = timedelta(seconds=2)
AUTO = Decision(mode=Mode.AUTO, service_type="water.leak", department="Water")
NURSERY = multiprocessing.get_context("forkserver")
NURSERY.set_forkserver_preload(["tests.store.delivering"])


def back_ends(receiver: str) -> tuple[BackEnd, ...]:
    """Return two receivers of events."""
    return (
        BackEnd(name="events", kind=Kind.CLOUDEVENTS, url=f"{receiver}/events", secret="secret"),
        BackEnd(name="more", kind=Kind.CLOUDEVENTS, url=f"{receiver}/more", secret="secret"),
    )


def opened(url: str, receiver: str) -> SqlTriageStore:
    return open_store(url, dispatch=BackEndDispatch(back_ends(receiver)))


def decide(url: str, receiver: str, contacts: int) -> None:
    """Let the policy decide on every contact and a person decide otherwise; what was done before stays as it is."""
    with opened(url, receiver) as store:
        for number in range(contacts):
            message, triage = pair_of(f"m-{number}", AUTO)
            store.save_once(message, triage)
            with suppress(DecisionConflict):
                if store.contact_of(message.id).version == 1:
                    store.decide(message.id, POTHOLE, "ada", 1)


def deliver(url: str, receiver: str) -> None:
    """Send what is due, again and again."""
    import time

    with opened(url, receiver) as store:
        made = sending(store, receiver)
        while True:
            for worker in made:
                worker.work_off()
            time.sleep(0.01)


def sending(store: SqlTriageStore, receiver: str) -> tuple[OutboxWorker, ...]:
    """Return workers that do not wait long."""
    client = HttpClient(deadline_s=0.3)
    return workers(back_ends(receiver), store, client, lease=LEASE, first_wait=timedelta(milliseconds=20))


def start(program: Callable[..., None], *arguments: Any) -> ForkServerProcess:  # noqa: ANN401
    process = NURSERY.Process(target=program, args=arguments, daemon=True)
    process.start()
    return process
