"""What the tests of the HTTP edge share: a fresh store, and clients that somebody is behind."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from routes.gate import Gate
from routes.rate_limits import RateLimits
from tests.fakes import fake_parts
from triage.access import Right, Role
from triage.keys import create_key
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store

LOCAL = "http://127.0.0.1:8311"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once and copied for each test."""
    file = tmp_path_factory.mktemp("empty") / "city.db"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def store(empty: Path, tmp_path: Path) -> Iterator[SqlTriageStore]:
    shutil.copy(empty, tmp_path)
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


Clients = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture
def client_at(store: SqlTriageStore) -> Clients:
    """Give a client of a service behind a real gate: `client_at(local_agent=…, rate=…, key=…, client=…)`."""

    @contextmanager
    def opened(
        *,
        local_agent: bool = False,
        rate: str = "1200/minute",
        key: str | None = None,
        base_url: str = LOCAL,
        client: tuple[str, int] = ("127.0.0.1", 50_000),
        **parts: object,
    ) -> Iterator[TestClient]:
        gate = Gate(store, limits=RateLimits(rate), local_agent=local_agent)
        app = create_app(Pipeline(fake_parts(**parts)), store, gatekeeper=gate)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with TestClient(app, base_url=base_url, client=client, headers=headers) as test_client:
            yield test_client

    return opened


@pytest.fixture
def key_of(store: SqlTriageStore) -> Callable[..., str]:
    """Make a key of a role, narrowed to scopes where some are given."""

    def made(role: Role, *scopes: Right) -> str:
        _, secret = create_key(
            store.keys, name=f"the {role}", role=role, scopes=scopes, expires_at=None, created_by="test"
        )
        return secret

    return made
