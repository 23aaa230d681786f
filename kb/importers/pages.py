"""HTML pages: saved ones, the ones that a sitemap names, and HTML inside other formats."""

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from kb.importers.items import Defaults, Item, LeftOut, Source, compose, slug
from triage.errors import DataError
from triage.languages import code_of

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

MAX_PAGE_BYTES = 8_000_000
MAX_SITEMAP_LINKS = 50_000  # the sitemap protocol's own limit
SUFFIXES = (".html", ".htm", ".xhtml")
_NO_TEXT = [
    "script",
    "style",
    "noscript",
    "template",
    "iframe",
    "object",
    "embed",
    "svg",
    "math",
    "canvas",
    "form",
    "button",
    "input",
    "select",
    "nav",
    "header",
    "footer",
    "aside",
    "dialog",
    "img",
    "picture",
    "video",
    "audio",
    "head",
]
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page says, as Markdown, and what it says about itself."""

    title: str
    body: str
    url: str | None
    language: str | None


def read_page(source: Source, defaults: Defaults, url: str | None = None) -> Iterator[Item]:
    """Yield the one article of a saved page.

    Raises:
        DataError: If it is too large or nested too deeply.
    """
    page = page_of(source.whole(MAX_PAGE_BYTES), place=source.name)
    yield compose(
        id=page_id(source.name),
        title=page.title or PurePosixPath(source.name).stem.replace("-", " "),
        body=page.body,
        source=source.name,
        defaults=defaults,
        fields={"url": url or page.url, "language": page.language},
    )


def read_sitemap(source: Source, defaults: Defaults) -> Iterator[Item]:
    """Yield an article for each address of a sitemap whose page is saved beside it, by its path with or without host.

    Nothing is fetched: a page that is not saved is left out, and the reason names where it was looked for.

    Raises:
        DataError: If the file is no sitemap.
    """
    folder = source.path.parent
    for number, url in enumerate(_locations(source)):
        if number >= MAX_SITEMAP_LINKS:
            raise DataError(f"a sitemap has at most {MAX_SITEMAP_LINKS:,} addresses; cut it")
        places = _places(url)
        found = next((place for place in places if _is_below(folder, place)), None)
        name = posixpath.join(posixpath.dirname(source.name), found or places[0])
        if found is None:
            yield LeftOut(source=url, id=page_id(name), reason=f"not saved beside the sitemap as {places[0]}")
            continue
        try:
            yield from read_page(Source(path=folder / found, name=name), defaults, url)
        except DataError as error:
            yield LeftOut(source=name, id=page_id(name), reason=str(error))


def page_id(name: str) -> str:
    """Return the id of a page by its place below what was asked for."""
    inner = PurePosixPath(name).with_suffix("")
    return slug("/".join(inner.parts[1:]).removesuffix("/index") or inner.name)


def page_of(content: str | bytes, *, place: str | None = None) -> Page:
    """Return title, text, address and language of HTML.

    Scripts, styles, forms and what surrounds the main text go; tables become Markdown tables.

    Args:
        content: A page or a part of one; bytes are decoded as the page says.
        place: Where the page was saved; links to pages beside it then become links to their articles.

    Raises:
        DataError: If it is nested more deeply than a page is.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(content, "lxml")
    url, language = _canonical(soup), code_of(_attribute(soup.html, "lang") or "")
    title = _title(soup)
    main = soup.find("main") or soup.find(role="main") or soup.find("article") or soup.body or soup
    for tag in main.find_all([*_NO_TEXT, "title"]):
        tag.decompose()
    for tag in main.find_all(hidden=True):
        tag.decompose()
    _mend_links(main, _link_maker(url, place))
    _mend_tables(main)
    return Page(title=title, body=_markdown(main), url=url, language=language)


def _markdown(tag: "Tag") -> str:
    from markdownify import MarkdownConverter

    try:
        text: str = MarkdownConverter(heading_style="ATX", bullets="-", table_infer_header=True).convert_soup(tag)
    except RecursionError as error:
        raise DataError("its HTML is nested more deeply than a page is; save it again from a browser") from error
    return _BLANK_LINES.sub("\n\n", text).strip()


def _title(soup: "BeautifulSoup") -> str:
    """Return the only first-level heading, which leaves the text, else the name in the browser's tab."""
    headings = soup.find_all("h1")
    if len(headings) == 1 and headings[0].get_text(strip=True):
        return " ".join(headings[0].extract().get_text(" ", strip=True).split())
    return " ".join(soup.title.get_text(" ", strip=True).split()) if soup.title else ""


def _canonical(soup: "BeautifulSoup") -> str | None:
    link = soup.find("link", rel="canonical")
    meta = soup.find("meta", property="og:url")
    url = _attribute(link, "href") or _attribute(meta, "content") or ""
    return url if url.startswith(("https://", "http://")) else None


def _attribute(tag: "Tag | None", name: str) -> str | None:
    value = tag.get(name) if tag is not None else None
    return value.strip() or None if isinstance(value, str) else None


def _link_maker(url: str | None, place: str | None) -> Callable[[str], str | None]:
    def target(href: str) -> str | None:
        """Return where a link leads when it stands in an article; None where nobody could follow it."""
        try:
            parts = urlsplit(href)
        except ValueError:
            return None
        if parts.scheme or parts.netloc:
            return href if parts.scheme in ("http", "https", "mailto", "tel") else None
        if place and parts.path and not parts.path.startswith("/") and parts.path.lower().endswith(SUFFIXES):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(place), unquote(parts.path)))
            return None if beside.startswith("..") else f"{page_id(beside)}.md"
        return urljoin(url, href) if url and parts.path else None

    return target


def _mend_links(main: "Tag", target: Callable[[str], str | None]) -> None:
    for link in main.find_all("a"):
        to = target(_attribute(link, "href") or "")
        if to is None or not link.get_text(strip=True):
            link.unwrap()
        else:
            link["href"] = to.replace(" ", "%20").replace("(", "%28").replace(")", "%29")


def _mend_tables(main: "Tag") -> None:
    """Let no sign inside a cell end it."""
    for cell in main.find_all(["td", "th"]):
        for text in cell.find_all(string=re.compile(r"\|")):
            text.replace_with(text.replace("|", "/"))


def _locations(source: Source) -> Iterator[str]:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    try:
        with source.open() as file:
            for _, element in iterparse(file):
                kind = element.tag.rpartition("}")[2]
                if kind == "sitemapindex":
                    raise DataError("it is an index of sitemaps; give the sitemaps themselves")
                if kind == "loc" and (element.text or "").strip():
                    yield element.text.strip()
                element.clear()
    except (ParseError, DefusedXmlException) as error:
        raise DataError(f"it is no sitemap that can be read ({error!r})") from error


def _places(url: str) -> list[str]:
    """Return where the page of an address may have been saved, likeliest first."""
    parts = urlsplit(url)
    path = unquote(parts.path).strip("/")
    whole = [path] if path.lower().endswith(SUFFIXES) else []
    bare = [*whole, *([f"{path}.html"] if path else []), f"{path}/index.html".lstrip("/")]
    return [*bare, *(f"{parts.hostname}/{name}" for name in bare)]


def _is_below(folder: Path, place: str) -> bool:
    root = folder.resolve()
    target = (root / place).resolve()
    return target.is_relative_to(root) and target.is_file()
