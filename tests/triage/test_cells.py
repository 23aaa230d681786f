"""The nearest cell decides; agents who override pull the brake."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.cells import BRAKE, Cell, CellMode, CellPolicy, Trip, nearest, trips
from triage.policy import ThresholdPolicy
from triage.standing_cells import StandingCells
from triage.store import open_store
from triage.store.policy_cells import OverrideRate
from triage.types import (
    Channel,
    Decision,
    Language,
    Mode,
    Safety,
    SafetyHit,
    ServiceTypeSuggestion,
    Translation,
    TranslationStatus,
)

AUTO = Cell(mode=CellMode.AUTO, service_type="waste.bulky", language="en", threshold=0.9)


def decided(cells: Sequence[Cell], probability: float, safety: Safety | None = None) -> Decision:
    best = ServiceTypeSuggestion(code="waste.bulky", name="B", department="Solid waste", probability=probability)
    return CellPolicy(ThresholdPolicy(), lambda: cells).decide(
        [best],
        safety=safety or Safety(),
        language=Language(code="en", probability=1.0),
        translation=Translation(status=TranslationStatus.NOT_NEEDED),
        degraded=(),
        channel=Channel.EMAIL,
    )


def test_a_new_city_suggests() -> None:
    assert decided((), 0.99).mode is Mode.SUGGEST


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (CellMode.OFF, Mode.ASK),
        (CellMode.SHADOW, Mode.ASK),
        (CellMode.SUGGEST, Mode.SUGGEST),
        (CellMode.PRESELECT, Mode.PRESELECT),
        (CellMode.AUTO, Mode.AUTO),
    ],
)
def test_each_mode_decides_as_it_is_named(mode: CellMode, expected: Mode) -> None:
    assert decided([Cell(mode=mode)], 0.95).mode is expected


def test_under_the_granted_probability_it_is_only_suggested() -> None:
    assert decided([AUTO], 0.89).mode is Mode.SUGGEST
    assert decided([AUTO], 0.9).mode is Mode.AUTO


def test_the_most_particular_cell_wins() -> None:
    cells = [Cell(mode=CellMode.OFF), Cell(mode=CellMode.PRESELECT, channel="email"), AUTO]
    assert nearest(cells, "waste.bulky", "email", "en") == AUTO
    assert nearest(cells, "waste.bulky", "email", "es").mode is CellMode.PRESELECT
    assert nearest(cells, "waste.bulky", "web", "es").mode is CellMode.OFF


def test_a_safety_hit_asks_whatever_the_cells_say() -> None:
    hit = SafetyHit(rule="gas", text="gas", start=0, end=3, line="911")
    assert decided([AUTO], 1.0, Safety(emergency=True, line="911", reasons=(hit,))).mode is Mode.ASK


@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_probability_is_never_less_independent(low: float, high: float) -> None:
    order = [Mode.ASK, Mode.SUGGEST, Mode.PRESELECT, Mode.AUTO]
    low, high = sorted((low, high))
    assert order.index(decided([AUTO], low).mode) <= order.index(decided([AUTO], high).mode)


def rate(decided: int, overridden: int, channel: str = "email") -> OverrideRate:
    return OverrideRate(
        service_type="waste.bulky", channel=channel, language="en", decided=decided, overridden=overridden
    )


def test_overrides_over_the_limit_trip_a_cell_that_acts_and_no_other() -> None:
    trip = Trip(service_type="waste.bulky", channel="email", language="en", decided=20, overridden=3)
    assert trips([AUTO], {0: [rate(20, 3)]}) == (trip,)
    assert trips([AUTO], {0: [rate(20, 2), rate(10, 1, "web")]}) == ()
    assert trips([AUTO], {7: [rate(20, 20)]}) == ()
    assert trips([replace(AUTO, mode=CellMode.SUGGEST)], {0: [rate(20, 20)]}) == ()


def test_channels_that_are_over_the_limit_only_together_trip_together() -> None:
    channels = ("email", "web", "sms", "call")
    assert trips([AUTO], {0: [rate(19, 4, channel) for channel in channels]}) == tuple(
        Trip(service_type="waste.bulky", channel=channel, language="en", decided=76, overridden=16)
        for channel in channels
    )
    narrower = replace(AUTO, id=2, channel="email")
    assert trips([AUTO, narrower], {0: [rate(20, 3)]}) == ()
    assert trips([AUTO, narrower], {2: [rate(20, 3)]})[0].channel == "email"


def test_the_version_changes_with_every_cell_that_is_set() -> None:
    def version(*cells: Cell) -> str:
        return CellPolicy(ThresholdPolicy(), lambda: cells).version

    assert version() == "threshold-0.5+0"
    assert version(replace(AUTO, id=3), replace(AUTO, id=2, channel="email")) == "threshold-0.5+3"


def test_the_brake_sets_the_cell_back_with_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        store.policy.set(mode="auto", reason="granted", by="ana", service_type="waste.bulky", language="en")
        monkeypatch.setattr(store.policy, "rates_since_set", lambda since: {1: (rate(40, 8),)})
        cells = StandingCells(store.policy, now=lambda: datetime(2026, 11, 1, tzinfo=UTC), look_every_s=3600)
        newest = store.policy.history(1)[0]
    assert (newest.mode, newest.set_by, newest.channel) == ("suggest", BRAKE, "email")
    assert newest.reason == "agents changed 8 of 40, more than 10% allow"
    assert nearest(cells(), "waste.bulky", "email", "en").mode is CellMode.SUGGEST
    assert nearest(cells(), "waste.bulky", "call", "en").mode is CellMode.AUTO
