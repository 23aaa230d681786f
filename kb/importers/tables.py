"""Questions and answers in a table, CSV or XLSX: a row an article, a header line that names the columns."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import TypeAlias

from kb.importers.archives import check_office_file
from kb.importers.items import Defaults, Item, LeftOut, Source, compose, slug
from kb.importers.pages import page_of
from triage.errors import DataError
from triage.unzip import DAMAGED

# What cities call their columns → the key of the front matter, or `body`.
COLUMNS: Mapping[str, str] = {
    "id": "id", "key": "id", "article id": "id",
    "question": "title", "title": "title", "q": "title", "pregunta": "title", "subject": "title",
    "answer": "body", "body": "body", "text": "body", "a": "body", "content": "body", "response": "body",
    "respuesta": "body",
    "aliases": "aliases", "also asked as": "aliases", "alternate questions": "aliases",
    "service types": "service_types", "service type": "service_types",
    "department": "department", "owner": "owner", "audience": "audience", "language": "language", "url": "url",
    "link": "url", "applies if": "applies_if", "reviewed on": "reviewed_on", "last reviewed": "reviewed_on",
    "review every days": "review_every_days", "valid from": "valid_from", "valid until": "valid_until",
}  # fmt: skip
_LISTS = frozenset({"aliases", "service_types"})
_DATES = frozenset({"reviewed_on", "valid_from", "valid_until"})
_HTML = re.compile(r"</?(?:p|br|div|ul|ol|li|table|h[1-6]|strong|em|b|i|a|span)\b[^<>]*>", re.IGNORECASE)

# What reading a workbook raises where it is none, or damaged; the errors of both XML readers are SyntaxErrors.
_NO_WORKBOOK = (*DAMAGED, KeyError, ValueError, OSError, SyntaxError)

Row: TypeAlias = Sequence[object]


def read_csv(source: Source, defaults: Defaults) -> Iterator[Item]:
    """Yield an article a row; the encoding is UTF-8 or UTF-16 with a mark, else Windows-1252, else Latin-1.

    Raises:
        DataError: If the header names no question or no answer, or a quote is never closed.
    """
    encoding = encoding_of(source)
    with source.open() as file, io.TextIOWrapper(file, encoding, newline="") as text:
        yield from _articles(_csv_rows(text), source.name, defaults)


def read_workbook(source: Source, defaults: Defaults) -> Iterator[Item]:
    """Yield an article a row of every sheet; a sheet without questions and answers is left out.

    Raises:
        DataError: If it is no workbook, or one that unpacks to far too much.
    """
    from openpyxl import load_workbook

    check_office_file(source)
    try:
        book = load_workbook(source.path, read_only=True, data_only=True)
    except _NO_WORKBOOK as error:
        raise DataError(f"it is no XLSX workbook that can be read ({error})") from error
    try:
        for sheet in book.worksheets:
            name = f"{source.name}/{sheet.title}" if len(book.worksheets) > 1 else source.name
            try:
                yield from _articles(_sheet_rows(sheet.iter_rows(values_only=True)), name, defaults)
            except DataError as error:
                yield LeftOut(source=name, reason=str(error))
    finally:
        book.close()


def _sheet_rows(rows: Iterable[Row]) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a sheet with their numbers; a sheet is unpacked while it is read."""
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            yield number, row
    except _NO_WORKBOOK as error:
        raise DataError(f"the sheet is damaged behind row {number} ({error})") from error


def encoding_of(source: Source) -> str:
    """Return the first encoding that can read the whole file."""
    with source.path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    return next((name for name in ("utf-8-sig", "cp1252") if _decodes(source, name)), "latin-1")


def _decodes(source: Source, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with source.path.open("rb") as file:
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _csv_rows(text: io.TextIOWrapper) -> Iterator[tuple[int, Row]]:
    sample = text.readline()
    separator = max(",;\t|", key=sample.count)
    yield 1, next(csv.reader([sample], delimiter=separator), [])
    reader = csv.reader(text, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataError(f"line {line}: {error}; is a quote there never closed, or the file cut off?") from error
        if row is None:
            return
        yield line, row


def _articles(rows: Iterable[tuple[int, Row]], name: str, defaults: Defaults) -> Iterator[Item]:
    numbered = iter(rows)
    header = next(numbered, (1, ()))[1]
    keys = [COLUMNS.get(" ".join(re.findall(r"\w+", str(cell or "").replace("_", " ").lower()))) for cell in header]
    if not {"title", "body"} <= set(keys):
        shown = ", ".join(str(cell)[:40] for cell in header if cell) or "none"
        raise DataError(f"the first line must name a column question and a column answer; it names: {shown}")
    for number, row in numbered:
        cells: dict[str, object] = {}
        for key, cell in zip(keys, row, strict=False):
            if key and cell not in (None, ""):
                cells.setdefault(key, cell)
        if cells:
            yield _article(cells, f"{name}:{number}", defaults, cut_off=len(row) < len(keys))


def _article(cells: Mapping[str, object], source: str, defaults: Defaults, *, cut_off: bool) -> Item:
    title, body = str(cells.get("title", "")), str(cells.get("body", ""))
    stem = slug(PurePosixPath(source.rpartition(":")[0]).stem)
    name = str(cells.get("id", "")).strip() or f"{stem}-{slug(title)}"[:120].strip("-")
    if cut_off and "body" not in cells:
        return LeftOut(source=source, id=name, reason="the line ends before its answer; is the file cut off?")
    try:
        fields = {key: _value(key, cell) for key, cell in cells.items() if key not in ("id", "title", "body")}
        markdown = page_of(body).body if _HTML.search(body) else body
    except (ValueError, DataError) as error:
        return LeftOut(source=source, id=name, reason=str(error))
    return compose(id=name, title=title, body=markdown, source=source, defaults=defaults, fields=fields)


def _value(key: str, cell: object) -> object:
    """Return what the front matter holds for a cell."""
    if key in _LISTS:
        return [part.strip() for part in re.split(r"[|;\n]", str(cell)) if part.strip()]
    if key in _DATES:
        return cell.date() if isinstance(cell, datetime) else _day(str(cell).strip(), key)
    if key == "review_every_days":
        return int(float(str(cell)))
    return str(cell).strip()


def _day(text: str, key: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise ValueError(f"{key} must be a day such as 2026-05-01, got {text[:40]!r}") from None
