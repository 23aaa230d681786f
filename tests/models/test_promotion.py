"""A candidate is refused where a language or a safety-relevant type gets worse."""

from dataclasses import replace
from pathlib import Path

import pytest

from models.fitting import Recipe
from models.promotion import compare, promote
from models.registry import Registry
from models.training import train
from tests.fakes import FakeEncoder, shipped_taxonomy
from tests.models.samples import examples
from triage.cell_grants import set_grants
from triage.cells import CellMode
from triage.errors import ModelError
from triage.granting import Outcome, grants_by_language
from triage.store import open_store


def outcomes(right: int, wrong: int, truth: str = "waste.bulky", language: str = "en") -> list[Outcome]:
    good = Outcome(truth=truth, said=truth, probability=0.9, language=language)
    return [good] * right + [replace(good, said="city.other")] * wrong


def test_a_language_that_loses_more_than_chance_explains_is_refused() -> None:
    active = outcomes(20, 0) + outcomes(10, 0, language="es")
    candidate = outcomes(20, 0) + outcomes(7, 3, language="es")
    found = compare(active, candidate, shipped_taxonomy())
    assert found.refusals == ("language es: 1.000 → 0.700 on 10 messages (3 lost, 0 won)",)
    assert found.overall.lost == 3


def test_a_safety_relevant_type_may_not_lose_a_single_message() -> None:
    grave = "water.main_break"
    found = compare(outcomes(50, 0, grave), outcomes(49, 1, grave), shipped_taxonomy())
    assert found.refusals == (f"safety-relevant {grave}: 1.000 → 0.980 on 50 messages (1 lost, 0 won)",)
    assert compare(outcomes(50, 0), outcomes(49, 1), shipped_taxonomy()).refusals == ()


def test_a_promotion_takes_back_what_another_models_predictions_granted(tmp_path: Path) -> None:
    train(examples(), FakeEncoder(), tmp_path / "m", Recipe(vector_weights=(1.0,), temperature=0.5), lambda *_: None)
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        types = shipped_taxonomy()
        registry = Registry(log=store.models, home=tmp_path / "models", taxonomy=types, encoder=FakeEncoder.version)
        candidate, cells = registry.register(tmp_path / "m", "ana"), store.policy
        grants = grants_by_language(outcomes(200, 0))
        set_grants(cells, grants, mode=CellMode.AUTO, model="default", reason="measured", by="ana")
        worse = compare(outcomes(20, 0), outcomes(10, 10), types)
        with pytest.raises(ModelError, match="is not activated"):
            promote(registry, cells, candidate, worse, by="ana", reason="retrained")
        assert [each.mode for each in cells.current()] == ["auto"]
        [back] = promote(registry, cells, candidate, None, by="ana", reason="retrained")
        assert (back.service_type, back.mode) == ("waste.bulky", "suggest")
        assert [each.mode for each in cells.current()] == ["suggest"]
