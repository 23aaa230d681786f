"""Knowledge, the supervisor's page and practice."""

import re

import pytest
from playwright.sync_api import expect

from tests.console.city import City, Seat, told
from tests.console.conftest import SeatOf
from triage.access import Role
from triage.store.feedback import Verdict

ARTICLE = "bulky-item-pickup"


def test_search_as_one_types_opens_the_article_at_the_quote(agent: Seat) -> None:
    page = agent.open("/console/knowledge")
    page.keyboard.press("/")
    page.keyboard.type("book a bulky pickup")
    first = page.get_by_role("list", name="Answers").get_by_role("listitem").first
    expect(first).to_contain_text("Bulky item")
    page.keyboard.press("Enter")
    article = page.get_by_role("region", name=re.compile("Bulky item"))
    expect(article).to_contain_text("Reviewed")
    expect(article.locator("mark.quote")).to_be_visible()
    expect(page).to_have_url(re.compile(f"article={ARTICLE}"))


def test_an_article_shows_its_review_its_versions_and_what_changed(agent: Seat) -> None:
    store = agent.city.store
    before = store.articles.versions(ARTICLE)[-1].document or ""
    store.articles.keep_version(ARTICLE, before.replace("2 free bulky pickups", "3 free bulky pickups"), "editor-1")
    page = agent.open(f"/console/knowledge?article={ARTICLE}")
    page.get_by_text(re.compile(r"^Versions \(2\)")).click()
    expect(page.get_by_text("3 free bulky pickups").first).to_be_visible()
    expect(page.get_by_text("editor-1").first).to_be_visible()


