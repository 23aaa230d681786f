"""A service with real models in this process, and who may sit before its console."""

import base64
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from re import Pattern
from typing import Any

import uvicorn
from itsdangerous import TimestampSigner
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from api import create_app
from kb.gap_notes import note_triages
from kb.gaps import gather
from routes.gate import Gate
from routes.rate_limits import RateLimits
from routes.sign_in import COOKIE, SignIn
from tests.system.conftest import HOME
from triage.access import Role
from triage.identity import IdentityProvider
from triage.incident_watch import IncidentWatch
from triage.keys import digest_of
from triage.pipeline import Pipeline
from triage.sample_days import SampleClock, SampleDays
from triage.samples import samples
from triage.store import SqlTriageStore
from triage.types import Channel, Message, Triage
from wiring import Settings, build_service, keep_versions, load_calendar, load_incident_rules, open_database

SECRET = "signs the cookies of these tests only"
START_S = 20
NEWEST = 110  # of the sample contacts: three days and the morning


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A running service.

    Attributes:
        url: Where it listens.
        store: What it keeps, to look at and to change behind its back.
        pipeline: What it triages with.
    """

    url: str
    store: SqlTriageStore
    pipeline: Pipeline

    def receive(self, text: str, *, channel: Channel = Channel.WEB, subject: str | None = None) -> str:
        """Let a contact come in, triaged, and return its message id."""
        message = Message(id=f"m-{secrets.token_hex(6)}", text=text, channel=channel, subject=subject)
        self.store.save([(message, self.pipeline.triage(message))])
        return message.id

    def receive_alike(self, texts: Sequence[str]) -> list[str]:
        """Let many contacts come in that are triaged like the first one; quick."""
        first = self.pipeline.triage(Message(id="first", text=texts[0]))
        messages = [Message(id=f"m-{secrets.token_hex(6)}", text=text) for text in texts]
        pairs: list[tuple[Message, Triage]] = [(each, replace(first, message_id=each.id)) for each in messages]
        self.store.save(pairs)
        return [message.id for message in messages]

    def cookie_of(self, name: str, role: Role) -> str:
        """Open a session as signing in does, and return its cookie's value."""
        session_id = secrets.token_urlsafe(16)
        self.store.sessions.open(
            digest=digest_of(session_id),
            subject=name,
            name=name,
            role=role.value,
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            data={"roles": [role.value]},
        )
        return TimestampSigner(SECRET).sign(base64.b64encode(json.dumps({"id": session_id}).encode())).decode()

    def end_sessions_of(self, name: str) -> None:
        """End what a person has open, as the end of the day does."""
        self.store.sessions.close_all(name)


@dataclass(slots=True)
class Seat:
    """A person before a browser; `faults` is what went wrong on the pages that they saw."""

    city: City
    context: BrowserContext
    page: Page
    name: str
    faults: list[str]

    def open(self, path: str) -> Page:
        """Go to a page of the console and wait until it can be used."""
        self.page.goto(f"{self.city.url}{path}")
        until(self.page, "document.getElementById('top')?.childElementCount ?? true")
        return self.page


def seat_of(city: City, browser: Browser, name: str, role: Role, **options: object) -> Seat:
    """Sit somebody down before a browser of their own, signed in."""
    context = browser.new_context(**{"viewport": {"width": 1366, "height": 768}, **options})  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    faults: list[str] = []
    page = context.new_page()
    watch(page, faults)
    seat = Seat(city=city, context=context, page=page, name=name, faults=faults)
    sign_in(seat, role)
    return seat


def sign_in(seat: Seat, role: Role) -> None:
    """Give the browser a session of its person."""
    cookie = seat.city.cookie_of(seat.name, role)
    seat.context.add_cookies([{"name": COOKIE, "value": cookie, "url": seat.city.url}])


def until(page: Page, expression: str, *, within_s: float = START_S) -> Any:  # noqa: ANN401 (JSON)
    """Return what an expression comes to on a page once it is true; Playwright's own way needs the forbidden eval.

    Raises:
        TimeoutError: If it stays false.
    """
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := page.evaluate(expression):
            return found
        page.wait_for_timeout(50)
    raise TimeoutError(f"{expression} stays false")


def told(page: Page, words: str | Pattern[str]) -> Locator:
    """Return what a screen reader is told politely, where it holds the words."""
    return page.get_by_role("status").filter(has_text=words)


def watch(page: Page, faults: list[str]) -> None:
    """Note every error of a script and everything that the content-security policy had to refuse."""
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on(
        "console",
        lambda said: faults.append(f"policy: {said.text}") if "Content Security Policy" in said.text else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What takes seconds to open, opened once."""

    settings: Settings
    store: SqlTriageStore
    pipeline: Pipeline


@contextmanager
def opened_models(folder: Path, *, sidebar_origins: str = "", newest: int = NEWEST) -> Iterator[Models]:
    """Open the real models of the prepared home with a store of their own."""
    settings = Settings.from_env(
        {
            "TRIAGE_HOME": str(HOME),
            "TRIAGE_DATABASE_URL": f"sqlite:///{folder / 'city.db'}",
            "TRIAGE_SIDEBAR_ORIGINS": sidebar_origins,
        }
    )
    with open_database(settings) as store, open_database(settings, now=(clock := SampleClock())) as past:
        pipeline, _ = build_service(settings, store)
        keep_versions(settings, store)
        live(settings, pipeline, past, clock, newest)
        yield Models(settings=settings, store=store, pipeline=pipeline)


def live(settings: Settings, pipeline: Pipeline, store: SqlTriageStore, clock: SampleClock, newest: int) -> None:
    """Bring so many of the newest sample contacts into a store, and their gaps."""
    watcher = IncidentWatch(store=store, rules=load_incident_rules(settings), taxonomy=pipeline.parts.taxonomy)
    SampleDays(
        pipeline=pipeline,
        store=store,
        clock=clock,
        calendar=load_calendar(settings),
        watch=watcher,
        noted=lambda pairs: note_triages(store.gaps, pairs),
        samples=samples()[-newest:],
    ).load(lambda name, done, total: None)
    gather(store.gaps, pipeline.parts.encoder)


@contextmanager
def serving(models: Models, store: SqlTriageStore, *, sidebar_origins: tuple[str, ...] = ()) -> Iterator[City]:
    """Serve a store with the models, calendar and rules of incidents."""
    calendar, rules = load_calendar(models.settings), load_incident_rules(models.settings)
    with served(models.pipeline, store, calendar=calendar, rules=rules, sidebar_origins=sidebar_origins) as city:
        yield city


@contextmanager
def served(pipeline: Pipeline, store: SqlTriageStore, **options: Any) -> Iterator[City]:  # noqa: ANN401
    """Serve a store with a pipeline on a port of its own, for whoever has a session."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    provider = IdentityProvider(
        issuer="http://127.0.0.1:9",
        client_id="console",
        client_secret="of these tests",
        roles={},
        groups_claim="groups",
        public_url=url,
        session_secret=SECRET,
    )
    app = create_app(
        pipeline,
        store,
        gatekeeper=Gate(store, limits=RateLimits("100000/minute"), local_agent=False),
        sign_in=SignIn(provider, store),
        **options,
    )
    with in_thread(uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1))):
        yield City(url=url, store=store, pipeline=pipeline)


@contextmanager
def in_thread(server: uvicorn.Server) -> Iterator[None]:
    """Run a server beside the tests."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + START_S
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(START_S)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
