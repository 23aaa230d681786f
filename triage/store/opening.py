"""Opens the store: the database, brought up to this release."""

from collections.abc import Callable
from datetime import datetime

from triage.store.database import Database
from triage.store.dispatching import Dispatch
from triage.store.resource import utc_now
from triage.store.sql_store import SqlTriageStore
from triage.store.upgrading import bring_up


def open_store(url: str, *, now: Callable[[], datetime] = utc_now, dispatch: Dispatch | None = None) -> SqlTriageStore:
    """Open the store, bringing the database up to this release first; an empty one gets its tables.

    Args:
        url: `sqlite:///FILE` (its folder must exist) or `postgresql://USER@HOST/NAME`.
        now: Tells the time that rows are stamped with, aware.
        dispatch: Knows which systems have to be told of a decision; none where None.

    Raises:
        SettingsError: If the URL is not one of these, or its driver or folder is missing.
        StoreError: If a newer release wrote the database, or it cannot be reached.
    """
    database = Database(url)
    try:
        bring_up(database)
    except BaseException:
        database.close()
        raise
    return SqlTriageStore(database, now=now, dispatch=dispatch)
