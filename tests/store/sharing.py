"""Programs of a city's day on one database: API-like writers and inbox-like workers, to be killed at any moment.

`python -m tests.store.sharing writer|worker URL NAME LOG` writes a line to LOG for everything that it acknowledges.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from tests.store.samples import POTHOLE, message_of, triage_of
from triage.errors import DecisionConflict, IdempotencyInProgress
from triage.store import SqlTriageStore, open_store
from triage.store.deliveries import Delivery
from triage.types import Message

OWN, SHARED = 16, 8
WRITERS = ("w0", "w1", "w2", "w3")
# Short, so that what a killed process held is soon taken up.
LEASE = timedelta(seconds=3)
FINISHED = "all writers are done"


def message_ids(writer: str) -> Iterator[str]:
    """Yield what a writer gets: its own messages, and between them those that every writer gets."""
    for number in range(OWN):
        yield f"{writer}-{number}"
        if number < SHARED:
            yield f"shared-{number}"


def is_answered_at_once(message_id: str) -> bool:
    """Tell the messages of the API, answered while the caller waits, from those that workers triage."""
    return int(message_id.rsplit("-", 1)[1]) % 2 == 1


def write(store: SqlTriageStore, writer: str, log: Path) -> None:
    """Store every message, acknowledging each only when it is stored."""
    for message_id in message_ids(writer):
        if is_answered_at_once(message_id):
            answer(store, message_of(message_id), writer)
        else:
            store.receive([(message_of(message_id), message_id.encode())])
        acknowledge(log, message_id)


def answer(store: SqlTriageStore, message: Message, writer: str) -> None:
    """Answer a request as the API does: once for each key, with a decision and its delivery."""
    key, delivery = f"key:{message.id}", Delivery(key=f"crm:{message.id}", target="crm", kind="case")
    while True:
        try:
            kept = store.idempotency.begin(key, b"request", lease=LEASE)
            break
        except IdempotencyInProgress:
            time.sleep(0.05)
    if kept is not None:
        return
    store.save_once(message, triage_of(message.id))
    with suppress(DecisionConflict):  # decided before the process that had the key was killed
        store.decide(message.id, POTHOLE, writer, 1, deliveries=[delivery])
    store.idempotency.finish(key, status=201, answer=b"{}", message_id=message.id)


def work(store: SqlTriageStore, worker: str, log: Path) -> None:
    """Triage what waits and send what is due, until the writers are done and nothing is left."""
    while True:
        is_last_look = store.links.cursor(FINISHED) is not None
        items = store.work.claim(worker, limit=3, lease=LEASE)
        due = store.outbox.claim(worker, limit=3, lease=LEASE)
        store.work.finish(worker, [(item.message, triage_of(item.message.id)) for item in items])
        for stored in due:
            if store.outbox.sent(worker, stored.id, "received"):
                acknowledge(log, stored.delivery.key)
        if not (items or due):
            if is_last_look and not store.work.waiting():
                return
            time.sleep(0.02)


def acknowledge(log: Path, line: str) -> None:
    with log.open("a", encoding="utf-8") as out:
        out.write(f"{line}\n")


def main(program: str, url: str, name: str, log: str) -> None:
    with open_store(url) as store:
        {"writer": write, "worker": work}[program](store, name, Path(log))


if __name__ == "__main__":
    main(*sys.argv[1:5])
