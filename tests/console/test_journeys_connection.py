"""What goes wrong around a page: the line, the session, a frame of somebody else; and what the policy forbids."""

import re
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.console.city import City, Seat, sign_in
from tests.console.conftest import SeatOf
from triage.access import Role

TYPED = "the gate of the dog park on Levee Road hangs by one hinge"
PAGES = [
    "/console/",
    "/console/queue",
    "/console/contact/x",
    "/console/knowledge",
    "/console/supervisor",
    "/console/practice",
]


def test_a_lost_connection_keeps_the_note_and_sends_it_when_it_is_back(agent: Seat) -> None:
    page = agent.open("/console/")
    note = page.get_by_role("textbox", name="Live note")
    agent.context.set_offline(True)
    note.fill(TYPED)
    expect(page.get_by_text("No connection to the service.")).to_be_visible()
    expect(note).to_have_value(TYPED)
    agent.context.set_offline(False)
    expect(page.get_by_text("No connection to the service.")).to_be_hidden()
    expect(page.get_by_role("region", name="Service type").get_by_role("listitem").first).to_contain_text("%")


def test_a_service_that_is_restarting_is_waited_for(agent: Seat) -> None:
    def unavailable(route: Route) -> None:
        route.fulfill(status=503, json={"title": "Not available", "detail": "the store is away"})

    page = agent.open("/console/")
    page.route("**/v1/triage*", unavailable)
    page.route("**/healthz", unavailable)
    page.get_by_role("textbox", name="Live note").fill(TYPED)
    expect(page.get_by_text("No connection to the service.")).to_be_visible()
    page.unroute("**/v1/triage*")
    page.unroute("**/healthz")
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("region", name="Service type").get_by_role("listitem").first).to_contain_text("%")


def test_a_session_that_ended_keeps_the_typed_text_and_goes_on_after_signing_in(seat: SeatOf, city: City) -> None:
    sitting = seat(city, "agent-6")
    page = sitting.open("/console/")
    note = page.get_by_role("textbox", name="Live note")
    city.end_sessions_of("agent-6")
    note.fill(TYPED)
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in in a new tab")).to_have_attribute("href", re.compile("^/auth/login"))
    expect(note).to_have_value(TYPED)
    sign_in(sitting, Role.AGENT)
    page.get_by_role("button", name="I am signed in").click()
    expect(page.get_by_text("Your session has ended.")).to_be_hidden()
    expect(note).to_have_value(TYPED)
    expect(page.get_by_role("region", name="Service type").get_by_role("listitem").first).to_contain_text("%")


def test_who_is_not_signed_in_is_sent_to_sign_in(city: City) -> None:
    away = httpx.get(f"{city.url}/console/queue")
    assert (away.status_code, away.headers["location"]) == (303, "/auth/login?next=%2Fconsole%2Fqueue")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_may_run_or_style_what_stands_in_it(seat: SeatOf, city: City, path: str) -> None:
    sitting = seat(city)
    answer = sitting.page.goto(f"{city.url}{path}")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_sidebar_tells_a_known_page_what_was_chosen(seat: SeatOf, city: City, crm: tuple[str, str]) -> None:
    sitting = seat(city)
    page = sitting.page
    page.goto(f"{crm[0]}/?frame={quote(f'{city.url}/console/sidebar?text=someone dumped a couch on Mill Street')}")
    frame = page.frame_locator("iframe")
    first = frame.get_by_role("region", name="Service type").get_by_role("button").first
    expect(first).to_contain_text("Illegal dumping")
    first.click()
    told = page.wait_for_function("told.find((each) => each.type === 'triage:type')").json_value()
    assert told["service_type"]["code"] == "waste.dumping"
    assert told["origin"] == city.url


def test_the_sidebar_takes_its_text_from_a_known_page(seat: SeatOf, city: City, crm: tuple[str, str]) -> None:
    page = seat(city).page
    page.goto(f"{crm[0]}/?frame={quote(f'{city.url}/console/sidebar')}")
    page.wait_for_function("told.some((each) => each.type === 'triage:ready')")
    text = "no water at all since this morning"
    page.evaluate("(text) => frames[0].postMessage({ type: 'triage:text', text, id: 't-1' }, '*')", text)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("textbox")).to_have_value(text)
    expect(frame.get_by_role("region", name="Service type").get_by_role("button").first).to_contain_text("%")
    frame.get_by_role("button", name=re.compile("^Take: ")).first.click()
    told = page.wait_for_function("told.find((each) => each.type === 'triage:answer')").json_value()
    assert told["answer"]["quote"]


def test_another_origin_can_neither_frame_nor_talk_to_the_sidebar(
    seat: SeatOf, city: City, crm: tuple[str, str]
) -> None:
    sitting = seat(city)
    page = sitting.page
    page.goto(f"{crm[1]}/?frame={quote(f'{city.url}/console/sidebar?text=couch')}")
    page.wait_for_timeout(1_000)
    assert page.evaluate("told") == []
    assert all(not frame.url.startswith(city.url) for frame in page.frames[1:])
    assert any("frame-ancestors" in fault for fault in sitting.faults)
    sitting.faults.clear()


def test_the_sidebar_alone_reads_its_text_from_the_address(agent: Seat) -> None:
    page = agent.open("/console/sidebar?text=the%20streetlight%20on%20Pepper%20Lane%20is%20out")
    expect(page.get_by_role("textbox")).to_have_value("the streetlight on Pepper Lane is out")
    expect(page.get_by_role("region", name="Service type").get_by_role("button").first).to_contain_text(
        "Street light out"
    )
