"""The `triage` command: every command shows an example, every mistake is a sentence and an exit code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

import cli
import wiring
from tests.fakes import FakeEncoder, fake_parts
from tests.models.samples import MESSAGES
from triage.pipeline import Pipeline
from triage.types import Triage

RUN = CliRunner()
COUCH = "someone dumped a couch behind 2210 Florin Rd"


def commands(command: object, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield the path of every command that is no group."""
    inner: dict[str, object] = getattr(command, "commands", {})
    if not inner:
        yield path
    for name, each in inner.items():
        yield from commands(each, *path, name)


ALL = sorted(commands(typer.main.get_command(cli.app)))


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand fakes where the set-up's models would be opened."""
    monkeypatch.setattr(wiring.Built, "missing", lambda self: ())
    monkeypatch.setattr(wiring, "build_pipeline", lambda settings: Pipeline(fake_parts()))
    monkeypatch.setattr(wiring, "build_service", lambda settings, store: (Pipeline(fake_parts()), None))
    monkeypatch.setattr(wiring, "load_encoder", lambda settings: FakeEncoder())


def main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Run as the console script does and return the exit code."""
    monkeypatch.setattr("sys.argv", ["triage", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_the_commands_of_the_design_are_there() -> None:
    expected = {
        ("serve",),
        ("demo",),
        ("text",),
        ("batch",),
        ("kb", "search"),
        ("model", "train"),
        ("model", "evaluate"),
    }
    assert expected <= set(ALL)


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: tuple[str, ...]) -> None:
    shown = RUN.invoke(cli.app, [*command, "--help"], terminal_width=200)
    assert shown.exit_code == 0
    [example] = [line.strip() for line in shown.stdout.splitlines() if line.strip().startswith("Example:")]
    assert f"triage {' '.join(command)}" in example


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"], ["kb"], ["kb", "-h"], ["model", "-h"]], ids=" ".join)
def test_help_names_the_commands(arguments: list[str]) -> None:
    shown = RUN.invoke(cli.app, arguments)
    group = [word for word in arguments if not word.startswith("-")]
    names = {path[len(group)] for path in ALL if list(path[: len(group)]) == group}
    assert "Usage:" in shown.output
    assert [name for name in names if name not in shown.output] == []


@pytest.mark.usefixtures("ready")
class TestText:
    def test_json_is_the_public_answer(self) -> None:
        shown = RUN.invoke(cli.app, ["text", COUCH, "--channel", "call", "--json"])
        answer = orjson.loads(shown.stdout)
        assert shown.exit_code == 0
        assert list(answer) == list(Triage.__dataclass_fields__)
        assert (answer["channel"], answer["service_types"][0]["code"]) == ("call", "waste.dumping")

    def test_the_page_shows_what_an_agent_needs(self) -> None:
        shown = RUN.invoke(cli.app, ["text", f"{COUCH}, gas smell"])
        for part in (
            "call 911",
            "emergency",
            "Illegal dumping [waste.dumping]",
            "2210 Florin Rd",
            "Two pickups",
            "ask",
        ):
            assert part in shown.stdout

    def test_a_dash_reads_the_input(self) -> None:
        shown = RUN.invoke(cli.app, ["text", "-", "--json"], input=COUCH)
        assert orjson.loads(shown.stdout)["service_types"][0]["code"] == "waste.dumping"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (" ", "triage: text is empty; send what the resident wrote\n"),
            (
                "a\udcff",
                "triage: text holds half a surrogate pair, which no encoding can carry; send well-formed Unicode\n",
            ),
        ],
    )
    def test_a_text_that_is_none_is_a_sentence_and_code_1(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, said: str
    ) -> None:
        assert main(monkeypatch, "text", text) == 1
        assert capsys.readouterr().err == said

    def test_an_unknown_channel_is_a_mistake_of_usage(self) -> None:
        shown = RUN.invoke(cli.app, ["text", COUCH, "--channel", "fax"])
        assert shown.exit_code == 2
        assert "'fax' is not one of" in shown.stderr


@pytest.mark.usefixtures("ready")
class TestBatch:
    @staticmethod
    def run(tmp_path: Path, content: bytes, *options: str) -> tuple[Any, list[Any]]:
        (tmp_path / "in.jsonl").write_bytes(content)
        shown = RUN.invoke(cli.app, ["batch", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), *options])
        written = (tmp_path / "out.jsonl").read_bytes().splitlines() if (tmp_path / "out.jsonl").exists() else []
        return shown, [orjson.loads(line) for line in written]

    def test_a_file_of_good_lines_ends_with_code_0(self, tmp_path: Path) -> None:
        shown, answers = self.run(tmp_path, b'{"id": "a", "text": "couch"}\n{"id": "b", "text": "street"}\n')
        assert shown.exit_code == 0
        assert [answer["message_id"] for answer in answers] == ["a", "b"]
        assert "2 lines triaged" in shown.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]

    def test_a_bad_line_ends_with_code_1_and_all_others_are_answered(self, tmp_path: Path) -> None:
        shown, answers = self.run(tmp_path, b'{"id": "a", "text": "couch"}\nnonsense\n{"id": "c", "text": "street"}')
        assert shown.exit_code == 1
        assert [answer["message_id"] for answer in answers] == ["a", "line-2", "c"]
        assert "1 of them are error records" in shown.stderr

    def test_only_keeps_the_named_fields(self, tmp_path: Path) -> None:
        _, answers = self.run(tmp_path, b'{"id": "a", "text": "couch"}', "--only", "language, urgency,message_id")
        assert [list(answer) for answer in answers] == [["message_id", "language", "urgency"]]

    def test_an_unknown_field_is_refused_before_anything_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "in.jsonl").write_bytes(b"{}")
        target = tmp_path / "out.jsonl"
        assert main(monkeypatch, "batch", str(tmp_path / "in.jsonl"), str(target), "--only", "langauge") == 1
        said = capsys.readouterr().err
        assert said.startswith("triage: --only takes names of the answer's fields, got langauge; they are message_id, ")
        assert not target.exists()

    def test_an_empty_file_gives_an_empty_file(self, tmp_path: Path) -> None:
        shown, answers = self.run(tmp_path, b"")
        assert (shown.exit_code, answers) == (0, [])
        assert (tmp_path / "out.jsonl").read_bytes() == b""

    def test_a_file_that_is_not_there_is_a_mistake_of_usage(self, tmp_path: Path) -> None:
        shown = RUN.invoke(cli.app, ["batch", str(tmp_path / "none.jsonl"), str(tmp_path / "out.jsonl")])
        assert shown.exit_code == 2
        assert "does not exist" in shown.stderr.replace("\n", " ")


@pytest.mark.usefixtures("ready")
class TestSearch:
    def test_json_is_the_search_result(self) -> None:
        shown = RUN.invoke(cli.app, ["kb", "search", "where to put a couch", "--json"])
        found = orjson.loads(shown.stdout)
        assert (found["status"], found["answers"][0]["article_id"]) == ("answer", "bulky-item-pickup")

    def test_the_page_quotes_with_source_and_date(self) -> None:
        shown = RUN.invoke(cli.app, ["kb", "search", "couch", "-k", "1"])
        for part in (
            "80%",
            "Bulky item pickup — How to book",
            "Two pickups a year",
            "city.example/bulky",
            "2026-05-01",
        ):
            assert part in shown.stdout
        assert RUN.invoke(cli.app, ["kb", "search", "zzz"]).stdout == "none: 0 answers\n"

    def test_how_many_is_bounded(self) -> None:
        assert RUN.invoke(cli.app, ["kb", "search", "couch", "-k", "0"]).exit_code == 2


@pytest.mark.usefixtures("ready")
def test_a_model_is_trained_into_its_folder_and_measured(tmp_path: Path) -> None:
    data = tmp_path / "labels.jsonl"
    rows = [{"text": text, "label": label} for label, texts in MESSAGES.items() for text in texts]
    data.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    trained = RUN.invoke(cli.app, ["model", "train", str(data), "--out", str(tmp_path / "m")])
    assert trained.exit_code == 0
    assert orjson.loads(trained.stdout)["examples"] == len(rows)
    measured = RUN.invoke(cli.app, ["model", "evaluate", str(tmp_path / "m"), str(data), "--json"])
    report = orjson.loads(measured.stdout)
    assert (report["n"], report["metrics"]["accuracy"]) == (len(rows), 1.0)


@pytest.mark.usefixtures("ready")
def test_a_label_file_with_a_fault_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.jsonl").write_bytes(b'{"text": "a", "label": "b"}\n{"text": "a"}')
    assert main(monkeypatch, "model", "train", str(tmp_path / "labels.jsonl"), "--out", str(tmp_path / "m")) == 1
    assert f"triage: {tmp_path / 'labels.jsonl'}:2: needs" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_wrong_settings_are_all_said_and_end_with_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_PORT", "http")
    monkeypatch.setenv("TRIAGE_MIN_PROBABILITY", "high")
    assert main(monkeypatch, "text", COUCH) == 2
    assert sorted(capsys.readouterr().err.splitlines()) == [
        "TRIAGE_PORT must be a whole number in [1, 65535], got 'http'",
        "triage: TRIAGE_MIN_PROBABILITY must be a number in [0, 1], got 'high'",
    ]


def test_an_unknown_command_is_a_mistake_of_usage() -> None:
    shown = RUN.invoke(cli.app, ["traige"])
    assert shown.exit_code == 2
    assert "No such command" in shown.stderr
