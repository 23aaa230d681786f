"""What kinds of file the records are handed out as; apart from `export`, so that `--help` opens no database."""

from enum import StrEnum


class Format(StrEnum):
    """What the file is."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
