"""`triage model …`: from labelled messages of any kind to a model that answers, and what each refusal says."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import cli
import wiring
from models import finetuning
from models.datasets import Example
from models.encoder import MiniLMEncoder
from tests.fakes import FakeEncoder, fake_parts
from tests.models.samples import MESSAGES, examples, tiny_classifier
from triage.errors import TriageError
from triage.pipeline import Pipeline
from triage.store.labels import LabelSource
from triage.types import Decision, Message, Mode

ROWS = [(each.text, each.label) for each in examples()]


@pytest.fixture(autouse=True)
def _ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring.Built, "missing", lambda self: ())
    monkeypatch.setattr(wiring, "load_encoder", lambda settings: FakeEncoder())
    monkeypatch.setattr(wiring, "load_default_classifier", lambda settings: tiny_classifier())


def run(*arguments: str | Path, expected: int = 0) -> Result:
    done = CliRunner().invoke(cli.app, ["model", *map(str, arguments)])
    assert done.exit_code == expected, (done.output, done.exception)
    return done


def refusal(*arguments: str | Path) -> str:
    done = run(*arguments, expected=1)
    assert isinstance(done.exception, TriageError)
    return str(done.exception)


def lines(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows), "utf-8")
    return path


def registered(tmp_path: Path, n: int = 36) -> str:
    run("train", lines(tmp_path / f"{n}.jsonl", ROWS[:n]), "--out", tmp_path / f"model-{n}")
    return run("register", tmp_path / f"model-{n}").stdout.strip()


# Bad input: a clear error, or a report of what was left out and why.


def test_a_latin_1_csv_trains(tmp_path: Path) -> None:
    table = "\n".join(["text;label", *(f'"{text} cañón";{label}' for text, label in ROWS)])
    (tmp_path / "labels.csv").write_bytes(table.encode("latin-1"))
    facts = json.loads(run("train", tmp_path / "labels.csv", "--out", tmp_path / "m").stdout)
    assert (facts["examples"], facts["left_out"]) == (36, [])
    words = json.loads((tmp_path / "m" / "vocabulary.json").read_text("utf-8"))["words"]
    assert "canon" in words  # read as it was written; words are compared without accents


def test_a_label_with_a_tab_and_an_empty_text_are_left_out_with_their_places(tmp_path: Path) -> None:
    data = lines(tmp_path / "d.jsonl", [*ROWS, ("a hole", "streets.\tpothole"), ("   ", "streets.pothole")])
    done = run("train", data, "--out", tmp_path / "m")
    assert f"left out: 1 because the label holds a tab, a line break or another control character ({data}:37)" in (
        done.stderr.splitlines()
    )
    assert f"left out: 1 because the text is empty ({data}:38)" in done.stderr.splitlines()
    assert "- 1 because the text is empty" in (tmp_path / "m" / "card.md").read_text("utf-8")


def test_a_file_that_ends_in_the_middle_of_a_line_is_refused(tmp_path: Path) -> None:
    data = lines(tmp_path / "d.jsonl", ROWS)
    data.write_text(data.read_text("utf-8")[:-20], encoding="utf-8")
    said = refusal("train", data, "--out", tmp_path / "m")
    assert "d.jsonl:36: is not JSON" in said
    assert said.endswith("the file ends in the middle of this line")
    assert not (tmp_path / "m").exists()


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    data = lines(tmp_path / "d.jsonl", [(text, "streets.pothole") for text, _ in ROWS])
    said = refusal("train", data, "--out", tmp_path / "m")
    assert said == "a classifier needs at least two labels, found ['streets.pothole']"


def test_two_examples_are_refused(tmp_path: Path) -> None:
    data = lines(tmp_path / "d.jsonl", [ROWS[0], ROWS[-1]])
    assert refusal("train", data, "--out", tmp_path / "m") == "a classifier needs at least 10 messages, found 2"


def test_forty_percent_duplicates_are_left_out_and_counted(tmp_path: Path) -> None:
    data = lines(tmp_path / "d.jsonl", [*ROWS, *ROWS[:24]])
    facts = json.loads(run("train", data, "--out", tmp_path / "m").stdout)
    assert facts["examples"] == 36
    assert [(each["n"], each["reason"]) for each in facts["left_out"]] == [
        (24, "the same text and label stand there already")
    ]


def test_labels_that_are_not_in_the_taxonomy_need_labels_any(tmp_path: Path) -> None:
    data = lines(tmp_path / "d.jsonl", [*ROWS, *((f"{text} again", "my.own") for text, _ in ROWS[:6])])
    said = refusal("train", data, "--out", tmp_path / "m")
    assert said.startswith("1 labels are not in the taxonomy: 'my.own'; correct them, or allow them with --labels any")
    run("train", data, "--out", tmp_path / "m", "--labels", "any")
    said = refusal("activate", run("register", tmp_path / "m").stdout.strip())
    assert "has 1 labels that taxonomy" in said


def test_data_or_the_store_not_both_and_not_neither(tmp_path: Path) -> None:
    data = lines(tmp_path / "d.jsonl", ROWS)
    for arguments in (("train",), ("train", data, "--from-store")):
        assert refusal(*arguments) == "name the labelled messages or give --from-store, one of the two"


def test_what_agents_decided_and_labelled_trains_from_the_store(tmp_path: Path) -> None:
    settings = wiring.Settings.from_env()
    messages = [Message(id=f"m-{number}", text=text) for number, (text, _) in enumerate(ROWS)]
    with wiring.open_database(settings) as store:
        store.save(list(zip(messages, Pipeline(fake_parts()).triage_batch(messages), strict=True)))
        for message, (_, label) in zip(messages[:-1], ROWS[:-1], strict=True):
            chosen = Decision(mode=Mode.SUGGEST, service_type=label, department="Streets")
            store.decide(message.id, chosen, "jo", 1)
        store.labels.add(label=ROWS[-1][1], by="ana", source=LabelSource.QUEUE, message_id="m-35")
    facts = json.loads(run("train", "--from-store", "--out", tmp_path / "m").stdout)
    assert (facts["examples"], facts["source"]) == (36, "store")
    assert "split:time" in facts["held_out"]["signature"]
    assert json.loads((tmp_path / "m" / "meta.json").read_text("utf-8"))["labels"] == sorted(MESSAGES)


# Fine-tuning.


class TwentyNumbers(FakeEncoder):
    version = "tuned"

    def __init__(self) -> None:
        super().__init__(20)


def tune(self: finetuning.Tuner, chosen: Sequence[Example], out: Path, progress: object) -> TwentyNumbers:
    out.mkdir()
    (out / "model.bin").write_bytes(f"{len(chosen)} messages, seed {self.tuning.seed}".encode())
    return TwentyNumbers()


def test_a_model_with_an_encoder_of_its_own_is_measured_with_it_and_not_activated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetuning.Tuner, "tune", tune)
    data, out = lines(tmp_path / "d.jsonl", ROWS), tmp_path / "m"
    facts = json.loads(run("train", data, "--out", out, "--finetune", "--seed", "3").stdout)
    assert (facts["encoder"], facts["finetuning"]["tuning"]["seed"]) == ("tuned", 3)
    assert (out / "encoder" / "model.bin").read_text() == "36 messages, seed 3"
    monkeypatch.setattr(MiniLMEncoder, "load", lambda folder, workers: TwentyNumbers())
    measured = json.loads(run("evaluate", out, data, "--json").stdout)
    assert measured["signature"].endswith("encoder:tuned")
    assert "was trained on vectors of tuned" in refusal("activate", run("register", out).stdout.strip())


def test_a_model_of_another_encoders_vectors_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = lines(tmp_path / "d.jsonl", ROWS), tmp_path / "m"
    run("train", data, "--out", out)
    run("evaluate", out, data)
    monkeypatch.setattr(FakeEncoder, "version", "newer")
    assert "was trained on vectors of fake-encoder, this service encodes with newer" in refusal("evaluate", out, data)
    (out / "meta.json").unlink()
    run("evaluate", out, data)


def test_fine_tuning_without_torch_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetuning, "find_spec", lambda name: None)
    data = tmp_path / "d.jsonl"
    data.write_text("no JSON", encoding="utf-8")
    assert "run `pip install torch sentence-transformers`" in refusal("train", data, "--finetune")


# The registry.


def test_the_way_from_training_to_rollback(tmp_path: Path) -> None:
    assert "the default model, trained by the set-up, answers" in run("list").stderr
    first, second = registered(tmp_path), registered(tmp_path, 30)
    assert f"{first} is active (not compared: no --data given)" in run("activate", first).stderr
    run("activate", second)
    listed = json.loads(run("list", "--json").stdout)
    assert {each["id"]: each["role"] for each in listed} == {first: "", second: "active"}
    assert f"# Model {second}" in run("card", second).stdout
    assert f"{first} is active" in run("rollback").stderr


def test_a_candidate_that_makes_a_safety_relevant_type_worse_needs_force_and_a_reason(tmp_path: Path) -> None:
    candidate = registered(tmp_path, 30)  # the last label's messages are missing: it cannot know them
    held_out = lines(tmp_path / "held_out.jsonl", ROWS)
    with_tree = [(text, "water.main_break" if label == "waste.dumping" else label) for text, label in ROWS]
    worse = lines(tmp_path / "worse.jsonl", [row for row in with_tree if row[1] == "trees.hazard"])
    assert json.loads(run("list", "--json").stdout)[0]["role"] == ""
    said = refusal("activate", candidate, "--data", held_out)
    assert f"{candidate} is not activated: language en: 1.000 → " in said
    assert refusal("activate", candidate, "--data", worse, "--force") == "--force needs --reason: it is recorded"
    done = run("activate", candidate, "--data", held_out, "--force", "--reason", "the old one is broken")
    assert f"{candidate} is active (the old one is broken)" in done.stderr
    with wiring.open_database(wiring.Settings.from_env()) as store:
        [given] = store.models.history("classifier")
    assert (given.forced, given.reason) == (True, "the old one is broken")


def test_a_candidate_looks_on_and_the_report_says_what_it_saw(tmp_path: Path) -> None:
    candidate = registered(tmp_path)
    assert "no model is in shadow" in refusal("shadow")
    assert f"{candidate} predicts beside the active model" in run("shadow", candidate).stderr
    report = json.loads(run("shadow", "--json").stdout)
    assert (report["candidate"], report["contacts"], report["pairs"]) == (candidate, 0, [])
    assert f"{candidate} looks on no more" in run("shadow", "off").stderr
    run("activate", candidate)
    assert "it has nothing to disagree with" in refusal("shadow", candidate)


# The policy.


def sure(tmp_path: Path) -> Path:
    """Messages of two labels that the fake default model is sure of, each often enough, none near the other."""
    rows = [(f"{text} {number} {'x' * number}", label) for number in range(8) for text, label in ROWS[:12]]
    return lines(tmp_path / "sure.jsonl", rows)


def test_a_new_city_has_no_cells_and_one_is_set_for_a_reason() -> None:
    assert "no cell is set: everything is suggested" in run("policy").stderr
    said = refusal("policy", "--set", "off", "--type", "animal.barking")
    assert said == "--grant and --set need --reason: it is recorded"
    run("policy", "--set", "off", "--type", "animal.barking", "--reason", "the desk is closed")
    [line] = run("policy").stdout.splitlines()
    assert line.split()[:4] == ["off", "animal.barking", "*", "*"]
    assert line.endswith("command line: the desk is closed")
    assert "auto is not set by hand" in refusal("policy", "--set", "auto", "--reason", "now")
    assert "must be a service type" in refusal("policy", "--set", "off", "--type", "no.such", "--reason", "now")


def test_the_simulation_prints_the_coverage_and_changes_nothing(tmp_path: Path) -> None:
    printed = json.loads(run("policy", "--simulate", sure(tmp_path), "--precision", "0.9", "--json").stdout)
    assert (printed["n"], printed["wanted_precision"]) == (96, 0.9)
    assert set(printed["all"]) >= {"coverage", "precision", "lower", "labels", "threshold"}
    assert "no cell is set" in run("policy").stderr


def test_auto_is_granted_from_the_active_models_predictions_and_falls_with_it(tmp_path: Path) -> None:
    said = refusal("policy", "--grant", "auto", "--reason", "measured")
    assert said.startswith("the default model has no held-out predictions of its own")
    data = sure(tmp_path)
    done = run("policy", "--simulate", data, "--grant", "auto", "--precision", "0.9", "--reason", "measured on May")
    assert "2 cells are auto, 0 went back to suggest" in done.stderr
    cells = [json.loads(line) for line in run("policy", "--json").stdout.splitlines()]
    assert [(cell["service_type"], cell["mode"], cell["evidence"]["model"]) for cell in cells] == [
        ("animal.barking", "auto", "default"),
        ("billing.high_bill", "auto", "default"),
    ]
    done = run("activate", registered(tmp_path))
    assert "2 cells of the policy went back to suggest" in done.stderr
    done = run("policy", "--grant", "auto", "--reason", "its own held-out messages")
    assert "0 cells are auto" in done.stderr  # six messages a label are too few to promise anything
    assert "--grant is preselect or auto, got off" in refusal("policy", "--grant", "off", "--reason", "x")
