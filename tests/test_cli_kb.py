"""`triage kb import` and `triage kb check`: what they print, and their exit codes."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

import cli
import wiring
from tests.fakes import FakeEncoder

RUN = CliRunner()
FAQ = "Question,Answer\nHow do I pay?,Online.\nWhen?,\n"
ARTICLE = "---\nid: pay\ntitle: Pay\nservice_types: [billing.payment]\n---\nOnline.\n"


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring.Built, "missing", lambda self: ())
    monkeypatch.setattr(wiring, "load_encoder", lambda settings: FakeEncoder())


def test_an_import_prints_its_report_and_fails_where_something_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(FAQ)
    shown = RUN.invoke(cli.app, ["kb", "import", str(tmp_path / "faq.csv"), "--out", str(tmp_path / "out")])
    assert shown.exit_code == 1
    assert shown.stdout.splitlines() == [
        "added     faq-how-do-i-pay (faq.csv:2)",
        "left out  faq-when (faq.csv:3): it has no text",
    ]
    assert "1 added, 0 changed, 0 removed, 0 unchanged, 0 kept, 1 left out; in " in shown.stderr


def test_a_dry_run_shows_the_diff_as_json_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(FAQ.replace("When?,", "When?,Noon."))
    arguments = ["kb", "import", str(tmp_path / "faq.csv"), "--out", str(tmp_path / "out")]
    assert RUN.invoke(cli.app, arguments).exit_code == 0
    (tmp_path / "faq.csv").write_text(FAQ.replace("When?,", "When?,Four."))
    shown = RUN.invoke(cli.app, [*arguments, "--dry-run", "--json"])
    [change] = [orjson.loads(line) for line in shown.stdout.splitlines()]
    assert (shown.exit_code, change["outcome"], change["id"]) == (0, "changed", "faq-when")
    assert change["diff"][-2:] == ["-Noon.", "+Four."]
    assert "nothing was written" in shown.stderr


def test_an_import_needs_a_folder_to_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faq.csv").write_text(FAQ)
    monkeypatch.setattr("sys.argv", ["triage", "kb", "import", str(tmp_path / "faq.csv")])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    assert "give --out FOLDER, or set TRIAGE_ARTICLES" in capsys.readouterr().err


@pytest.mark.usefixtures("ready")
def test_a_check_fails_on_errors_and_on_warnings_only_when_strict(tmp_path: Path) -> None:
    (tmp_path / "pay.md").write_text(ARTICLE)
    shown = RUN.invoke(cli.app, ["kb", "check", str(tmp_path)])
    assert shown.exit_code == 1
    assert "error    no owner              pay.md: nobody owns it" in shown.stdout
    (tmp_path / "pay.md").write_text(ARTICLE.replace("---\nid", "---\nowner: a@example.org\nid"))
    assert RUN.invoke(cli.app, ["kb", "check", str(tmp_path)]).exit_code == 0
    assert RUN.invoke(cli.app, ["kb", "check", str(tmp_path), "--strict"]).exit_code == 1


@pytest.mark.usefixtures("ready")
def test_a_check_as_json_counts_and_lists(tmp_path: Path) -> None:
    (tmp_path / "pay.md").write_text(ARTICLE)
    report = orjson.loads(RUN.invoke(cli.app, ["kb", "check", str(tmp_path), "--json"]).stdout)
    assert report["errors"] == 1
    assert report["findings"][0] == {
        "rule": "no owner",
        "text": "pay.md: nobody owns it; add owner: with a desk's address",
        "articles": ["pay"],
        "severity": "error",
    }
    assert report["warnings"] == len(report["findings"]) - 1
