"""What is typed and decided survives an answer that comes late, twice or not at all, and the end of a session."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.city import City, Seat, sign_in, told
from tests.console.conftest import SeatOf
from tests.console.fake_city import COUCH, hold_back, serving_fakes
from triage.access import Role
from triage.store import Action, Status, open_store

pytestmark = pytest.mark.system
STORED = r"v1.contacts(\?.*)?$"  # what a note is stored by
GATE = "the gate hangs by one hinge"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    path: Path = tmp_path_factory.mktemp("recovery") / "city.db"
    with open_store(f"sqlite:///{path}") as store, serving_fakes(store) as running:
        yield running


def note_with_type(page: Page) -> str:
    """Write a note, take its type, and return the note's id."""
    page.get_by_role("textbox", name="Live note").fill(COUCH)
    expect(page.get_by_role("button", name=re.compile("Illegal dumping"))).to_be_visible()
    page.wait_for_timeout(500)  # a key on its way would take what stood in the slot before
    page.locator("#note").focus()
    if not page.locator(".types [aria-pressed=true]").count():
        page.keyboard.press("Alt+1")
    return str(page.evaluate("JSON.parse(sessionStorage.getItem('note')).id"))


def actions_on(city: City, message_id: str) -> list[Action]:
    return [each.action for each in city.store.decisions_of(message_id)]


def contact_with_type(seat: Seat, message_id: str) -> Page:
    page = seat.open(f"/console/contact/{message_id}")
    expect(page.get_by_role("button", name=re.compile("Illegal dumping"))).to_be_visible()
    page.wait_for_timeout(500)
    if not page.locator(".types [aria-pressed=true]").count():
        page.keyboard.press("1")
    expect(page.locator("#save")).to_be_enabled()
    return page


def test_saving_pressed_twice_decides_once_and_leaves_the_next_note_alone(agent: Seat) -> None:
    hold_back(agent.page, STORED, number=2, on_the_way=True)
    page = agent.open("/console/")
    name = note_with_type(page)
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")
    expect(told(page, re.compile("^Saved: "))).to_be_visible()
    page.keyboard.type(GATE)
    page.wait_for_timeout(2_000)
    expect(page.get_by_role("textbox", name="Live note")).to_have_value(GATE)
    assert actions_on(agent.city, name) == [Action.POLICY, Action.ACCEPT]


def test_what_is_typed_while_a_note_is_being_saved_stays(agent: Seat) -> None:
    hold_back(agent.page, STORED)
    page = agent.open("/console/")
    name = note_with_type(page)
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Alt+n")
    page.keyboard.type(" by the pier")
    expect(told(page, re.compile("^Saved: "))).to_be_visible()
    expect(page.get_by_role("textbox", name="Live note")).to_have_value(f"{COUCH} by the pier")
    assert actions_on(agent.city, name)[-1] is Action.ACCEPT


def test_a_key_that_is_held_down_undoes_once(agent: Seat) -> None:
    name = agent.city.receive(COUCH)
    page = contact_with_type(agent, name)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(re.compile("accept by agent-7"))).to_be_visible()
    page.locator("#suggestions").focus()
    for _ in range(4):
        page.keyboard.down("z")
        page.wait_for_timeout(400)
    page.keyboard.up("z")
    assert actions_on(agent.city, name)[1:] == [Action.ACCEPT, Action.UNDO]


def test_alt_with_the_number_pad_types_a_sign_and_takes_no_type(agent: Seat) -> None:
    page = agent.open("/console/")
    note_with_type(page)
    before = page.locator(".types [aria-pressed]").evaluate_all("all => all.map((one) => one.ariaPressed)")
    page.evaluate(
        """for (const digit of "24") document.getElementById("note").dispatchEvent(
        new KeyboardEvent("keydown", { key: digit, code: `Numpad${digit}`, altKey: true, bubbles: true }))"""
    )
    page.wait_for_timeout(200)
    assert page.locator(".types [aria-pressed]").evaluate_all("all => all.map((one) => one.ariaPressed)") == before


def fail_once(page: Page, address: str) -> None:
    """Answer the first POST to an address with a failure."""
    failed: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method != "POST" or failed:
            return route.continue_()
        failed.append(route.request.url)
        return route.fulfill(status=500, json={"title": "Failed", "detail": "the store is away"})

    page.route(address, answer)


