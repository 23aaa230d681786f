"""Models are registered, activated and rolled back; what does not fit is refused with the reason."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.fitting import Recipe
from models.registry import Registry
from models.training import train
from tests.fakes import FakeEncoder, shipped_taxonomy
from tests.models.samples import examples
from triage.errors import ModelError, NotFound
from triage.store import open_store


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    return Registry(
        log=store.models, home=tmp_path / "models", taxonomy=shipped_taxonomy(), encoder=FakeEncoder.version
    )


def trained(folder: Path, n: int = 36) -> Path:
    train(examples()[:n], FakeEncoder(), folder, Recipe(vector_weights=(1.0,), temperature=0.5), lambda *_: None)
    return folder


def test_the_way_there_and_back(registry: Registry, tmp_path: Path) -> None:
    first, second = (registry.register(trained(tmp_path / str(n), n), "ana") for n in (36, 30))
    assert registry.active() is None
    registry.activate(first, "ana")
    registry.activate(second, "ana")
    assert registry.active() == second
    assert registry.open(second).version == second
    assert registry.rollback("ana") == first
    assert registry.active() == first
    assert registry.card(first).startswith(f"# Model {first}")


def test_rolling_back_the_first_model_leads_to_the_default(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing to go back from"):
        registry.rollback("ana")
    registry.activate(registry.register(trained(tmp_path / "m"), "ana"), "ana")
    assert registry.rollback("ana") is None
    assert registry.active() is None


def test_a_model_that_was_left_is_none_to_go_back_to(registry: Registry, tmp_path: Path) -> None:
    first, second = (registry.register(trained(tmp_path / str(n), n), "ana") for n in (36, 30))
    registry.activate(first, "ana")
    assert registry.rollback("ana") is None
    registry.activate(second, "ana")
    assert registry.rollback("ana") is None
    for model_id in (first, second):
        registry.activate(model_id, "ana")
    assert [registry.rollback("ana"), registry.rollback("ana")] == [first, None]
    assert registry.active() is None


def test_looking_on_meanwhile_changes_nothing_about_the_way_back(registry: Registry, tmp_path: Path) -> None:
    first, second = (registry.register(trained(tmp_path / str(n), n), "ana") for n in (36, 30))
    for model_id in (first, second):
        registry.activate(model_id, "ana")
    registry.shadow(first, "ana")
    registry.end_shadow("ana")
    assert registry.rollback("ana") == first


def test_the_record_says_what_was_left_and_for_what(registry: Registry, tmp_path: Path) -> None:
    first, second = (registry.register(trained(tmp_path / str(n), n), "ana") for n in (36, 30))
    for model_id in (first, second):
        registry.activate(model_id, "ana")
    registry.rollback("ben")
    newest, left = registry.log.history("classifier")[:2]
    assert (left.model_id, left.role, left.reason) == (second, "retired", f"rolled back to {first}")
    assert (newest.model_id, newest.role, newest.reason) == (first, "active", f"rolled back from {second}")
    assert (newest.activated_by, left.activated_by) == ("ben", "ben")


@pytest.mark.parametrize("name", ["model.npz", "meta.json", "card.md"])
@pytest.mark.parametrize("is_cut", [True, False])
def test_registering_again_puts_back_what_a_model_has_lost(
    registry: Registry, tmp_path: Path, name: str, is_cut: bool
) -> None:
    source = trained(tmp_path / "m")
    model_id = registry.register(source, "ana")
    file = tmp_path / "models" / model_id / name
    if is_cut:
        file.write_bytes(file.read_bytes()[:100])
    else:
        file.unlink()
    assert registry.register(source, "ana") == model_id
    assert registry.open(model_id).version == model_id
    assert registry.card(model_id) == (source / "card.md").read_text("utf-8")
    assert [path.name for path in (tmp_path / "models").iterdir()] == [model_id]


def test_another_model_of_the_same_version_does_not_replace_the_one_registered(
    registry: Registry, tmp_path: Path
) -> None:
    source = trained(tmp_path / "m")
    model_id = registry.register(source, "ana")
    meta = json.loads((source / "meta.json").read_text("utf-8"))
    (source / "meta.json").write_text(json.dumps({**meta, "source": "elsewhere"}), encoding="utf-8")
    with pytest.raises(ModelError, match=f"another model is registered as {model_id}"):
        registry.register(source, "ana")
    assert registry.open(model_id).version == model_id


def test_another_encoder_taxonomy_or_hash_is_refused_with_the_reason(registry: Registry, tmp_path: Path) -> None:
    model_id = registry.register(trained(tmp_path / "m"), "ana")
    with pytest.raises(ModelError, match="trained on vectors of fake-encoder, this service encodes with other"):
        replace(registry, encoder="other").activate(model_id, "ana")
    types = replace(registry.taxonomy, service_types=registry.taxonomy.service_types[:3])
    with pytest.raises(ModelError, match=r"labels that taxonomy .* has not"):
        replace(registry, taxonomy=types).activate(model_id, "ana")
    weights = tmp_path / "models" / model_id / "model.npz"
    weights.write_bytes(weights.read_bytes() + b"x")
    with pytest.raises(ModelError, match=r"are not those of its meta\.json"):
        registry.activate(model_id, "ana")
    meta = tmp_path / "models" / model_id / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text("utf-8")), "seed": 1}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"meta.json is not the one that was registered"):
        registry.activate(model_id, "ana")
    assert registry.active() is None


def test_what_is_no_model_is_not_registered(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no model"):
        registry.register(tmp_path, "ana")
