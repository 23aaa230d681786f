"""Mails dropped into a folder, .eml or Outlook .msg: each is stored and triaged, then moved to what is done.

A file is moved after its commit. Who dies in between finds it again, and the store knows the mail.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from triage.channels.email import MAX_BYTES, read_mail
from triage.errors import MessageRejected
from triage.mail_intake import MailIntake
from triage.store import SqlTriageStore
from triage.types import Channel

log = logging.getLogger(__name__)

ENDINGS: Final = (".eml", ".msg")
DONE: Final = "done"
REJECTED: Final = "rejected"
SETTLED_AFTER_S: Final = 2.0  # a file that was written to more lately may still be on its way


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What became of a file: `stored`, `known`, `set aside` or `rejected`, with the message's identity or the rule."""

    name: str
    outcome: str
    detail: str


class MailFolder:
    """A folder that mails are dropped into.

    Args:
        folder: Where; `done` and `rejected` are made in it.
        intake: Takes mails.
        store: Keeps what cannot be read.
    """

    def __init__(self, folder: Path, intake: MailIntake, store: SqlTriageStore) -> None:
        self._folder = folder
        self._intake = intake
        self._store = store

    def waiting(self, settled_after_s: float = SETTLED_AFTER_S) -> list[Path]:
        """Return the files to read, by name; not those that are hidden, or may still be written to."""
        found = (path for path in self._folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
        return sorted(
            path
            for path in found
            if not path.name.startswith(".") and time.time() - path.stat().st_mtime >= settled_after_s
        )

    def work_off(self, settled_after_s: float = SETTLED_AFTER_S) -> Iterator[Dropped]:
        """Take every file, and yield what became of each."""
        for path in self.waiting(settled_after_s):
            try:
                yield self._take(path)
            except FileNotFoundError:  # another process was quicker
                continue

    def _take(self, path: Path) -> Dropped:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        try:
            taken = self._intake.take(read_mail(raw), raw)
        except MessageRejected as error:
            self._store.keep_rejected(raw, str(error), Channel.EMAIL)
            self._move(path, REJECTED)
            return Dropped(name=path.name, outcome="rejected", detail=str(error))
        self._move(path, DONE)
        outcome = "known" if taken.triage is None else "set aside" if taken.aside else "stored"
        return Dropped(name=path.name, outcome=outcome, detail=taken.message_id)

    def _move(self, path: Path, below: str) -> None:
        """Move a file beside others of its name, none of which is overwritten."""
        folder = self._folder / below
        folder.mkdir(exist_ok=True)
        for number in range(10_000):
            target = folder / (path.name if number == 0 else f"{path.stem}-{number}{path.suffix}")
            if not target.exists():
                path.rename(target)
                return
