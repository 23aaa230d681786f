"""Articles: Markdown with YAML front matter, cut into the sections that are indexed, shown and quoted.

A section's text is plain: Markdown marks are stripped once, here, so that a quote is verbatim from what is stored.
"""

import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from triage.errors import DataError
from triage.types import Audience

# Above this many words a section is cut between paragraphs: one vector of 256 word pieces cannot say more.
MAX_SECTION_WORDS = 180
INTERNAL_HEADINGS = frozenset({"agent notes", "internal", "internal notes", "for agents"})

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*$")
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+(?=\S)")
_TABLE_RULE = re.compile(r"\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
_STRIPPED = (
    (re.compile(r"<!--.*?-->"), ""),
    (re.compile(r"<((?:https?|mailto):[^<>\s]+)>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>]{0,300}>"), ""),
    (re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s\"[^\"]*\")?\)"), r"\1"),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
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


@dataclass(frozen=True, kw_only=True)
class Article:
    """One answer of the city, with the people who keep it and the days on which it holds.

    Attributes:
        id: Unique, stable; the name of its file.
        aliases: The same question in residents' words.
        service_types: Codes of the taxonomy, the main one first.
        audience: `internal` makes every section internal.
        review_every_days: How long a review is good for; None where nobody promised.
        valid_from: First day on which the article may answer; None is always.
        valid_until: Last day on which it may answer; None is for good.
        applies_if: Whom, where or when it holds, in words; None is everybody.
        applies_said: What a resident says to whom it holds; without any, the words of `applies_if` themselves.
        translations: (language, id) of the same article in other languages; one side may name the other.
        sample: True marks invented data of a city that does not exist.
    """

    id: str
    title: str
    sections: tuple[Section, ...]
    aliases: tuple[str, ...] = ()
    service_types: tuple[str, ...] = ()
    department: str = ""
    audience: Audience = Audience.PUBLIC
    owner: str | None = None
    reviewed_on: date | None = None
    review_every_days: int | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    applies_if: str | None = None
    applies_said: tuple[str, ...] = ()
    url: str | None = None
    language: str = "en"
    translations: tuple[tuple[str, str], ...] = ()
    sample: bool = False

    def __post_init__(self) -> None:
        if not self.id or not (self.title.strip() or self.sections):
            raise ValueError("an article needs an id, and a title or a text")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError(f"valid_until of {self.id} lies before valid_from")

    def is_valid_on(self, day: date) -> bool:
        """Whether the article may answer on a day; both ends count."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 in hex of everything that the article says."""
        return hashlib.sha256(json.dumps(as_record(self), sort_keys=True).encode()).hexdigest()


def as_record(article: Article) -> dict[str, Any]:
    """Return the article as JSON values; `from_record` is the way back."""
    record = asdict(article)
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in record.items()}


def from_record(record: Mapping[str, Any]) -> Article:
    """Return the article of a record that `as_record` made.

    Raises:
        DataError: If a field is missing, unknown, or not what it should be.
    """
    try:
        fields = dict(record)
        for name in ("reviewed_on", "valid_from", "valid_until"):
            fields[name] = date.fromisoformat(fields[name]) if fields[name] is not None else None
        sections = tuple(
            Section(heading=part["heading"], text=part["text"], audience=Audience(part["audience"]))
            for part in fields.pop("sections")
        )
        for name in ("aliases", "service_types", "applies_said"):
            fields[name] = tuple(fields.get(name, ()))
        fields["translations"] = tuple((language, other) for language, other in fields.get("translations", ()))
        return Article(**{**fields, "audience": Audience(fields["audience"]), "sections": sections})
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"the record of article {record.get('id')!r} is damaged: {error}") from error


def read_articles(folder: Path) -> tuple[Article, ...]:
    """Read every `*.md` of a folder, `README.md` excepted, in the order of their names.

    Raises:
        DataError: If there is none, one is wrong, or two have one id. The text names file and line.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of articles")
    paths = sorted(path for path in folder.glob("*.md") if path.name.lower() != "readme.md")
    if not paths:
        raise DataError(f"{folder} holds no article; an article is a file name.md with front matter")
    found: dict[str, tuple[Path, Article]] = {}
    for path in paths:
        article = read_article(path)
        if article.id in found:
            raise DataError(f"{path}: the id {article.id!r} is taken by {found[article.id][0]}; give one another id")
        found[article.id] = (path, article)
    return tuple(article for _, article in found.values())


def read_article(path: Path) -> Article:
    """Read one file; see `parse_article`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    return parse_article(text, source=str(path))


