"""What the classes of this package have in common: a database, a clock, and leases of work."""

from collections.abc import Callable
from datetime import UTC, datetime

from triage.store.database import Database


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class Resource:
    """Rows of one kind; safe to share between threads.

    Every method is one transaction and may raise `StoreError`, whose text never quotes what was stored.

    Args:
        database: Where they are kept, with this release's tables.
        now: Tells the time that rows are stamped with, aware.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now
