"""DOCX by way of the HTML that it means, PDF by its text layer, a section a page."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from kb.importers.archives import check_office_file
from kb.importers.items import Defaults, Item, LeftOut, Source, compose
from kb.importers.pages import page_id, page_of
from triage.errors import DataError
from triage.unzip import DAMAGED

MAX_PAGES = 2_000
# A line that ends a sentence and leaves this share of the width free ends its paragraph.
FREE_SHARE = 0.15
_SENTENCE_END = re.compile(r"[.!?:。！？][\"'”’)]?$")
_MARK_AT_START = re.compile(r"^(#{1,6}\s|---|===|```|~~~)")


def read_docx(source: Source, defaults: Defaults) -> Iterator[Item]:
    """Yield the one article of a Word document: headings, lists and tables stay, pictures go.

    Raises:
        DataError: If it is no whole DOCX file, or one that unpacks to far too much.
    """
    from xml.parsers.expat import ExpatError

    import mammoth

    check_office_file(source)
    try:
        with source.path.open("rb") as file:
            html = mammoth.convert_to_html(file, convert_image=lambda image: [], include_default_style_map=True).value
    except (*DAMAGED, KeyError, ValueError, OSError, ExpatError, RecursionError, AttributeError, IndexError) as error:
        raise DataError(f"it is no DOCX file that can be read ({type(error).__name__})") from error
    page = page_of(html)
    yield compose(id=page_id(source.name), title=page.title or _name(source), body=page.body, source=source.name,
                  defaults=defaults)  # fmt: skip


def read_pdf(source: Source, defaults: Defaults) -> Iterator[Item]:
    """Yield the one article of a PDF file.

    Raises:
        DataError: If it is damaged, cut off, encrypted, or longer than MAX_PAGES.
    """
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        with source.open() as file:
            reader = PdfReader(file)
            if reader.is_encrypted and not reader.decrypt(""):
                raise DataError("it is encrypted; save it without a password")
            if len(reader.pages) > MAX_PAGES:
                raise DataError(f"it has {len(reader.pages):,} pages, at most {MAX_PAGES:,} are read; split it")
            title = str((reader.metadata.title if reader.metadata else None) or "")
            pages = [page.extract_text() for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as error:
        raise DataError(f"it is no whole PDF file ({type(error).__name__}: {str(error)[:80]})") from error
    identifier = page_id(source.name)
    if not any(page.strip() for page in pages):
        reason = "it has no text layer: it is a scan; run text recognition (OCR) over it first"
        yield LeftOut(source=source.name, id=identifier, reason=reason)
        return
    yield compose(id=identifier, title=title or _name(source), body=_sections(pages), source=source.name,
                  defaults=defaults)  # fmt: skip


def _name(source: Source) -> str:
    return PurePosixPath(source.name).stem.replace("-", " ").replace("_", " ")


def _sections(pages: Iterable[str]) -> str:
    """Return pages as Markdown sections, so that an answer names its page."""
    parts = [f"## Page {number}\n\n{_paragraphs(page)}" for number, page in enumerate(pages, start=1) if page.strip()]
    return "\n\n".join(parts) if len(parts) > 1 else _paragraphs("\n".join(pages))


def _paragraphs(page: str) -> str:
    lines = [" ".join(line.split()) for line in page.splitlines()]
    width = max((len(line) for line in lines), default=0)
    ended = (
        f"{_MARK_AT_START.sub(_escaped, line)}\n"
        + ("\n" if _SENTENCE_END.search(line) and len(line) < width * (1 - FREE_SHARE) else "")
        for line in lines
    )
    return re.sub(r"\n{3,}", "\n\n", "".join(ended)).strip()


def _escaped(mark: "re.Match[str]") -> str:
    return f"\\{mark[0]}"
