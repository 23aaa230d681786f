"""The analysts' notebooks run from start to end on a store of the demo, and are kept without outputs."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.system.conftest import ROOT
from triage.store import open_store

FOLDER = ROOT / "notebooks"
NAMES = ("01_explore", "02_label", "03_retrain", "04_errors", "05_knowledge_gaps")
SMALL = {
    "02_label": {"parameters": "SIZE, NEWEST, BY = 6, 50, 'test'", "labels": "labels = {0: 'waste.bulky'}"},
    "03_retrain": {
        "parameters": "SAMPLE, PROMOTE = 500, True\nHELD_OUT = ['../benchmarks/data/messages-es.jsonl']",
    },
    "04_errors": {
        "parameters": "SAMPLE, NEWEST = 400, 50\nMEASURED_ON = ['../benchmarks/data/messages-es.jsonl']",
    },
}


@pytest.fixture(scope="module")
def home(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the notebooks' own: what they store is for nobody else."""
    own = tmp_path_factory.mktemp("notebooks") / "home"
    shutil.copytree(prepared_home, own, ignore=shutil.ignore_patterns("triage.db*", "models", "trained"))
    return own


def run(name: str, home: Path, monkeypatch: pytest.MonkeyPatch, changed: Mapping[str, str]) -> list[str]:
    """Run a notebook with other parameters, and return what its cells printed or showed as text."""
    monkeypatch.setenv("TRIAGE_HOME", str(home))
    book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    for cell in book.cells:
        for tag in cell.metadata.get("tags", []):
            if tag in changed:
                first, _, rest = cell.source.partition("\n")
                cell.source = f"{changed[tag]}\n{rest}" if tag == "labels" else changed[tag]
                assert first
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    return [str(each.get("text") or each.get("data")) for each in outputs]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_start_to_end(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run(name, home, monkeypatch, SMALL.get(name, {}))
    assert any("image/png" in each for each in shown) is (name != "02_label")
    if name == "02_label":
        with open_store(f"sqlite:///{home / 'triage.db'}") as store:
            assert [(label.label, label.labelled_by) for label in store.labels.list()] == [("waste.bulky", "test")]
    if name == "03_retrain":
        with open_store(f"sqlite:///{home / 'triage.db'}") as store:
            assert len(store.models.list()) == 1


def test_every_notebook_is_tested_and_kept_without_outputs() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == list(NAMES)
    for name in NAMES:
        book = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        cells = [cell for cell in book.cells if cell.cell_type == "code"]
        assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)
