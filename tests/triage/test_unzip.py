import zipfile
from pathlib import Path

import pytest

from triage import unzip
from triage.errors import DataError
from triage.unzip import Limits

LINK = 0o120777 << 16


def member(name: str, *, attributes: int = 0, flags: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.filename, made.external_attr, made.flag_bits = name, attributes, flags
    return made


def packed(path: Path, files: dict[str, bytes]) -> zipfile.ZipFile:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("name", ["../up", "/abs", "a/../../up", "..\\win", "C:\\win", "C:/win", ""])
def test_a_path_that_climbs_out_is_refused(name: str) -> None:
    assert unzip.refusal(member(name)) == "its path climbs out of the archive"


def test_links_and_encrypted_files_are_refused_and_others_are_not() -> None:
    assert unzip.refusal(member("passwd", attributes=LINK)) == "it is a link, and links are not followed"
    assert unzip.refusal(member("a.txt", flags=0x1)) == "it is encrypted; unpack the archive by hand"
    assert unzip.refusal(member("folder\\a.txt")) is None
    assert unzip.inner_path(member("folder\\a.txt")).as_posix() == "folder/a.txt"


def test_too_many_files_too_many_bytes_and_a_bomb_are_refused_before_they_are_written(tmp_path: Path) -> None:
    with packed(tmp_path / "a.zip", {"a": b"x" * 10, "b": b"y" * 10}) as archive:
        unzip.check_size(archive, Limits(unpacked_bytes=20, files=2))
        with pytest.raises(DataError, match="it holds 2 files, at most 1 are read"):
            unzip.check_size(archive, Limits(unpacked_bytes=20, files=1))
        with pytest.raises(DataError, match="it unpacks to 20 bytes, at most 19 are read"):
            unzip.check_size(archive, Limits(unpacked_bytes=19))
    with (
        packed(tmp_path / "b.zip", {"a": b" " * 20_000_000}) as bomb,
        pytest.raises(DataError, match="times its size, which is a zip bomb"),
    ):
        unzip.check_size(bomb, Limits(unpacked_bytes=10**9))


def test_what_is_written_is_what_was_packed_and_a_wrong_checksum_is_seen(tmp_path: Path) -> None:
    with packed(tmp_path / "a.zip", {"d/a.txt": b"water" * 1000}) as archive:
        unzip.write(archive, archive.getinfo("d/a.txt"), tmp_path / "out" / "a.txt")
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"water" * 1000
    with packed(tmp_path / "b.zip", {"a.txt": b"sewer"}) as archive:
        damaged = archive.getinfo("a.txt")
        damaged.CRC ^= 1
        with pytest.raises(zipfile.BadZipFile):
            unzip.write(archive, damaged, tmp_path / "out" / "b.txt")
