"""The queue: what waits, in order, filtered, claimed by one agent at a time, and changing by itself."""

import json
import re
from dataclasses import replace
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.city import City, Seat, told
from tests.console.conftest import SeatOf
from triage.store import Action
from triage.types import Channel, Message, Mode

LONG_MS = 50
LEVELS = ["emergency", "urgent", "high", "normal", "low", "info"]


def rows(page: Page) -> Locator:
    return page.get_by_role("table", name="Queue").locator("[role=row]:not(:has([role=columnheader]))")


def row_of(page: Page, text: str) -> Locator:
    return rows(page).filter(has_text=text)


def test_what_waits_is_ordered_by_urgency(agent: Seat) -> None:
    page = agent.open("/console/queue")
    expect(rows(page).first).to_be_visible()
    page.wait_for_timeout(500)
    shown = [text.strip().lower() for text in rows(page).locator("[role=cell]:first-child").all_text_contents()]
    ranks = [LEVELS.index(level) if level else 1.5 for level in shown]  # what nobody has read yet stands after urgent
    assert shown[0] == "emergency"
    assert ranks == sorted(ranks)


def test_the_first_screen_says_how_many_wait_and_how_many_are_late(agent: Seat) -> None:
    page = agent.open("/console/queue")
    expect(page.get_by_text(re.compile(r"\d+ contacts · \d+ emergency"))).to_be_visible()


def test_filters_narrow_the_list_and_stand_in_the_address(agent: Seat) -> None:
    page = agent.open("/console/queue")
    page.get_by_label("Language").select_option("es")
    expect(page).to_have_url(re.compile("language=es"))
    expect(rows(page).first).to_contain_text("Spanish")
    page.wait_for_timeout(300)
    assert {"Spanish"} == set(rows(page).locator("[role=cell]:nth-child(5)").all_text_contents())
    page.reload()
    expect(page.get_by_label("Language")).to_have_value("es")
    expect(rows(page).first).to_contain_text("Spanish")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_role("button", name="Clear filters")).to_be_hidden()


def test_every_filter_has_what_waits(agent: Seat) -> None:
    page = agent.open("/console/queue")
    for label, value in (("Department", "Water"), ("Channel", "sms"), ("Mode", "ask")):
        choice = page.get_by_role("combobox", name=re.compile(f"^{label}"))
        choice.select_option(value)
        expect(page).to_have_url(re.compile(f"{label.lower()}={value}"))
        choice.select_option("")


def test_words_find_a_contact(agent: Seat) -> None:
    agent.city.receive("the bell of the little chapel on Pepper Lane rings all night")
    page = agent.open("/console/queue")
    page.keyboard.press("/")
    page.keyboard.type("little chapel")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("little chapel")


def test_a_contact_that_comes_in_appears_by_itself(agent: Seat) -> None:
    page = agent.open("/console/queue")
    expect(rows(page).first).to_be_visible()
    page.mouse.move(5, 5)  # while a pointer rests on the list, new contacts wait for a key
    agent.city.receive("a giraffe-shaped balloon is caught in the wires over Mill Street")
    expect(row_of(page, "giraffe-shaped balloon")).to_be_visible()


def test_the_list_does_not_jump_while_somebody_works_in_it(agent: Seat) -> None:
    page = agent.open("/console/queue")
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    before = rows(page).first.get_attribute("data-contact")
    agent.city.receive("water is gushing from the street at Mill and Alder and runs into a cellar")
    fresh = page.get_by_role("button", name=re.compile("new"))
    expect(fresh).to_be_visible()
    assert rows(page).first.get_attribute("data-contact") == before
    page.keyboard.press("r")
    expect(row_of(page, "gushing from the street at Mill and Alder")).to_be_visible()


def test_claiming_takes_a_contact_from_the_others_and_releasing_gives_it_back(seat: SeatOf, city: City) -> None:
    name = city.receive("somebody nailed a horseshoe to the library door")
    mine, other = seat(city, "agent-8"), seat(city, "agent-9")
    here, there = mine.open("/console/queue"), other.open("/console/queue")
    there.mouse.move(5, 5)
    row_of(here, "horseshoe").get_by_role("button", name=re.compile("^Claim")).click()
    expect(here).to_have_url(re.compile(f"/console/contact/{name}"))
    expect(row_of(there, "horseshoe")).to_contain_text("agent-8")
    expect(row_of(there, "horseshoe").get_by_role("button", name=re.compile("^Claim"))).to_have_count(0)
    here.get_by_role("button", name=re.compile("Release")).click()
    expect(row_of(there, "horseshoe").get_by_role("button", name=re.compile("^Claim"))).to_be_visible()


def test_what_auto_mode_did_is_listed_and_undone(agent: Seat) -> None:
    city = agent.city
    message = Message(id="m-auto", text="a rusty bicycle was dumped behind the bakery on Cordova", channel=Channel.WEB)
    triage = city.pipeline.triage(message)
    auto = replace(triage.decision, mode=Mode.AUTO, service_type="waste.dumping", department="Solid waste")
    city.store.save([(message, replace(triage, decision=auto))])
    page = agent.open("/console/queue")
    page.keyboard.press("3")
    expect(row_of(page, "rusty bicycle")).to_be_visible()
    row_of(page, "rusty bicycle").get_by_role("button", name=re.compile("^Undo")).click()
    expect(told(page, "Undone: an agent is asked.")).to_be_visible()
    stands = city.store.decisions_of("m-auto")[-1]
    assert (stands.action, stands.decision.service_type, stands.decided_by) == (Action.UNDO, None, "agent-7")


def test_arrow_keys_and_enter_open_a_contact(agent: Seat) -> None:
    page = agent.open("/console/queue")
    expect(rows(page).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = rows(page).nth(1).get_attribute("data-contact") or ""
    expect(rows(page).nth(1).get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/console/contact/{second}"))


def test_five_hundred_waiting_contacts_scroll_without_a_long_task(
    seat: SeatOf, crowded: City, browser: Browser
) -> None:
    page = seat(crowded).open("/console/queue")
    expect(page.get_by_text("500 contacts")).to_be_visible()
    expect(rows(page)).to_have_count(500)
    page.wait_for_timeout(1_000)
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline", "toplevel"])
    way = page.evaluate(SCROLL)
    tasks_ms = task_times_ms(json.loads(browser.stop_tracing()))
    print(f"scrolled {way:.0f} px in {len(tasks_ms)} tasks, the longest took {max(tasks_ms):.0f} ms")
    assert way > 5_000
    assert len(tasks_ms) > 10
    assert max(tasks_ms) < LONG_MS


SCROLL = """async () => {
  const places = [document.getElementById("scroll"), document.scrollingElement];
  const place = places.find((one) => one.scrollHeight > one.clientHeight);
  for (let at = 0; at < place.scrollHeight; at += 400) {
    place.scrollTop = at;
    await new Promise((drawn) => requestAnimationFrame(drawn));
  }
  return place.scrollTop;
}"""


def task_times_ms(trace: Any) -> list[float]:  # noqa: ANN401 (JSON)
    """Return the processor time of each task of the page's main thread; waiting for a busy machine is not in it."""
    events = trace["traceEvents"]
    mains = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    return [
        each["tdur"] / 1_000
        for each in events
        if each["name"].endswith("RunTask") and (each["pid"], each["tid"]) in mains and "tdur" in each
    ]