@pytest.mark.parametrize(
    ("first", "then", "made", "status"),
    [
        ("Control+Enter", "Control+Shift+Enter", [Action.ACCEPT, Action.CLOSE], Status.CLOSED),
        ("Control+Shift+Enter", "Control+Enter", [Action.ACCEPT], Status.OPEN),
    ],
)
def test_after_a_failure_the_key_that_is_pressed_then_says_whether_the_contact_is_closed(
    agent: Seat, first: str, then: str, made: list[Action], status: Status
) -> None:
    name = agent.city.receive(COUCH)
    page = contact_with_type(agent, name)
    fail_once(page, "**/decisions")
    page.keyboard.press(first)
    expect(page.get_by_text(re.compile("^Not saved")).first).to_be_visible()
    page.keyboard.press(then)
    expect(page.get_by_text(re.compile("accept by agent-7|close by agent-7"))).to_be_visible()
    assert actions_on(agent.city, name)[1:] == made
    stands = agent.city.store.contact_of(name).decision
    assert stands is not None
    assert stands.status is status


def test_a_claim_that_cannot_be_given_back_does_not_unsay_what_was_saved(agent: Seat) -> None:
    name = agent.city.receive(COUCH)
    page = contact_with_type(agent, name)
    page.route("**/claim", lambda route: route.abort() if route.request.method == "DELETE" else route.continue_())
    page.keyboard.press("Control+Enter")
    expect(told(page, "Decided.")).to_be_visible()
    assert actions_on(agent.city, name)[1:] == [Action.ACCEPT]


def test_a_note_that_a_new_one_follows_after_the_session_ended_is_sent_once_somebody_is_signed_in(
    seat: SeatOf, city: City
) -> None:
    sitting = seat(city, "agent-6")
    page = sitting.open("/console/")
    city.end_sessions_of("agent-6")
    page.get_by_role("textbox", name="Live note").fill(GATE)
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    page.keyboard.press("Alt+n")
    expect(page.get_by_role("textbox", name="Live note")).to_have_value("")
    sign_in(sitting, Role.AGENT)
    with page.expect_response("**/v1/triage*"):
        page.reload()
    assert GATE in [each.message.text for each in city.store.recent(5)]


def test_signing_in_again_goes_on_with_the_save_that_the_end_of_the_session_cut(seat: SeatOf, city: City) -> None:
    sitting = seat(city, "agent-6")
    page = sitting.open("/console/")
    name = note_with_type(page)
    page.keyboard.press("Alt+a")

    def cut(route: Route) -> None:
        if json.loads(route.request.post_data or "{}")["action"] != "answer_used":
            city.end_sessions_of("agent-6")
        route.continue_()

    page.route("**/decisions", cut)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    page.unroute("**/decisions")
    sign_in(sitting, Role.AGENT)
    page.get_by_role("button", name="I am signed in").click()
    expect(page.get_by_text("Your session has ended.")).to_be_hidden()
    page.wait_for_timeout(500)
    page.keyboard.press("Control+Enter")
    expect(told(page, re.compile("^Saved: "))).to_be_visible()
    assert actions_on(city, name)[1:] == [Action.ANSWER_USED, Action.ACCEPT]


def test_a_contact_that_could_not_be_read_at_first_is_whole_after_signing_in(seat: SeatOf, city: City) -> None:
    sitting = seat(city, "agent-6")
    name = city.receive(COUCH)
    sitting.page.route("**/v1/contacts/**", lambda route: route.abort())
    page = sitting.open(f"/console/contact/{name}")
    expect(page.locator("#news")).not_to_be_empty()
    page.unroute("**/v1/contacts/**")
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("group", name="Fixed texts to put in").get_by_role("button").first).to_be_visible()
    expect(page.locator("#news")).to_be_empty()
    expect(page.get_by_role("heading", name="Illegal dumping")).to_be_visible()
    city.store.claims.claim(name, "agent-8")
    expect(page.get_by_text("agent-8 works on it").first).to_be_visible()


