"""The live note: from the first word to the saved contact, without leaving the keyboard."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.console.city import City, Seat, told
from triage.store import Action
from triage.types import UrgencyLevel

COUCH = "someone dumped a couch and four tires behind 2210 Florin Rd last night"


def write(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Live note").fill(text)


def slot(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Service type").get_by_role("button", name=re.compile(name))


def decisions_on(city: City, text: str) -> list[Action]:
    [found] = [each for each in city.store.recent(20) if each.message.text == text]
    return [decided.action for decided in city.store.decisions_of(found.message.id)]


def test_a_live_note_becomes_a_saved_contact_without_the_mouse(agent: Seat) -> None:
    page = agent.open("/console/")
    page.keyboard.type(COUCH)
    expect(slot(page, "Illegal dumping")).to_be_visible()
    page.keyboard.press("Alt+1")
    expect(slot(page, "Illegal dumping")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Control+Enter")
    expect(told(page, "Saved: Solid waste.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Live note")).to_be_focused()
    expect(page.get_by_role("textbox", name="Live note")).to_have_value("")
    [stored] = [each for each in agent.city.store.recent(20) if each.message.text == COUCH]
    assert stored.decision is not None
    assert (stored.decision.decided_by, stored.decision.action) == ("agent-7", Action.ACCEPT)
    assert stored.decision.decision.service_type == "waste.dumping"


def test_suggestions_say_why_and_what_is_missing(agent: Seat) -> None:
    page = agent.open("/console/")
    write(page, "the light pole in front of my gate has been dark for two weeks")
    suggestion = slot(page, "Street light out")
    expect(suggestion).to_contain_text("%")
    expect(suggestion.locator("q").first).to_be_visible()
    expect(page.get_by_text("Still missing:")).to_be_visible()
    expect(page.get_by_role("region", name="Ask next")).to_contain_text("Where is it?")


def test_a_number_alone_takes_a_type_outside_the_note(agent: Seat) -> None:
    page = agent.open("/console/")
    write(page, COUCH)
    second = page.get_by_role("region", name="Service type").get_by_role("listitem").nth(1).get_by_role("button")
    expect(second).to_be_visible()
    page.wait_for_timeout(500)  # a key that was on its way while the slots changed would take what stood there before
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(second).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("2")
    expect(second).to_have_attribute("aria-pressed", "false")


def test_digits_typed_into_the_note_stay_text(agent: Seat) -> None:
    page = agent.open("/console/")
    note = page.get_by_role("textbox", name="Live note")
    note.press_sequentially("hole at 123 Alder St", delay=5)
    expect(note).to_have_value("hole at 123 Alder St")
    expect(page.get_by_role("button", pressed=True)).to_have_count(0)


def test_urgency_is_changed_with_the_arrow_keys_and_saved(agent: Seat) -> None:
    text = "a sofa was left on the corner of Mill and Cordova, all cushions gone"
    page = agent.open("/console/")
    write(page, text)
    expect(page.get_by_role("radio", name="normal")).to_be_checked()
    page.wait_for_timeout(500)
    page.keyboard.press("Alt+1")
    page.keyboard.press("Alt+u")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="high")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(told(page, re.compile("^Saved: "))).to_be_visible()
    [stored] = [each for each in agent.city.store.recent(20) if each.message.text == text]
    assert stored.decision is not None
    assert stored.decision.urgency is UrgencyLevel.HIGH


def test_another_type_is_found_by_its_name(agent: Seat) -> None:
    text = "caller is cross about the brass band on Harbor Way and wants it on record"
    page = agent.open("/console/")
    write(page, text)
    expect(page.get_by_role("region", name="Service type").get_by_role("button").first).to_be_visible()
    page.keyboard.press("Alt+0")
    page.keyboard.type("Noise complaint")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+Enter")
    expect(told(page, re.compile("^Saved: "))).to_be_visible()
    assert decisions_on(agent.city, text)[-1] in (Action.ACCEPT, Action.OVERRIDE)


def test_an_answer_is_taken_with_a_letter_and_kept_with_the_contact(agent: Seat) -> None:
    text = "how many mattresses may I put out for one bulky pickup appointment"
    page = agent.open("/console/")
    write(page, text)
    expect(page.get_by_role("region", name="Answers").get_by_role("article").first).to_be_visible()
    page.wait_for_timeout(500)
    page.keyboard.press("Alt+1")
    page.keyboard.press("Alt+a")
    expect(page.get_by_role("button", name=re.compile("^Use ")).first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Control+Shift+Enter")
    expect(told(page, re.compile("^Saved and closed"))).to_be_visible()
    assert set(decisions_on(agent.city, text)[1:-1]) == {Action.ANSWER_USED, Action.ACCEPT}
    assert decisions_on(agent.city, text)[-1] is Action.CLOSE


def test_the_knowledge_base_is_searched_beside_the_note(agent: Seat) -> None:
    page = agent.open("/console/")
    page.keyboard.press("Alt+/")
    page.keyboard.type("when does the animal shelter open")
    expect(page.get_by_text(re.compile("For “when does the animal shelter open”"))).to_be_visible()
    expect(page.get_by_role("region", name="Answers").get_by_role("article").first).to_contain_text("reviewed")


def test_places_and_numbers_become_chips_to_copy(agent: Seat) -> None:
    agent.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = agent.open("/console/")
    write(page, "hydrant leaning at 733 Hollis St, call me at 916-555-0142")
    page.get_by_role("button", name="733 Hollis St").click()
    expect(page.get_by_text("Copied 733 Hollis St")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "733 Hollis St"


def test_nothing_is_saved_before_the_safety_banner_is_acknowledged(agent: Seat) -> None:
    text = "strong smell of gas in the whole stairwell at 9 Mill Street and people feel dizzy"
    page = agent.open("/console/")
    write(page, text)
    banner = page.get_by_role("alert")
    expect(banner).to_contain_text("call 911")
    expect(banner).to_contain_text("For the dispatcher")
    expect(banner).to_contain_text("9 Mill Street")
    page.wait_for_timeout(500)
    page.keyboard.press("Alt+1")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Acknowledge the safety banner first: F2").first).to_be_visible()
    assert decisions_on(agent.city, text) == [Action.POLICY]
    page.keyboard.press("F2")
    expect(banner).to_contain_text("Acknowledged")
    page.keyboard.press("Control+Enter")
    expect(told(page, re.compile("^Saved: "))).to_be_visible()


def test_arabic_is_written_from_right_to_left_and_its_interpreter_named(agent: Seat) -> None:
    page = agent.open("/console/")
    write(page, "الحفرة أمام البيت رقم 1420 Prospect Hill Rd كسرت إطار سيارتي")
    read = page.get_by_role("region", name="As it was read")
    expect(read).to_have_attribute("lang", "ar")
    expect(read).to_have_attribute("dir", "rtl")
    expect(page.get_by_text("Interpreter: ask for Arabic")).to_be_visible()
    expect(page.get_by_role("button", name="1420 Prospect Hill Rd")).to_be_visible()


def test_a_reload_loses_nothing_that_was_typed(agent: Seat) -> None:
    page = agent.open("/console/")
    write(page, COUCH)
    page.reload()
    expect(page.get_by_role("textbox", name="Live note")).to_have_value(COUCH)
    expect(slot(page, "Illegal dumping")).to_be_visible()


def test_all_keys_are_listed(agent: Seat) -> None:
    page = agent.open("/console/")
    page.keyboard.press("Alt+?")
    dialog = page.get_by_role("dialog", name="Keys")
    for does in (
        "Take a service type",
        "Take an answer",
        "Change the urgency",
        "Search the knowledge base",
        "Save the",
    ):
        expect(dialog).to_contain_text(does)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
