"""`triage db …`, on a database of its own."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

import cli
import wiring
from tests.fakes import fake_parts
from tests.store.samples import POTHOLE, message_of
from triage.cells import CellPolicy
from triage.pipeline import Pipeline
from triage.policy import ThresholdPolicy
from triage.standing_cells import StandingCells
from triage.store import SqlTriageStore
from triage.store.database import Database
from triage.store.schema import REVISION

RUN = CliRunner()


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Store one decided message; return the database's URL."""
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path))
    monkeypatch.setattr(wiring.Built, "missing", lambda self: ())
    monkeypatch.setattr(wiring, "build_service", lambda settings, store: (Pipeline(fake_parts()), None))
    settings = wiring.Settings.from_env()
    message = message_of("m-1", "A pothole at 12 Oak Street, call 916-555-0123.")
    with wiring.open_database(settings) as store:
        store.save([(message, Pipeline(fake_parts()).triage(message))])
        store.decide("m-1", POTHOLE, "ada", 1)
    return settings.store_url


def test_upgrade_says_the_revision(stored: str) -> None:
    result = RUN.invoke(cli.app, ["db", "upgrade"])
    assert (result.exit_code, result.output) == (0, f"The database has revision {REVISION}.\n")


def test_export_hides_personal_data_unless_told_otherwise(stored: str, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    for options, text in (
        ([], "A pothole at 12 Oak Street, call [phone]."),
        (["--hide-addresses"], "A pothole at [address], call [phone]."),
        (["--no-redact", "--case", "m-1"], "A pothole at 12 Oak Street, call 916-555-0123."),
    ):
        result = RUN.invoke(cli.app, ["db", "export", str(target), "--format", "jsonl", *options])
        assert result.exit_code == 0, result.output
        assert orjson.loads(target.read_bytes())["texts"][0]["text"] == text


def test_export_of_a_time_in_which_nothing_came_is_empty(stored: str, tmp_path: Path) -> None:
    result = RUN.invoke(cli.app, ["db", "export", str(tmp_path / "o.csv"), "--until", "2020-01-01"])
    assert result.exit_code == 0
    assert "0 cases written" in result.output


def test_verify_fails_where_a_row_was_changed(stored: str) -> None:
    assert RUN.invoke(cli.app, ["db", "verify"]).exit_code == 0
    database = Database(stored)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE decisions SET decided_by = 'eve' WHERE version = 2")
    database.close()
    result = RUN.invoke(cli.app, ["db", "verify", "--json"])
    assert result.exit_code == 1
    assert "decision 2 was changed" in result.output


def test_replay_says_whether_the_answer_is_the_same(stored: str) -> None:
    result = RUN.invoke(cli.app, ["db", "replay", "m-1"])
    assert result.exit_code == 0
    assert "the same answer" in result.output


def test_replay_fails_where_an_answer_was_changed_past_the_store(stored: str) -> None:
    database = Database(stored)
    with database.writing() as connection:
        connection.exec_driver_sql("""UPDATE triages SET answer = REPLACE(answer, '"code":"en"', '"code":"es"')""")
    database.close()
    result = RUN.invoke(cli.app, ["db", "replay", "m-1"])
    assert result.exit_code == 1
    assert "no version has changed" in result.output


def test_replay_answers_with_the_cells_that_the_service_answers_with(
    stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def served(settings: wiring.Settings, store: SqlTriageStore) -> tuple[Pipeline, None]:
        return Pipeline(fake_parts(policy=CellPolicy(ThresholdPolicy(), StandingCells(store.policy)))), None

    monkeypatch.setattr(wiring, "build_service", served)
    message = message_of("m-2", "A pothole at 12 Oak Street.")
    with wiring.open_database(wiring.Settings.from_env()) as store:
        pipeline, _ = served(wiring.Settings.from_env(), store)
        store.save([(message, pipeline.triage(message))])
        assert "the same answer" in RUN.invoke(cli.app, ["db", "replay", "m-2"]).output
        store.policy.set(mode="off", reason="a new city", by="lea")
    changed = RUN.invoke(cli.app, ["db", "replay", "m-2"])
    assert changed.exit_code == 0
    assert "policy was threshold-0.5+0, is threshold-0.5+1" in changed.output


def test_retention_dry_run_says_what_would_go(stored: str) -> None:
    result = RUN.invoke(cli.app, ["db", "retention", "--dry-run"])
    assert result.exit_code == 0
    assert "0 contacts, 0 rows in all, would be deleted" in result.output
