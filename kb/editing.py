"""Puts an accepted text in the place of an article's file; the service notices and builds its index further."""

import os
from pathlib import Path

from kb.articles import article_files, parse_article, read_article
from triage.errors import DataError


def checked(article_id: str, document: str) -> str:
    """Return a proposed text of an article as it would be written: whole, with front matter and single line ends.

    Raises:
        DataError: If it is no article, or one of another id. The text names the line.
    """
    text = "\n".join(document.splitlines()).rstrip("\n") + "\n"
    found = parse_article(text, source="the proposed text").id
    if found != article_id:
        raise DataError(f"the proposed text:1: the id must stay {article_id!r}, got {found!r}")
    return text


def write_article(folder: Path, article_id: str, document: str) -> Path:
    """Replace an article's file in one step that cannot be half done; return it.

    Raises:
        DataError: If no file of the folder holds the article, or it cannot be written.
    """
    path = _file_of(folder, article_id)
    draft = path.with_suffix(".md.new")
    try:
        draft.write_text(document, encoding="utf-8", newline="\n")
        os.replace(draft, path)
    except OSError as error:
        raise DataError(
            f"{path.name} cannot be written ({error.strerror}): let the service write to its folder"
        ) from error
    return path


def _file_of(folder: Path, article_id: str) -> Path:
    """Return the file of an article: usually the one of its name."""
    paths = sorted(article_files(folder), key=lambda path: (path.stem != article_id, path))
    for path in paths:
        try:
            if read_article(path).id == article_id:
                return path
        except DataError:
            continue  # what is no article is named by the check of the articles
    raise DataError(f"no file of the articles' folder holds the article {article_id!r}")
