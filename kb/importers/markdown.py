"""Markdown: articles with front matter as they are, other files under the name they have."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import yaml

from kb.importers.items import MAX_BODY_CHARS, Defaults, Draft, Item, LeftOut, Source, checked, compose, slug
from triage.errors import DataError


def read_markdown(source: Source, defaults: Defaults) -> Iterator[Item]:
    """Yield the one article of a file; a README is none.

    Raises:
        DataError: If the file is no UTF-8 text, or too large.
    """
    if PurePosixPath(source.name).stem.lower() == "readme":
        yield LeftOut(source=source.name, reason="a README is no article", is_fault=False)
        return
    try:
        text = source.whole(4 * MAX_BODY_CHARS).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"it cannot be read as UTF-8 text ({error})") from error
    if text.startswith("---"):
        yield _as_it_is(text, source.name)
        return
    name = PurePosixPath(source.name).with_suffix("")
    yield compose(
        id=slug("/".join(name.parts[1:]) or name.name),
        title="" if text.lstrip().startswith("#") else name.name.replace("-", " ").replace("_", " "),
        body=text,
        source=source.name,
        defaults=defaults,
    )


def _as_it_is(text: str, source: str) -> Item:
    """Return an article that brings its front matter; the reading says what is wrong with it."""
    return checked(Draft(id=_id_of(text) or slug(source), text=text, source=source))


def _id_of(text: str) -> str:
    try:
        front = yaml.safe_load(text.replace("\r\n", "\n").split("\n---", 1)[0].removeprefix("---"))
    except (yaml.YAMLError, ValueError):
        return ""
    return str(front.get("id") or "").strip() if isinstance(front, dict) else ""
