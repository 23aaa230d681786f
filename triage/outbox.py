"""Sends deliveries until they arrive or are given up: back-off with jitter, dead letters, one worker for each system.

A delivery is leased while it is sent. Whoever dies loses the lease, and the next worker sends the same delivery again
under the same key: the receiver takes it once, or a look before the write shows that it has come already.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import uuid4

from triage.backoff import doubled
from triage.errors import DeliveryFailed, DeliveryRefused, NotFound, StoreError
from triage.store.deliveries import StoredDelivery
from triage.store.outbox import LEASE, Outbox
from triage.store.resource import utc_now

log = logging.getLogger(__name__)

FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(hours=1)
MAX_ATTEMPTS: Final = 30  # about a day: nine times within the first hour, then about every hour
LONGEST_PAUSE: Final = timedelta(days=1)  # that a receiver may ask for
BATCH: Final = 4
# A delivery is begun only with this much of the lease left: more than any delivery takes.
LEAST_LEASE: Final = timedelta(seconds=60)
SUPERSEDED: Final = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of a delivery that arrived.

    Attributes:
        answer: What the receiver said, such as its own number; short, and no text of a resident.
        linked: The contact's new name in that system.
        withdrawn: The names there that the contact has no more.
    """

    answer: str | None = None
    linked: str | None = None
    withdrawn: tuple[str, ...] = ()


class Transport(Protocol):
    """Brings deliveries to one system."""

    def deliver(self, stored: StoredDelivery) -> Receipt:
        """Bring a delivery over, safe to repeat under the same key.

        Raises:
            DeliveryFailed: If it did not arrive, or may not have.
            DeliveryRefused: If it never will.
        """
        ...


def wait_after(attempts: int, draw: Callable[[], float] = random.random, *, first: timedelta = FIRST_WAIT) -> timedelta:
    """Return how long to wait after so many attempts (see `backoff.doubled`).

    Args:
        attempts: 1 after the first.
        draw: Gives numbers in [0, 1).
        first: The longest wait after the first.
    """
    return doubled(attempts, first=first, longest=LONGEST_WAIT, draw=draw)


class OutboxWorker:
    """Sends what goes to one system; safe beside any number of others, in this process or another.

    Args:
        outbox: Where deliveries wait.
        target: The system's name.
        transport: Brings them there.
        only_newest: Whether a delivery says the whole state, so that a newer one makes it needless.
        lease: How long a batch may take before another worker may send it again.
        first_wait: The longest wait after the first attempt.
        now: Tells the time, aware.
        draw: Gives numbers in [0, 1), for the jitter.
    """

    def __init__(
        self,
        outbox: Outbox,
        target: str,
        transport: Transport,
        *,
        only_newest: bool = True,
        lease: timedelta = LEASE,
        first_wait: timedelta = FIRST_WAIT,
        now: Callable[[], datetime] = utc_now,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.target = target
        self._outbox = outbox
        self._transport = transport
        self._only_newest = only_newest
        self._lease = lease
        self._first_wait = first_wait
        self._now = now
        self._draw = draw
        self._name = f"{target}-{uuid4().hex}"

    def work_off(self) -> int:
        """Send what is due now, and return how many deliveries arrived."""
        arrived = 0
        while True:
            begun = self._now()
            batch = self._outbox.claim(self._name, limit=BATCH, lease=self._lease, targets=(self.target,))
            if not batch:
                return arrived
            for place, stored in enumerate(batch):
                if self._now() - begun > max(self._lease - LEAST_LEASE, self._lease / 2):
                    self._outbox.give_back(self._name, batch[place:])
                    break
                try:
                    arrived += self._send(stored)
                except _Pause:
                    self._outbox.give_back(self._name, batch[place + 1 :])
                    return arrived

    def _send(self, stored: StoredDelivery) -> bool:
        if self._only_newest and self._outbox.is_outdated(stored):
            return self._outbox.sent(self._name, stored.id, SUPERSEDED)
        try:
            receipt = self._transport.deliver(stored)
        except DeliveryRefused as error:
            self._give_up(stored, str(error))
            return False
        except DeliveryFailed as error:
            self._try_later(stored, error)
            return False
        except NotFound:
            self._give_up(stored, "the contact is not stored any more")
            return False
        except StoreError:
            raise
        except Exception as error:  # an edge: one delivery that breaks its transport must not hold up the others
            self._try_later(stored, DeliveryFailed(type(error).__name__))
            return False
        return self._outbox.sent(
            self._name, stored.id, receipt.answer, linked=receipt.linked, withdrawn=receipt.withdrawn
        )

    def _try_later(self, stored: StoredDelivery, error: DeliveryFailed) -> None:
        if stored.attempts >= MAX_ATTEMPTS:
            self._give_up(stored, str(error))
            return
        pause = timedelta(seconds=min(error.retry_after_s or 0, LONGEST_PAUSE.total_seconds()))
        retry_at = self._now() + max(wait_after(stored.attempts, self._draw, first=self._first_wait), pause)
        self._outbox.failed(self._name, stored.id, str(error), retry_at=retry_at)
        self._log("delivery failed", stored, str(error))
        if pause:
            self._outbox.postpone(self.target, self._now() + pause)
            raise _Pause

    def _give_up(self, stored: StoredDelivery, kind: str) -> None:
        self._outbox.failed(self._name, stored.id, kind, retry_at=None)
        self._log("delivery given up", stored, kind)

    def _log(self, event: str, stored: StoredDelivery, kind: str) -> None:
        fields = {"delivery": stored.id, "target": self.target, "attempts": stored.attempts, "failure": kind}
        log.warning(event, extra={"fields": fields})


class _Pause(Exception):
    """The receiver wants to be left alone."""


class Sending:
    """Runs workers, each in a thread of its own, so that a system that hangs holds up no other.

    Args:
        workers: One for each system.
        every_s: Seconds between two looks for what is due.
    """

    def __init__(self, workers: Sequence[OutboxWorker], *, every_s: float = 1.0) -> None:
        self._every_s = every_s
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(worker,), name=f"outbox-{worker.target}", daemon=True)
            for worker in workers
        ]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Return when it is stopped."""
        self._stopped.wait()

    def stop(self, within_s: float = 10.0) -> None:
        """Let each worker finish what it sends; what takes longer is sent again under the same key by the next."""
        self._stopped.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(within_s)

    def _run(self, worker: OutboxWorker) -> None:
        while not self._stopped.is_set():
            try:
                worker.work_off()
            except StoreError as error:  # the next look is a new try
                log.warning("the outbox could not be read: %s", type(error).__name__)
            self._stopped.wait(self._every_s)
