"""Brings a database to this release's tables. Alembic is imported only where there is something to do."""

from typing import Final

from sqlalchemy import Connection, inspect, text

from triage.errors import SettingsError, StoreError
from triage.store.database import Database
from triage.store.schema import REVISION

# Any number that every release shares, so that two processes that start together upgrade one after the other.
_LOCK: Final = 311


def upgrade(url: str) -> str:
    """Bring the database up to this release, creating its tables where it is empty; repeating it is harmless.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.

    Returns:
        The revision that the database has now.

    Raises:
        SettingsError: If the URL is not one of these, or the database cannot hold every text.
        StoreError: If a newer release wrote the database, or the database refuses.
    """
    database = Database(url)
    try:
        bring_up(database)
    finally:
        database.close()
    return REVISION


def bring_up(database: Database) -> None:
    """Run the migrations that are due, all in one transaction."""
    with database.reading() as connection:
        _check_encoding(connection)
        found = revision_of(connection)
    if found == REVISION:
        return
    _refuse_newer(found)
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _migrate(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the database's revision; None where no release has written it."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _refuse_newer(found: str | None) -> None:
    if found is not None and found > REVISION:
        raise StoreError(
            f"the database has revision {found}, this release knows those up to {REVISION}: "
            "install the release that wrote it, or restore the back-up taken before its upgrade"
        )


def _check_encoding(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise SettingsError(f"the database must be encoded in UTF8, got {encoding}: createdb --encoding UTF8")


def _migrate(connection: Connection) -> None:
    # Imported here: half a second that a start without migrations does not pay.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "triage.store:migrations")
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
