"""Lists of contacts: filtered, ordered, a page at a time."""

import pytest

from tests.store.clock import Clock
from tests.store.samples import GRAFFITI, LEAK, POTHOLE, message_of, triage_of
from triage.store import Actor, SqlTriageStore, Status
from triage.store.contact_list import ContactFilter, Order
from triage.types import Channel, Mode, UrgencyLevel


@pytest.fixture(autouse=True)
def _stored(timed: SqlTriageStore, clock: Clock) -> None:
    """m-0 to m-5: a leak, a graffito and a pothole, twice."""
    kinds = (LEAK, UrgencyLevel.HIGH, "en"), (GRAFFITI, UrgencyLevel.LOW, "es"), (POTHOLE, UrgencyLevel.HIGH, "en")
    for number in range(6):
        decision, level, language = kinds[number % 3]
        message = message_of(
            f"m-{number}", channel=Channel.EMAIL if number < 2 else Channel.WEB, thread_id=f"t-{number % 2}"
        )
        timed.save([(message, triage_of(message.id, decision, level, language))])
        clock.pass_by(hours=1)


def ids(store: SqlTriageStore, wanted: ContactFilter, order: Order = Order.NEWEST) -> str:
    """Return the numbers of the contacts, in the order of the list."""
    return "".join(
        contact.message.id.removeprefix("m-") for contact in store.contacts.list(wanted, order=order).contacts
    )


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ContactFilter(), "543210"),
        (ContactFilter(channel=Channel.EMAIL), "10"),
        (ContactFilter(language="es"), "41"),
        (ContactFilter(service_type="water.leak"), "30"),
        (ContactFilter(department="Streets"), "52"),
        (ContactFilter(urgency=UrgencyLevel.LOW), "41"),
        (ContactFilter(mode=Mode.ASK), "52"),
        (ContactFilter(actor=Actor.PERSON), ""),
        (ContactFilter(thread_id="t-1"), "531"),
        (ContactFilter(language="en", channel=Channel.WEB), "532"),
        (ContactFilter(id_prefix="m-"), "543210"),
        (ContactFilter(id_prefix="m-4"), "4"),
        (ContactFilter(id_prefix="M-"), ""),
        (ContactFilter(id_prefix="%-"), ""),
    ],
)
def test_a_filter_keeps_the_contacts_that_have_every_value(
    timed: SqlTriageStore, wanted: ContactFilter, expected: str
) -> None:
    assert ids(timed, wanted) == expected


def test_contacts_of_a_time_are_those_from_it_to_before_its_end(timed: SqlTriageStore, clock: Clock) -> None:
    first = timed.contact_of("m-2").created_at
    assert ids(timed, ContactFilter(created_from=first, created_until=timed.contact_of("m-4").created_at)) == "32"


def test_a_persons_decision_moves_a_contact_in_the_lists(timed: SqlTriageStore) -> None:
    timed.decide("m-0", POTHOLE, "ada", 1, urgency=UrgencyLevel.EMERGENCY, status=Status.CLOSED)
    assert ids(timed, ContactFilter(status=Status.CLOSED)) == "0"
    assert ids(timed, ContactFilter(service_type="street.pothole", actor=Actor.PERSON)) == "0"
    assert ids(timed, ContactFilter(service_type="water.leak")) == "3"
    assert ids(timed, ContactFilter(), Order.URGENCY) == "023514"


def test_claimed_contacts_and_those_of_an_incident(timed: SqlTriageStore, clock: Clock) -> None:
    timed.claims.claim("m-1", "ada")
    timed.claims.claim("m-2", "ben")
    incident = timed.incidents.open(service_type="water.leak", title="leaks", by="ada", message_ids=["m-0", "m-3"])
    assert ids(timed, ContactFilter(claimed=True)) == "21"
    assert ids(timed, ContactFilter(claimed_by="ada")) == "1"
    assert ids(timed, ContactFilter(claimed=False)) == "5430"
    assert ids(timed, ContactFilter(incident_id=incident)) == "30"
    clock.pass_by(hours=1)
    assert ids(timed, ContactFilter(claimed=True)) == ""


@pytest.mark.parametrize("order", Order)
def test_pages_follow_each_other_whatever_comes_in_meanwhile(timed: SqlTriageStore, order: Order) -> None:
    whole = ids(timed, ContactFilter(), order)
    found, cursor = "", None
    while True:
        page = timed.contacts.list(limit=2, cursor=cursor, order=order)
        found += "".join(contact.message.id.removeprefix("m-") for contact in page.contacts)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        timed.save([(message_of(f"n-{len(found)}"), triage_of(f"n-{len(found)}", level=UrgencyLevel.EMERGENCY))])
    assert found == whole


@pytest.mark.parametrize(
    "cursor", ["", "é", "bm9uZQ==", "bmV3ZXN0LjEuLTE=", "bmV3ZXN0Ljk5OTk5OTk5OTk5OS4x", "dXJnZW5jeS4xLjE="]
)
def test_a_cursor_that_no_list_gave_is_refused(timed: SqlTriageStore, cursor: str) -> None:
    with pytest.raises(ValueError, match="the cursor is none that this list gave"):
        timed.contacts.list(cursor=cursor)


def test_a_page_has_at_least_one_contact(timed: SqlTriageStore) -> None:
    with pytest.raises(ValueError, match="limit must be at least 1"):
        timed.contacts.list(limit=0)


def test_contacts_are_counted_by_what_they_are(timed: SqlTriageStore) -> None:
    timed.receive([(message_of("m-9"), None)])
    assert timed.contacts.counts_by("department") == {"Water": 2, "Public Works": 2, "Streets": 2, None: 1}
    assert timed.contacts.counts_by("channel", ContactFilter(language="en")) == {"email": 1, "web": 3}
    with pytest.raises(ValueError, match="field must be one of channel, status"):
        timed.contacts.counts_by("text")


def test_a_list_reads_no_mails_bytes(store: SqlTriageStore) -> None:
    store.receive([(message_of("photo"), b"a photo")])
    listed = store.contacts.list(limit=1).contacts
    assert [each.message.id for each in listed] == ["photo"]
    assert (listed[0].raw, store.recent(1)[0].raw, store.contact_of("photo").raw) == (None, None, b"a photo")
    assert store.contacts.list(ContactFilter(id_prefix="pho")).contacts[0].raw == b"a photo"