def test_what_an_agent_says_of_an_article_is_kept(agent: Seat) -> None:
    page = agent.open(f"/console/knowledge?article={ARTICLE}")
    expect(page.get_by_role("group", name="What do you say of it?")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^Helpful")).click()
    expect(told(page, "Helpful: noted for")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Stale")).click()
    page.get_by_label("What has changed?").fill("the fee is $50 now")
    page.keyboard.press("Enter")
    expect(told(page, "Stale: noted for")).to_be_visible()
    said = [(each.verdict, each.note) for each in agent.city.store.feedback.of(ARTICLE) if each.message_id is None]
    assert said == [(Verdict.STALE, "the fee is $50 now"), (Verdict.HELPFUL, None)]


def test_an_edit_is_proposed_and_refused_by_an_editor(seat: SeatOf, city: City) -> None:
    page = seat(city).open("/console/knowledge?article=graffiti-removal")
    page.get_by_role("button", name=re.compile("Propose an edit")).click()
    text = page.get_by_label(re.compile("The article as it should be"))
    text.fill(text.input_value() + "\n\n## Murals\n\nAsk the arts office first.\n")
    page.get_by_role("button", name="Send to the editors").last.click()
    expect(told(page, "Proposed: an editor reviews it")).to_be_visible()
    editor = seat(city, "editor-7", Role.KB_EDITOR).open("/console/knowledge")
    waiting = editor.get_by_role("listitem").filter(has_text="Murals")
    expect(waiting.first).to_contain_text("agent-7")
    waiting.get_by_role("button", name="Refuse").click()
    expect(told(editor, "Refused")).to_be_visible()


def test_a_lead_pins_a_notice_that_agents_read_in_their_answers(lead: Seat, seat: SeatOf) -> None:
    page = lead.open("/console/knowledge")
    page.get_by_role("button", name=re.compile("Pin a notice")).click()
    page.get_by_label("Title").fill("Farmers market moved to Dockside Drive this Saturday")
    page.get_by_label("What an agent reads out").fill("The market is on Dockside Drive this Saturday, 8 am to noon.")
    page.get_by_label("Words of questions").fill("farmers market")
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(told(page, "Notice pinned: agents see it from now on")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Farmers market moved")).to_contain_text("lead-7")
    page.wait_for_timeout(1_000)  # a look at the notices is good for half a second
    note = seat(lead.city).open("/console/")
    note.get_by_role("textbox", name="Live note").fill("where is the farmers market this saturday")
    expect(note.get_by_role("region", name="Answers")).to_contain_text("Farmers market moved")
    page.get_by_role("button", name="Take down: Farmers market moved").click()
    expect(told(page, "Notice taken down")).to_be_visible()


def test_an_agent_cannot_pin(agent: Seat) -> None:
    page = agent.open("/console/knowledge")
    expect(page.get_by_role("heading", name="Notices that hold now")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Pin a notice"))).to_have_count(0)


def test_the_supervisors_charts_have_words_and_tables(lead: Seat) -> None:
    page = lead.open("/console/supervisor")
    chart = page.get_by_role("img", name=re.compile("^All: "))
    expect(chart).to_be_visible()
    volumes = page.get_by_role("region", name="Contacts a day, by channel")
    volumes.get_by_text("The numbers").click()
    expect(volumes.get_by_role("table", name="Contacts by day and channel")).to_be_visible()
    for name in ("Most frequent languages", "Most frequent types", "Type: accepted and overridden"):
        expect(page.get_by_role("table", name=name, exact=True)).to_be_visible()
    unnamed = page.locator("main svg:not([aria-label]):not([aria-hidden=true])")
    expect(unnamed).to_have_count(0)


def test_the_main_break_stands_among_the_incidents(lead: Seat) -> None:
    page = lead.open("/console/supervisor")
    incidents = page.get_by_role("region", name="Incidents and surges")
    expect(incidents).to_contain_text("Water main break or major leak: juniper, orchard")
    incidents.get_by_text(re.compile(r"^\d+ contacts$")).click()
    incidents.get_by_role("link", name="sample-263").click()
    expect(page.get_by_text(re.compile("^incident: Water main break"))).to_be_visible()


def test_auto_mode_is_refused_where_too_little_was_measured(seat: SeatOf, city: City) -> None:
    page = seat(city, "analyst-7", Role.ANALYST).open("/console/supervisor")
    page.get_by_role("button", name="Set the mode of every type").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name=re.compile("auto", re.IGNORECASE)).check()
    dialog.get_by_label("Reason, for the record").fill("to see whether it is refused")
    dialog.get_by_role("button", name="Switch").click()
    expect(dialog.get_by_text("auto mode needs a precision of")).to_be_visible()
    assert [cell for cell in city.store.policy.current() if cell.mode == "auto"] == []


def test_gaps_and_the_system_have_their_place(lead: Seat) -> None:
    page = lead.open("/console/supervisor")
    expect(
        page.get_by_role("region", name="Asked, and no article answers").get_by_role("listitem").first
    ).to_be_visible()
    expect(page.get_by_role("region", name="System")).to_contain_text("Ready")


def test_an_agent_is_told_that_the_page_is_not_theirs(agent: Seat) -> None:
    page = agent.open("/console/supervisor")
    expect(page.get_by_text(re.compile("needs the right reports")).first).to_be_visible()


@pytest.mark.parametrize("viewer", [Role.AGENT, Role.LEAD])
def test_practice_asks_first_and_then_shows_what_was_recorded(seat: SeatOf, city: City, viewer: Role) -> None:
    decisions = city.store.counts().decisions
    page = seat(city, "trainee", viewer).open("/console/practice")
    expect(page.get_by_role("heading", name="Contact 1")).to_be_visible()
    expect(page.get_by_text("Recorded", exact=True)).to_have_count(0)
    page.keyboard.press("4")
    expect(page.get_by_role("radio", name=re.compile("normal"))).to_be_checked()
    page.keyboard.press("/")
    page.keyboard.type("pothole")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Recorded", exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile(r"Service type [01] of 1"))).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Contact 2")).to_be_visible()
    assert city.store.counts().decisions == decisions
