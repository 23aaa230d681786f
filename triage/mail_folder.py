"""Mails dropped into a folder, .eml or Outlook .msg: each is stored and triaged, then moved to what is done.

A file is moved after its commit. Who dies in between finds it again, and the store knows the mail.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
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
    """What became of a file: `stored`, `known`, `set aside`, `rejected`, or `failed`, which is tried again.

    The detail is the message's identity, the rule that it breaks, or the kind of the error.
    """

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
        return sorted(path for path, age_s in self._ages() if age_s >= settled_after_s)

    def unsettled(self, settled_after_s: float = SETTLED_AFTER_S) -> int:
        """Return how many files may still be written to."""
        return sum(age_s < settled_after_s for _, age_s in self._ages())

    def work_off(self, settled_after_s: float = SETTLED_AFTER_S) -> Iterator[Dropped]:
        """Take every file, and yield what became of each; one that fails stays where it is and stops no other."""
        for path in self.waiting(settled_after_s):
            try:
                dropped = self._take(path)
            except FileNotFoundError:  # another process was quicker
                continue
            except Exception as error:  # an edge of the service: whatever one file does, the next one is taken
                kind = type(error).__name__
                log.error("a file of the mail folder failed: %s", kind)
                dropped = Dropped(name=path.name, outcome="failed", detail=kind)
            yield dropped

    def _ages(self) -> Iterator[tuple[Path, float]]:
        """Yield each mail and how many seconds ago it was written to; none that another process has just moved."""
        for path in self._folder.iterdir():
            if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file():
                with suppress(FileNotFoundError):
                    yield path, time.time() - path.stat().st_mtime

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
        names = (path.name if number == 0 else f"{path.stem}-{number}{path.suffix}" for number in count())
        path.rename(next(folder / name for name in names if not (folder / name).exists()))
