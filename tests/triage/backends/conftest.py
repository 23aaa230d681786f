"""A store that tells back ends, on a clock that the test moves."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.store.clock import Clock
from triage.backends.http import Exchange
from triage.backends.mail import Mailer
from triage.backends.planning import BackEndDispatch
from triage.backends.settings import BackEnd
from triage.backends.transports import workers
from triage.store import SqlTriageStore, open_store


@pytest.fixture(scope="session")
def empty_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once and copied for each test."""
    file = tmp_path_factory.mktemp("empty") / "city.db"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def clock() -> Clock:
    return Clock()


class City:
    """A store and the back ends that it tells."""

    def __init__(self, store: SqlTriageStore, back_ends: tuple[BackEnd, ...], clock: Clock) -> None:
        self.store = store
        self.back_ends = back_ends
        self._clock = clock

    def send(self, exchange: Exchange, mailer: Mailer | None = None) -> int:
        """Send what is due, as new workers, and return how many deliveries arrived."""
        made = workers(self.back_ends, self.store, exchange, mailer=mailer, now=self._clock)
        return sum(worker.work_off() for worker in made)


@pytest.fixture
def city_of(empty_city: Path, tmp_path: Path, clock: Clock) -> Iterator[Callable[..., City]]:
    """Make a city with these back ends."""
    with ExitStack() as stack:

        def made(*back_ends: BackEnd) -> City:
            shutil.copy(empty_city, tmp_path)
            url = f"sqlite:///{tmp_path / 'city.db'}"
            store = stack.enter_context(open_store(url, now=clock, dispatch=BackEndDispatch(back_ends)))
            return City(store, back_ends, clock)

        yield made
