"""Connections: how they are set up, what is refused, and what errors never tell."""

import sqlite3
import stat
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.store.postgres import private_server
from tests.store.samples import message_of, pair_of, triage_of
from triage.errors import SettingsError, StoreError
from triage.store import SqlTriageStore, open_store
from triage.store.database import Database, chunks
from triage.types import Channel

SECRET = "my neighbour at 12 Oak Street"


@pytest.fixture
def database(url: str, store: SqlTriageStore) -> Iterator[Database]:
    """The tables that `store` made, for statements that the store does not know."""
    opened = Database(url)
    yield opened
    opened.close()


def test_sqlite_runs_in_wal_mode_syncs_fully_and_checks_foreign_keys(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'city.db'}")
    with database.reading() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    database.close()
    assert values == ["wal", 2, 1, 30_000]


def test_only_the_services_user_reads_the_sqlite_file(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as store:
        store.save([pair_of("m-1")])
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


@pytest.mark.system
def test_postgresql_answers_in_utc_and_waits_for_the_disk(schema_url: str) -> None:
    database = Database(schema_url)
    with database.reading() as connection:
        values = [connection.execute(text(f"SHOW {name}")).scalar() for name in ("timezone", "synchronous_commit")]
    database.close()
    assert values == ["UTC", "on"]


def test_rows_that_point_nowhere_are_refused(database: Database) -> None:
    row = "(contact_id, revision, text, digest, created_at) VALUES (99, 1, 'x', 'x', '2026-01-01')"
    with pytest.raises(StoreError, match="IntegrityError"), database.writing() as connection:
        connection.execute(text(f"INSERT INTO messages {row}"))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://root:hunter2@city/db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:city.db?uri=true",
        "postgres.example.org hunter2",
        "",
    ],
)
def test_other_urls_are_refused_without_quoting_a_password(url: str) -> None:
    with pytest.raises(SettingsError, match="sqlite:///FILE") as refused:
        open_store(url)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"folder must exist, got .*/nowhere"):
        open_store(f"sqlite:///{tmp_path}/nowhere/city.db")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "city.db"
    path.write_bytes(b"These are minutes of a meeting, not a database." * 40)
    with pytest.raises(StoreError, match="DatabaseError, SQLITE_NOTADB"):
        open_store(f"sqlite:///{path}")


@pytest.mark.system
def test_a_server_that_does_not_answer_is_an_error_without_the_password() -> None:
    url = "postgresql://root:hunter2@127.0.0.1:1/city"
    with pytest.raises(StoreError, match="OperationalError") as refused:
        open_store(url)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_a_database_that_refuses_keeps_nothing_and_tells_no_text(store: SqlTriageStore, database: Database) -> None:
    _refuse_decisions(database)
    with pytest.raises(StoreError) as refused:
        store.save([(message_of("m-1", SECRET, subject=SECRET), triage_of("m-1"))])
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    assert store.counts().contacts == 0


def test_a_failure_of_another_kind_is_not_swallowed(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing():
        raise ZeroDivisionError


def test_rejected_bytes_are_kept_as_they_came(store: SqlTriageStore, database: Database) -> None:
    store.keep_rejected(b"\x00\xff", "the mail has no body", Channel.EMAIL)
    with database.reading() as connection:
        [(raw, reason, channel)] = connection.execute(text("SELECT raw, reason, channel FROM rejections"))
    assert (bytes(raw), reason, channel) == (b"\x00\xff", "the mail has no body", "email")


def test_a_plain_text_can_be_read_and_searched_in_sql(store: SqlTriageStore, database: Database) -> None:
    store.save([(message_of("m-1", "Fuga de agua en la calle Roble \U0001f6b0"), triage_of("m-1"))])
    with database.reading() as connection:
        found = connection.execute(text("SELECT text FROM messages WHERE text LIKE '%Roble %'")).scalars().all()
    assert found == ["Fuga de agua en la calle Roble \U0001f6b0"]


def test_a_writer_waits_for_another_instead_of_failing(tmp_path: Path) -> None:
    path = tmp_path / "city.db"
    with open_store(f"sqlite:///{path}") as store:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
        store.save([pair_of("m-1")])
        other.close()
        assert store.counts().contacts == 1


def test_values_are_cut_into_lists_that_a_statement_takes() -> None:
    assert [len(chunk) for chunk in chunks(range(1001))] == [500, 500, 1]
    assert list(chunks([])) == []


@pytest.mark.system
def test_a_private_server_starts_from_the_installed_binaries() -> None:
    with private_server() as url, open_store(url) as store:
        store.save([pair_of("m-1")])
        assert store.counts().contacts == 1


def _refuse_decisions(database: Database) -> None:
    """Let the database fail in the way that quotes the failing row, where it has one."""
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("ALTER TABLE messages ADD CHECK (length(text) < 5)"))
        else:
            connection.execute(text("CREATE TRIGGER t BEFORE INSERT ON decisions BEGIN SELECT RAISE(ABORT, 'no'); END"))
