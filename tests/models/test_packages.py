"""Installing translation packages from an index on loopback: what goes wrong is said, and the old package is kept."""

import hashlib
import http.server
import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models import packages
from models.packages import fetch, read_index
from models.translation_engines import ArgosEngine, installed
from tests.models.argos import build_package
from triage.errors import ModelError

pytestmark = pytest.mark.system


class Shelf(http.server.BaseHTTPRequestHandler):
    """Serves the files of `shelf`; breaks a transfer off after `break_after` bytes, as often as `breaks` says."""

    shelf: Path
    url: str
    break_after: int | None = None
    breaks = 0
    ranges: list[str]

    def do_GET(self) -> None:
        path = self.shelf / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if "Range" in self.headers:
            self.ranges.append(self.headers["Range"])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        if self.breaks and self.break_after is not None and path.suffix == ".argosmodel":
            type(self).breaks -= 1
            self.wfile.write(rest[: self.break_after])
            self.close_connection = True
            return
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(tmp_path_factory.mktemp("package"))


@pytest.fixture
def shelf(tmp_path: Path, archive: Path) -> Path:
    folder = tmp_path / "shelf"
    folder.mkdir()
    shutil.copy(archive, folder)
    write_index(folder, archive)
    return folder


@pytest.fixture
def server(shelf: Path) -> Iterator[type[Shelf]]:
    class ThisShelf(Shelf):
        """With counts of its own."""

    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ThisShelf)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    ThisShelf.shelf, ThisShelf.ranges = shelf, []
    ThisShelf.url = f"http://127.0.0.1:{service.server_port}/index.json"
    yield ThisShelf
    service.shutdown()
    service.server_close()


def write_index(folder: Path, archive: Path, **more: str) -> None:
    row = {"from_code": "es", "to_code": "en", "package_version": "1.0", "links": [archive.name], **more}
    (folder / "index.json").write_text(json.dumps([row]), "utf-8")


def nothing(what: str, done: int, total: int) -> None:
    """Follow no progress."""


def test_a_package_is_fetched_checked_installed_and_translates(
    server: type[Shelf], archive: Path, tmp_path: Path
) -> None:
    write_index(server.shelf, archive, sha256=hashlib.sha256(archive.read_bytes()).hexdigest())
    told: list[tuple[str, int, int]] = []
    folders = fetch(["es"], server.url, tmp_path / "home", lambda *step: told.append(step))
    assert folders == [tmp_path / "home" / "es_en"]
    assert told[-1] == ("es → en 1.0", archive.stat().st_size, archive.stat().st_size)
    assert installed(tmp_path / "home") == {"es": folders[0]}
    engine = ArgosEngine.load(folders[0])
    assert engine.name == "argos es→en 1.0"
    assert len(engine.translate(["hay un bache", "no hay agua"])) == 2
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["es_en"]


def test_a_broken_transfer_goes_on_where_it_stopped(server: type[Shelf], tmp_path: Path) -> None:
    server.break_after, server.breaks = 1_000, 2
    fetch(["es"], server.url, tmp_path / "home", nothing)
    assert server.ranges == ["bytes=1000-", "bytes=2000-"]


def test_a_transfer_that_never_ends_well_says_how_to_go_on(server: type[Shelf], tmp_path: Path) -> None:
    server.break_after, server.breaks = 100, 100
    with pytest.raises(ModelError, match="run the command again, it goes on from there"):
        fetch(["es"], server.url, tmp_path / "home", nothing)
    server.breaks = 0
    fetch(["es"], server.url, tmp_path / "home", nothing)
    assert server.ranges[-1] == "bytes=400-"


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda body: body[: len(body) // 2], "is corrupt"),
        (lambda body: b"<html>Sorry</html>", "is corrupt"),
        (lambda body: body.replace(b"PK", b"XX", 3), "is corrupt"),
    ],
)
def test_a_corrupt_archive_is_refused_and_the_old_package_stays(
    server: type[Shelf], archive: Path, tmp_path: Path, harm: Callable[[bytes], bytes], words: str
) -> None:
    home = tmp_path / "home"
    fetch(["es"], server.url, home, nothing)
    (server.shelf / archive.name).write_bytes(harm(archive.read_bytes()))
    with pytest.raises(ModelError, match=words):
        fetch(["es"], server.url, home, nothing)
    assert ArgosEngine.load(home / "es_en").name == "argos es→en 1.0"


def test_an_archive_that_does_not_open_as_a_translator_leaves_nothing_behind(
    server: type[Shelf], archive: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    fetch(["es"], server.url, home, nothing)
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(server.shelf / archive.name, "w") as lacking:
        for member in whole.infolist():
            if not member.filename.endswith("model.bin"):
                lacking.writestr(member, whole.read(member))
    with pytest.raises(ModelError):
        fetch(["es"], server.url, home, nothing)
    assert [path.name for path in home.iterdir() if path.is_dir()] == ["es_en"]
    assert ArgosEngine.load(home / "es_en").name == "argos es→en 1.0"


def test_another_checksum_is_refused(server: type[Shelf], archive: Path, tmp_path: Path) -> None:
    write_index(server.shelf, archive, sha256="0" * 64)
    with pytest.raises(ModelError, match="sha256 is"):
        fetch(["es"], server.url, tmp_path / "home", nothing)


def test_an_archive_of_another_language_is_refused(server: type[Shelf], archive: Path, tmp_path: Path) -> None:
    write_index(server.shelf, archive, from_code="ru")
    with pytest.raises(ModelError, match="the archive translates es → en"):
        fetch(["ru"], server.url, tmp_path / "home", nothing)


def test_a_full_disk_is_said_and_the_old_package_stays(
    server: type[Shelf], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    fetch(["es"], server.url, home, nothing)
    monkeypatch.setattr(packages, "free_bytes", lambda folder: 0)
    with pytest.raises(ModelError, match=r"needs about .* MB in .*0 MB are free"):
        fetch(["es"], server.url, home, nothing)
    assert installed(home) == {"es": home / "es_en"}


def test_a_language_that_the_index_lacks_is_named_with_those_it_has(server: type[Shelf], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no package vi → en; it has es"):
        fetch(["vi"], server.url, tmp_path / "home", nothing)


def test_a_folder_of_archives_is_an_index_too(archive: Path, tmp_path: Path, shelf: Path) -> None:
    (shelf / "index.json").unlink()
    assert [row.from_code for row in read_index(str(shelf))] == ["es"]
    assert fetch(["es"], str(shelf), tmp_path / "home", nothing) == [tmp_path / "home" / "es_en"]


def test_an_index_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{", "utf-8")
    with pytest.raises(ModelError, match="TRIAGE_PACKAGE_INDEX"):
        read_index(str(tmp_path / "index.json"))
