"""What every importer gives: an article ready to write, or what was left out and why."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path
from typing import TypeAlias

import yaml

from kb.articles import parse_article
from kb.sections import heading_of
from triage.errors import DataError
from triage.types import Audience

# An article is read by a person: what is longer is no article but a broken file.
MAX_BODY_CHARS = 500_000
MAX_TITLE_CHARS = 300
_FILE_NAME = re.compile(r"[^\W_](?:[\w.-]{0,118}\w)?")
_HEADING = re.compile(r"\s*#{1,6}[ \t]+([^\n]+)(?:\n|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An article as Markdown with front matter; it has been read back once, so the knowledge base can read it."""

    id: str
    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A piece of the input that became no article.

    Attributes:
        id: Where it is known; the article that was imported under it before is kept.
        is_fault: False where nothing is wrong, as with a draft that its author has not published.
    """

    source: str
    reason: str
    id: str | None = None
    is_fault: bool = True


Item: TypeAlias = Draft | LeftOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Front matter of articles whose source does not say it."""

    language: str = "en"
    department: str | None = None
    owner: str | None = None


class _Metered(FileIO):
    """A file that tells how many bytes were read."""

    def __init__(self, path: Path, tell: Callable[[int], None]) -> None:
        super().__init__(path)
        self._tell = tell

    def readinto(self, buffer: object) -> int:
        count = super().readinto(buffer) or 0  # type: ignore[arg-type]
        self._tell(count)
        return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file, or a folder of tables, to read.

    Attributes:
        path: Where it lies.
        name: What reports call it: its place below what was asked for, with `/`.
        tell: Is told the number of bytes, each time some are read.
    """

    path: Path
    name: str
    tell: Callable[[int], None] = lambda count: None

    def open(self) -> BufferedReader:
        """Open the file for one reading from its beginning."""
        return BufferedReader(_Metered(self.path, self.tell), 1 << 16)

    def whole(self, most: int) -> bytes:
        """Return all bytes.

        Raises:
            DataError: If there are more than `most`.
        """
        with self.open() as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise DataError(f"{self.name} is larger than {most:,} bytes, too much for one article; cut it")
        return content

    def files(self) -> list[Path]:
        """Return the file, or the files directly in the folder, in order of their names."""
        return sorted(file for file in self.path.iterdir() if file.is_file()) if self.path.is_dir() else [self.path]


def compose(
    *, id: str, title: str, body: str, source: str, defaults: Defaults, fields: Mapping[str, object] | None = None
) -> Item:
    """Write an article.

    Args:
        id: Unique and stable over imports; letters, digits, `.`, `_` and `-`.
        title: Becomes one line; where it is empty the first heading of the body is taken.
        body: Markdown.
        source: What the report calls the place in the input.
        defaults: For what `fields` does not say.
        fields: Further keys of the front matter, as `kb.articles` wants them; empty ones are left away.

    Returns:
        The draft, or why there is none: no title, no text, too long, or a field that an article may not have.
    """
    title, body = _titled(title, body)
    known: dict[str, object] = {
        "language": defaults.language,
        "department": defaults.department,
        "owner": defaults.owner,
    }
    known |= {key: value for key, value in (fields or {}).items() if value not in (None, "", [], ())}
    front = {"id": id, "title": title, "service_types": [], **{key: value for key, value in known.items() if value}}
    if len(body) > MAX_BODY_CHARS:
        return LeftOut(
            source=source, id=id, reason=f"longer than {MAX_BODY_CHARS:,} characters, too much for an article"
        )
    if not title:
        return LeftOut(source=source, id=id, reason="it has no title")
    if not body.strip():
        return LeftOut(source=source, id=id, reason="it has no text")
    return checked(Draft(id=id, text=f"---\n{_yaml(front)}---\n{body.strip()}\n", source=source))


def checked(draft: Draft) -> Item:
    """Return the draft where the knowledge base can read it, else the reason why not."""
    if not _FILE_NAME.fullmatch(draft.id) or draft.id.lower() == "readme":
        reason = f"the id {draft.id[:60]!r} cannot name a file; use letters, digits, dots and dashes, at most 120"
        return LeftOut(source=draft.source, reason=reason)
    try:
        parse_article(draft.text, source=draft.source)
    except DataError as error:
        return LeftOut(source=draft.source, id=draft.id, reason=str(error).removeprefix(f"{draft.source}:"))
    return draft


def slug(text: str) -> str:
    """Return lower-case ASCII letters and digits joined by dashes, at most 80; a hash where none is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    joined = "-".join(re.findall(r"[a-z0-9]+", plain))[:80].strip("-")
    return joined or f"article-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def audience_of(internal: bool) -> str | None:
    """Return the front matter's word for what only agents may read, None for what all may."""
    return Audience.INTERNAL.value if internal else None


def _titled(title: str, body: str) -> tuple[str, str]:
    """Return title and body; where there is no title the body's first heading, which then leaves the body."""
    first = _HEADING.match(body)
    heading = " ".join(heading_of(first[1]).split()) if first is not None else ""
    line = " ".join(title.split())
    if first is not None and heading and line in ("", heading):
        line, body = heading, body[first.end() :]
    return line[:MAX_TITLE_CHARS], body


def _yaml(front: Mapping[str, object]) -> str:
    return yaml.dump(dict(front), Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False, width=120)
