"""The chain of migrations, on both databases."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import bindparam, inspect, text

from tests.store.postgres import run_sql
from tests.store.processes import run_together
from tests.store.samples import pair_of
from triage.errors import SettingsError, StoreError
from triage.store import Action, Status, open_store, schema_learning, schema_service, upgrade
from triage.store.columns import UtcDateTime
from triage.store.contact_list import Order
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
        tables = set(inspect(connection).get_table_names())
    assert {schema_service.outbox.name, schema_learning.labels.name, "alembic_version"} <= tables


def test_upgrading_again_changes_nothing(url: str) -> None:
    with open_store(url) as store:
        store.save([pair_of("m-1")])
    assert upgrade(url) == REVISION
    with open_store(url) as store:
        assert store.counts().contacts == 1


FIRST_RELEASE = (
    "INSERT INTO contacts (id, message_id, message_key, channel, created_at) VALUES "
    "(1, 'm-1', :one, 'web', :now), (2, 'm-2', :two, 'web', :now), (3, 'm-3', :three, 'web', :now)",
    "INSERT INTO messages (contact_id, revision, text, digest, created_at) VALUES "
    "(1, 1, 'one', :one, :now), (2, 1, 'two', :two, :now), (3, 1, 'three', :three, :now)",
    "INSERT INTO triages (id, contact_id, revision, answer, versions, language, service_type, urgency, suggestion, "
    "created_at) VALUES (1, 1, 1, '{}', '{}', 'es', 'water.leak', 'high', false, :now), "
    "(2, 2, 1, '{}', '{}', 'en', 'water.leak', 'high', false, :now)",
    "INSERT INTO decisions (contact_id, version, actor, decided_by, mode, service_type, department, urgency, reasons, "
    "triage_id, decided_at) VALUES (1, 1, 'policy', 'p-1', 'suggest', 'water.leak', 'Water', 'high', '[]', 1, :now), "
    "(1, 2, 'person', 'ada', 'ask', 'street.pothole', 'Streets', 'low', '[]', 1, :now), "
    "(2, 1, 'policy', 'p-1', 'suggest', 'water.leak', 'Water', 'high', '[]', 2, :now)",
)


def test_what_the_first_release_stored_is_brought_along(url: str, database: Database, chain: Config) -> None:
    values = {"one": b"1", "two": b"2", "three": b"3", "now": datetime(2026, 1, 1, tzinfo=UTC)}
    with database.writing() as connection:
        chain.attributes["connection"] = connection
        command.upgrade(chain, "0001")
        for statement in FIRST_RELEASE:
            typed = text(statement).bindparams(bindparam("now", type_=UtcDateTime()))
            connection.execute(typed, {name: values[name] for name in values if f":{name}" in statement})
    with open_store(url) as store:
        assert [contact.version for contact in store.recent()] == [0, 1, 2]
        assert store.contacts.counts_by("department") == {"Streets": 1, "Water": 1, None: 1}
        assert store.contacts.counts_by("language") == {"es": 1, "en": 1, None: 1}
        decision = store.recent()[2].decision
        assert decision is not None
        assert (decision.action, decision.status) == (Action.OVERRIDE, Status.OPEN)
        assert store.work.waiting() == 1
        assert store.receipts.verify().problems == ()
        page = store.contacts.list(order=Order.URGENCY)
        assert [contact.message.id for contact in page.contacts] == ["m-2", "m-3", "m-1"]


@pytest.mark.system
def test_an_old_process_goes_on_saving_while_a_new_one_migrates(url: str, database: Database, chain: Config) -> None:
    before = ScriptDirectory.from_config(chain).get_revision(REVISION).down_revision
    assert isinstance(before, str)
    with database.writing() as connection:
        chain.attributes["connection"] = connection
        command.upgrade(chain, before)
    with ThreadPoolExecutor(1) as threads:
        old = threads.submit(run_together, url, [("goes_on", "60")])
        saved_before = wait_for_contacts(database, 10)
        assert upgrade(url) == REVISION
        with open_store(url) as store:
            store.save([pair_of(f"new-{number}") for number in range(5)])
            assert old.result(120) == [(0, "")]
            assert saved_before < 60
            assert {contact.message.id for contact in store.recent(100)} == {
                *(f"old-{number}" for number in range(60)),
                *(f"new-{number}" for number in range(5)),
            }
            assert store.receipts.verify().problems == ()
            events = [event.number for event in store.events.since(0, limit=1_000)]
            assert events == list(range(1, len(events) + 1))


def wait_for_contacts(database: Database, number: int) -> int:
    """Wait until so many contacts are stored, and return how many are."""
    end = time.monotonic() + 120
    while True:
        with database.reading() as connection:
            found = int(connection.execute(text("SELECT count(*) FROM contacts")).scalar_one())
        if found >= number:
            return found
        assert time.monotonic() < end, "the old process saves nothing"
        time.sleep(0.02)


def test_there_is_no_way_down(url: str, database: Database, chain: Config) -> None:
    upgrade(url)
    with database.writing() as connection:
        chain.attributes["connection"] = connection
        with pytest.raises(StoreError, match=f"no way down from {REVISION}"):
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