def test_whoever_signs_in_after_another_has_the_page_as_their_own(seat: SeatOf, city: City) -> None:
    sitting = seat(city, "agent-6")
    name = city.receive(COUCH)
    page = sitting.open(f"/console/contact/{name}")
    expect(page.locator(".me")).to_have_text("agent-6")
    city.end_sessions_of("agent-6")
    page.keyboard.press("c")
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    sitting.name = "agent-9"
    sign_in(sitting, Role.AGENT)
    page.get_by_role("button", name="I am signed in").click()
    expect(page.locator(".me")).to_have_text("agent-9")
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_text("you work on it", exact=True)).to_be_visible()


def test_a_reply_that_was_changed_after_its_answer_was_lost_has_a_key_of_its_own(agent: Seat) -> None:
    name = agent.city.receive(COUCH)
    sent: list[tuple[str | None, str]] = []

    def lose_the_first(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        sent.append((route.request.headers.get("idempotency-key"), json.loads(route.request.post_data or "")["text"]))
        return route.fulfill(status=500, json={"detail": "the line broke"})

    agent.page.route("**/replies", lose_the_first)
    page = contact_with_type(agent, name)
    page.evaluate("document.getElementById('send-reply').hidden = false")
    for text in ("A crew comes on Monday.", "A crew comes on Monday.", "A crew comes on Tuesday."):
        page.get_by_role("textbox", name="Reply").fill(text)
        page.evaluate("document.getElementById('send-reply').hidden = false")
        with page.expect_response(lambda answer: answer.request.method == "POST" and "replies" in answer.url):
            page.locator("#send-reply").click()
        expect(page.get_by_text(re.compile("^Not sent")).first).to_be_visible()
        expect(page.locator("#send-reply")).to_be_enabled()
    keys = [key for key, _ in sent]
    assert keys[0] == keys[1] != keys[2]


def test_a_reply_is_not_followed_by_its_correction_unseen(agent: Seat) -> None:
    name = agent.city.receive(COUCH)
    posts: list[str] = []
    there = {"text": "A crew comes on Monday.", "language": None, "by": "agent-7", "state": "due"}

    def lose_the_answer(route: Route) -> None:
        if route.request.method == "POST":
            posts.append(route.request.post_data or "")
            return route.abort()
        answer = route.fetch()
        sent = [{**there, "created_at": "2026-03-02T09:00:00Z"}] if posts else []
        return route.fulfill(response=answer, json={**answer.json(), "channel_back": "email", "sent": sent})

    agent.page.route("**/replies", lose_the_answer)
    page = contact_with_type(agent, name)
    page.get_by_role("textbox", name="Reply").fill("A crew comes on Monday.")
    page.locator("#send-reply").click()
    expect(page.get_by_text(re.compile("^Not sent")).first).to_be_visible()
    page.get_by_role("textbox", name="Reply").fill("A crew comes on Tuesday.")
    page.locator("#send-reply").click()
    expect(page.get_by_text(re.compile("^What you sent before has arrived")).first).to_be_visible()
    assert len(posts) == 1


def test_an_answer_for_agents_alone_stays_out_of_the_reply(agent: Seat) -> None:
    name = agent.city.receive(COUCH)

    def internal(route: Route) -> None:
        answer = route.fetch()
        detail = answer.json()
        for each in detail["contact"]["triage"]["answers"]:
            each["audience"] = "internal"
        route.fulfill(response=answer, json=detail)

    agent.page.route(f"**/v1/contacts/{name}", internal)
    page = contact_with_type(agent, name)
    page.keyboard.press("a")
    expect(page.get_by_text(re.compile("for agents only: it is not put into the reply")).first).to_be_visible()
    expect(page.get_by_role("textbox", name="Reply")).to_have_value("")


def test_a_type_can_be_accepted_after_an_answer_alone_was_used(agent: Seat) -> None:
    name = agent.city.receive(COUCH)
    stands = agent.city.store.contact_of(name).decision
    assert stands is not None
    agent.city.store.decide(
        name, stands.decision, "agent-8", 1, action=Action.ANSWER_USED, article_id="bulky-item-pickup", section=""
    )
    page = contact_with_type(agent, name)
    expect(page.locator("#will-save")).to_contain_text("Accept Illegal dumping")
    page.keyboard.press("Control+Enter")
    expect(told(page, "Decided.")).to_be_visible()
    assert actions_on(agent.city, name)[1:] == [Action.ANSWER_USED, Action.ACCEPT]
