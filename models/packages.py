"""Installs Argos Translate packages from the official index, a mirror or a folder.

What was installed stays until the new package is whole, checked and opened.
"""

import errno
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlparse

import httpx2
from packaging.version import InvalidVersion, Version

from models.translation_engines import READS, ArgosEngine
from triage import unzip
from triage.errors import DataError, ModelError
from triage.unzip import DAMAGED, Limits

TIMEOUT_S = 30.0
TRIES = 4
UNPACKED = Limits(unpacked_bytes=1_500_000_000)
ROOM = 3.0  # free space asked for, in sizes of the archive

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """One line of an index.

    Attributes:
        from_code: Argos code of the language that it reads.
        version: As the index gives it.
        link: Where the archive is: URL or path.
        sha256: Of the archive, None where the index has none.
    """

    from_code: str
    version: str
    link: str
    sha256: str | None = None


def fetch(codes: Sequence[str], index: str, home: Path, progress: Progress) -> list[Path]:
    """Install the newest package of each language and return their folders.

    Args:
        codes: BCP 47 or Argos codes: es, zh-Hans or zh, …
        index: URL or path of an index.json, or a folder that holds one or `.argosmodel` files.
        home: Folder of installed packages; made where it is missing.
        progress: Told of (what, bytes done, bytes in all).

    Raises:
        ModelError: Saying which package failed, why, and what to do; packages installed before stay as they were.
    """
    rows = read_index(index)
    wanted = [_newest(rows, _argos_code(code), index) for code in codes]
    home.mkdir(parents=True, exist_ok=True)
    return [_install(row, home, progress) for row in wanted]


