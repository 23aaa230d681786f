"""One import: finds what is to be read, compares each article with the folder, writes what has changed.

`.imported.jsonl` in the folder remembers what came from where, by hashes. So a file that has not changed is not read
again, an article that a person has edited since is not overwritten, and one that the source has dropped is known.
"""

import difflib
import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from kb.importers import archives, directories, documents, markdown, pages, tables, zendesk
from kb.importers.items import Defaults, Draft, Item, LeftOut, Source
from kb.importers.ledger import Ledger, digest_of, file_digest
from triage.errors import DataError

Progress: TypeAlias = Callable[[str, int, int], None]
Reader: TypeAlias = Callable[[Source, Defaults], Iterator[Item]]

ARCHIVE = ".zip"
SITEMAP = ".xml"
READERS: Mapping[str, Reader] = {
    ".md": markdown.read_markdown,
    ".markdown": markdown.read_markdown,
    **dict.fromkeys(pages.SUFFIXES, pages.read_page),
    SITEMAP: pages.read_sitemap,
    ".csv": tables.read_csv,
    ".tsv": tables.read_csv,
    ".xlsx": tables.read_workbook,
    ".json": zendesk.read_zendesk,
    ".jsonl": zendesk.read_zendesk,
    ".ndjson": zendesk.read_zendesk,
    ".docx": documents.read_docx,
    ".pdf": documents.read_pdf,
}
MAX_DIFF_LINES = 40


