"""Claims that come and go, lists and figures that answer out of turn, and the sidebar, on the fakes."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.city import City, Seat, until
from tests.console.conftest import SeatOf
from tests.console.fake_city import COUCH, hold_back, serving_fakes
from tests.routes.test_articles import TWO
from triage.access import Role
from triage.store import open_store

pytestmark = pytest.mark.system
SOON = timedelta(seconds=6)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    path: Path = tmp_path_factory.mktemp("shared") / "city.db"
    with open_store(f"sqlite:///{path}") as store, serving_fakes(store) as running:
        for name in ("couch", "bulky-item-pickup"):
            document = TWO.replace("id: couch", f"id: {name}").replace("Bulky items", f"About {name}")
            store.articles.keep_version(name, document, "import")
        yield running


def hasten(page: Page) -> None:
    """Let what a page does each half minute happen each half second."""
    page.add_init_script("{ const every = window.setInterval; window.setInterval = (f, ms) => every(f, ms / 60); }")


def test_a_claim_of_another_that_has_ended_is_seen_to_end(agent: Seat) -> None:
    name = agent.city.receive(COUCH)
    agent.city.store.claims.claim(name, "agent-8", lease=SOON)
    hasten(agent.page)
    page = agent.open(f"/console/contact/{name}")
    expect(page.get_by_text("agent-8 works on it").first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Claim"))).to_be_visible()


def test_a_claim_that_has_ended_leaves_the_queue(agent: Seat) -> None:
    name = agent.city.receive(COUCH)
    agent.city.store.claims.claim(name, "agent-8", lease=SOON)
    hasten(agent.page)
    page = agent.open("/console/queue")
    row = page.locator(f"[data-contact={name}]")
    expect(row).to_contain_text("agent-8")
    expect(row.get_by_role("button", name=re.compile("^Claim"))).to_be_visible()


def test_an_agent_who_goes_on_working_keeps_the_claim(agent: Seat) -> None:
    name = agent.city.receive(COUCH)
    agent.city.store.claims.claim(name, "agent-7", lease=timedelta(seconds=8))
    hasten(agent.page)
    page = agent.open(f"/console/contact/{name}")
    page.get_by_role("textbox", name="Reply").fill("A crew")
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.get_by_role("textbox", name="Reply").press("s")
    held = agent.city.store.claims.of(name)
    assert held is not None
    assert held.expires_at - held.claimed_at > timedelta(minutes=14)


def test_a_lead_takes_no_contact_from_an_agent_by_a_slip_of_the_key(seat: SeatOf, city: City) -> None:
    name = city.receive(COUCH)
    city.store.claims.claim(name, "agent-8")
    page = seat(city, "lead-7", Role.LEAD).open(f"/console/contact/{name}")
    expect(page.get_by_role("button", name="Take it from them")).to_be_visible()
    page.locator("#suggestions").focus()
    page.keyboard.press("c")
    expect(page.locator(".state.trouble")).to_contain_text("works on this contact")
    held = city.store.claims.of(name)
    assert held is not None
    assert held.agent == "agent-8"


def test_a_contact_that_comes_while_the_list_is_read_stays_in_it(agent: Seat) -> None:
    agent.city.receive(COUCH)
    hold_back(agent.page, r"v1.queue\?", number=2, ms=2_500)
    page = agent.open("/console/queue")
    until(page, "window.held")
    name = agent.city.receive("no water here")
    until(page, "window.let_go")
    page.wait_for_timeout(500)
    expect(page.locator(f"[data-contact={name}]")).to_be_visible()


@pytest.mark.parametrize(("view", "first"), [("waiting", "gravest"), ("closed", "newest")])
def test_words_that_were_not_looked_for_everywhere_are_not_told_to_be_nowhere(
    agent: Seat, view: str, first: str
) -> None:
    def some(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "searched_all": False})

    agent.page.route("**/v1/queue?*", some)
    page = agent.open(f"/console/queue?view={view}&q=nowhere")
    words = f"Only the {first} 2,000 contacts were looked through."
    expect(page.locator("#none")).to_contain_text(words)
    expect(page.locator("#queue-state")).to_contain_text(words)


def test_figures_of_a_span_that_nobody_looks_at_any_more_are_not_drawn(seat: SeatOf, city: City) -> None:
    sitting = seat(city, "lead-7", Role.LEAD)
    hold_back(sitting.page, r"overview\?days=60")
    city.receive(COUCH)
    page = sitting.open("/console/supervisor")
    page.get_by_role("button", name="60 days").click()
    page.get_by_role("button", name="Today").click()
    until(page, "window.let_go")
    page.wait_for_timeout(500)
    expect(page.locator("#volumes tbody tr")).to_have_count(1)


def test_types_that_no_longer_come_in_still_count_for_the_days_before(seat: SeatOf, city: City) -> None:
    sitting = seat(city, "lead-7", Role.LEAD)
    now = {"value": "waste.dumping", "contacts": 2, "before": 0, "change": None}
    gone = {"value": "water.main_break", "contacts": 0, "before": 5, "change": -1}
    languages = [{"value": value, "contacts": 1, "before": 1, "change": 0} for value in ("en", "es", "und", "none")]

    def told(route: Route) -> None:
        answer = route.fetch()
        overview = answer.json()
        trends = {**overview["trends"], "service_type": [now, gone], "language": languages}
        route.fulfill(response=answer, json={**overview, "contacts": 4, "trends": trends})

    sitting.page.route("**/v1/overview*", told)
    page = sitting.open("/console/supervisor")
    expect(page.locator("#languages")).to_contain_text("25 % are not in English")
    expect(page.locator("#rising")).to_contain_text("No type came in")


def test_the_article_that_was_opened_last_is_shown(agent: Seat) -> None:
    hold_back(agent.page, "articles.couch")
    page = agent.open("/console/knowledge")
    expect(page.get_by_role("link", name="About couch").first).to_be_visible()
    page.get_by_role("link", name="About couch").first.click()
    page.get_by_role("link", name="About bulky-item-pickup").first.click()
    expect(page.get_by_role("heading", name="About bulky-item-pickup")).to_be_visible()
    until(page, "window.let_go")
    page.wait_for_timeout(300)
    expect(page.get_by_role("heading", name="About bulky-item-pickup")).to_be_visible()


def test_a_notice_that_is_refused_says_why_and_is_pinned_once(seat: SeatOf, city: City) -> None:
    page = seat(city, "lead-7", Role.LEAD).open("/console/knowledge")
    page.get_by_role("button", name=re.compile("^Pin a notice")).click()
    page.get_by_label("Title").fill("Boil water")
    page.get_by_label("What an agent reads out").fill("Boil it.")
    keys: list[str | None] = []

    def refuse(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        keys.append(route.request.headers.get("idempotency-key"))
        return route.fulfill(status=422, json={"detail": "valid_until has passed"})

    page.route("**/v1/notices", refuse)
    for _ in range(2):
        page.get_by_role("button", name="Pin", exact=True).click()
        expect(page.get_by_role("dialog")).to_contain_text("Valid_until has passed.")
    page.wait_for_timeout(300)
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_the_sidebar_keeps_the_way_to_sign_in_before_the_eyes(seat: SeatOf, city: City) -> None:
    sitting = seat(city, "agent-6")
    page = sitting.open("/console/sidebar")
    city.end_sessions_of("agent-6")
    page.get_by_role("textbox").fill(COUCH)
    expect(page.get_by_role("link", name="Sign in in a new tab")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_role("link", name="Sign in in a new tab")).to_be_visible()


def test_the_sidebar_tells_a_danger_that_has_no_line(agent: Seat) -> None:
    page = agent.open("/console/sidebar?text=we%20drink%20from%20a%20lead%20pipe")
    expect(page.get_by_role("alert")).to_contain_text("Possible danger: read this first")
    expect(page.get_by_role("alert")).to_contain_text("lead pipe")


def test_a_note_on_a_channel_that_waits_for_translations_does_not_wait_for_its_own(agent: Seat) -> None:
    page = agent.open("/console/")
    page.get_by_label("Channel").select_option("email")
    with page.expect_request("**/v1/triage?translate=later"):
        page.get_by_role("textbox", name="Live note").fill(COUCH)
