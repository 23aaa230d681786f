"""What each article said on a given day: every version of its file, kept in the store when it is first seen."""

from collections.abc import Set
from pathlib import Path
from typing import TypeAlias

from kb.articles import article_files, parse_article
from triage.errors import DataError
from triage.store.articles import ArticleStore

Facts: TypeAlias = tuple[int, int]


class History:
    """Keeps the versions of a folder's articles; a file that has not changed since the last time is not read again.

    Args:
        store: Where versions are kept.
        folder: Of the articles.
    """

    def __init__(self, store: ArticleStore, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._seen: dict[Path, tuple[Facts, str]] = {}

    def keep(self, *, by: str) -> int:
        """Keep what is new, and that an article is gone, also while nothing ran; return how many files were read.

        A file that is no article is passed over: the check of the articles names it. The article of its name is not
        taken for gone, nor is any where the first look finds no article at all, as when a disk is not mounted.
        """
        found: dict[Path, tuple[Facts, str]] = {}
        unread: set[str] = set()
        read = 0
        for path in article_files(self._folder):
            facts = (path.stat().st_mtime_ns, path.stat().st_size)
            known = self._seen.get(path)
            if known is not None and known[0] == facts:
                found[path] = known
                continue
            read += 1
            name = self._kept(path, by)
            if name is None:
                unread.add(known[1] if known is not None else path.stem)
            else:
                found[path] = (facts, name)
        if found or self._seen:
            self._keep_deletions({name for _, name in found.values()} | unread, by)
        self._seen = found
        return read

    def _keep_deletions(self, present: Set[str], by: str) -> None:
        """Keep that articles are gone; at the first look, those that the store has and the folder has not."""
        before = {name for _, name in self._seen.values()}
        if not self._seen:
            before = {version.article_id for version in self._store.standing()}
        for gone in sorted(before - present):
            self._store.keep_version(gone, None, by)

    def _kept(self, path: Path, by: str) -> str | None:
        try:
            document = path.read_text(encoding="utf-8-sig")
            name = parse_article(document, source=str(path)).id
        except (OSError, UnicodeDecodeError, DataError):
            return None
        self._store.keep_version(name, document, by)
        return name
