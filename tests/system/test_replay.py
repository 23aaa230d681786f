"""What was answered can be answered again, in another process too, or the replay names what has changed since."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.conftest import run_triage
from triage.pipeline import Pipeline
from triage.replay import replay
from triage.store import open_store
from triage.types import Message

TEXTS = {
    "m-1": "there's water shooting out of the street at 9th and Oak, its flooding the corner store",
    "m-2": "Quiero saber cuándo pasan por los muebles viejos",
    "m-3": "my bill doubled and i cant pay it till the 15th",
    "m-4": "???",
}


class OtherPolicy:
    """Decides as the policy does, under another version."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._policy = pipeline.parts.policy
        self.version = "policy-next"

    def __getattr__(self, name: str) -> object:
        return getattr(self._policy, name)


def test_stored_answers_are_given_again_by_the_same_process_and_by_another(
    pipeline: Pipeline, prepared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'city.db'}"
    messages = [Message(id=name, text=text) for name, text in TEXTS.items()]
    with open_store(url) as store:
        # In one batch: what a text is computed beside must not change its answer.
        store.save(list(zip(messages, pipeline.triage_batch(messages), strict=True)))
        for name in TEXTS:
            message, stored = store.triaged(name)
            again = replay(message, stored, pipeline)
            assert (again.changed_fields, again.changed_versions) == ((), ())
    monkeypatch.setenv("TRIAGE_DATABASE_URL", url)
    run = run_triage("db", "replay", "m-1", "--json", home=prepared_home)
    assert json.loads(run.stdout)["changed_fields"] == []


def test_a_part_of_another_version_is_named(pipeline: Pipeline, tmp_path: Path) -> None:
    message = Message(id="m-1", text=TEXTS["m-1"])
    next_release = Pipeline(replace(pipeline.parts, policy=OtherPolicy(pipeline)))  # type: ignore[arg-type]
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as store:
        store.save([(message, pipeline.triage(message))])
        again = replay(*store.triaged("m-1"), next_release)
    assert again.changed_versions == (("policy", pipeline.parts.policy.version, "policy-next"),)
    assert again.is_explained
