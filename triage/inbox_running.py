"""Runs the workers of every mailbox, each in a thread of its own: waits for mail, and comes back after every loss."""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from triage.backoff import doubled
from triage.errors import MailboxError, StoreError
from triage.inbox import Mailbox
from triage.inbox_settings import InboxSettings, MailboxSettings
from triage.inbox_worker import Desk, InboxWorker

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 300.0
STOP_WITHIN_S: Final = 30.0


def pause_s(losses: int, draw: Callable[[], float] = random.random) -> float:
    """Return how long to wait after so many losses in a row (see `backoff.doubled`).

    Args:
        losses: 1 after the first.
        draw: Gives numbers in [0, 1).
    """
    first, longest = timedelta(seconds=FIRST_PAUSE_S), timedelta(seconds=LONGEST_PAUSE_S)
    return doubled(losses, first=first, longest=longest, draw=draw).total_seconds()


class Inbox:
    """Every mailbox of a city.

    Args:
        settings: The mailboxes.
        desk: What mails are worked on with.
        connect: Opens a mailbox.
        draw: Gives numbers in [0, 1), for the jitter of pauses.
    """

    def __init__(
        self,
        settings: InboxSettings,
        desk: Desk,
        *,
        connect: Callable[[MailboxSettings], Mailbox] = Mailbox.open,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._connect = connect
        self._draw = draw

    def run(self, stop: threading.Event) -> None:
        """Work off every mailbox until `stop` is set; the mail under way is brought to its end."""
        threads = [
            threading.Thread(target=self.follow, args=(mailbox, stop), name=f"inbox-{mailbox.name}", daemon=True)
            for mailbox in self._settings.mailboxes
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join(STOP_WITHIN_S)

    def follow(self, mailbox: MailboxSettings, stop: threading.Event) -> None:
        """Work off one mailbox whenever something comes, connecting again after each loss."""
        worker = InboxWorker(mailbox, self._settings, self._desk)
        losses = 0
        while not stop.is_set():
            try:
                box = self._connect(mailbox)
                try:
                    self._check(mailbox, box.missing())
                    while not stop.is_set():
                        while worker.work_off(box, stop.is_set):
                            pass  # until nothing has come meanwhile: it would not be told again
                        losses = 0
                        box.wait(stop)
                finally:
                    box.close()
            except (MailboxError, StoreError) as error:
                losses += 1
                self._rest(mailbox, str(error), losses, stop)
            except Exception as error:  # an edge: nothing else would tell of a mailbox that nobody reads any more
                losses += 1
                self._rest(mailbox, type(error).__name__, losses, stop)

    def _check(self, mailbox: MailboxSettings, missing: Sequence[str]) -> None:
        if missing:
            raise MailboxError(f"folders are missing: {', '.join(missing)}: triage inbox check --create makes them")

    def _rest(self, mailbox: MailboxSettings, failure: str, losses: int, stop: threading.Event) -> None:
        waited_s = pause_s(losses, self._draw)
        fields = {"mailbox": mailbox.name, "failure": failure, "again_in_s": round(waited_s, 1)}
        log.warning("mailbox lost", extra={"fields": fields})
        stop.wait(waited_s)
