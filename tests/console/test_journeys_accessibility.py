"""Every page by axe-core in both themes, by keyboard alone, at 400 %, and with reduced motion."""

from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.city import City, Seat
from tests.console.conftest import SeatOf
from triage.access import Role

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = {
    "live note": "/console/",
    "queue": "/console/queue?channel=sms",
    "contact": "/console/contact/sample-239",
    "emergency": "/console/contact/sample-297",
    "knowledge": "/console/knowledge?q=bulky+pickup&article=bulky-item-pickup",
    "supervisor": "/console/supervisor",
    "practice": "/console/practice",
    "sidebar": "/console/sidebar?text=no+water+since+this+morning",
}
READY = {
    "live note": "textbox", "queue": "link", "contact": "listitem", "emergency": "alert", "knowledge": "article",
    "supervisor": "img", "practice": "radio", "sidebar": "listitem",
}  # fmt: skip
NARROW = {"width": 320, "height": 640}  # what is left of 1280 pixels at 400 %


def opened(seat: Seat, name: str) -> Page:
    page = seat.open(PAGES[name])
    expect(page.get_by_role("main").first).to_be_visible()
    page.wait_for_load_state("networkidle") if name == "supervisor" else page.wait_for_timeout(1_500)
    return page


def violations(page: Page) -> list[str]:
    """Return what axe-core finds, as `rule: where`."""
    page.evaluate(AXE)
    found: Any = page.evaluate("(tags) => axe.run(document, { runOnly: tags })", WCAG)
    return [f"{each['id']}: {node['target'][0]}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(seat: SeatOf, city: City, name: str, theme: str) -> None:
    sitting = seat(city, "lead-7", Role.LEAD, color_scheme=theme)
    assert violations(opened(sitting, name)) == []


def test_axe_finds_nothing_in_a_full_live_note(seat: SeatOf, city: City) -> None:
    page = seat(city).open("/console/")
    page.get_by_role("textbox", name="Live note").fill(
        "huele a gas en todo el edificio de 9 Mill Street, llamen al 916-555-0111"
    )
    expect(page.get_by_role("alert")).to_contain_text("911")
    page.wait_for_timeout(500)
    assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_scrolls_sideways_at_400_percent(seat: SeatOf, city: City, name: str) -> None:
    page = opened(seat(city, "lead-7", Role.LEAD, viewport=NARROW), name)
    wide = page.evaluate("document.scrollingElement.scrollWidth")
    assert wide <= NARROW["width"]


@pytest.mark.parametrize("name", ["live note", "queue", "contact", "knowledge", "practice"])
def test_everything_is_reached_by_tab_and_what_has_the_focus_shows_it(seat: SeatOf, city: City, name: str) -> None:
    page = opened(seat(city, "lead-7", Role.LEAD), name)
    page.evaluate("document.activeElement?.blur()")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen: Any = page.evaluate(
            """() => {
              const one = document.activeElement;
              const styles = [undefined, "::before", "::after"].map((part) => getComputedStyle(one, part));
              const shows = styles.some((each) => each.outlineStyle !== "none" || each.boxShadow !== "none");
              return [one.tagName, one.id || one.textContent.trim().slice(0, 40), shows];
            }"""
        )
        if seen[0] != "BODY":
            reached.add((seen[0], seen[1]))
            assert seen[2], f"{seen[:2]} does not show that it has the focus"
    assert len(reached) >= 10


def test_only_danger_interrupts_a_screen_reader(seat: SeatOf, city: City) -> None:
    page = seat(city).open("/console/")
    page.get_by_role("textbox", name="Live note").fill("the swing at Founders Park squeaks")
    expect(page.get_by_role("region", name="Service type").get_by_role("listitem").first).to_contain_text("%")
    polite = page.locator("[role=status]").filter(has_text="fields missing")
    expect(polite).to_have_count(1)
    expect(page.get_by_role("alert").filter(has_text="call")).to_have_count(0)


def test_reduced_motion_stops_what_moves(seat: SeatOf, city: City) -> None:
    page = opened(seat(city, reduced_motion="reduce"), "emergency")
    moving = page.evaluate(
        """[...document.querySelectorAll("*")].filter((one) => {
          const style = getComputedStyle(one);
          const lasts = (times) => times.split(",").some((each) => parseFloat(each) > 0.01);
          return (style.animationName !== "none" && lasts(style.animationDuration))
            || (style.transitionProperty !== "none" && lasts(style.transitionDuration));
        }).map((one) => one.className)"""
    )
    assert moving == []


def test_the_theme_is_switched_and_kept(seat: SeatOf, city: City) -> None:
    page = seat(city, color_scheme="light").open("/console/queue")
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.get_by_role("button", name="Light", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Light", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
