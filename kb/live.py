"""The knowledge base while it is served: built further beside, verified, exchanged between two queries.

A query keeps the snapshot that it began with; the next one has the new one. What cannot be built is logged and the
old one keeps answering.
"""

import logging
import math
import time
from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import numpy as np

from kb.articles import article_files
from kb.index import Snapshot
from kb.search import SectionSearch
from triage.backoff import doubled
from triage.errors import DataError, ModelError, TriageError
from triage.types import Query, SearchResult

log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=10), timedelta(minutes=5)
PROBES = 20  # questions of the articles that must find themselves before a snapshot is served


class LiveSearch:
    """A search that can be exchanged while threads use it; see `protocols.KnowledgeBase`."""

    def __init__(self, search: SectionSearch) -> None:
        self._search = search

    @property
    def version(self) -> str:
        """Of the search that answers now."""
        return self._search.version

    @property
    def snapshot(self) -> Snapshot:
        """What is searched now."""
        return self._search.snapshot

    def search(self, queries: Sequence[Query], *, k: int = 3) -> list[SearchResult]:
        """Return up to k answers a query, all of them from one snapshot."""
        return self._search.search(queries, k=k)

    def exchange(self, search: SectionSearch) -> None:
        """Let another search answer from the next query on.

        Raises:
            ModelError: If its index does not find its own articles, or has vectors of another encoder; the old one
                goes on.
        """
        _check(search.snapshot, self.snapshot)
        self._search = search


def _check(new: Snapshot, old: Snapshot) -> None:
    """Refuse a snapshot that the service's queries cannot search, or that does not find itself."""
    if new.encoder_version != old.encoder_version:
        raise ModelError(f"the new index has vectors of {new.encoder_version}, the service's are {old.encoder_version}")
    vectors = new.question_index.vectors
    rows = np.unique(np.linspace(0, len(vectors) - 1, min(PROBES, len(vectors))).astype(int))
    found = new.question_index.nearest(vectors[rows], k=1)[:, 0]
    # Two articles may have one title: the same vector counts as the same row.
    lost = np.abs((vectors[found] * vectors[rows]).sum(axis=1) - (vectors[rows] ** 2).sum(axis=1)) > 1e-3
    if lost.any():
        raise ModelError(f"the new index does not find {int(lost.sum())} of {len(rows)} of its own titles")


class Watch:
    """Looks every LOOK_EVERY_S whether the articles have changed, and then exchanges the search.

    Args:
        live: What is served.
        stamp: Changes whenever the articles do.
        build: Builds the search anew and keeps what has not changed; may take seconds.
        then: What else follows the articles; done in the thread once at its start and after every exchange.
        every_s: Between two looks.
        first_wait: The longest wait after a build that failed, doubled up to LONGEST_WAIT with each that follows.
    """

    def __init__(
        self,
        live: LiveSearch,
        *,
        stamp: Callable[[], Hashable],
        build: Callable[[], SectionSearch],
        then: Callable[[], object] = lambda: None,
        every_s: float = LOOK_EVERY_S,
        first_wait: timedelta = FIRST_WAIT,
    ) -> None:
        self._first_wait, self._failures, self._not_before = first_wait, 0, -math.inf
        self._live, self._stamp, self._build, self._then, self._every_s = live, stamp, build, then, every_s
        self._seen = self._tried = stamp()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="articles", daemon=True)

    def look(self) -> bool:
        """Exchange the search if the articles have changed since the last look; tell whether it was.

        An article that is wrong is looked at again when it changes. Whatever else fails, as a full disk or a locked
        store, passes without a change: it is tried again, after longer and longer waits.
        """
        stamp = self._stamp()
        if stamp != self._tried:
            self._tried, self._failures, self._not_before = stamp, 0, -math.inf
        if stamp == self._seen or time.monotonic() < self._not_before:
            return False
        try:
            self._exchange()
        except DataError as error:
            self._seen = stamp
            log.error("the articles have changed and cannot be indexed, the old index goes on: %s", error)
            return False
        except TriageError as error:
            log.error("the articles have changed, indexing them failed and is tried again: %s", error)
            return False
        self._seen = stamp
        log.info("the articles have changed: %s", self._live.version)
        return True

    def _exchange(self) -> None:
        """Build and exchange; where that fails, say before when it is not to be tried again."""
        try:
            self._live.exchange(self._build())
        except Exception:
            self._failures += 1
            wait = doubled(self._failures, first=self._first_wait, longest=LONGEST_WAIT)
            self._not_before = time.monotonic() + wait.total_seconds()
            raise

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End; a build that is under way is waited for."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._guarded(self._then)
        while not self._stopped.wait(self._every_s):
            self._guarded(self._follow)

    def _follow(self) -> None:
        if self.look():
            self._then()

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # the edge of this thread: it must not die of one bad moment
            log.error("following the articles failed: %s", type(error).__name__)


def stamp_of(folder: Path) -> Hashable:
    """Return names, sizes and times of a folder's articles; a file that vanishes meanwhile is left out."""
    found = []
    for path in article_files(folder):
        try:
            facts = path.stat()
        except FileNotFoundError:
            continue
        found.append((path.name, facts.st_mtime_ns, facts.st_size))
    return tuple(found)
