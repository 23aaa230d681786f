import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from kb.articles import Article, read_articles
from kb.building import build_index
from kb.index import VectorIndex
from kb.live import LiveSearch, Watch, stamp_of
from kb.search import SectionSearch
from kb.snapshots import load
from tests.fakes import FakeEncoder
from tests.kb.builders import COUCH, DIM, PLAIN_MODEL, POTHOLE, WATER, query, search_of
from triage.errors import ModelError, StoreError
from triage.protocols import KnowledgeBase

ARTICLE = "---\nid: {id}\ntitle: {title}\nservice_types: [x]\n---\n{text}\n"


def write(folder: Path, name: str, title: str, text: str = "Call us.") -> None:
    (folder / f"{name}.md").write_text(ARTICLE.format(id=name, title=title, text=text), encoding="utf-8")


def rebuilt(folder: Path, index: Path) -> SectionSearch:
    build_index(read_articles(folder), FakeEncoder(DIM), index)
    return SectionSearch(load(index), no_answer=PLAIN_MODEL)


@pytest.fixture
def served(tmp_path: Path) -> tuple[Path, LiveSearch, Callable[[], Watch]]:
    """A folder of two articles, the search over it, and what makes a watch."""
    folder, index = tmp_path / "articles", tmp_path / "index"
    folder.mkdir()
    write(folder, "pothole", "Report a pothole")
    write(folder, "couch", "Couch pickup")
    live = LiveSearch(rebuilt(folder, index))
    return (
        folder,
        live,
        lambda: Watch(live, stamp=lambda: stamp_of(folder), build=lambda: rebuilt(folder, index), every_s=0.01),
    )


def found(live: LiveSearch, text: str) -> list[str]:
    return [answer.article_id for answer in live.search([query(text)])[0].answers]


def test_the_live_search_is_a_knowledge_base() -> None:
    knowledge_base: KnowledgeBase = LiveSearch(search_of())
    assert knowledge_base.version == search_of().version


def test_nothing_is_built_where_nothing_changed(served: tuple[Path, LiveSearch, Callable[[], Watch]]) -> None:
    _, live, watch = served
    before = live.version
    assert not watch().look()
    assert live.version == before


def test_an_edit_a_new_article_and_a_deletion_are_searched_after_a_look(
    served: tuple[Path, LiveSearch, Callable[[], Watch]],
) -> None:
    folder, live, make = served
    watch = make()
    write(folder, "fence", "Fence permit")
    assert watch.look()
    assert found(live, "fence permit") == ["fence"]
    (folder / "couch.md").unlink()
    write(folder, "fence", "Hedge permit")
    assert watch.look()
    assert found(live, "couch pickup") == []
    assert found(live, "hedge permit") == ["fence"]


