"""A city on the fakes, for journeys in which the line, the session or another person gets between."""

from contextlib import AbstractContextManager
from typing import Any

from playwright.sync_api import Page

from tests.console.city import City, served
from tests.fakes import fake_parts
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore

COUCH = "someone dumped a couch"


def serving_fakes(store: SqlTriageStore, **options: Any) -> AbstractContextManager[City]:  # noqa: ANN401
    """Serve a store with the fakes; see `served`."""
    return served(Pipeline(fake_parts()), store, **options)


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
