"""One contact: read, decided, answered, its history; never by two agents at once."""

import re

from playwright.sync_api import Locator, Page, Route, expect

from tests.console.city import City, Seat, told
from tests.console.conftest import SeatOf
from triage.access import Role
from triage.store import Action
from triage.types import Channel

EVIL = '<script>window.stolen = 1</script><img src=x onerror="window.stolen = 2"><b>pothole</b> on Alder St & 3rd'


def slots(page: Page) -> Locator:
    return page.get_by_role("region", name="Service type").get_by_role("listitem").get_by_role("button")


def opened(seat: Seat, message_id: str) -> Page:
    page = seat.open(f"/console/contact/{message_id}")
    expect(page.get_by_role("region", name="History").get_by_role("listitem").first).to_be_visible()
    return page


def test_a_suggestion_is_overridden_and_the_override_undone(agent: Seat) -> None:
    name = agent.city.receive("someone dumped a couch behind 2210 Florin Rd")
    page = opened(agent, name)
    page.keyboard.press("2")
    expect(slots(page).nth(1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(re.compile("override by agent-7"))).to_be_visible()
    assert agent.city.store.decisions_of(name)[-1].action is Action.OVERRIDE
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(page.get_by_text("Undone: what stood before stands again")).to_be_visible()
    stands = agent.city.store.decisions_of(name)[-1]
    assert (stands.action, stands.decision.service_type) == (Action.UNDO, "waste.dumping")


def test_two_agents_on_one_contact_never_decide_both(seat: SeatOf, city: City) -> None:
    name = city.receive("the drinking fountain by the pier sprays sideways")
    first, second = seat(city, "agent-8"), seat(city, "agent-9")
    here, there = opened(first, name), opened(second, name)
    here.keyboard.press("c")
    expect(here.get_by_text("you work on it", exact=True)).to_be_visible()
    expect(there.get_by_text("agent-8 works on it").first).to_be_visible()
    expect(there.get_by_role("button", name=re.compile("^Decide"))).to_be_disabled()
    expect(there.get_by_role("button", name=re.compile("^Close"))).to_be_disabled()
    here.keyboard.press("1")
    here.keyboard.press("Control+Enter")
    expect(here.get_by_text(re.compile("(accept|override) by agent-8"))).to_be_visible()
    expect(there.get_by_text(re.compile("(accept|override) by agent-8"))).to_be_visible()
    assert [each.decided_by for each in city.store.decisions_of(name)[1:]] == ["agent-8"]


def test_what_happens_before_the_line_of_updates_stands_is_seen(agent: Seat) -> None:
    name = agent.city.receive("the swing at Fremont Park squeals")

    def claimed_first(route: Route) -> None:
        agent.city.store.claims.claim(name, "agent-8")
        route.continue_()

    agent.page.route("**/v1/events*", claimed_first)
    page = opened(agent, name)
    expect(page.get_by_text("agent-8 works on it").first).to_be_visible()


def test_a_lead_takes_a_contact_from_an_agent(seat: SeatOf, city: City) -> None:
    name = city.receive("hedge over the sidewalk at 12 Larkspur Court")
    city.store.claims.claim(name, "agent-8")
    page = opened(seat(city, "lead-7", Role.LEAD), name)
    page.get_by_role("button", name="Take it from them").click()
    expect(page.get_by_role("button", name=re.compile("^Claim"))).to_be_visible()
    assert city.store.claims.of(name) is None


def test_html_and_script_of_a_resident_are_text(agent: Seat) -> None:
    name = agent.city.receive(EVIL, subject="<i>slanted</i>")
    page = opened(agent, name)
    said = page.get_by_role("region", name="What was said")
    expect(said).to_contain_text(EVIL)
    expect(said).to_contain_text("<i>slanted</i>")
    queue = agent.open("/console/queue?q=stolen")
    expect(queue.get_by_role("table", name="Queue")).to_contain_text("<script>")
    note = agent.open("/console/")
    note.get_by_role("textbox", name="Live note").fill(EVIL)
    expect(note.get_by_role("region", name="As it was read")).to_contain_text(EVIL)
    assert note.evaluate("window.stolen") is None


def test_an_arabic_contact_shows_its_original_beside_what_is_known_of_its_translation(agent: Seat) -> None:
    page = opened(agent, "sample-239")
    said = page.get_by_role("region", name="What was said")
    original = said.locator("[lang=ar][dir=rtl]").filter(has_text="السلام")
    expect(original).to_be_visible()
    expect(said).to_contain_text("Translation")
    expect(said).to_contain_text("ask for an interpreter")
    expect(said).to_contain_text("Interpreter: ask for Arabic")
    expect(said.get_by_role("button", name="1420 Prospect Hill Rd")).to_be_visible()


def test_the_history_names_every_step_and_the_versions_that_made_it(agent: Seat) -> None:
    name = agent.city.receive("streetlight out at Kestrel and Sandpiper")
    page = opened(agent, name)
    page.keyboard.press("1")
    page.get_by_label("Note on the decision").fill("heard it on the phone")
    page.keyboard.press("Control+Enter")
    history = page.get_by_role("region", name="History")
    expect(history).to_contain_text("heard it on the phone")
    expect(history).to_contain_text("Decided by the policy")
    history.get_by_text("How this was made").first.click()
    expect(history).to_contain_text("classifier")


def test_the_thread_is_shown_with_both_mails(agent: Seat) -> None:
    page = opened(agent, "sample-213")
    expect(page.get_by_text("Thread, 2 messages")).to_be_visible()
    expect(page.get_by_text("this one")).to_be_visible()


def test_a_possible_duplicate_nearby_is_named(agent: Seat) -> None:
    page = opened(agent, "sample-286")
    near = page.get_by_role("region", name="Possible duplicates nearby")
    expect(near.get_by_role("link").first).to_be_visible()
    expect(near).to_contain_text("the same day · hill")


def test_the_child_of_an_incident_says_so(agent: Seat) -> None:
    page = opened(agent, "sample-263")
    expect(page.get_by_text(re.compile("Part of the incident “Water main break"))).to_be_visible()


def test_a_reply_is_put_together_from_an_answer_and_a_fixed_text(agent: Seat) -> None:
    agent.context.grant_permissions(["clipboard-read", "clipboard-write"])
    name = agent.city.receive("how do I get rid of an old refrigerator", channel=Channel.EMAIL)
    page = opened(agent, name)
    expect(page.get_by_role("region", name="Answers").get_by_role("article").first).to_be_visible()
    page.keyboard.press("a")
    reply = page.get_by_role("textbox", name="Reply")
    expect(reply).not_to_have_value("")
    page.get_by_role("group", name="Fixed texts to put in").get_by_role("button", name="closed").click()
    text = reply.input_value()
    assert "\n\n" in text
    page.get_by_role("region", name="Reply").get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Reply copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").replace("\r\n", "\n") == text


def test_an_emergency_in_the_queue_must_be_acknowledged_before_anything_is_decided(agent: Seat) -> None:
    name = agent.city.receive("gas smell all over 88 Dockside Drive, an old man upstairs does not answer the door")
    page = opened(agent, name)
    expect(page.get_by_role("alert")).to_contain_text("call 911")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Acknowledge the safety banner first: F2").first).to_be_visible()
    assert [each.action for each in agent.city.store.decisions_of(name)] == [Action.POLICY]
    page.keyboard.press("F2")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(re.compile("(accept|override) by agent-7"))).to_be_visible()


def test_closing_ends_it_and_the_next_one_is_a_key_away(agent: Seat) -> None:
    agent.open("/console/queue")
    expect(agent.page.get_by_role("table", name="Queue").get_by_role("link").first).to_be_visible()
    name = agent.city.receive("thank you for fixing the swing at River Oaks")
    page = opened(agent, name)
    page.keyboard.press("1")
    page.keyboard.press("Control+Shift+Enter")
    expect(told(page, "Closed.")).to_be_visible()
    assert agent.city.store.decisions_of(name)[-1].action is Action.CLOSE
    page.keyboard.press("n")
    expect(page).not_to_have_url(re.compile(name))


def test_a_contact_that_is_not_there_says_so(agent: Seat) -> None:
    page = agent.open("/console/contact/nobody")
    expect(page.get_by_text("No such contact is stored")).to_be_visible()
