"""Every back end is told once, whatever it answers: it hangs, refuses, lies, or dies between doing and saying."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest

from tests.store.clock import Clock
from tests.store.samples import LEAK, POTHOLE, message_of, pair_of, triage_of
from tests.triage.backends.conftest import City
from tests.triage.backends.receivers import (
    LOGIN_PAGE,
    Events,
    Mailbox,
    Receiver,
    Tickets,
    WorkOrders,
    answered,
)
from tests.triage.backends.test_planning import AUTO, EVENTS, SIGN, STREETS, WATER
from tests.triage.channels.test_autoreply import encoded
from triage.backends.http import Outgoing, Reply
from triage.backends.planning import change_key
from triage.backends.settings import BackEnd, Kind
from triage.channels.signatures import Hook, check_generic
from triage.errors import DeliveryFailed, DeliveryRefused, SettingsError
from triage.outbox import MAX_ATTEMPTS, SUPERSEDED
from triage.store import Action
from triage.store.deliveries import DeliveryState
from triage.types import Channel

DESK = BackEnd(
    name="desk",
    kind=Kind.ZENDESK,
    url="https://desk.example.org",
    user="integration@example.org",
    secret="token",
    fields={"service_type": 11, "urgency": 12},
)
PARKS = BackEnd(
    name="parks",
    kind=Kind.MAIL,
    sender="311@example.org",
    codes={
        "water.leak": "water@example.org",
        "street.pothole": "streets@example.org",
        "street.sign": "signs@example.org",
    },
)
GONE = "311: withdrawn, sent to another department"
TICKET = message_of("zendesk-35", channel=Channel.TICKET, thread_id="zendesk-35")
Cities = Callable[..., City]


def states(city: City) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (stored.delivery.target, stored.state.value, stored.answer, stored.last_error)
        for stored in reversed(city.store.outbox.list())
    ]


def test_an_event_is_cloudevents_1_0_in_structured_json(city_of: Cities, clock: Clock) -> None:
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1")])
    assert city.send(events) == 1
    [request] = events.requests
    assert (request.method, request.url) == ("POST", EVENTS.url)
    assert request.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    key = change_key("m-1", 1)
    assert json.loads(request.body or b"") == {
        "specversion": "1.0",
        "id": f"{key}-events",
        "source": "/triage-311",
        "type": "triage311.contact.decided",
        "subject": "m-1",
        "time": clock.now.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "message_id": "m-1",
            "version": 1,
            "action": "policy",
            "actor": "policy",
            "mode": "preselect",
            "status": "open",
            "service_type": "water.leak",
            "department": "Water",
            "urgency": "high",
            "code": "water.leak",
            "previous_code": None,
            "channel": "web",
        },
    }


def test_an_event_is_signed_as_standard_webhooks_and_as_our_own_hook_takes_it(city_of: Cities, clock: Clock) -> None:
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1")])
    city.send(events)
    [request] = events.requests
    named = {name.lower(): value for name, value in request.headers.items()}
    event_id, stamp = f"{change_key('m-1', 1)}-events", str(int(clock.now.timestamp()))
    assert (named["webhook-id"], named["webhook-timestamp"]) == (event_id, stamp)
    signed = f"{event_id}.{stamp}.".encode() + (request.body or b"")
    expected = base64.b64encode(hmac.digest(("s" * 16).encode(), signed, "sha256")).decode()
    assert named["webhook-signature"] == f"v1,{expected}"
    hook = Hook(headers=named, body=request.body or b"", url=request.url, now=clock.now)
    assert check_generic(hook, "s" * 16) == event_id


def test_a_standard_webhooks_secret_is_base64() -> None:
    from triage.backends.cloudevents import key_of

    assert key_of("whsec_" + base64.b64encode(b"key").decode()) == b"key"
    assert key_of("a plain secret") == b"a plain secret"


def test_a_withdrawn_route_is_an_event_too(city_of: Cities) -> None:
    only_leaks = BackEnd(
        name="events", kind=Kind.CLOUDEVENTS, url="https://bus.example.org", secret="s", codes={"water.leak": "L"}
    )
    city, events = city_of(only_leaks), Events()
    city.store.save([pair_of("m-1")])
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.send(events)
    types = [(event["type"], event["data"]["code"]) for event in events.events.values()]
    assert types == [("triage311.contact.decided", "L"), ("triage311.contact.withdrawn", None)]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (DeliveryFailed("ReadTimeout"), "ReadTimeout"),
        (DeliveryFailed("HTTP 500"), "HTTP 500"),
        (LOGIN_PAGE, "HTTP 200, but a web page answered"),
        (ValueError("broken transport"), "ValueError"),
    ],
)
def test_what_does_not_arrive_is_sent_again_under_the_same_key(
    city_of: Cities, clock: Clock, answer: object, failure: str
) -> None:
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1")])
    events.instead = [answer]  # type: ignore[list-item]
    assert city.send(events) == 0
    assert states(city) == [("events", "due", None, failure)]
    assert city.send(events) == 0  # its time has not come
    clock.pass_by(seconds=5)
    assert city.send(events) == 1
    assert len({request.headers["webhook-id"] for request in events.requests}) == 1


def test_what_arrived_and_was_not_answered_counts_once(city_of: Cities, clock: Clock) -> None:
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1")])
    events.after = [DeliveryFailed("ReadTimeout")]
    city.send(events)
    clock.pass_by(seconds=5)
    assert city.send(events) == 1
    assert (len(events.requests), len(events.events)) == (2, 1)


def test_a_receiver_that_is_busy_is_left_alone_for_as_long_as_it_says(city_of: Cities, clock: Clock) -> None:
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1"), pair_of("m-2")])
    events.instead = [DeliveryFailed("HTTP 429", retry_after_s=90)]
    assert city.send(events) == 0
    clock.pass_by(seconds=89)
    assert city.send(events) == 0
    assert len(events.requests) == 1
    clock.pass_by(seconds=1)
    assert city.send(events) == 2


def test_what_is_refused_for_good_is_a_dead_letter_and_retried_by_hand(city_of: Cities) -> None:
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1")])
    events.instead = [DeliveryRefused("HTTP 422")]
    city.send(events)
    assert states(city) == [("events", "dead", None, "HTTP 422")]
    assert city.send(events) == 0
    city.store.outbox.retry_dead()
    assert city.send(events) == 1


def test_what_fails_for_a_day_is_given_up(city_of: Cities, clock: Clock) -> None:
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1")])
    begun = clock.now
    while city.store.outbox.counts()[DeliveryState.DUE]:
        events.instead = [DeliveryFailed("ConnectError")]
        city.send(events)
        clock.pass_by(minutes=1)
    assert len(events.requests) == MAX_ATTEMPTS
    assert timedelta(hours=10) < clock.now - begun < timedelta(hours=24)


def test_what_one_system_is_told_of_one_contact_comes_in_order(city_of: Cities, clock: Clock) -> None:
    city, events = city_of(EVENTS), Events()
    city.store.save([pair_of("m-1")])
    events.instead = [DeliveryFailed("HTTP 503")]
    city.send(events)
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.store.save([pair_of("m-2")])
    assert city.send(events) == 1  # m-2 alone: the second of m-1 waits for its first
    clock.pass_by(seconds=5)
    city.send(events)
    assert [event["data"]["version"] for event in events.events.values() if event["subject"] == "m-1"] == [1, 2]


def test_a_work_order_is_opened_with_words_and_place_and_kept_as_a_link(city_of: Cities) -> None:
    city, works = city_of(WATER), WorkOrders()
    city.store.save([pair_of("m-1", AUTO)])
    assert city.send(works) == 1
    [fields] = works.opened.values()
    assert fields == {
        "service_code": "001",
        "description": "Water is running down Oak Street.",
        "address_string": "see the description",
    }
    [link] = city.store.links.of("m-1")
    assert (link.system, link.external_id, link.withdrawn_at) == ("water", "r-1", None)


def test_a_work_order_that_was_opened_unheard_is_not_opened_twice(city_of: Cities, clock: Clock) -> None:
    city, works = city_of(WATER), WorkOrders()
    city.store.save([pair_of("m-1", AUTO)])
    works.after = [DeliveryFailed("ReadTimeout")]
    city.send(works)
    clock.pass_by(seconds=5)
    assert city.send(works) == 1
    assert (len(works.requests), len(works.opened)) == (2, 1)


@pytest.mark.parametrize("lie", [answered([]), answered({"ok": True}), answered([{}]), LOGIN_PAGE])
def test_an_open311_server_that_names_no_request_is_not_believed(city_of: Cities, lie: object) -> None:
    city, works = city_of(WATER), WorkOrders()
    city.store.save([pair_of("m-1", AUTO)])
    works.instead = [lie]  # type: ignore[list-item]
    assert city.send(works) == 0
    assert states(city)[0][3] in ("HTTP 200, but the answer names no request", "HTTP 200, but the answer is no JSON")


def updating(back_end: BackEnd) -> BackEnd:
    from dataclasses import replace

    return replace(back_end, can_update=True)


def standing(city: City) -> list[tuple[str, bool]]:
    """Return the names of m-1 elsewhere, and whether each stands."""
    return [(link.external_id, link.withdrawn_at is None) for link in city.store.links.of("m-1")]


def test_another_type_closes_the_old_request_and_opens_the_new_under_one_key(city_of: Cities) -> None:
    city, works = city_of(updating(WATER), updating(STREETS)), WorkOrders()
    city.store.save([pair_of("m-1", AUTO)])
    city.send(works)
    city.store.decide("m-1", POTHOLE, "ada", 1)
    assert city.send(works) == 2
    key = change_key("m-1", 2)
    assert works.closed == {"r-1": key}
    assert list(works.opened)[1] == key
    assert standing(city) == [("r-1", False), ("r-2", True)]


def test_a_change_within_one_server_that_breaks_off_is_done_again_and_once(city_of: Cities, clock: Clock) -> None:
    city, works = city_of(updating(STREETS)), WorkOrders()
    city.store.save([pair_of("m-1")])
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.send(works)
    city.store.decide("m-1", SIGN, "ada", 2)
    works.after = [DeliveryFailed("ReadTimeout")]
    city.send(works)
    clock.pass_by(seconds=5)
    city.send(works)
    assert [fields["service_code"] for fields in works.opened.values()] == ["P", "S"]
    assert works.closed == {"r-1": change_key("m-1", 3)}


def test_a_request_that_the_server_will_not_close_is_left_to_people_and_the_new_one_is_linked(city_of: Cities) -> None:
    city, works = city_of(updating(STREETS)), WorkOrders()
    city.store.save([pair_of("m-1")])
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.send(works)
    city.store.decide("m-1", SIGN, "ada", 2)
    works.to_updates = DeliveryRefused("HTTP 404")
    assert city.send(works) == 1
    assert states(city)[-1] == ("streets", "sent", "request r-2; close by hand: r-1", None)
    assert standing(city) == [("r-1", True), ("r-2", True)]


def test_while_the_old_request_cannot_be_closed_the_new_one_is_not_opened_again(city_of: Cities, clock: Clock) -> None:
    """The old request is closed by the next try that the server takes; the new one is known from the first."""
    city, works = city_of(updating(STREETS)), WorkOrders()
    city.store.save([pair_of("m-1")])
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.send(works)
    city.store.decide("m-1", SIGN, "ada", 2)
    works.to_updates = DeliveryFailed("HTTP 503")
    for _ in range(3):
        city.send(works)
        clock.pass_by(minutes=1)
    assert standing(city) == [("r-1", True), ("r-2", True)]
    works.to_updates = None
    assert city.send(works) == 1
    assert states(city)[-1] == ("streets", "sent", "request r-2", "HTTP 503")
    assert [request.url.rpartition("/")[2] for request in works.requests].count("requests.json") == 2
    assert standing(city) == [("r-1", False), ("r-2", True)]


def test_a_server_without_updates_leaves_the_old_request_to_people(city_of: Cities) -> None:
    city, works = city_of(WATER), WorkOrders()
    city.store.save([pair_of("m-1", AUTO)])
    city.send(works)
    city.store.decide("m-1", POTHOLE, "ada", 1)
    assert city.send(works) == 1
    assert states(city)[-1] == ("water", "sent", "withdrawn; close by hand: r-1", None)
    [link] = city.store.links.of("m-1")
    assert link.withdrawn_at is None


def test_what_was_never_sent_and_is_outdated_is_not_sent_any_more(city_of: Cities) -> None:
    city, works = city_of(STREETS), WorkOrders()
    city.store.save([pair_of("m-1")])
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.store.decide("m-1", SIGN, "ada", 2)
    city.send(works)
    assert [fields["service_code"] for fields in works.opened.values()] == ["S"]
    assert states(city)[0] == ("streets", "sent", SUPERSEDED, None)


def test_a_dead_letter_that_is_outdated_is_not_sent_late(city_of: Cities) -> None:
    city, works = city_of(STREETS), WorkOrders()
    city.store.save([pair_of("m-1")])
    city.store.decide("m-1", POTHOLE, "ada", 1)
    works.instead = [DeliveryRefused("HTTP 422")]
    city.send(works)
    city.store.decide("m-1", SIGN, "ada", 2)
    city.send(works)
    city.store.outbox.retry_dead()
    city.send(works)
    assert [fields["service_code"] for fields in works.opened.values()] == ["S"]


def test_a_place_that_came_in_over_open311_goes_out_as_it_came(city_of: Cities) -> None:
    city, works = city_of(WATER), WorkOrders()
    message = message_of("o311-1")
    city.store.receive([(message, b"service_code=x&lat=38.58&long=-121.49&email=jo%40example.org")])
    city.store.save([(message, triage_of("o311-1", AUTO))])
    city.send(works)
    [fields] = works.opened.values()
    assert (fields["lat"], fields["long"]) == ("38.58", "-121.49")
    assert "email" not in fields


def test_a_ticket_gets_fields_tags_and_an_internal_note_once(city_of: Cities, clock: Clock) -> None:
    city, tickets = city_of(DESK), Tickets()
    city.store.save([(TICKET, triage_of(TICKET.id))])
    tickets.after = [DeliveryFailed("ReadTimeout")]  # of the look before the write
    city.send(tickets)
    clock.pass_by(seconds=5)
    assert city.send(tickets) == 1
    marker = f"triage311_{change_key(TICKET.id, 1)[:16]}"
    assert tickets.ticket["tags"] == ["vip", "triage311", "triage311_water_leak", "triage311_high", marker]
    assert tickets.ticket["fields"] == {11: "water.leak", 12: "high"}
    assert tickets.notes == ["Triage 311: The service says (preselect) water.leak, Water, urgency high. Version 1."]
    [request] = [each for each in tickets.requests if each.method == "PUT"]
    assert request.login == ("integration@example.org/token", "token")


def test_a_ticket_that_was_updated_unheard_is_not_updated_twice(city_of: Cities, clock: Clock) -> None:
    city, tickets = city_of(DESK), Tickets()
    city.store.save([(TICKET, triage_of(TICKET.id))])
    done = tickets.take

    def lost(outgoing: Outgoing) -> object:
        reply = done(outgoing)
        if outgoing.method == "PUT" and len(tickets.requests) == 2:
            raise DeliveryFailed("ReadTimeout")
        return reply

    tickets.take = lost  # type: ignore[method-assign, assignment]
    assert city.send(tickets) == 0
    clock.pass_by(seconds=5)
    assert city.send(tickets) == 1
    assert len(tickets.notes) == 1


def test_a_ticket_that_somebody_changed_meanwhile_is_read_again(city_of: Cities, clock: Clock) -> None:
    city, tickets = city_of(DESK), Tickets()
    city.store.save([(TICKET, triage_of(TICKET.id))])
    tickets.instead = [answered({"ticket": {**tickets.ticket, "updated_at": "t-older"}})]
    assert city.send(tickets) == 0
    assert states(city)[0][3] == "HTTP 409"
    clock.pass_by(seconds=5)
    assert city.send(tickets) == 1
    assert len(tickets.notes) == 1


@pytest.mark.parametrize("lie", [answered({"ticket": {"id": 36}}), answered({"ok": 1}), LOGIN_PAGE])
def test_a_zendesk_that_answers_something_else_is_not_believed(city_of: Cities, lie: object) -> None:
    city, tickets = city_of(DESK), Tickets()
    city.store.save([(TICKET, triage_of(TICKET.id))])
    tickets.instead = [lie]  # type: ignore[list-item]
    assert city.send(tickets) == 0
    assert tickets.notes == []


def test_a_zendesk_that_says_yes_and_does_nothing_is_not_believed(city_of: Cities) -> None:
    city, tickets = city_of(DESK), Tickets()
    city.store.save([(TICKET, triage_of(TICKET.id))])
    tickets.instead = [answered({"ticket": tickets.ticket})] * 2
    assert city.send(tickets) == 0
    assert states(city)[0][3] == "HTTP 200, but the ticket is as it was"


def test_a_newer_decision_replaces_our_tags_and_leaves_the_others(city_of: Cities) -> None:
    city, tickets = city_of(DESK), Tickets()
    city.store.save([(TICKET, triage_of(TICKET.id))])
    city.send(tickets)
    city.store.decide(TICKET.id, POTHOLE, "ada", 1, action=Action.OVERRIDE)
    city.send(tickets)
    assert tickets.ticket["tags"][:3] == ["vip", "triage311", "triage311_street_pothole"]
    assert len(tickets.ticket["tags"]) == 5
    assert tickets.notes[1].startswith("Triage 311: An agent chose street.pothole, Streets")


def test_a_withdrawn_suggestion_empties_our_fields(city_of: Cities) -> None:
    city, tickets = city_of(DESK), Tickets()
    city.store.save([(TICKET, triage_of(TICKET.id))])
    city.send(tickets)
    city.store.undo(TICKET.id, "ada", 1)
    city.send(tickets)
    assert tickets.ticket["fields"] == {11: None, 12: None}
    assert "triage311" not in tickets.ticket["tags"]
    assert tickets.notes[1] == "Triage 311: the contact is no longer water.leak; the suggestion is withdrawn."


def test_a_closed_ticket_is_a_dead_letter(city_of: Cities) -> None:
    city, tickets = city_of(DESK), Tickets()
    tickets.ticket["status"] = "closed"
    city.store.save([(TICKET, triage_of(TICKET.id))])
    city.send(tickets)
    assert states(city) == [("desk", "dead", None, "the ticket is closed")]


def test_a_mailbox_gets_the_contact_and_the_one_before_hears_that_it_is_gone(city_of: Cities) -> None:
    city, mail = city_of(PARKS), Mailbox()
    city.store.save([pair_of("m-1")])
    city.send(Receiver(), mail)
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.send(Receiver(), mail)
    assert [(message["To"], sender, to) for message, sender, to in mail.taken] == [
        ("water@example.org", "311@example.org", ("water@example.org",)),
        ("streets@example.org", "311@example.org", ("streets@example.org",)),
        ("water@example.org", "311@example.org", ("water@example.org",)),
    ]
    first, second, gone = (message for message, _, _ in mail.taken)
    assert "Water is running down Oak Street." in first.get_content()
    assert first["Message-ID"] == f"<{change_key('m-1', 1)}@example.org>"
    assert second["Subject"] == "311 high: street.pothole"
    assert gone["In-Reply-To"] == first["Message-ID"]
    assert (first["Auto-Submitted"], first["X-Loop"]) == ("auto-generated", "311@example.org")


def test_the_mailbox_that_has_the_contact_hears_that_it_is_gone_and_one_that_never_had_it_nothing(
    city_of: Cities,
) -> None:
    city, mail = city_of(PARKS), Mailbox()
    city.store.save([pair_of("m-1")])
    city.send(Receiver(), mail)
    city.store.decide("m-1", POTHOLE, "ada", 1)
    city.store.decide("m-1", SIGN, "ada", 2)  # before anybody mails the pothole to the streets
    assert city.send(Receiver(), mail) == 2
    assert mail.told[1:] == [("signs@example.org", "311 high: street.sign"), ("water@example.org", GONE)]
    assert mail.taken[2][0]["In-Reply-To"] == mail.taken[0][0]["Message-ID"]


def test_a_mailbox_that_heard_already_is_not_told_again(city_of: Cities) -> None:
    city, mail = city_of(PARKS), Mailbox()
    city.store.save([pair_of("m-1")])
    for version, decision in enumerate((POTHOLE, SIGN), start=1):
        city.send(Receiver(), mail)
        city.store.decide("m-1", decision, "ada", version)
    city.send(Receiver(), mail)
    assert [to for to, subject in mail.told if subject == GONE] == ["water@example.org", "streets@example.org"]


def test_the_new_mailbox_gets_one_mail_however_long_the_old_one_takes_none(city_of: Cities, clock: Clock) -> None:
    city, mail = city_of(PARKS), Mailbox()
    city.store.save([pair_of("m-1")])
    city.send(Receiver(), mail)
    city.store.decide("m-1", POTHOLE, "ada", 1)
    mail.full = {"water@example.org"}
    for _ in range(3):
        assert city.send(Receiver(), mail) == 0
        clock.pass_by(minutes=1)
    mail.full = set()
    assert city.send(Receiver(), mail) == 1
    assert mail.told[1:] == [("streets@example.org", "311 high: street.pothole"), ("water@example.org", GONE)]
    assert states(city)[-1] == ("parks", "sent", "sent, withdrawn", "SMTP 452")


def test_what_a_stranger_encoded_several_times_never_becomes_a_header_of_the_mail(city_of: Cities) -> None:
    city, mail = city_of(PARKS), Mailbox()
    smuggled = encoded("x\r\nBcc: a@example.com\r\n\r\nBuy pills", 2)
    city.store.save([(message_of("m-1", subject=smuggled), triage_of("m-1"))])
    city.send(Receiver(), mail)
    [(message, _, _)] = mail.taken
    sent = message_from_bytes(message.as_bytes(policy=SMTP))
    assert (sent["Bcc"], sent["To"]) == (None, "water@example.org")


def test_a_mail_that_is_sent_again_has_the_same_identity(city_of: Cities, clock: Clock) -> None:
    def lost() -> None:
        if len(mail.taken) == 1:
            raise DeliveryFailed("OutcomeUnknown")

    city, mail = city_of(PARKS), Mailbox(lost)
    city.store.save([pair_of("m-1", LEAK)])
    city.send(Receiver(), mail)
    clock.pass_by(seconds=5)
    assert city.send(Receiver(), mail) == 1
    assert len({message["Message-ID"] for message, _, _ in mail.taken}) == 1


def test_a_mailbox_without_a_mail_server_is_a_wrong_setting(city_of: Cities) -> None:
    with pytest.raises(SettingsError, match="back end parks is a mailbox"):
        city_of(PARKS).send(Receiver())


def test_a_system_that_hangs_holds_up_no_other(city_of: Cities) -> None:
    """Each back end has a worker of its own; one that fails leaves the others' deliveries alone."""
    city, events = city_of(WATER, EVENTS), Events()
    city.store.save([pair_of("m-1", AUTO)])

    def exchange(outgoing: Outgoing) -> Reply:
        if outgoing.url.startswith(WATER.url):
            raise DeliveryFailed("ReadTimeout")
        return events(outgoing)

    city.send(exchange)
    assert sorted(row[:2] for row in states(city)) == [("events", "sent"), ("water", "due")]
