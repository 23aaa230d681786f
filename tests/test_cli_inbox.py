"""`triage inbox import`: the folder is looked at, and the knowledge base followed, until it is stopped."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
import cli_inbox
import wiring
from tests.fakes import fake_parts
from triage import mail_folder
from triage.mail_folder import Dropped
from triage.pipeline import Pipeline
from wiring import Settings


class FakeWatch:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("start")

    def stop(self) -> None:
        self.told.append("stop")


class StoppingFolder:
    """Finds a mail that is none, and the service is told to stop meanwhile."""

    def __init__(self, watch: FakeWatch) -> None:
        self.watch = watch

    def work_off(self) -> Iterator[Dropped]:
        self.watch.told.append("look")
        signal.raise_signal(signal.SIGTERM)
        yield Dropped(name="a.eml", outcome="rejected", detail="is empty")


class FolderOfTwo:
    """Holds a mail that fails or comes in, and one that was written a moment ago."""

    def __init__(self, outcome: str, *, stops: bool = False) -> None:
        self.looks = [(outcome, "a.eml"), ("stored", "b.eml")]
        self.stops = stops

    def work_off(self) -> Iterator[Dropped]:
        outcome, name = self.looks.pop(0)
        if self.stops:
            signal.raise_signal(signal.SIGTERM)
        yield Dropped(name=name, outcome=outcome, detail="x")
        yield Dropped(name=f"next-{name}", outcome="stored", detail="x")

    def unsettled(self) -> int:
        return len(self.looks)


def imported(folder: FolderOfTwo, path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[str]]:
    monkeypatch.setattr(cli_inbox, "ready_settings", Settings.from_env)
    monkeypatch.setattr(mail_folder, "SETTLED_AFTER_S", 0.0)
    monkeypatch.setattr(wiring, "build_mail_folder", lambda *_: (folder, FakeWatch()))
    run = CliRunner().invoke(cli.app, ["inbox", "import", str(path)])
    return run.exit_code, [line.split()[1] for line in run.stdout.splitlines()]


@pytest.fixture
def _signals() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
def test_a_watched_folder_follows_the_articles_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = FakeWatch()
    monkeypatch.setattr(cli_inbox, "ready_settings", Settings.from_env)
    monkeypatch.setattr(wiring, "build_mail_folder", lambda *_: (StoppingFolder(watch), watch))
    run = CliRunner().invoke(cli.app, ["inbox", "import", str(tmp_path), "--watch"])
    assert (run.exit_code, run.stdout) == (1, "rejected  a.eml  is empty\n")
    assert watch.told == ["start", "look", "stop"]


def test_a_mail_folder_comes_with_the_watch_of_its_knowledge_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = FakeWatch()
    monkeypatch.setattr(wiring, "build_service", lambda *_: (Pipeline(fake_parts()), watch))
    settings = Settings.from_env()
    with wiring.open_database(settings) as store:
        found: list[object] = [*wiring.build_mail_folder(settings, store, tmp_path)]
    assert found[1] is watch


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize(("outcome", "exit_code"), [("stored", 0), ("rejected", 1), ("failed", 1)])
def test_an_import_waits_for_what_was_just_written_and_says_whether_all_came_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: str, exit_code: int
) -> None:
    found = imported(FolderOfTwo(outcome), tmp_path, monkeypatch)
    assert found == (exit_code, ["a.eml", "next-a.eml", "b.eml", "next-b.eml"])


@pytest.mark.usefixtures("_signals")
def test_an_import_that_is_told_to_stop_ends_after_the_mail_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert imported(FolderOfTwo("stored", stops=True), tmp_path, monkeypatch) == (1, ["a.eml"])
