"""The reconciliation names every contact that a back end has otherwise than decided."""

from collections.abc import Callable

import pytest

from tests.store.samples import LEAK, POTHOLE, pair_of
from tests.triage.backends.conftest import City, city_of, clock, empty_city  # noqa: F401
from tests.triage.backends.receivers import Events, WorkOrders
from tests.triage.backends.test_planning import AUTO, EVENTS, STREETS, WATER
from triage.backends.settings import BackEnd
from triage.errors import DeliveryFailed, DeliveryRefused
from triage.reconciling import Difference, Reconciliation, Why, reconcile
from triage.store import SqlTriageStore

Cities = Callable[..., City]


def report(city: City, *back_ends: BackEnd) -> Reconciliation:
    return reconcile(city.store, back_ends or city.back_ends, progress=lambda *_: None)


def whys(found: Reconciliation) -> list[tuple[str, str, Why]]:
    return [(each.message_id, each.back_end, each.why) for each in found.differences]


@pytest.fixture
def city(city_of: Cities) -> City:  # noqa: F811
    return city_of(WATER, STREETS)


def test_what_arrived_as_decided_agrees(city: City) -> None:
    city.store.save([pair_of("m-1", AUTO), pair_of("m-2")])
    city.send(WorkOrders())
    found = report(city)
    assert (found.contacts, found.expected, found.agreed, found.differences) == (2, 1, 4, ())
    assert found.is_clean


def test_what_waits_is_no_fault(city: City) -> None:
    city.store.save([pair_of("m-1", AUTO)])
    found = report(city)
    assert whys(found) == [("m-1", "water", Why.WAITING)]
    assert found.is_clean


def test_what_was_given_up_is_named_with_its_failure(city: City) -> None:
    city.store.save([pair_of("m-1", AUTO)])
    works = WorkOrders()
    works.instead = [DeliveryRefused("HTTP 422")]
    city.send(works)
    [found] = report(city).differences
    assert found == Difference(
        message_id="m-1",
        back_end="water",
        version=1,
        decided="001",
        delivered=None,
        why=Why.GIVEN_UP,
        detail="HTTP 422",
    )
    assert not report(city).is_clean


def test_what_was_decided_before_a_back_end_was_named_was_never_told(city: City) -> None:
    city.store.save([pair_of("m-1", AUTO)])
    city.send(WorkOrders())
    assert whys(report(city, WATER, EVENTS)) == [("m-1", "events", Why.NEVER_TOLD)]


def test_a_request_that_only_people_can_close_is_named_until_they_have(city: City) -> None:
    works = WorkOrders()
    city.store.save([pair_of("m-1", AUTO)])
    city.send(works)
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.send(works)
    [found] = report(city).differences
    assert (found.back_end, found.why, found.detail) == ("water", Why.BY_HAND, "r-1")
    city.store.links.withdraw("water", "r-1")
    assert report(city).differences == ()


def test_a_code_that_the_crosswalk_has_changed_since_differs(city: City) -> None:
    city.store.save([pair_of("m-1", AUTO)])
    city.send(WorkOrders())
    renamed = BackEnd(name="water", kind=WATER.kind, url=WATER.url, codes={"water.leak": "9"}, settled_only=True)
    [found] = report(city, renamed).differences
    assert (found.why, found.decided, found.delivered) == (Why.DIFFERS, "9", "001")


def test_an_event_that_is_behind_waits(city_of: Cities) -> None:  # noqa: F811
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1")])
    city.send(events)
    city.store.decide("m-1", LEAK, "ada", 1)
    events.instead = [DeliveryFailed("HTTP 500")]
    city.send(events)
    [found] = report(city).differences
    assert (found.why, found.version, found.detail) == (Why.WAITING, 2, "HTTP 500")


def test_an_empty_store_is_clean(city: City) -> None:
    store: SqlTriageStore = city.store
    assert reconcile(store, (), progress=lambda *_: None).is_clean
