"""Labelled messages on disk: JSON lines with `text`, `label` and, where known, more."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from triage.errors import DataError
from triage.text import readable
from triage.types import Message

OUT_OF_SCOPE = "oos"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One labelled message. `group` names what must not be torn apart between training and test: its writer.

    `language` is a BCP 47 code.
    """

    text: str
    label: str
    group: str = ""
    language: str = "en"


def default_data() -> Path:
    """Return the folder of the project's own messages."""
    return Path(str(files("models") / "data" / "messages"))


def read_examples(path: Path) -> list[Example]:
    """Read one file, or all `*.jsonl` and `*.jsonl.gz` of a folder in order of their names.

    Raises:
        DataError: If nothing is there, or a line is not an object with a text and a label; names the line.
    """
    sources = sorted((*path.glob("*.jsonl"), *path.glob("*.jsonl.gz"))) if path.is_dir() else [path]
    examples = [example for source in sources for example in _read_file(source)]
    if not examples:
        raise DataError(f"{path}: no labelled messages; give a .jsonl file, or a folder of them")
    return examples


def digest_of(examples: Sequence[Example]) -> str:
    """Return eight hexadecimal digits that name these examples."""
    lines = "\n".join(f"{example.label}\t{example.text}" for example in examples)
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _read_file(path: Path) -> Iterator[Example]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _example(line, f"{path}:{number}", path.name.split(".")[0])
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def _example(line: str, place: str, source: str) -> Example:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: is not JSON ({error})") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not isinstance(row.get("label"), str):
        raise DataError(f'{place}: needs {{"text": "…", "label": "…"}}, got {line.strip()[:60]!r}')
    read = readable(Message(id="example", text=row["text"]))
    return Example(
        text=read, label=row["label"], group=str(row.get("writer") or source), language=str(row.get("language") or "en")
    )
