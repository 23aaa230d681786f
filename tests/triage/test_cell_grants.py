"""Grants become cells with their evidence, fall with their model, and agents' overrides pull the brake."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.store.samples import message_of, triage_of
from triage.cell_grants import revoke_grants, set_grants
from triage.cells import BRAKE, CellMode, nearest
from triage.granting import Outcome, grants_by_language
from triage.standing_cells import StandingCells
from triage.store import SqlTriageStore, open_store
from triage.types import Channel, Decision, Mode


def said(label: str, n: int, wrong: int, language: str = "en") -> list[Outcome]:
    return [
        Outcome(truth="city.other" if number < wrong else label, said=label, probability=0.995, language=language)
        for number in range(n)
    ]


SURE = said("waste.missed", 200, 0)
UNSURE = said("waste.bulky", 200, 30)
RARE = said("waste.cart", 29, 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}") as opened:
        yield opened


def grant(store: SqlTriageStore, *outcomes: Outcome, model: str = "linear-1") -> tuple[list[str], list[str]]:
    done = set_grants(
        store.policy, grants_by_language(outcomes), mode=CellMode.AUTO, model=model, reason="measured", by="ana"
    )
    return [each.service_type for each in done.granted], [each.service_type for each in done.taken_back]


def test_only_types_with_thirty_predictions_and_nine_in_ten_right_are_granted(store: SqlTriageStore) -> None:
    assert grant(store, *SURE, *UNSURE, *RARE) == (["waste.missed"], [])
    [cell] = store.policy.current()
    assert (cell.mode, cell.language, cell.channel, cell.threshold) == ("auto", "en", "", 0.99)
    assert (cell.reason, cell.set_by) == ("measured", "ana")
    assert cell.evidence == {
        "model": "linear-1",
        "wanted": 0.97,
        "lower": 0.9812,
        "precision": 1.0,
        "n": 200,
        "of": 429,
    }


def test_a_language_is_granted_on_its_own_predictions_alone(store: SqlTriageStore) -> None:
    grant(store, *SURE, *said("waste.missed", 100, 20, "es"))
    cells = StandingCells(store.policy, look_every_s=3600)()
    assert nearest(cells, "waste.missed", "web", "en").mode is CellMode.AUTO
    assert nearest(cells, "waste.missed", "web", "es").mode is CellMode.SUGGEST


def test_what_is_not_granted_again_goes_back_to_suggest_with_its_record(store: SqlTriageStore) -> None:
    grant(store, *SURE)
    assert grant(store, *said("waste.dumping", 200, 0)) == (["waste.dumping"], ["waste.missed"])
    newest = store.policy.history(1)[0]
    assert (newest.mode, newest.evidence["was"]) == ("suggest", "auto")
    assert newest.reason == "not granted any more: measured"


def test_what_one_model_was_granted_is_not_anothers(store: SqlTriageStore) -> None:
    store.policy.set(mode="preselect", service_type="parking.meter", reason="agents asked for it", by="lea")
    grant(store, *SURE)
    assert revoke_grants(store.policy, "linear-1", by="ana") == ()
    [back] = revoke_grants(store.policy, "linear-2", by="ana")
    assert (back.service_type, back.mode) == ("waste.missed", "suggest")
    assert back.reason == "granted on the predictions of another model; linear-2 answers now"
    assert {cell.service_type: cell.mode for cell in store.policy.current()} == {
        "parking.meter": "preselect",
        "waste.missed": "suggest",
    }


def test_only_modes_that_act_are_granted(store: SqlTriageStore) -> None:
    with pytest.raises(ValueError, match="preselect or auto, got off"):
        set_grants(store.policy, {}, mode=CellMode.OFF, model="m", reason="r", by="ana")


def test_agents_who_override_pull_the_brake_and_a_new_grant_does_not_release_it(store: SqlTriageStore) -> None:
    grant(store, *SURE)
    chosen = Decision(mode=Mode.AUTO, service_type="waste.missed", department="Waste")
    for number in range(25):
        message = replace(message_of(f"m-{number}"), channel=Channel.EMAIL)
        store.save([(message, replace(triage_of(message.id, chosen), channel=Channel.EMAIL))])
        right = "waste.cart" if number < 4 else "waste.missed"
        store.decide(message.id, Decision(mode=Mode.SUGGEST, service_type=right, department="Waste"), "jo", 1)
    cells = StandingCells(store.policy, now=lambda: datetime.now(UTC) + timedelta(seconds=1), look_every_s=3600)
    newest = store.policy.history(1)[0]
    assert (newest.mode, newest.set_by, newest.channel, newest.language) == ("suggest", BRAKE, "email", "en")
    assert newest.reason == "agents changed 4 of 25, more than 10% allow"
    assert newest.evidence == {"decided": 25, "overridden": 4}
    grant(store, *SURE)
    cells.refresh()
    assert nearest(cells(), "waste.missed", "email", "en").mode is CellMode.SUGGEST
    assert nearest(cells(), "waste.missed", "web", "en").mode is CellMode.AUTO


def auto_decided(store: SqlTriageStore, name: str, mode: Mode, right: str, channel: Channel = Channel.WEB) -> None:
    """Let the policy route a contact, and a person say what is right."""
    chosen = Decision(mode=mode, service_type="waste.missed", department="Waste")
    message = replace(message_of(name), channel=channel)
    store.save([(message, replace(triage_of(name, chosen), channel=channel))])
    store.decide(name, Decision(mode=Mode.SUGGEST, service_type=right, department="Waste"), "jo", 1)


def test_only_what_a_cell_decided_itself_pulls_its_brake(store: SqlTriageStore) -> None:
    for number in range(20):
        auto_decided(store, f"before-{number}", Mode.AUTO, "waste.cart")
    grant(store, *SURE)
    for number in range(20):
        auto_decided(store, f"suggested-{number}", Mode.SUGGEST, "waste.cart")
        auto_decided(store, f"routed-{number}", Mode.AUTO, "waste.missed")
    [cell] = store.policy.current()
    [rate] = store.policy.rates_since_set(datetime.now(UTC) - timedelta(days=14))[cell.id]
    assert (rate.decided, rate.overridden) == (20, 0)
    StandingCells(store.policy, look_every_s=3600)
    assert [cell.mode for cell in store.policy.current()] == ["auto"]


def test_channels_that_trip_together_stay_set_back_whatever_is_granted(store: SqlTriageStore) -> None:
    grant(store, *SURE)
    channels = (Channel.EMAIL, Channel.WEB, Channel.SMS, Channel.CALL)
    for channel in channels:
        for number in range(19):
            right = "waste.cart" if number < 4 else "waste.missed"
            auto_decided(store, f"{channel}-{number}", Mode.AUTO, right, channel)
    cells = StandingCells(store.policy, look_every_s=3600)
    assert {cell.reason for cell in store.policy.current() if cell.set_by == BRAKE} == {
        "agents changed 16 of 76, more than 10% allow"
    }
    grant(store, *SURE)
    cells.refresh()
    assert {nearest(cells(), "waste.missed", channel, "en").mode for channel in channels} == {CellMode.SUGGEST}


def test_fewer_overrides_leave_the_cell_alone(store: SqlTriageStore) -> None:
    grant(store, *SURE)
    chosen = Decision(mode=Mode.AUTO, service_type="waste.missed", department="Waste")
    for number in range(20):
        store.save([(message_of(f"m-{number}"), triage_of(f"m-{number}", chosen))])
        right = "waste.cart" if number < 2 else "waste.missed"
        store.decide(f"m-{number}", Decision(mode=Mode.SUGGEST, service_type=right, department="Waste"), "jo", 1)
    StandingCells(store.policy, look_every_s=3600)
    assert [cell.mode for cell in store.policy.current()] == ["auto"]
