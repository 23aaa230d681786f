"""Connections: an engine for either database, transactions for reading and for writing, errors without texts.

SQLite runs in WAL mode, so that readers and the one writer never wait for each other. It syncs fully: with
`synchronous=NORMAL` the last commits may be gone after a power cut, and a contact is acknowledged when its
commit returns. A writer takes its lock at once (`BEGIN IMMEDIATE`): one that reads first and writes later
would be refused, without waiting, whenever another has written in between.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, Insert, Table, create_engine, event, insert, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from triage.errors import SettingsError, StoreError

BUSY_TIMEOUT_S: Final = 30
_AGAIN_S: Final = 0.01
_WRITING: Final = "store_writing"
_POSTGRES_DRIVERS: Final = ("postgres", "postgresql", "postgresql+psycopg")
# Commits that survive a power cut, and times that any calendar can hold, whatever the server's defaults are.
_POSTGRES_OPTIONS: Final = "-c synchronous_commit=on -c timezone=UTC"

# Values in one statement: well under 32,766 parameters in SQLite and 65,535 in PostgreSQL.
_CHUNK: Final = 500
_Value = TypeVar("_Value")


class Database:
    """One database, shared by all threads of a process.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.

    Raises:
        SettingsError: If the URL names neither, or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine_of(url)
        self._writer = self._engine.execution_options(**{_WRITING: True})
        # SQLite's transactions see one state by themselves.
        isolation = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
        self._reader = self._engine.execution_options(**isolation)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database.

        Raises:
            StoreError: If the database refuses or cannot be reached.
        """
        with _told_without_texts(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are all kept when the block ends, or none where it raises.

        Raises:
            StoreError: If the database refuses or cannot be reached.
        """
        with _told_without_texts(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def chunks(values: Iterable[_Value]) -> Iterator[list[_Value]]:
    """Yield the values in lists that one statement can take."""
    remaining = iter(values)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk


@cache
def insert_ignoring(dialect: str, table: Table, *columns: str) -> Insert:
    """Return an insert that leaves a row alone that is there already, by the unique columns named.

    Args:
        dialect: `sqlite` or `postgresql`; each is imported only where it is used.
        table: Where to insert.
        columns: All columns of the unique constraint that tells.
    """
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing(index_elements=columns)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing(index_elements=columns)


def insert_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Insert one row of a table that numbers its rows, and return its number."""
    row_id: int = connection.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
    return row_id


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any], *columns: str) -> bool:
    """Insert one row unless it is there already, by the unique columns named, and tell whether it was new."""
    inserted = insert_ignoring(connection.dialect.name, table, *columns).values(row).returning(table.c[columns[0]])
    return connection.execute(inserted).first() is not None


@contextmanager
def _told_without_texts() -> Iterator[None]:
    """Name the kind of failure only: drivers quote the failing row, which is what a resident wrote."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(
            f"the database did not do it ({_kind_of(error)}): repeat it when the database can be reached; "
            "a repeated save makes no second contact"
        ) from None


def _kind_of(error: SQLAlchemyError) -> str:
    """Name the error and the database's own code for it, such as `OperationalError, SQLITE_FULL`."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(error).__name__}, {code}" if code else type(error).__name__


def _engine_of(url: str) -> Engine:
    parsed = _parse(url)
    if parsed.drivername in _POSTGRES_DRIVERS:
        return _postgres_engine(parsed)
    if parsed.drivername == "sqlite" and parsed.database not in (None, "", ":memory:") and not parsed.query:
        return _sqlite_engine(parsed)
    raise SettingsError(
        "the database URL must be sqlite:///FILE (no options, not in memory) or postgresql://USER@HOST/NAME, "
        f"got one for {parsed.drivername!r}"
    )


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        # Not quoted: it may hold a password.
        raise SettingsError("the database URL is not one: write sqlite:///FILE or postgresql://…") from None


def _postgres_engine(url: URL) -> Engine:
    asked = url.query.get("options", "")
    options = f"{asked if isinstance(asked, str) else ' '.join(asked)} {_POSTGRES_OPTIONS}".strip()
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
            connect_args={"options": options},
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError:
        raise SettingsError("PostgreSQL needs a driver: pip install 'triage-311[postgres]'") from None


def _sqlite_engine(url: URL) -> Engine:
    _make_private(Path(url.database or ""))
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S}, hide_parameters=True)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    """Create the file for its owner's eyes alone; SQLite gives the files beside it the same permissions."""
    if not path.parent.is_dir():
        raise SettingsError(f"the database's folder must exist, got {path.parent}")
    try:
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as error:
        raise SettingsError(f"the database's folder must be writable, got {path.parent}: {error.strerror}") from None


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions; `_begin_sqlite` does
    _log_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. The first switch of a file does not wait for another process that is at it: it is tried again."""
    end = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_AGAIN_S)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