def read_index(index: str) -> list[PackageRow]:
    """Return every package into English that an index lists.

    Raises:
        ModelError: If it cannot be read, or is no index.
    """
    path = Path(index)
    if not _is_url(index) and path.is_dir() and not (path / "index.json").exists():
        return [_row_of_archive(archive) for archive in sorted(path.glob("*.argosmodel"))]
    base = index if _is_url(index) or path.is_file() else str(path / "index.json")
    try:
        if _is_url(base):
            answer = httpx2.get(base, timeout=TIMEOUT_S, follow_redirects=True).raise_for_status()
            entries = answer.json()
        else:
            entries = json.loads(Path(base).read_text("utf-8"))
        rows = [_row(entry, base) for entry in entries if entry.get("to_code") == "en" and entry.get("links")]
    except (httpx2.HTTPError, OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(
            f"the package index {index} cannot be read ({type(error).__name__}: {error}); "
            "set TRIAGE_PACKAGE_INDEX to a mirror or to a folder of .argosmodel files"
        ) from error
    return rows


def _row(entry: Mapping[str, Any], base: str) -> PackageRow:
    link = str(entry["links"][0])
    absolute = urljoin(base, link) if _is_url(base) else link if _is_url(link) else str(Path(base).parent / link)
    return PackageRow(
        from_code=str(entry["from_code"]),
        version=str(entry.get("package_version") or "0"),
        link=absolute,
        sha256=entry.get("sha256"),
    )


def _row_of_archive(archive: Path) -> PackageRow:
    facts = json.loads(_read_member(archive, "metadata.json"))
    return PackageRow(
        from_code=str(facts.get("from_code")), version=str(facts.get("package_version") or "0"), link=str(archive)
    )


def _newest(rows: Sequence[PackageRow], code: str, index: str) -> PackageRow:
    fitting = [row for row in rows if row.from_code == code]
    if not fitting:
        known = ", ".join(sorted({row.from_code for row in rows})) or "nothing"
        raise ModelError(f"{index} has no package {code} → en; it has {known}")
    return max(fitting, key=lambda row: _version(row.version))


def _install(row: PackageRow, home: Path, progress: Progress) -> Path:
    name = f"{row.from_code} → en {row.version}"
    scratch = home / f".{row.from_code}_en"
    archive = home / f".{row.from_code}_en-{row.version}.argosmodel.part"
    with _explained(name, home), _removed_at_the_end(scratch):
        if _is_url(row.link):
            _download(row, archive, progress, name)
        else:
            _need_room(home, Path(row.link).stat().st_size, name)
            shutil.copyfile(row.link, archive)
        _check_sum(row, archive, name)
        shutil.rmtree(scratch, ignore_errors=True)
        _unpack(archive, scratch, name)
        facts = json.loads((scratch / "metadata.json").read_text("utf-8"))
        if (facts.get("from_code"), facts.get("to_code")) != (row.from_code, "en"):
            archive.unlink()
            raise ModelError(
                f"{name}: the archive translates {facts.get('from_code')} → {facts.get('to_code')}; "
                "the index is wrong: try another mirror. What was installed before stays"
            )
        ArgosEngine.load(scratch).translate(["1"])
        archive.unlink()
        return _swap(scratch, home / f"{row.from_code}_en")


def _download(row: PackageRow, archive: Path, progress: Progress, name: str) -> None:
    """Fetch into `archive`, going on where a broken transfer stopped, also one of an earlier run."""
    for attempt in range(TRIES):
        have = archive.stat().st_size if archive.exists() else 0
        try:
            headers = {"Range": f"bytes={have}-"} if have else {}
            with httpx2.stream("GET", row.link, headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as answer:
                if answer.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE:
                    return
                answer.raise_for_status()
                resumed = answer.status_code == httpx2.codes.PARTIAL_CONTENT
                have = have if resumed else 0
                total = have + int(answer.headers.get("content-length") or 0)
                _need_room(archive.parent, total, name)
                with archive.open("ab" if resumed else "wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
                        have += len(chunk)
                        progress(name, have, max(total, have))
            if have >= total:
                return
        except httpx2.TransportError:
            if attempt == TRIES - 1:
                raise
    raise ModelError(f"{name}: the transfer broke off {TRIES} times; run the command again, it goes on from there")


def _check_sum(row: PackageRow, archive: Path, name: str) -> None:
    if row.sha256 is None:
        return
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != row.sha256:
        archive.unlink()
        raise ModelError(f"{name}: sha256 is {digest}, the index says {row.sha256}; run the command again")


def _unpack(archive: Path, target: Path, name: str) -> None:
    """Unpack the archive's one folder as `target`."""
    try:
        with zipfile.ZipFile(archive) as file:
            unzip.check_size(file, UNPACKED)
            for member in file.infolist():
                reason, parts = unzip.refusal(member), unzip.inner_path(member).parts
                if reason:
                    raise DataError(f"{member.filename[:200]!r}: {reason}")
                if len(parts) > 1 and not member.is_dir():
                    unzip.write(file, member, target.joinpath(*parts[1:]))
    except (*DAMAGED, DataError) as error:
        archive.unlink()
        raise ModelError(f"{name}: the archive is corrupt ({error}); run the command again") from error


def _swap(scratch: Path, target: Path) -> Path:
    """Put the new folder in the place of the old one, which goes last."""
    old = target.with_name(f".old-{target.name}")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    scratch.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target


@contextmanager
def _removed_at_the_end(scratch: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _explained(name: str, home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else f"{type(error).__name__}: {error}"
        raise ModelError(f"{name} was not installed: {why} ({home}); what was installed before stays") from error
    except httpx2.HTTPError as error:
        raise ModelError(f"{name} was not fetched ({error}); run the command again, it goes on from there") from error


def free_bytes(folder: Path) -> int:
    """Return the space left where a folder is."""
    return shutil.disk_usage(folder).free


def _need_room(folder: Path, size: int, name: str) -> None:
    free = free_bytes(folder)
    if free < size * ROOM:
        raise ModelError(
            f"{name} needs about {size * ROOM / 1e6:,.0f} MB in {folder}, {free / 1e6:,.0f} MB are free; "
            "make room or set TRIAGE_HOME to another disk"
        )


def _read_member(archive: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as file:
            member = next(info for info in file.infolist() if PurePosixPath(info.filename).name == name)
            return file.read(member)
    except (zipfile.BadZipFile, StopIteration, OSError) as error:
        raise ModelError(f"{archive} is no Argos package: {type(error).__name__}") from error


def _argos_code(code: str) -> str:
    return next((argos for argos, ours in READS.items() if code in ours and argos != "pb"), code)


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _is_url(text: str) -> bool:
    return urlparse(text).scheme in ("http", "https")
