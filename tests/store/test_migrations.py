"""The chain of migrations, on both databases."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from tests.store.postgres import run_sql
from tests.store.samples import pair_of
from triage.errors import SettingsError, StoreError
from triage.store import open_store, upgrade
from triage.store.database import Database
from triage.store.schema import REVISION, metadata


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def chain() -> Config:
    config = Config()
    config.set_main_option("script_location", "triage.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def test_the_release_names_the_last_revision_of_one_chain(chain: Config) -> None:
    scripts = ScriptDirectory.from_config(chain)
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert scripts.get_heads() == [REVISION]
    assert revisions == sorted(revisions, reverse=True)


def test_an_empty_database_gets_exactly_the_tables_of_the_release(url: str, database: Database) -> None:
    assert upgrade(url) == REVISION
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_upgrading_again_changes_nothing(url: str) -> None:
    with open_store(url) as store:
        store.save([pair_of("m-1")])
    assert upgrade(url) == REVISION
    with open_store(url) as store:
        assert store.counts().contacts == 1


def test_there_is_no_way_down(url: str, database: Database, chain: Config) -> None:
    upgrade(url)
    with database.writing() as connection:
        chain.attributes["connection"] = connection
        with pytest.raises(StoreError, match="no way down from 0001"):
            command.downgrade(chain, "base")
    with open_store(url) as store:
        assert store.counts().contacts == 0


def test_a_migration_that_fails_leaves_nothing(url: str, database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE rejections (id INTEGER)"))
    with pytest.raises(StoreError):
        upgrade(url)
    with database.writing() as connection:
        connection.execute(text("DROP TABLE rejections"))
    assert upgrade(url) == REVISION


def test_a_database_of_a_newer_release_is_refused(url: str, database: Database) -> None:
    upgrade(url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="has revision 9999, this release knows those up to"):
        open_store(url)


def test_alembic_is_imported_only_where_a_migration_is_due(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'city.db'}"
    program = (
        "import sys, triage.store as store; store.open_store(sys.argv[1]).close(); "
        "print([name for name in ('alembic', 'sqlalchemy.orm', 'psycopg') if name in sys.modules])"
    )
    command_line = [sys.executable, "-c", program, url]
    outputs = [subprocess.run(command_line, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert "alembic" in outputs[0]
    assert outputs[1] == "[]\n"


@pytest.mark.system
def test_a_database_that_cannot_hold_every_text_is_refused(postgres: str) -> None:
    name = f"triage_test_{uuid4().hex}"
    run_sql(postgres, f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        with pytest.raises(SettingsError, match="must be encoded in UTF8, got LATIN1"):
            upgrade(f"{postgres.rsplit('/', 1)[0]}/{name}")
    finally:
        run_sql(postgres, f"DROP DATABASE {name} WITH (FORCE)")