def test_an_article_that_cannot_be_read_leaves_the_old_index_answering(
    served: tuple[Path, LiveSearch, Callable[[], Watch]], caplog: pytest.LogCaptureFixture
) -> None:
    folder, live, make = served
    watch = make()
    (folder / "broken.md").write_text("no front matter", encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        assert not watch.look()
    assert "cannot be indexed, the old index goes on" in caplog.text
    assert found(live, "couch pickup") == ["couch"]
    (folder / "broken.md").unlink()
    assert watch.look()


@pytest.mark.parametrize("error", [StoreError("database is locked"), OSError("No space left on device")])
def test_a_build_that_fails_for_another_reason_is_tried_again_without_a_change(
    served: tuple[Path, LiveSearch, Callable[[], Watch]], error: Exception
) -> None:
    folder, live, _ = served
    failures: list[Exception] = [error]

    def build() -> SectionSearch:
        if failures:
            raise failures.pop()
        return rebuilt(folder, folder.parent / "index")

    watch = Watch(live, stamp=lambda: stamp_of(folder), build=build, first_wait=timedelta())
    write(folder, "fence", "Fence permit")
    with nullcontext() if isinstance(error, StoreError) else pytest.raises(OSError, match="No space"):
        assert not watch.look()
    assert watch.look()
    assert found(live, "fence permit") == ["fence"]


def test_a_build_that_keeps_failing_is_not_tried_at_every_look_but_at_the_next_change(
    served: tuple[Path, LiveSearch, Callable[[], Watch]],
) -> None:
    folder, live, _ = served
    tried = []

    def build() -> SectionSearch:
        tried.append(1)
        raise StoreError("database is locked")

    watch = Watch(live, stamp=lambda: stamp_of(folder), build=build, first_wait=timedelta(hours=1))
    write(folder, "fence", "Fence permit")
    assert [watch.look() for _ in range(5)] == [False] * 5
    assert len(tried) == 1
    write(folder, "hedge", "Hedge permit")
    watch.look()
    assert len(tried) == 2


def test_a_started_watch_finds_an_edit_by_itself_and_stops(
    served: tuple[Path, LiveSearch, Callable[[], Watch]],
) -> None:
    folder, live, make = served
    watch, before = make(), live.version
    watch.start()
    write(folder, "fence", "Fence permit")
    for _ in range(1_000):
        if live.version != before:
            break
        Event().wait(0.01)
    watch.stop()
    assert found(live, "fence permit") == ["fence"]


def test_what_follows_the_articles_is_done_at_the_start_and_after_each_exchange_and_may_fail(
    served: tuple[Path, LiveSearch, Callable[[], Watch]],
) -> None:
    folder, live, _ = served
    done = []

    def follow() -> None:
        done.append(live.version)
        raise OSError("made to fail")

    watch = Watch(
        live,
        stamp=lambda: stamp_of(folder),
        build=lambda: rebuilt(folder, folder.parent / "index"),
        then=follow,
        every_s=0.01,
    )
    watch.start()
    for wanted in (1, 2):
        for _ in range(1_000):
            if len(done) == wanted:
                break
            Event().wait(0.01)
        write(folder, "fence", "Fence permit")
    watch.stop()
    assert len(done) >= 2
    assert done[0] != done[1]


def test_fifty_exchanges_fail_no_query_and_a_deleted_article_never_answers_again() -> None:
    def version_of(article: Article, number: int) -> Article:
        return replace(article, aliases=(f"wording {number}",))

    searches = [search_of(version_of(POTHOLE, number), COUCH) for number in range(50)]
    without = search_of(POTHOLE, WATER)
    live, done = LiveSearch(search_of()), Event()

    def hammer(_: int) -> int:
        asked = 0
        while not done.is_set() or asked < 50:
            (result,) = live.search([query("report a pothole")])
            assert result.answers[0].article_id == "pothole"
            asked += 1
        return asked

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(hammer, number) for number in range(4)]
        for search in searches:
            live.exchange(search)
        live.exchange(without)
        deleted = found(live, "book a couch pickup")
        done.set()
        assert min(each.result() for each in running) >= 50
    assert "bulky" not in deleted
    assert live.version == without.version


def test_vectors_of_another_encoder_are_not_served() -> None:
    live = LiveSearch(search_of())
    other = SectionSearch(replace(search_of(POTHOLE).snapshot, encoder_version="other"), no_answer=PLAIN_MODEL)
    with pytest.raises(ModelError, match="has vectors of other, the service's are fake-encoder"):
        live.exchange(other)
    assert found(live, "book a couch pickup") == ["bulky"]


def test_an_index_that_does_not_find_its_own_titles_is_not_served() -> None:
    snapshot = search_of().snapshot

    class Lost(VectorIndex):
        def nearest(self, queries: object, *, k: int, allowed: object = None) -> np.ndarray:
            return np.zeros((len(queries), k), dtype=np.int64)  # type: ignore[arg-type]

    damaged = SectionSearch(
        replace(snapshot, question_index=Lost(snapshot.question_index.vectors)), no_answer=PLAIN_MODEL
    )
    with pytest.raises(ModelError, match="does not find 3 of 4 of its own titles"):
        LiveSearch(search_of()).exchange(damaged)


def test_a_stamp_changes_with_every_edit_and_not_by_looking(tmp_path: Path) -> None:
    write(tmp_path, "a", "One")
    first = stamp_of(tmp_path)
    assert stamp_of(tmp_path) == first
    write(tmp_path, "a", "Three")
    assert stamp_of(tmp_path) != first
    (tmp_path / "a.md").unlink()
    assert stamp_of(tmp_path) == ()


def test_a_stamp_tells_of_the_articles_that_are_indexed_and_of_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "drafts").mkdir()
    for name in ("._a", ".#a", "README", "drafts/b"):
        write(tmp_path, name, "None")
    assert stamp_of(tmp_path) == ()