class Outcome(StrEnum):
    """What became of an article, or of a piece of the input."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the report.

    Attributes:
        id: The article; None where a piece of the input became none.
        source: The place in the input.
        detail: Why it was kept or left out.
        is_fault: Whether it was left out because something is wrong with it.
        diff: Lines of a unified diff where the article has changed, at most MAX_DIFF_LINES.
        count: How many articles the line stands for; more than one only for a file that has not changed.
    """

    outcome: Outcome
    source: str
    id: str | None = None
    detail: str = ""
    is_fault: bool = False
    diff: tuple[str, ...] = ()
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to import.

    Attributes:
        out: Folder of articles; made where it is missing.
        origin: What this import is called from one time to the next; the names of its paths where None.
        dry_run: Say what would be done and write nothing.
        prune: Delete articles that the source has dropped, if nobody has edited them and all was readable.
        overwrite: Let the source win over what people have edited.
    """

    out: Path
    origin: str | None = None
    defaults: Defaults = field(default_factory=Defaults)
    dry_run: bool = False
    prune: bool = False
    overwrite: bool = False


def import_articles(
    paths: Sequence[Path], plan: Plan, progress: Progress = lambda *_: None
) -> Generator[Change, None, None]:
    """Import files and folders and yield what becomes of each article, as it is known.

    A piece that cannot be read is left out and the old article stays; the rest goes on. Broken off, by Ctrl-C or by
    closing the iterator, it leaves whole articles and a right ledger.

    Raises:
        DataError: If the ledger is damaged or the folder cannot be written.
    """
    ledger = Ledger.load(plan.out)
    run = _Run(plan, ledger)
    try:
        with tempfile.TemporaryDirectory(prefix="triage-import-") as scratch:
            yield from run.all(paths, Path(scratch), progress)
    finally:
        if not plan.dry_run:
            ledger.save(plan.out)


class _Run:
    def __init__(self, plan: Plan, ledger: Ledger) -> None:
        self._plan, self._ledger = plan, ledger
        self._seen: set[str] = set()
        self._origins: set[str] = set()
        self._broken: set[str] = set()  # origins and sources that may hold more than could be read

    def all(self, paths: Sequence[Path], scratch: Path, progress: Progress) -> Iterator[Change]:
        total = sum(_size(path) for path in paths)
        read = 0

        def tell(count: int) -> None:
            nonlocal read
            read = min(read + count, total)
            progress("import", read, total)

        for number, path in enumerate(paths):
            origin = self._plan.origin or path.resolve().name
            self._origins.add(origin)
            yield from self._path(path, origin, scratch / str(number), tell)
        yield from self._dropped()
        progress("import", total, total)

    def _path(self, path: Path, origin: str, scratch: Path, tell: Callable[[int], None]) -> Iterator[Change]:
        name, before = path.resolve().name, tell
        if path.suffix.lower() == ARCHIVE:
            archive = Source(path=path, name=name, tell=tell)
            try:
                for left in archives.unpack(archive, scratch, frozenset(READERS)):
                    yield self._left_out(left)
            except DataError as error:
                self._broken.add(origin)
                yield self._left_out(LeftOut(source=name, reason=str(error)))
                return
            scratch.mkdir(exist_ok=True)
            path, before = scratch, lambda count: None  # the bytes of the archive have been counted
        for source in _sources(path, name, before):
            yield from self._source(source, origin)

    def _source(self, source: Source, origin: str) -> Iterator[Change]:
        reader = directories.read_directory if source.path.is_dir() else READERS.get(source.path.suffix.lower())
        if reader is None:
            reason = f"{source.path.suffix.lower() or 'a file without ending'} is no format that is read"
            yield self._left_out(LeftOut(source=source.name, reason=reason))
            return
        key = f"{origin}\t{source.name}"
        # What a sitemap gives changes with the pages beside it.
        digest = "" if source.path.suffix.lower() == SITEMAP else file_digest(source, self._plan.defaults)
        known = self._ledger.unchanged(key, digest, self._plan.out)
        if known and not self._plan.overwrite:
            self._seen.update(known)
            yield Change(outcome=Outcome.UNCHANGED, source=source.name, count=len(known))
            return
        yield from self._items(reader(source, self._plan.defaults), source, origin, key, digest)

    def _items(self, items: Iterable[Item], source: Source, origin: str, key: str, digest: str) -> Iterator[Change]:
        clean = True
        try:
            for item in items:
                change = self._left_out(item) if isinstance(item, LeftOut) else self._draft(item, origin, key)
                clean &= not change.is_fault and change.outcome is not Outcome.KEPT
                if change.is_fault:
                    self._broken.add(key)
                yield change
        except (DataError, OSError) as error:
            self._broken.add(origin)
            yield self._left_out(LeftOut(source=source.name, reason=str(error)))
            return
        # Read again the next time, as long as there is something to say of it.
        clean &= self._seen.issuperset(self._ledger.read_from(key))
        self._ledger.note_source(key, digest if clean else "")

    def _draft(self, draft: Draft, origin: str, key: str) -> Change:
        reason = self._refusal(draft, origin)
        if reason:
            return Change(outcome=Outcome.LEFT_OUT, source=draft.source, id=draft.id, detail=reason, is_fault=True)
        self._seen.add(draft.id)
        path = self._plan.out / f"{draft.id}.md"
        old = _text_of(path) if path.exists() else None
        if old is not None and old != draft.text and self._is_edited(draft.id, old):
            return Change(
                outcome=Outcome.KEPT,
                source=draft.source,
                id=draft.id,
                detail="edited by hand since its import, and the source has another text; --overwrite takes it",
                diff=_diff(old, draft.text),
            )
        self._ledger.note_article(draft.id, key, digest_of(draft.text))
        if old == draft.text:
            return Change(outcome=Outcome.UNCHANGED, source=draft.source, id=draft.id)
        self._write(path, draft.text)
        if old is None:
            return Change(outcome=Outcome.ADDED, source=draft.source, id=draft.id)
        return Change(outcome=Outcome.CHANGED, source=draft.source, id=draft.id, diff=_diff(old, draft.text))

    def _refusal(self, draft: Draft, origin: str) -> str | None:
        """Return why this draft may not have its id."""
        if draft.id in self._seen:
            return f"the id {draft.id!r} is taken by an article before it; give one another id"
        known = self._ledger.origin_of(draft.id)
        if known is None and not self._plan.overwrite and (path := self._plan.out / f"{draft.id}.md").exists():
            if _text_of(path) != draft.text:
                return "an article of this id is there and was not imported; --overwrite replaces it"
        elif known not in (None, origin) and not self._plan.overwrite:
            return f"the article of this id came from {known!r}; --source {known} continues that import"
        return None

    def _is_edited(self, id: str, text: str) -> bool:
        return not self._plan.overwrite and self._ledger.written(id) != digest_of(text)

    def _left_out(self, left: LeftOut) -> Change:
        if left.id:
            self._seen.add(left.id)
        return Change(
            outcome=Outcome.LEFT_OUT, source=left.source, id=left.id, detail=left.reason, is_fault=left.is_fault
        )

    def _dropped(self) -> Iterator[Change]:
        """Yield what earlier imports of these origins brought and this one did not."""
        for id in self._ledger.ids_of(self._origins - self._broken):
            path = self._plan.out / f"{id}.md"
            if id in self._seen or self._ledger.key_of(id) in self._broken or not path.exists():
                continue
            if not self._plan.prune:
                yield Change(outcome=Outcome.KEPT, source=self._ledger.source_of(id), id=id,
                             detail="no longer in the source; --prune deletes it")  # fmt: skip
            elif self._is_edited(id, _text_of(path)):
                yield Change(outcome=Outcome.KEPT, source=self._ledger.source_of(id), id=id,
                             detail="no longer in the source, but edited by hand since; delete it by hand")  # fmt: skip
            else:
                yield Change(outcome=Outcome.REMOVED, source=self._ledger.source_of(id), id=id)
                self._remove(path, id)

    def _remove(self, path: Path, id: str) -> None:
        if not self._plan.dry_run:
            path.unlink()
            self._ledger.forget(id)

    def _write(self, path: Path, text: str) -> None:
        """Write the file whole or not at all."""
        if self._plan.dry_run:
            return
        part = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, encoding="utf-8", newline="")
            os.replace(part, path)
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _sources(path: Path, name: str, tell: Callable[[int], None]) -> Iterator[Source]:
    """Yield what is to be read, in order of names; a folder of directory tables is one source.

    A sitemap inside a folder is passed over: the pages beside it are read by themselves.
    """
    if not path.is_dir():
        yield Source(path=path, name=name, tell=tell)
        return
    if directories.is_directory(path):
        yield Source(path=path, name=name, tell=tell)
        return
    for inner in sorted(path.iterdir()):
        is_passed_over = inner.name.startswith((".", "__MACOSX")) or inner.suffix.lower() == SITEMAP
        if not is_passed_over and not (inner.is_symlink() and inner.is_dir()):
            yield from _sources(inner, f"{name}/{inner.name}", tell)


def _text_of(path: Path) -> str:
    """Return what an article's file says; what somebody has saved in another encoding than UTF-8 reads as edited."""
    return path.read_text("utf-8", errors="replace")


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _diff(old: str, new: str) -> tuple[str, ...]:
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), "now", "import", lineterm="", n=1))
    cut = lines[:MAX_DIFF_LINES]
    return (*cut, f"… and {len(lines) - len(cut)} more lines") if len(lines) > len(cut) else tuple(cut)
