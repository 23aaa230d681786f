"""A city on the fakes, for journeys in which the line, the session or another person gets between."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import Page

from api import create_app
from routes.gate import Gate
from routes.rate_limits import RateLimits
from routes.sign_in import SignIn
from tests.console.city import SECRET, City, free_port, in_thread
from tests.fakes import fake_parts
from triage.identity import IdentityProvider
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore

COUCH = "someone dumped a couch"


@contextmanager
def serving_fakes(store: SqlTriageStore, **options: Any) -> Iterator[City]:  # noqa: ANN401
    """Serve a store with the fakes on a port of its own, for whoever has a session."""
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
    pipeline = Pipeline(fake_parts())
    app = create_app(
        pipeline,
        store,
        gatekeeper=Gate(store, limits=RateLimits("100000/minute"), local_agent=False),
        sign_in=SignIn(provider, store),
        **options,
    )
    with in_thread(uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1))):
        yield City(url=url, store=store, pipeline=pipeline)


def hold_back(page: Page, address: str, *, number: int = 1, ms: int = 1_500, on_the_way: bool = False) -> None:
    """Let the answer to the numbered request for an address arrive late; the page must not be open yet.

    Args:
        page: The page.
        address: A regular expression that is looked for in what the page asks for.
        number: Which of these requests, from 1.
        ms: How late.
        on_the_way: Hold the request back, rather than its answer.
    """
    page.add_init_script(
        f"""{{ const fetched = window.fetch; let seen = 0;
        window.fetch = async (url, options) => {{
          const pause = () => new Promise((resume) => setTimeout(resume, {ms}));
          const isHeld = /{address}/.test(url) && ++seen === {number};
          if (isHeld && {str(on_the_way).lower()}) await pause();
          const answer = await fetched(url, options);
          if (!isHeld) return answer;
          const text = await answer.text();
          window.held = true;
          if (!{str(on_the_way).lower()}) await pause();
          window.let_go = true;
          return new Response(text, {{ status: answer.status, headers: answer.headers }});
        }} }}"""
    )
