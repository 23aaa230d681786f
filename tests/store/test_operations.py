"""Policy cells, models, incidents, links and events."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.clock import Clock
from tests.store.samples import GRAFFITI, LEAK, message_of, pair_of, triage_of
from triage.errors import NotFound
from triage.store import Action, SqlTriageStore
from triage.store.links import Attachment
from triage.store.models import Disagreement, ModelRole
from triage.store.policy_cells import AutoOutcome, OverrideRate
from triage.types import Mode


def test_the_last_mode_of_a_cell_stands(timed: SqlTriageStore) -> None:
    timed.policy.set(mode="suggest", reason="a new city", by="lea")
    timed.policy.set(service_type="water.leak", channel="email", language="en", mode="auto", reason="0.97", by="lea")
    braked = timed.policy.set(
        service_type="water.leak",
        channel="email",
        language="en",
        mode="suggest",
        reason="3 of 10 overridden",
        by="policy",
        threshold=0.9,
        evidence={"overridden": 3},
    )
    assert [cell.mode for cell in timed.policy.current()] == ["suggest", "suggest"]
    assert timed.policy.current()[1] == braked == timed.policy.history(1)[0]
    assert (braked.threshold, braked.evidence) == (0.9, {"overridden": 3})
    assert len(timed.policy.history()) == 3
    with pytest.raises(ValueError, match="for a reason"):
        timed.policy.set(mode="auto", reason=" ", by="lea")


def test_overrides_are_counted_by_the_policys_own_type(timed: SqlTriageStore, clock: Clock) -> None:
    for number in range(4):
        timed.save([pair_of(f"m-{number}")])
    since = clock.now
    timed.decide("m-0", LEAK, "ada", 1, action=Action.ACCEPT)
    timed.decide("m-1", GRAFFITI, "ada", 1)
    timed.decide("m-1", LEAK, "ada", 2)
    timed.undo("m-2", "ada", 1)
    [rate] = timed.policy.override_rates(since)
    assert rate == OverrideRate(service_type="water.leak", channel="web", language="en", decided=3, overridden=2)
    assert timed.policy.override_rates(clock.pass_by(days=1)) == ()


def test_a_type_that_was_changed_after_its_answer_was_used_is_overridden(timed: SqlTriageStore, clock: Clock) -> None:
    for number in range(3):
        timed.save([pair_of(f"m-{number}")])
        timed.decide(f"m-{number}", LEAK, "ada", 1, action=Action.ANSWER_USED)
    timed.decide("m-0", GRAFFITI, "ada", 2)
    timed.decide("m-1", LEAK, "ada", 2, action=Action.ACCEPT)
    timed.decide("m-1", GRAFFITI, "ada", 3)
    [rate] = timed.policy.override_rates(clock.now)
    assert (rate.decided, rate.overridden) == (3, 1)


def test_what_auto_mode_routed_and_people_took_back_is_counted_against_it(timed: SqlTriageStore, clock: Clock) -> None:
    routed = replace(LEAK, mode=Mode.AUTO)
    for number in range(4):
        timed.save([pair_of(f"m-{number}", routed)])
    timed.save([pair_of("suggested")])
    timed.undo("m-0", "ada", 1)
    timed.undo("m-1", "ada", 1)
    timed.undo("m-1", "ada", 2)
    timed.decide("m-2", routed, "ada", 1, action=Action.ACCEPT)
    outcome = timed.policy.auto_outcome(clock.now, clock.now + timedelta(days=1))
    assert outcome == AutoOutcome(contacts=4, reviewed=3, overridden=1)
    nothing = AutoOutcome(contacts=0, reviewed=0, overridden=0)
    assert timed.policy.auto_outcome(clock.now + timedelta(days=1), clock.now + timedelta(days=2)) == nothing


def register(store: SqlTriageStore, model_id: str, digest: bytes = b"d") -> None:
    store.models.register(
        id=model_id, kind="classifier", folder=f"/m/{model_id}", digest=digest, meta={"n": 1}, by="ana"
    )


def test_one_model_is_active_and_one_looks_on(timed: SqlTriageStore, clock: Clock) -> None:
    for name in ("c-1", "c-2", "c-3"):
        register(timed, name)
        clock.pass_by(seconds=1)
    assert timed.models.current("classifier") is None
    for name in ("c-1", "c-2"):
        timed.models.activate(name, "ana")
    timed.models.activate("c-3", "ana", role=ModelRole.SHADOW)
    assert timed.models.current("classifier") == timed.models.of("c-2")
    assert timed.models.previous("classifier") == timed.models.of("c-1")
    assert timed.models.current("classifier", ModelRole.SHADOW) == timed.models.of("c-3")
    timed.models.activate("c-3", "ana", reason="faster", forced=True)
    assert timed.models.current("classifier", ModelRole.SHADOW) is None
    assert [given.model_id for given in timed.models.history("classifier")] == ["c-3", "c-3", "c-2", "c-1"]
    assert [model.id for model in timed.models.list()] == ["c-3", "c-2", "c-1"]


def test_a_model_is_registered_once_and_forced_with_a_reason(timed: SqlTriageStore) -> None:
    register(timed, "c-1")
    register(timed, "c-1")
    with pytest.raises(ValueError, match="another model is registered as c-1"):
        register(timed, "c-1", b"other")
    with pytest.raises(ValueError, match="needs a reason"):
        timed.models.activate("c-1", "ana", forced=True)
    with pytest.raises(NotFound, match="no model is registered as c-9"):
        timed.models.activate("c-9", "ana")


def test_where_a_candidate_says_otherwise_is_kept_once(timed: SqlTriageStore) -> None:
    timed.save([pair_of("m-1")])
    found = Disagreement(
        triage_id=timed.triage_of("m-1").id,
        candidate="c-2",
        active_label="water.leak",
        active_probability=0.8,
        candidate_label="water.bill",
        candidate_probability=0.6,
    )
    timed.models.disagree([found])
    timed.models.disagree([found])
    assert timed.models.disagreements("c-2") == (("m-1", found),)
    assert timed.models.disagreements("c-3") == ()


def test_a_contact_belongs_to_one_incident(timed: SqlTriageStore) -> None:
    timed.save([pair_of("m-1")])
    timed.save([pair_of("m-2")])
    first = timed.incidents.open(
        service_type="water.leak", title="9th and Oak", by="ada", message_ids=["m-1"], area="3"
    )
    second = timed.incidents.open(service_type="water.leak", title="elsewhere", by="ada", detail={"n": 2})
    timed.incidents.add(second, ["m-1", "m-2"], "ada")
    assert [incident.message_ids for incident in timed.incidents.list()] == [("m-2",), ("m-1",)]
    timed.incidents.close(first, "ada")
    closed = timed.incidents.of_contact("m-1")
    assert closed is not None
    assert (closed.id, closed.area, closed.closed_by) == (first, "3", "ada")
    assert [incident.id for incident in timed.incidents.list()] == [second]
    timed.incidents.remove("m-1")
    assert timed.incidents.of_contact("m-1") is None
    with pytest.raises(NotFound, match="no incident has the number 9"):
        timed.incidents.add(9, [], "ada")


def test_contacts_are_found_by_place_and_the_last_place_counts(timed: SqlTriageStore, clock: Clock) -> None:
    timed.save([pair_of("m-1")])
    timed.save([(message_of("m-2"), triage_of("m-2", GRAFFITI))])
    since = clock.now
    timed.incidents.set_place("m-1", "elm street")
    timed.incidents.set_place("m-1", "oak street", latitude=38.5, longitude=-121.5, district="3")
    timed.incidents.set_place("m-2", "oak street")
    near = timed.incidents.near(since=since, place="oak street")
    assert [(found.message_id, found.service_type, found.latitude) for found in near] == [
        ("m-2", "graffiti.removal", None),
        ("m-1", "water.leak", 38.5),
    ]
    assert [found.message_id for found in timed.incidents.near(since=since, service_type="water.leak")] == ["m-1"]
    assert timed.incidents.near(since=clock.pass_by(seconds=1)) == ()


def test_the_due_time_waits_while_the_resident_is_asked(timed: SqlTriageStore, clock: Clock) -> None:
    timed.save([pair_of("m-1")])
    begun = clock.now
    timed.incidents.pause("m-1", "which house?")
    timed.incidents.pause("m-1", "again")
    assert timed.incidents.pauses_of(["m-1"])["m-1"][0].resumed_at is None
    clock.pass_by(hours=3)
    for _ in range(2):
        timed.incidents.resume("m-1")
    [pause] = timed.incidents.pauses_of(["m-1"])["m-1"]
    assert (pause.reason, pause.paused_at, pause.resumed_at) == ("which house?", begun, clock.now)


def test_a_contact_is_found_by_its_name_in_another_system(timed: SqlTriageStore, clock: Clock) -> None:
    timed.save([pair_of("m-1"), pair_of("m-2")])
    timed.links.link("m-1", "zendesk", "7")
    timed.links.link("m-2", "zendesk", "7")
    assert (timed.links.find("zendesk", "7"), timed.links.find("crm", "7")) == ("m-1", None)
    timed.links.withdraw("zendesk", "7")
    assert [(link.system, link.withdrawn_at) for link in timed.links.of("m-1")] == [("zendesk", clock.now)]
    with pytest.raises(NotFound, match="nothing is linked"):
        timed.links.withdraw("crm", "7")


def test_a_cursor_moves_and_a_file_is_kept_once(timed: SqlTriageStore) -> None:
    assert timed.links.cursor("inbox") is None
    for position in ("1:7", "1:8"):
        timed.links.set_cursor("inbox", position)
    assert timed.links.cursor("inbox") == "1:8"
    timed.save([pair_of("m-1")])
    photo = Attachment(name="a.jpg", media_type="image/jpeg", size_bytes=2, content=b"\x00\xff")
    for _ in range(2):
        timed.links.attach("m-1", photo)
    assert timed.links.attachments("m-1") == (photo,)


def test_events_are_numbered_without_gaps_in_the_order_of_the_commits(timed: SqlTriageStore, clock: Clock) -> None:
    timed.receive([(message_of("m-1"), None)])
    timed.save([pair_of("m-1")])
    timed.decide("m-1", LEAK, "ada", 1)
    found = timed.events.since(0)
    assert [(event.number, event.kind.value, event.message_id) for event in found] == [
        (1, "received", "m-1"),
        (2, "triaged", "m-1"),
        (3, "decided", "m-1"),
    ]
    assert timed.events.since(2) == found[2:]
    assert timed.events.purge(clock.pass_by(days=1)) == 3
    assert (timed.events.last(), timed.events.since(0)) == (3, ())
