"""Labelled messages on disk: JSON lines, CSV or Parquet with `text`, `label` and, where known, more."""

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from triage.errors import DataError
from triage.text import readable
from triage.types import Message

OUT_OF_SCOPE = "oos"
SUFFIXES = (".jsonl", ".csv", ".parquet", ".jsonl.gz", ".csv.gz")
DELIMITERS = ",;\t|"
Row = tuple[str, "Example"]  # where it stands, and what stands there


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One labelled message.

    Attributes:
        text: What a model reads of it.
        label: What an agent called it.
        group: Names what must not be torn apart between training and test: its writer.
        language: BCP 47 code.
        channel: How it came in.
        received_at: When; aware, None where nobody knows.
    """

    text: str
    label: str
    group: str = ""
    language: str = "en"
    channel: str = "web"
    received_at: datetime | None = None


def default_data() -> Path:
    """Return the folder of the project's own messages."""
    return Path(str(files("models") / "data" / "messages"))


def read_examples(path: Path) -> list[Example]:
    """Read one file, or all labelled files of a folder in order of their names.

    Raises:
        DataError: If nothing is there, or a line has no text and label; names the line.
    """
    return [example for _, example in read_rows(path)]


def read_rows(path: Path) -> list[Row]:
    """Read as `read_examples` does, each example with the place it stands at, `FILE:LINE`.

    CSV needs a header with `text` and `label`; its delimiter is told from it. What is no UTF-8 there is read as
    Windows-1252, which holds Latin-1: that is what spreadsheets write. JSON is always UTF-8 (RFC 8259, 8.1).
    """
    sources = sorted(file for file in path.iterdir() if file.name.endswith(SUFFIXES)) if path.is_dir() else [path]
    rows = [row for source in sources for row in _read_file(source)]
    if not rows:
        raise DataError(f"{path}: no labelled messages; give a .jsonl, .csv or .parquet file, or a folder of them")
    return rows


def digest_of(examples: Sequence[Example]) -> str:
    """Return eight hexadecimal digits that name these examples."""
    lines = "\n".join(f"{example.label}\t{example.text}" for example in examples)
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _read_file(path: Path) -> Iterator[Row]:
    name = path.name.removesuffix(".gz")
    records = _csv_records if name.endswith(".csv") else _parquet_records if name.endswith(".parquet") else _json_lines
    for number, record in records(path):
        yield f"{path}:{number}", _example(record, f"{path}:{number}", path.name.split(".")[0])


def _bytes_of(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    content = _bytes_of(path)
    if path.suffix == ".gz" and not content:
        raise DataError(f"{path}: cannot be read (it holds nothing)")
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: cannot be read ({error}); JSON lines are UTF-8") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                cut = "; the file ends in the middle of this line" if number == len(lines) else ""
                raise DataError(f"{path}:{number}: is not JSON ({error}){cut}") from error


def _csv_records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    content = _bytes_of(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    header = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=lambda mark: (header.count(mark), -DELIMITERS.index(mark)))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            yield reader.line_num, record
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num + 1}: is not CSV ({error}); a quote may be open") from error


def _parquet_records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(
            f"{path}: Parquet is read by pyarrow; install it with pip install 'triage-311[train]'"
        ) from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: is not Parquet ({error})") from error


def _example(row: object, place: str, source: str) -> Example:
    if not isinstance(row, Mapping) or not isinstance(row.get("text"), str) or not isinstance(row.get("label"), str):
        raise DataError(f'{place}: needs {{"text": "…", "label": "…"}}, got {_shown(row)}')
    return Example(
        text=readable(Message(id="example", text=_whole(row["text"]))),
        label=_whole(row["label"]).strip(" "),
        group=str(row.get("writer") or source),
        language=str(row.get("language") or "en"),
        channel=str(row.get("channel") or "web"),
        received_at=_moment(row.get("received_at"), place),
    )


def _whole(text: str) -> str:
    """Return a text with every half of a surrogate pair, which no tokenizer reads, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _shown(row: object) -> str:
    """Return the fields of a row and none of its words, which a resident may have written."""
    if isinstance(row, Mapping):
        return "the fields " + (", ".join(sorted(map(str, row))) or "of an empty object")
    return f"a {type(row).__name__}"


def _moment(value: object, place: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise DataError(f"{place}: received_at must be a time as in 2026-11-01T09:30:00Z, got {value!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
