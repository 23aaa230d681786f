"""Looks at a database without changing it: nothing is created, nothing brought up."""

from pathlib import Path

from sqlalchemy import make_url

from triage.store.database import Database
from triage.store.upgrading import revision_of


def is_there(url: str) -> bool:
    """Say whether the database exists: a SQLite file that does not would be made by looking."""
    parsed = make_url(url)
    return parsed.drivername != "sqlite" or Path(parsed.database or "").is_file()


def revision_at(url: str) -> str | None:
    """Return the database's revision; None where no release has written it.

    Raises:
        SettingsError: If the URL is none, or its driver is not installed.
        StoreError: If the database cannot be reached.
    """
    database = Database(url)
    try:
        with database.reading() as connection:
            return revision_of(connection)
    finally:
        database.close()
