"""What each back end is told of a decision, whoever makes it and however: written with it, or not at all."""

from collections.abc import Callable

import pytest

from tests.store.samples import LEAK, POTHOLE, message_of, pair_of, triage_of
from tests.triage.backends.conftest import City
from triage.backends.planning import change_key
from triage.backends.settings import BackEnd, Kind
from triage.store import Action, SqlTriageStore, Status
from triage.store.deliveries import StoredDelivery
from triage.types import Decision, Mode

EVENTS = BackEnd(name="events", kind=Kind.CLOUDEVENTS, url="https://bus.example.org", secret="s" * 16)
WATER = BackEnd(
    name="water", kind=Kind.OPEN311, url="https://water.example.org", codes={"water.leak": "001"}, settled_only=True
)
STREETS = BackEnd(
    name="streets",
    kind=Kind.OPEN311,
    url="https://streets.example.org",
    codes={"street.pothole": "P", "street.sign": "S"},
    settled_only=True,
)
AUTO = Decision(mode=Mode.AUTO, service_type="water.leak", department="Water")
SIGN = Decision(mode=Mode.ASK, service_type="street.sign", department="Streets")


def told(store: SqlTriageStore, message_id: str = "m-1") -> list[tuple[str, str, int | None, str | None]]:
    """Return what was written, by decision and then by back end."""
    return sorted((_told(stored) for stored in store.outbox.of(message_id)), key=lambda row: (row[2], row[0]))


def _told(stored: StoredDelivery) -> tuple[str, str, int | None, str | None]:
    return (stored.delivery.target, stored.delivery.kind, stored.decision_version, stored.delivery.payload["code"])


@pytest.fixture
def store(city_of: Callable[..., City]) -> SqlTriageStore:
    return city_of(EVENTS, WATER, STREETS).store


def test_a_suggestion_is_an_event_and_no_work_order(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    assert told(store) == [("events", "send", 1, "water.leak")]


@pytest.mark.parametrize("way", ["save", "save_once", "work"])
def test_what_the_policy_may_do_alone_is_ordered_by_whichever_way_it_is_stored(store: SqlTriageStore, way: str) -> None:
    message, triage = pair_of("m-1", AUTO)
    if way == "save":
        store.save([(message, triage)])
    elif way == "save_once":
        store.save_once(message, triage)
    else:
        store.receive([(message, None)])
        store.work.claim("w")
        assert store.work.finish("w", [(message, triage)]) == [True]
    assert told(store) == [("events", "send", 1, "water.leak"), ("water", "send", 1, "001")]


def test_a_person_who_accepts_orders_the_work(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.decide("m-1", LEAK, "ada", 1, action=Action.ACCEPT)
    assert told(store)[1:] == [("events", "send", 2, "water.leak"), ("water", "send", 2, "001")]


def test_another_type_is_withdrawn_here_and_sent_there_under_one_key(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1", AUTO)])
    store.decide("m-1", POTHOLE, "ada", 1)
    last = [stored for stored in store.outbox.of("m-1") if stored.decision_version == 2]
    last.sort(key=lambda stored: stored.delivery.target)
    assert [_told(stored) for stored in last] == [
        ("events", "send", 2, "street.pothole"),
        ("streets", "send", 2, "P"),
        ("water", "withdraw", 2, None),
    ]
    assert {stored.delivery.payload["change"] for stored in last} == {change_key("m-1", 2)}
    assert last[2].delivery.payload["previous_code"] == "001"


def test_another_type_of_the_same_back_end_is_one_delivery_with_both_codes(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1", AUTO)])
    store.decide("m-1", POTHOLE, "ada", 1)
    store.decide("m-1", SIGN, "ada", 2)
    [last] = [each for each in store.outbox.of("m-1") if each.delivery.target == "streets"][1:]
    assert _told(last) == ("streets", "send", 3, "S")
    assert last.delivery.payload["previous_code"] == "P"


def test_what_changes_no_route_orders_nothing_twice(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1", AUTO)])
    store.decide("m-1", AUTO, "ada", 1, action=Action.ACCEPT)
    store.decide("m-1", AUTO, "ada", 2, action=Action.ANSWER_USED, article_id="a")
    store.decide("m-1", AUTO, "ada", 3, action=Action.CLOSE, status=Status.CLOSED)
    assert [row for row in told(store) if row[0] != "events"] == [("water", "send", 1, "001")]


def test_closing_a_suggestion_orders_nothing(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.decide("m-1", LEAK, "ada", 1, action=Action.CLOSE, status=Status.CLOSED)
    assert [row for row in told(store) if row[0] != "events"] == []


def test_an_undone_acceptance_is_withdrawn_and_an_undone_undo_sent_again(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.decide("m-1", LEAK, "ada", 1, action=Action.ACCEPT)
    store.undo("m-1", "ada", 2)
    store.undo("m-1", "ada", 3)
    assert [row for row in told(store) if row[0] == "water"] == [
        ("water", "send", 2, "001"),
        ("water", "withdraw", 3, None),
        ("water", "send", 4, "001"),
    ]


def test_an_undone_override_of_an_automatic_decision_goes_back(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1", AUTO)])
    store.decide("m-1", POTHOLE, "ada", 1)
    store.undo("m-1", "ada", 2)
    assert [row for row in told(store) if row[2] == 3] == [
        ("events", "send", 3, "water.leak"),
        ("streets", "withdraw", 3, None),
        ("water", "send", 3, "001"),
    ]


def test_several_decisions_of_one_batch_follow_each_other(store: SqlTriageStore) -> None:
    other = Decision(mode=Mode.AUTO, service_type="street.pothole", department="Streets")
    message, text = message_of("m-1"), message_of("m-1", "another text")
    store.save([(message, triage_of("m-1", AUTO)), (text, triage_of("m-1", other))])
    orders = [row for row in told(store) if row[0] != "events"]
    assert orders in (
        [("streets", "send", 1, "P")],
        [("water", "send", 1, "001"), ("streets", "send", 2, "P"), ("water", "withdraw", 2, None)],
    )


def test_no_word_of_the_resident_waits_in_the_outbox(store: SqlTriageStore) -> None:
    store.save([(message_of("m-1", "my name is Jo Sample"), triage_of("m-1", AUTO))])
    assert [stored for stored in store.outbox.list() if "Sample" in repr(stored.delivery)] == []


def test_what_belongs_to_no_ticket_is_not_told_to_zendesk(city_of: Callable[..., City]) -> None:
    desk = BackEnd(name="desk", kind=Kind.ZENDESK, url="https://desk.example.org", secret="s")
    store = city_of(desk).store
    store.save([pair_of("m-1")])
    assert told(store) == []
