"""Zip files: unpacked into a folder of their own within limits, or refused; never outside it."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from kb.importers.items import LeftOut, Source
from triage import unzip
from triage.errors import DataError
from triage.unzip import DAMAGED, Limits

ARCHIVE = Limits(unpacked_bytes=2_000_000_000)
OFFICE_FILE = Limits(unpacked_bytes=150_000_000)


def unpack(source: Source, folder: Path, suffixes: frozenset[str]) -> Iterator[LeftOut]:
    """Write the files with these suffixes below a folder; yield what was left out.

    Names that climb out of the archive, links, encrypted files and archives inside the archive are left out.

    Raises:
        DataError: If it is no zip file, is cut off or damaged, or unpacks to more than the limits; nothing is written
            where the directory of the archive already says so.
    """
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            unzip.check_size(archive, ARCHIVE)
            for member in archive.infolist():
                if member.is_dir():
                    continue
                reason = unzip.refusal(member) or _unread(unzip.inner_path(member).suffix.lower(), suffixes)
                if reason:
                    yield LeftOut(source=f"{source.name}/{member.filename[:200]}", reason=reason)
                else:
                    unzip.write(archive, member, folder / unzip.inner_path(member))
    except DAMAGED as error:
        raise DataError(f"it is no whole zip file ({error})") from error


def check_office_file(source: Source) -> None:
    """Refuse a DOCX or XLSX file that would unpack to far too much.

    Raises:
        DataError: If so, or if it is no zip file, which both formats are.
    """
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            unzip.check_size(archive, OFFICE_FILE)
    except zipfile.BadZipFile as error:
        raise DataError(f"it is no whole {source.path.suffix.lstrip('.').upper()} file ({error})") from error


def _unread(suffix: str, suffixes: frozenset[str]) -> str | None:
    if suffix == ".zip":
        return "it is an archive inside an archive; import it by itself"
    return None if suffix in suffixes else f"{suffix or 'a file without ending'} is no format that is read"
