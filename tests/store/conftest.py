"""Every test that asks for `url` or `store` runs on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.store.clock import Clock
from tests.store.postgres import database_url, run_sql
from triage.store import SqlTriageStore, open_store


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with database_url() as url:
        yield url


@pytest.fixture
def schema_url(postgres: str) -> Iterator[str]:
    """An empty schema, dropped after the test."""
    schema = f"test_{uuid4().hex}"
    run_sql(postgres, f"CREATE SCHEMA {schema}")
    yield f"{postgres}?options=-c%20search_path%3D{schema}"
    run_sql(postgres, f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'city.db'}"
    found: str = request.getfixturevalue("schema_url")
    return found


@pytest.fixture
def store(url: str) -> Iterator[SqlTriageStore]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(url: str, clock: Clock) -> Iterator[SqlTriageStore]:
    """A store whose time the test moves."""
    with open_store(url, now=clock) as opened:
        yield opened
