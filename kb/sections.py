"""Markdown cut into the sections that are indexed, shown and quoted.

A section's text is plain: Markdown marks are stripped once, here, so that a quote is verbatim from what is stored.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from triage.types import Audience

# Above this many words a section is cut between paragraphs: one vector of 256 word pieces cannot say more.
MAX_SECTION_WORDS = 180
INTERNAL_HEADINGS = frozenset({"agent notes", "internal", "internal notes", "for agents"})

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)$")
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+(?=\S)")
_TABLE_RULE = re.compile(r"\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
_STRIPPED = (
    # Each body ends before the next mark of its kind: marks that are never closed are read once, not once a mark.
    (re.compile(r"<!--(?:(?!-->|<!--).)*+-->"), ""),
    (re.compile(r"<((?:https?|mailto):[^<>\s]+)>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>]{0,300}>"), ""),
    (re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s\"[^\"]*\")?\)"), r"\1"),
    (re.compile(r"\*\*(?=\S)((?:[^*]|\*(?!\*))++)(?<=\S)\*\*"), r"\1"),
    (re.compile(r"__(?=\S)((?:[^_]|_(?!_))++)(?<=\S)__"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<!\w)_(?=[^\s_])([^_]+?)(?<=[^\s_])_(?!\w)"), r"\1"),
    (re.compile(r"`([^`]+)`"), r"\1"),
    (re.compile(r"\\([\\`*_{}\[\]()#+\-.!>|])"), r"\1"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and the plain text under it; the opening of an article has the heading ``""``."""

    heading: str
    text: str
    audience: Audience = Audience.PUBLIC


def sections_of(markdown: str, audience: Audience = Audience.PUBLIC) -> tuple[Section, ...]:
    """Cut Markdown at its headings, and what is longer than MAX_SECTION_WORDS between paragraphs.

    Headings without text below them, and text without words, make no section. Under an "Agent notes" heading, and
    under deeper ones below it, the audience is internal.
    """
    return tuple(
        Section(heading=heading, text=part, audience=audience if is_public else Audience.INTERNAL)
        for heading, lines, is_public in _headed(markdown)
        for part in _parts(_paragraphs(lines))
    )


def _headed(markdown: str) -> Iterator[tuple[str, list[str], bool]]:
    """Yield heading, lines and whether the public may read them."""
    heading, lines, in_code, internal_level = "", list[str](), False, 0
    for line in markdown.splitlines():
        in_code ^= _FENCE.match(line) is not None
        mark = None if in_code else _HEADING.match(line)
        if mark is None:
            lines.append(line)
            continue
        yield heading, lines, not internal_level
        heading, lines, level = _plain(heading_of(mark[2])), [], len(mark[1])
        if not internal_level or level <= internal_level:
            internal_level = level if heading.casefold().rstrip(":") in INTERNAL_HEADINGS else 0
    yield heading, lines, not internal_level


def heading_of(line: str) -> str:
    """Return a heading's line, its marks at the beginning cut off, without those that close it."""
    return line.strip(" \t").rstrip("#").rstrip(" \t")


def _paragraphs(lines: Iterable[str]) -> list[str]:
    """Return plain paragraphs: soft line breaks joined, each list item and table row by itself."""
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        bare = line.strip().lstrip(">").strip()
        if not bare or _FENCE.match(line) or _TABLE_RULE.match(bare):
            paragraphs.append([])
            continue
        if _LIST_MARK.match(line) or bare.startswith("|"):
            paragraphs.append([])
        paragraphs[-1].append(_LIST_MARK.sub("", bare, count=1) if _LIST_MARK.match(line) else bare)
    plain = (_plain(" ".join(paragraph)) for paragraph in paragraphs)
    return [paragraph for paragraph in plain if paragraph]


def _plain(text: str) -> str:
    """Return the text without Markdown marks and HTML tags, white space single."""
    if text.startswith("|"):
        text = ", ".join(cell.strip() for cell in text.strip("|").split("|") if cell.strip())
    for pattern, replacement in _STRIPPED:
        text = pattern.sub(replacement, text)
    return " ".join(html.unescape(text).split())


def _parts(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield paragraphs joined by line breaks, as many as fit into MAX_SECTION_WORDS, at least one."""
    part: list[str] = []
    words = 0
    for paragraph in paragraphs:
        count = len(paragraph.split())
        if part and words + count > MAX_SECTION_WORDS:
            yield "\n".join(part)
            part, words = [], 0
        part.append(paragraph)
        words += count
    if part:
        yield "\n".join(part)
