"""Knowledge, supervisor, practice and sidebar in a real browser: journeys by keyboard, axe-core, narrow and wide."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from api import create_app
from tests.fakes import fake_parts
from tests.routes.test_articles import OLD, THREE, TWO
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore, open_store
from triage.store.notices import Notice

SAFE_FRAME = 320  # CSS pixels: 1280 at 400 % (WCAG 2.2, 1.4.10)
HTML_TEXT = "<img src=x onerror=alert(1)> a couch <script>document.title='taken'</script>"
AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = pytest.mark.system
Opened = Callable[..., Page]


@contextmanager
def served(store: SqlTriageStore, **options: Any) -> Iterator[str]:  # noqa: ANN401
    """Run the service on fakes in a thread; give its address."""
    import uvicorn

    app = create_app(Pipeline(fake_parts()), store, **options)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


@pytest.fixture
def articles(tmp_path: Path, store: SqlTriageStore) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name in ("bulky-item-pickup", "couch"):
        document = TWO.replace("id: couch", f"id: {name}")
        (folder / f"{name}.md").write_text(document, encoding="utf-8")
        store.articles.keep_version(name, document, "import")
    store.articles.keep_version("old", OLD, "import")
    return folder


@pytest.fixture
def url(store: SqlTriageStore, articles: Path) -> Iterator[str]:
    with served(store, own_articles=articles) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, url: str) -> Iterator[Opened]:
    """Open a page; what its console or its scripts complain of fails the test."""
    troubles: list[str] = []
    contexts = []

    def opened(path: str, *, width: int = 1280, theme: str = "light", base: str = url) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.goto(base + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in troubles if "422" not in one] == []


def decide(url: str, number: int, **decision: str) -> None:
    import httpx

    for place in range(number):
        contact = {"id": f"sample-{place:03}", "text": "someone dumped a couch", "channel": "web"}
        assert httpx.post(f"{url}/v1/contacts", json=contact).status_code == 201
        decided = httpx.post(
            f"{url}/v1/contacts/sample-{place:03}/decisions",
            json=decision or {"action": "accept"},
            headers={"If-Match": '"1"'},
        )
        assert decided.status_code == 201


# Knowledge


def test_an_answer_is_found_read_and_judged_without_the_mouse(open_page: Opened, store: SqlTriageStore) -> None:
    page = open_page("/console/knowledge")
    page.locator("#search:focus").wait_for()
    page.keyboard.type("where does my couch go")
    page.locator(".result").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Bulky items").wait_for()
    page.keyboard.press("h")
    page.get_by_text("Helpful: noted for").first.wait_for()
    page.keyboard.press("t")
    page.keyboard.type("three a year since July")
    page.keyboard.press("Enter")
    page.get_by_text("Stale: noted for").first.wait_for()
    stale, helpful = store.feedback.list()
    assert (stale.verdict, stale.note, helpful.verdict) == ("stale", "three a year since July", "helpful")
    assert helpful.query == "where does my couch go"


def test_typing_notes_no_gap_and_enter_notes_one(open_page: Opened, store: SqlTriageStore) -> None:
    page = open_page("/console/knowledge")
    page.locator("#search").fill("drone permits")
    page.get_by_text("No answer").wait_for()
    assert store.gaps.unclustered() == ()
    page.locator("#search").press("Enter")
    page.wait_for_load_state("networkidle")
    assert [gap.query for gap in store.gaps.unclustered()] == ["drone permits"]


def test_an_edit_is_proposed_reviewed_with_its_changes_and_written(open_page: Opened, articles: Path) -> None:
    page = open_page("/console/knowledge?article=couch")
    page.get_by_role("heading", name="Bulky items").wait_for()
    page.keyboard.press("e")
    field = page.get_by_label("The article as it should be")
    field.fill(field.input_value().replace("Two", "Three"))
    page.get_by_role("button", name="Send to the editors").press("Enter")
    assert page.locator(".proposal ins").inner_text().endswith("Three")
    assert page.locator(".proposal del").inner_text().endswith("Two")
    page.get_by_role("button", name="Accept").press("Enter")
    page.get_by_text("Accepted and written into the article").first.wait_for()
    assert (articles / "couch.md").read_text(encoding="utf-8") == THREE
    page.locator(".article-text", has_text="Three pickups a year.").wait_for()
    page.get_by_text("Versions (2)").press("Enter")
    assert page.locator("#article .changes ins").inner_text().endswith("Three")


def test_a_notice_is_pinned_and_taken_down(open_page: Opened, store: SqlTriageStore) -> None:
    page = open_page("/console/knowledge?article=couch")
    page.get_by_role("heading", name="Bulky items").wait_for()
    page.keyboard.press("n")
    page.get_by_label("Title").fill("No pickups this week")
    page.get_by_label("What an agent reads out").fill("Crews are on strike until Friday.")
    page.get_by_label("The open article").press("Space")
    page.get_by_role("button", name="Pin", exact=True).press("Enter")
    page.locator(".notice-title", has_text="No pickups this week").wait_for()
    [pinned] = store.notices.active()
    assert pinned.notice.contradicts == ("couch",)
    page.get_by_role("button", name="Take down: No pickups this week").press("Enter")
    page.locator(".notice-title").wait_for(state="detached")
    assert store.notices.active() == ()


def test_an_overdue_article_is_listed_and_marked(open_page: Opened) -> None:
    page = open_page("/console/knowledge")
    page.locator(".shelf-part", has_text="Review overdue").get_by_role("link", name="Bulky items").press("Enter")
    page.locator("#article .tag.loud", has_text="Review overdue").wait_for()
    assert "article=old" in page.url


# Supervisor


def test_the_switch_asks_for_a_reason_and_refuses_auto_without_evidence(
    open_page: Opened, url: str, store: SqlTriageStore
) -> None:
    decide(url, 3)
    page = open_page("/console/supervisor")
    page.get_by_role("button", name="Switch Illegal dumping").first.press("Enter")
    page.locator("dialog input[value=auto]").check()
    page.get_by_label("Reason, for the record").fill("three of three")
    page.get_by_role("button", name="Switch", exact=True).last.press("Enter")
    page.get_by_role("status").get_by_text("auto mode needs a precision of 90%").wait_for()
    assert store.policy.current() == ()
    page.locator("dialog input[value=preselect]").check()
    page.get_by_role("button", name="Switch", exact=True).last.press("Enter")
    page.locator("#policy .mode.preselect").wait_for()
    [cell] = store.policy.current()
    assert (cell.service_type, cell.mode, cell.reason) == ("waste.dumping", "preselect", "three of three")


def test_every_chart_says_its_numbers_and_has_a_table_behind_it(open_page: Opened, url: str) -> None:
    decide(url, 3)
    page = open_page("/console/supervisor?days=7")
    chart = page.get_by_role("img", name="All: ")
    chart.wait_for()
    assert str(chart.get_attribute("aria-label")).endswith(" 3")
    page.get_by_text("The numbers").press("Enter")
    assert page.get_by_role("table", name="Contacts by day and channel").locator("tbody tr").first.inner_text().split()[
        -2:
    ] == ["3", "3"]
    assert page.locator("#agreement tbody tr").first.inner_text().split("\t")[-3:] == ["3", "0", "0 %"]


# Practice


def test_a_trainee_decides_first_and_then_sees_what_was_recorded(
    open_page: Opened, url: str, store: SqlTriageStore
) -> None:
    decide(url, 1, action="override", service_type="waste.bulky", urgency="high", note="by appointment")
    before = store.counts()
    page = open_page("/console/practice")
    page.get_by_text("someone dumped a couch").wait_for()
    assert page.get_by_text("by appointment").count() == 0
    page.keyboard.press("Control+Enter")
    page.get_by_text("Choose urgency and service type.").wait_for()
    page.keyboard.press("3")
    page.keyboard.press("/")
    page.keyboard.type("dumping")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    page.get_by_text("by appointment").wait_for()
    assert [" ".join(part.split()) for part in page.locator("#recorded h3").all_inner_texts()[:2]] == [
        "✓ Urgency: the same",
        "✗ Service type: another",
    ]
    assert "Service type 0 of 1" in page.locator("#tally").inner_text()
    page.keyboard.press("n")
    page.get_by_text("That was the last one.").wait_for()
    assert store.counts() == before


# Sidebar


class _Frame(BaseHTTPRequestHandler):
    """A page of another system that holds the sidebar in a frame and keeps what it is told."""

    sidebar = ""

    def do_GET(self) -> None:
        page = (
            "<!doctype html><title>CRM</title>"
            "<script>told=[];addEventListener('message',e=>told.push([e.origin,e.data]))</script>"
            f"<iframe title=Suggestions width=340 height=700 src='{self.sidebar}/console/sidebar'></iframe>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def frames() -> Iterator[tuple[str, str]]:
    """Two pages of other systems, at two origins."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Frame) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{servers[0].server_port}", f"http://127.0.0.1:{servers[1].server_port}"
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_sidebar_hears_and_tells_the_page_around_it(
    open_page: Opened, store: SqlTriageStore, frames: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, _ = frames
    with served(store, sidebar_origins=(crm,)) as sidebar:
        monkeypatch.setattr(_Frame, "sidebar", sidebar)
        page = open_page("/", base=crm)
        page.wait_for_function("told.some(([, data]) => data.type === 'triage:ready')")
        page.evaluate("frames[0].postMessage({type: 'triage:text', text: 'a couch', id: 't-7'}, '*')")
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Illegal dumping").press("Enter")
        frame.get_by_role("button", name="Take: ").press("Enter")
        page.wait_for_function("told.some(([, data]) => data.type === 'triage:answer')")
        told = page.evaluate("told")
    assert {origin for origin, _ in told} == {sidebar}
    assert [data["type"] for _, data in told] == ["triage:ready", "triage:type", "triage:answer"]
    assert told[1][1]["service_type"]["code"] == "waste.dumping"
    assert store.contact_of("sidebar-t-7").message.text == "a couch"


def test_the_sidebar_is_not_shown_to_other_origins_and_does_not_hear_other_windows(
    browser: Browser, store: SqlTriageStore, frames: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    crm, stranger = frames
    with served(store, sidebar_origins=(crm,)) as sidebar:
        monkeypatch.setattr(_Frame, "sidebar", sidebar)
        page = browser.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(stranger)
        page.wait_for_timeout(500)
        assert any("frame-ancestors" in line for line in refused)
        page.goto(f"{sidebar}/console/sidebar")
        page.evaluate("postMessage({type: 'triage:text', text: 'a couch'}, '*')")
        page.wait_for_timeout(500)
        assert page.locator("#note").input_value() == ""
        page.close()


# All of them

PAGES = (
    "/console/knowledge",
    "/console/knowledge?q=couch&article=old",
    "/console/supervisor",
    "/console/practice",
    "/console/sidebar?text=a+couch",
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    open_page: Opened, url: str, store: SqlTriageStore, path: str, theme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    decide(url, 3)
    store.notices.pin(Notice(title="Boil water", text="Boil it.", valid_until=_tomorrow()), "lead")
    page = open_page(path, theme=theme)
    page.wait_for_timeout(800)
    found = axe.Axe().run(page, options={"runOnly": AXE})
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found.response["violations"]] == []
    page.set_viewport_size({"width": SAFE_FRAME, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= SAFE_FRAME


def test_what_residents_and_authors_wrote_is_shown_as_text(open_page: Opened, url: str, store: SqlTriageStore) -> None:
    import httpx

    store.articles.keep_version("couch", TWO.replace("Two", HTML_TEXT), "import")
    store.notices.pin(Notice(title=HTML_TEXT, text=HTML_TEXT, valid_until=_tomorrow()), "lead")
    httpx.post(f"{url}/v1/contacts", json={"id": "sample-005", "text": HTML_TEXT})
    for path in ("/console/knowledge?article=couch", "/console/practice", f"/console/sidebar?text={HTML_TEXT}"):
        page = open_page(path)
        page.wait_for_timeout(600)
        assert page.locator("main img, main script").count() == 0
        assert "taken" not in page.title()


def _tomorrow() -> Any:  # noqa: ANN401
    from datetime import UTC, datetime, timedelta

    return datetime.now(UTC) + timedelta(days=1)
