from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kb.history import History
from triage.store import SqlTriageStore, open_store

ARTICLE = "---\nid: pool\ntitle: Pool hours\nservice_types: [parks.pool]\n---\nThe pool opens at {hour}.\n"


class Days:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def days() -> Days:
    return Days()


@pytest.fixture
def store(tmp_path: Path, days: Days) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}", now=days) as opened:
        yield opened


def said(store: SqlTriageStore, day: int) -> str | None:
    found = store.articles.at("pool", datetime(2026, 5, day, 23, tzinfo=UTC))
    return None if found is None else found.document


def test_the_history_tells_what_an_article_said_on_a_day(store: SqlTriageStore, days: Days, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    file, history = folder / "pool.md", History(store.articles, folder)
    file.write_text(ARTICLE.format(hour="noon"), encoding="utf-8")
    history.keep(by="editor")
    days.now += timedelta(days=2)
    file.write_text(ARTICLE.format(hour="10 am"), encoding="utf-8")
    history.keep(by="editor")
    days.now += timedelta(days=2)
    file.unlink()
    history.keep(by="editor")
    assert store.articles.at("pool", datetime(2026, 4, 30, tzinfo=UTC)) is None
    assert said(store, 1) == said(store, 2) == ARTICLE.format(hour="noon")
    assert said(store, 3) == said(store, 4) == ARTICLE.format(hour="10 am")
    assert said(store, 5) is None


def test_what_has_not_changed_is_neither_read_nor_kept_again(store: SqlTriageStore, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "pool.md").write_text(ARTICLE.format(hour="noon"), encoding="utf-8")
    (folder / "notes.md").write_text("no article", encoding="utf-8")
    history = History(store.articles, folder)
    assert history.keep(by="editor") == 2
    assert history.keep(by="editor") == 1  # what is no article may become one
    assert len(store.articles.versions("pool")) == 1
    assert History(store.articles, folder).keep(by="editor") == 2
    assert len(store.articles.versions("pool")) == 1


def test_an_article_deleted_while_nothing_ran_is_kept_as_gone(
    store: SqlTriageStore, days: Days, tmp_path: Path
) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "pool.md").write_text(ARTICLE.format(hour="noon"), encoding="utf-8")
    (folder / "rink.md").write_text(ARTICLE.replace("pool", "rink").format(hour="six"), encoding="utf-8")
    History(store.articles, folder).keep(by="articles folder")
    days.now += timedelta(days=2)
    (folder / "pool.md").unlink()
    History(store.articles, folder).keep(by="articles folder")
    History(store.articles, folder).keep(by="articles folder")
    assert [version.document is None for version in store.articles.versions("pool")] == [False, True]
    assert (said(store, 2), said(store, 3)) == (ARTICLE.format(hour="noon"), None)
    assert [version.article_id for version in store.articles.standing()] == ["rink"]


def test_an_article_that_is_broken_or_a_folder_that_is_empty_is_not_taken_for_deleted(
    store: SqlTriageStore, tmp_path: Path
) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    file, rink = folder / "pool.md", folder / "rink.md"
    file.write_text(ARTICLE.format(hour="noon"), encoding="utf-8")
    rink.write_text(ARTICLE.replace("pool", "rink").format(hour="six"), encoding="utf-8")
    history = History(store.articles, folder)
    history.keep(by="editor")
    file.write_text("---\nid: pool\ntitle: [", encoding="utf-8")
    history.keep(by="editor")
    History(store.articles, folder).keep(by="editor")
    file.unlink()
    rink.unlink()
    History(store.articles, folder).keep(by="editor")
    assert [version.article_id for version in store.articles.standing()] == ["pool", "rink"]


def test_files_that_are_never_indexed_are_not_kept(store: SqlTriageStore, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    (folder / "drafts").mkdir(parents=True)
    for name in ("drafts/pool.md", "._pool.md"):
        (folder / name).write_text(ARTICLE.format(hour="noon"), encoding="utf-8")
    assert History(store.articles, folder).keep(by="editor") == 0
    assert store.articles.versions("pool") == ()
