"""Articles: Markdown with YAML front matter, which says what they answer, for whom and on which days."""

import hashlib
import json
import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from kb.sections import Section, sections_of
from triage.errors import DataError
from triage.types import Audience

MAX_DAYS = 1_000_000  # until a review: added to a day of today they still give a date


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


def article_files(folder: Path) -> list[Path]:
    """Return every `*.md` of a folder in the order of their names, `README.md` and hidden files excepted.

    Sub-folders are not looked into. What editors and file shares put beside a file has a name with a dot in front.
    """
    return sorted(path for path in folder.glob("[!.]*.md") if path.name.lower() != "readme.md")


def some_article_files(folder: Path) -> list[Path]:
    """Return what `article_files` does.

    Raises:
        DataError: If there is no such folder, or no article in it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder of articles")
    paths = article_files(folder)
    if not paths:
        raise DataError(f"{folder} holds no article; an article is a file name.md with front matter")
    return paths


def read_articles(folder: Path) -> tuple[Article, ...]:
    """Read every article of a folder, in the order of `article_files`.

    Raises:
        DataError: If there is none, one is wrong, or two have one id. The text names file and line.
    """
    found: dict[str, tuple[Path, Article]] = {}
    for path in some_article_files(folder):
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
            raise DataError(f"{source}:{line}: {key} {error}, got {reprlib.repr(value)}") from error
    missing = [key for key in ("id", "title", "service_types") if key not in fields]
    if missing:
        raise DataError(f"{source}:1: the front matter lacks {', '.join(missing)}")
    return fields


class _Loader(yaml.SafeLoader):
    """Merges no mappings: twenty lines of `<<` unfold to billions of entries."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave `<<` where it stands, which is refused as no known key."""


def _entries(text: str, source: str) -> Iterator[tuple[str, Any, int]]:
    """Yield key, value and line number of every entry of the front matter, which begins on line 2."""
    loader = _Loader(text)
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
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_DAYS:
        raise TypeError(f"must be a whole number of days from 1 to {MAX_DAYS:,}")
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
