"""What a notebook opens: contacts of the demo stay where they are made, and a folder is never given twice."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import wiring
import workbench
from tests.fakes import FakeEncoder, fake_parts
from triage.pipeline import Pipeline
from workbench import Workbench, load_samples

BACK_ENDS = """
back_ends:
  - name: events
    kind: cloudevents
    url: https://bus.example.org/events
    secret: EVENTS_SECRET
"""


@pytest.fixture
def connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> wiring.Settings:
    """Settings of a city whose systems are told of decisions."""
    monkeypatch.setenv("EVENTS_SECRET", "x" * 40)
    (tmp_path / "back_ends.yaml").write_text(BACK_ENDS, encoding="utf-8")
    return replace(wiring.Settings.from_env(), back_ends=tmp_path / "back_ends.yaml")


def test_no_system_is_told_of_the_demos_contacts(connected: wiring.Settings) -> None:
    assert load_samples(connected, Pipeline(fake_parts()), lambda *_: None) > 100
    with wiring.open_database(connected) as store:
        assert sum(store.outbox.counts().values()) == 0


def test_an_empty_store_that_systems_hang_on_stays_empty(
    connected: wiring.Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workbench, "ready_settings", lambda: connected)
    monkeypatch.setattr(workbench, "load_encoder", lambda settings: FakeEncoder())
    monkeypatch.setattr(workbench, "load_knowledge_base", lambda settings, encoder: fake_parts().kb)
    with Workbench.open() as bench:
        assert bench.store.counts().contacts == 0
    assert "the demo's stay out of it: TRIAGE_BACKENDS or TRIAGE_INBOX is set" in capsys.readouterr().err


def test_a_new_folder_does_not_exist_whichever_was_deleted(tmp_path: Path) -> None:
    nothing = cast(Any, None)
    bench = Workbench(
        settings=wiring.Settings(home=tmp_path),
        store=nothing,
        encoder=nothing,
        taxonomy=nothing,
        registry=nothing,
        entities=nothing,
        kb=nothing,
    )
    for number in (1, 2, 3):
        folder = bench.new_folder("notebook")
        assert folder.name == f"notebook-{number}"
        folder.mkdir()
    (tmp_path / "trained" / "notebook-2").rmdir()
    assert bench.new_folder("notebook").name == "notebook-2"
    (tmp_path / "trained" / "notebook-2").mkdir()
    assert bench.new_folder("notebook").name == "notebook-4"
