"""Zip files from elsewhere: looked at before anything is written, and never written outside their folder."""

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from triage.errors import DataError

# What reading raises on a file that is no whole zip file.
DAMAGED = (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error)
CHUNK_BYTES = 1 << 20
# Text packs to a tenth, repeated table cells to a fiftieth; a bomb to a thousandth and less.
MAX_RATIO = 200
_SMALL = 10_000_000  # unpacked bytes up to which the ratio does not matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may hold.

    Attributes:
        unpacked_bytes: Of all files together.
        files: How many.
    """

    unpacked_bytes: int
    files: int = 100_000


def check_size(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Compare what the directory says; reading stops at the sizes it says, so that it cannot lie.

    Raises:
        DataError: If it holds more than the limits, or is a zip bomb.
    """
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > limits.files:
        raise DataError(f"it holds {len(members):,} files, at most {limits.files:,} are read; split it")
    if unpacked > limits.unpacked_bytes:
        raise DataError(f"it unpacks to {unpacked:,} bytes, at most {limits.unpacked_bytes:,} are read; split it")
    if unpacked > _SMALL and unpacked > MAX_RATIO * max(packed, 1):
        raise DataError(f"it unpacks to {unpacked // max(packed, 1):,} times its size, which is a zip bomb")


def refusal(member: zipfile.ZipInfo) -> str | None:
    """Return why a file is not to be written: it climbs out of its folder, is a link or is encrypted; else None."""
    path = inner_path(member)
    if path.is_absolute() or not path.parts or ".." in path.parts or ":" in path.parts[0]:
        return "its path climbs out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "it is a link, and links are not followed"
    if member.flag_bits & 0x1:
        return "it is encrypted; unpack the archive by hand"
    return None


def inner_path(member: zipfile.ZipInfo) -> PurePosixPath:
    """Return a file's place in the archive; a backslash parts folders too, as some programs write it."""
    return PurePosixPath(member.filename.replace("\\", "/"))


def write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write one file, making its folder; its checksum is compared on the way.

    Raises:
        zipfile.BadZipFile: If the checksum differs; another of DAMAGED where it cannot be read at all.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as packed, target.open("wb") as file:
        while chunk := packed.read(CHUNK_BYTES):
            file.write(chunk)
