"""Zip files: unpacked into a folder of their own within limits, or refused; never outside it."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kb.importers.items import LeftOut, Source
from triage.errors import DataError

MAX_FILES = 100_000
MAX_UNPACKED_BYTES = 2_000_000_000
MAX_OFFICE_BYTES = 150_000_000
# Text packs to a tenth, repeated table cells to a fiftieth; a bomb to a thousandth and less.
MAX_RATIO = 200
_SMALL = 10_000_000  # unpacked bytes up to which the ratio does not matter


def unpack(source: Source, folder: Path, suffixes: frozenset[str]) -> Iterator[LeftOut]:
    """Write the files with these suffixes below a folder; yield what was left out.

    Names that climb out of the archive, links, encrypted files and archives inside the archive are left out.

    Raises:
        DataError: If it is no zip file, is cut off or damaged, or unpacks to more than the limits; nothing is written
            where the directory of the archive already says so.
    """
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            _check_size(archive, MAX_UNPACKED_BYTES)
            for member in archive.infolist():
                if member.is_dir():
                    continue
                reason = _refusal(member, suffixes)
                if reason:
                    yield LeftOut(source=f"{source.name}/{member.filename[:200]}", reason=reason)
                else:
                    _write(archive, member, folder)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error) as error:
        raise DataError(f"it is no whole zip file ({error})") from error


def check_office_file(source: Source) -> None:
    """Refuse a DOCX or XLSX file that would unpack to far too much.

    Raises:
        DataError: If so, or if it is no zip file, which both formats are.
    """
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            _check_size(archive, MAX_OFFICE_BYTES)
    except zipfile.BadZipFile as error:
        raise DataError(f"it is no whole {source.path.suffix.lstrip('.').upper()} file ({error})") from error


def _check_size(archive: zipfile.ZipFile, most: int) -> None:
    """Compare what the directory says; reading stops at the sizes it says, so that it cannot lie."""
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > MAX_FILES:
        raise DataError(f"it holds {len(members):,} files, at most {MAX_FILES:,} are read; split it")
    if unpacked > most:
        raise DataError(f"it unpacks to {unpacked:,} bytes, at most {most:,} are read; split it")
    if unpacked > _SMALL and unpacked > MAX_RATIO * max(packed, 1):
        raise DataError(f"it unpacks to {unpacked // max(packed, 1):,} times its size, which is a zip bomb")


def _refusal(member: zipfile.ZipInfo, suffixes: frozenset[str]) -> str | None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return "its path climbs out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "it is a link, and links are not followed"
    if member.flag_bits & 0x1:
        return "it is encrypted; unpack the archive by hand and import the folder"
    if path.suffix.lower() == ".zip":
        return "it is an archive inside an archive; import it by itself"
    if path.suffix.lower() not in suffixes:
        return f"{path.suffix.lower() or 'a file without ending'} is no format that is read"
    return None


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename.replace("\\", "/")
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as packed, target.open("wb") as file:
        while chunk := packed.read(1 << 20):
            file.write(chunk)
