"""What the journeys through the console share: one service with real models, one Chromium, people before it."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from tests.console.city import City, Models, Seat, opened_models, seat_of, serving
from tests.system.conftest import HOME, run_triage
from triage.access import Role
from triage.store import open_store

CHROMIUM = Path("/usr/bin/chromium")
JOURNEYS = "test_journeys_"
PATIENCE_MS = 15_000  # a busy machine is no failing test
SeatOf = Callable[..., Seat]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name.startswith(JOURNEYS):
            item.add_marker(pytest.mark.system)


# Of the package and no longer: while it runs, Playwright keeps an event loop in this thread that others would trip on.
@pytest.fixture(scope="package")
def browsers() -> Iterator[Callable[[], Browser]]:
    """Gives the one Chromium; another one where it has crashed, so that a crash fails the test that sees it alone."""
    if not CHROMIUM.exists():
        pytest.skip("the journeys need a browser: apt-get install chromium")
    with sync_playwright() as playwright:
        opened: list[Browser] = []

        def connected() -> Browser:
            if not opened or not is_alive(opened[-1]):
                opened.append(playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]))
            return opened[-1]

        expect.set_options(timeout=PATIENCE_MS)
        yield connected
        for one in opened:
            one.close()


def is_alive(browser: Browser) -> bool:
    try:
        browser.new_context().close()
    except Error:
        return False
    return True


@pytest.fixture
def browser(browsers: Callable[[], Browser]) -> Browser:
    return browsers()


@pytest.fixture(scope="package")
def crm() -> Iterator[tuple[str, str]]:
    """Two sites with a page each that frames whatever `?frame=` names: one may embed the sidebar, one may not."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), FramingPage) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield (f"http://127.0.0.1:{servers[0].server_port}", f"http://127.0.0.1:{servers[1].server_port}")
    for server in servers:
        server.shutdown()
        server.server_close()


class FramingPage(BaseHTTPRequestHandler):
    """A page of another system: a frame, and what the frame told it."""

    def do_GET(self) -> None:
        from urllib.parse import parse_qs, urlsplit

        frame = parse_qs(urlsplit(self.path).query).get("frame", [""])[0]
        page = (
            "<!doctype html><title>CRM</title><script>window.told=[];"
            "addEventListener('message', (event) => told.push({origin: event.origin, ...event.data}))</script>"
            f"<iframe title='Suggestions' width='420' height='700' src='{frame}'></iframe>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: every test that frames a page would print a line."""


@pytest.fixture(scope="package")
def models(
    browsers: Callable[[], Browser], crm: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Models]:
    run_triage("setup", home=HOME, timeout_s=600)
    with opened_models(tmp_path_factory.mktemp("console"), sidebar_origins=crm[0]) as opened:
        yield opened


@pytest.fixture(scope="package")
def city(models: Models, crm: tuple[str, str]) -> Iterator[City]:
    with serving(models, models.store, sidebar_origins=models.settings.sidebar_origins) as running:
        yield running


@pytest.fixture(scope="package")
def crowded(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A service in which 500 contacts wait."""
    with (
        open_store(f"sqlite:///{tmp_path_factory.mktemp('crowd') / 'city.db'}") as store,
        serving(models, store) as city,
    ):
        city.receive_alike([f"Pothole number {number} on Alder Street, by the hydrant" for number in range(500)])
        yield city


@pytest.fixture
def seat(browser: Browser) -> Iterator[SeatOf]:
    """Sit somebody down: `seat(city, "agent-7", Role.LEAD)`; nobody's page may have raised an error in the end."""
    taken: list[Seat] = []

    def sit(city: City, name: str = "agent-7", role: Role = Role.AGENT, **options: object) -> Seat:
        taken.append(seat_of(city, browser, name, role, **options))
        return taken[-1]

    yield sit
    faults = [fault for one in taken for fault in one.faults]
    for one in taken:
        one.context.close()
    assert faults == []


@pytest.fixture
def agent(seat: SeatOf, city: City) -> Seat:
    return seat(city)


@pytest.fixture
def lead(seat: SeatOf, city: City) -> Seat:
    return seat(city, "lead-7", Role.LEAD)