def parse_article(text: str, *, source: str) -> Article:
    """Return the article of a Markdown text with front matter.

    Args:
        text: `---`, YAML with the keys of `Article`, `---`, Markdown.
        source: What to call the text in errors.

    Raises:
        DataError: If the front matter is missing, is no YAML, has an unknown, doubled, missing or wrong key, or
            nothing stands below it. The text names source and line.
    """
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == "---"), None)
    if not lines or lines[0].rstrip() != "---" or end is None:
        raise DataError(f"{source}:1: an article begins with front matter between two lines of ---")
    fields = _front_matter("\n".join(lines[1:end]), source)
    sections = sections_of("\n".join(lines[end + 1 :]), fields.get("audience", Audience.PUBLIC))
    if not sections:
        raise DataError(f"{source}:{end + 1}: the article has no text below its front matter")
    try:
        return Article(**fields, sections=sections)
    except ValueError as error:
        raise DataError(f"{source}:1: {error}") from error


def _front_matter(text: str, source: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value, line in _entries(text, source):
        if key not in _CHECKS:
            raise DataError(f"{source}:{line}: unknown key {key!r}; the keys are {', '.join(_CHECKS)}")
        if key in fields:
            raise DataError(f"{source}:{line}: {key} stands there twice")
        try:
            fields[key] = _CHECKS[key](value)
            if key == "applies_if":
                fields[key], fields["applies_said"] = fields[key]
        except (TypeError, ValueError) as error:
            raise DataError(f"{source}:{line}: {key} {error}, got {value!r}") from error
    missing = [key for key in ("id", "title", "service_types") if key not in fields]
    if missing:
        raise DataError(f"{source}:1: the front matter lacks {', '.join(missing)}")
    return fields


def _entries(text: str, source: str) -> Iterator[tuple[str, Any, int]]:
    """Yield key, value and line number of every entry of the front matter, which begins on line 2."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise DataError(f"{source}:2: the front matter must be `key: value` lines")
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            yield str(key), loader.construct_object(value_node, deep=True), key_node.start_mark.line + 2
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 2
        raise DataError(f"{source}:{line}: the front matter is no YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise DataError(f"{source}:2: the front matter is no YAML: {error}") from error
    finally:
        loader.dispose()


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError("must be a text (put it in quotes)")
    return value.strip()


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("must be a list of texts")
    return tuple(_text(item) for item in value)


def _date(value: object) -> date:
    # A datetime is a date to Python, but not to a reader of front matter.
    if type(value) is not date:
        raise TypeError("must be a day such as 2026-05-01")
    return value


def _days(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise TypeError("must be a whole number of days above 0")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("must be true or false")
    return value


def _audience(value: object) -> Audience:
    if value not in tuple(Audience):
        raise ValueError(f"must be one of {', '.join(Audience)}")
    return Audience(str(value))


def _or_none(check: Callable[[object], Any]) -> Callable[[object], Any]:
    return lambda value: None if value is None else check(value)


def _applies_if(value: object) -> tuple[str | None, tuple[str, ...]]:
    """Return the condition in words, and what a resident says to whom it holds.

    It is a text, or whom, where and when apart: `{who: …, where: …, when: …, said: ["…"]}`.
    """
    if value is None:
        return None, ()
    if not isinstance(value, dict):
        return _text(value), ()
    if not set(value) <= {*_CONDITIONS, "said"} or not set(value) & set(_CONDITIONS):
        raise ValueError(f"must be a text, or {', '.join(_CONDITIONS)} and said")
    words = "; ".join(_text(value[name]) for name in _CONDITIONS if name in value)
    return words, _texts(value.get("said", []))


def _translations(value: object) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise TypeError("must be `language: id of the article` lines")
    return tuple((_text(language), _text(name)) for language, name in value.items())


_CONDITIONS = ("who", "where", "when")
_CHECKS: Mapping[str, Callable[[object], Any]] = {
    "id": _text,
    "title": _text,
    "aliases": lambda value: () if value is None else _texts(value),
    "service_types": _texts,
    "department": _text,
    "audience": _audience,
    "owner": _or_none(_text),
    "reviewed_on": _or_none(_date),
    "review_every_days": _or_none(_days),
    "valid_from": _or_none(_date),
    "valid_until": _or_none(_date),
    "applies_if": _applies_if,
    "url": _or_none(_text),
    "language": _text,
    "translations": _translations,
    "sample": _flag,
}


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
        heading, lines, level = _plain(mark[2]), [], len(mark[1])
        if not internal_level or level <= internal_level:
            internal_level = level if heading.casefold().rstrip(":") in INTERNAL_HEADINGS else 0
    yield heading, lines, not internal_level


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
