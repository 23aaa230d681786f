"""`triage outbox`: from a file of back ends to deliveries that arrive, are listed, retried and reconciled."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

import cli
from tests.receiving import Answer, System, serving
from tests.store.samples import POTHOLE, pair_of
from triage.types import Decision, Mode
from wiring import Settings, open_database

RUN = CliRunner()
MAIN = Decision(mode=Mode.AUTO, service_type="water.main_break", department="Water")


@pytest.fixture
def system() -> System:
    return System()


@pytest.fixture(autouse=True)
def _city(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serving(system) as url:
        (tmp_path / "city.yaml").write_text(
            f"back_ends:\n  - {{name: events, kind: cloudevents, url: '{url}', secret: EVENTS_SECRET}}\n", "utf-8"
        )
        monkeypatch.setenv("TRIAGE_BACKENDS", str(tmp_path / "city.yaml"))
        monkeypatch.setenv("EVENTS_SECRET", "a secret of the tests")
        yield


def run(*words: str) -> Result:
    return RUN.invoke(cli.app, ["outbox", *words])


def decide() -> None:
    with open_database(Settings.from_env()) as store:
        store.save([pair_of("m-1", MAIN)])


def test_what_is_decided_is_due_then_sent_then_agrees(system: System) -> None:
    decide()
    assert [row["state"] for row in orjson.loads(run("list", "--json").stdout)] == ["due"]
    assert run("reconcile").exit_code == 0
    sent = run("run", "--once")
    assert (sent.exit_code, sent.stderr) == (0, "1 deliveries arrived.\n")
    assert len(system.done) == 1
    assert run("list", "--state", "due", "--json").stdout == "[]\n"
    done = run("reconcile")
    assert (done.exit_code, done.stdout) == (0, "1 contacts decided; 1 expected elsewhere; 1 agree\n")


def test_a_dead_letter_is_listed_reconciled_and_retried(system: System) -> None:
    decide()
    system.choose = lambda: Answer(status=422, is_done=False)
    run("run", "--once")
    page = run("list", "--state", "dead")
    assert "HTTP 422" in page.stdout
    assert page.stderr == "0 due, 0 sent, 1 dead\n"
    reconciled = run("reconcile", "--json")
    assert reconciled.exit_code == 1
    assert [each["why"] for each in orjson.loads(reconciled.stdout)["differences"]] == ["given up"]
    assert run("retry", "1").exit_code == 0
    system.choose = lambda: Answer()
    assert run("run", "--once").stderr == "1 deliveries arrived.\n"


def test_a_request_that_was_closed_by_hand_is_withdrawn() -> None:
    decide()
    with open_database(Settings.from_env()) as store:
        store.decide("m-1", POTHOLE, "ada", 1)
        store.links.link("m-1", "works", "2041")
    assert run("withdrawn", "works", "2041").exit_code == 0
    with open_database(Settings.from_env()) as store:
        [link] = store.links.of("m-1")
    assert link.withdrawn_at is not None


def test_without_back_ends_there_is_nobody_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIAGE_BACKENDS")
    with pytest.raises(Exception, match="TRIAGE_BACKENDS"):
        RUN.invoke(cli.app, ["outbox", "run", "--once"], catch_exceptions=False)


def test_a_wrong_file_stops_whoever_would_decide(tmp_path: Path) -> None:
    (tmp_path / "city.yaml").write_text("back_ends:\n  - {name: x, kind: fax}\n", "utf-8")
    with pytest.raises(Exception, match=r"city\.yaml: back end 1: kind must be one of"):
        open_database(Settings.from_env())
