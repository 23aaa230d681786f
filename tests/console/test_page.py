import re
from dataclasses import dataclass, field, fields
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from triage.store.events import EventKind
from triage.types import Channel, Triage, UrgencyLevel

CONSOLE = Path(str(files("console")))
SCRIPTS = sorted(CONSOLE.glob("*.js"))
PAGES = sorted(path.name for path in CONSOLE.glob("*.html"))
IMPORT = re.compile(r'(?:from|import) "\./([^"]+)"')
STYLE = (CONSOLE / "console.css").read_text(encoding="utf-8")
FIRST_LOAD_BYTES = 150 * 1024
SVG = {"http://w"}  # the namespace http://www.w3.org/2000/svg, which is never fetched
EVENT_ATTRIBUTE = re.compile(r"on[a-z]+")
EXTERNAL = re.compile(r"(?:https?:)?//[a-z0-9]", re.IGNORECASE)
ON_BACKGROUND = [
    *[
        (ink, ground, 4.5)
        for ink in ("ink", "quiet", "accent", "caution-ink")
        for ground in ("panel", "page", "sunken", "chosen")
    ],
    ("caution-ink", "caution", 4.5),
    ("ink", "caution", 4.5),
    ("ink", "danger", 4.5),
    ("on-alarm", "alarm", 4.5),
    ("alarm", "on-alarm", 4.5),
    ("on-accent", "accent", 4.5),
    ("edge", "panel", 3.0),
    ("accent", "line", 3.0),
]


@dataclass
class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and the text inside scripts and styles."""

    name: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)

    @property
    def html(self) -> str:
        return (CONSOLE / self.name).read_text(encoding="utf-8")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in {"script", "style"} and self.cdata_elem:
            self.inline.append(data)

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.tags if "id" in attributes]

    @property
    def files(self) -> set[str]:
        """The files that the page names itself."""
        loaded = [attributes.get("src") or attributes.get("href") or "" for _, attributes in self.tags]
        return {url for url in loaded if url and url != "data:,"}

    @property
    def scripts(self) -> set[str]:
        """Its scripts with all that they import."""
        found: set[str] = set()
        waiting = [url.removeprefix("/console/") for url in self.files if url.endswith(".js")]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(IMPORT.findall(script(name)))
        return found

    def attribute(self, element_id: str, name: str) -> str | None:
        return next(attributes.get(name) for _, attributes in self.tags if attributes.get("id") == element_id)


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> Page:
    return Page(request.param)


@cache
def script(name: str) -> str:
    return (CONSOLE / name).read_text(encoding="utf-8")


def test_a_page_has_no_inline_script_style_or_event_attribute(page: Page) -> None:
    assert page.inline == []
    assert [tag for tag, _ in page.tags if tag == "style"] == []
    names = [name for _, attributes in page.tags for name in attributes]
    assert [name for name in names if name == "style" or EVENT_ATTRIBUTE.fullmatch(name)] == []


def test_everything_a_page_loads_is_a_file_of_the_console(page: Page) -> None:
    assert {"/console/console.css", "/console/theme.js"} <= page.files
    assert [url for url in page.files if not (CONSOLE / url.removeprefix("/console/")).is_file()] == []


def test_a_page_asks_early_for_every_script_that_it_will_need() -> None:
    for name in ("index.html", "queue.html", "contact.html"):
        page = Page(name)
        asked = {url.removeprefix("/console/") for url in page.files if url.endswith(".js")}
        assert page.scripts - asked == set(), name


@pytest.mark.parametrize("path", sorted(CONSOLE.glob("*.*")), ids=lambda path: path.name)
def test_no_file_names_an_address_outside_the_service(path: Path) -> None:
    code = re.sub(r"^\s*//.*", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(EXTERNAL.findall(code)) <= SVG
    assert "@import" not in code
    assert "url(" not in code


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_module_that_a_script_imports_is_there(path: Path) -> None:
    assert [name for name in IMPORT.findall(script(path.name)) if not (CONSOLE / name).is_file()] == []


def test_every_script_belongs_to_a_page() -> None:
    used = {name for page in PAGES for name in Page(page).scripts}
    assert {path.name for path in SCRIPTS} - used == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_reads_a_text_as_html(path: Path) -> None:
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|setAttribute\(\"style\""
    assert re.findall(ways, script(path.name)) == []


def test_every_id_that_a_script_uses_is_in_its_page_once(page: Page) -> None:
    code = "".join(script(name) for name in page.scripts)
    used = set(re.findall(r'\b(?:byId|fill)\("([^"]+)"', code))
    made = set(re.findall(r'\bid: "([^"]+)"', code))
    assert used - made - set(page.ids) == set()
    assert len(page.ids) == len(set(page.ids))


def test_every_label_and_title_points_to_an_element(page: Page) -> None:
    pointed = [attributes.get("aria-labelledby") or attributes.get("for") for _, attributes in page.tags]
    assert {name for name in pointed if name} - set(page.ids) == set()


def test_only_safety_interrupts_a_screen_reader(page: Page) -> None:
    alerts = [attributes.get("id") for _, attributes in page.tags if attributes.get("role") == "alert"]
    assert alerts in ([], ["safety"], ["alarm"])
    assert [attributes for _, attributes in page.tags if attributes.get("aria-live") == "assertive"] == []


def test_no_script_interrupts_a_screen_reader_by_itself() -> None:
    interrupting = r'role: "alert"|role", "alert"|assertive'
    assert {path.name for path in SCRIPTS if re.search(interrupting, script(path.name))} == set()


def test_every_field_of_the_public_answer_is_shown() -> None:
    drawn = "".join(script(name) for name in Page("contact.html").scripts)
    assert {each.name for each in fields(Triage) if not re.search(rf"\b{each.name}\b", drawn)} == set()


def test_every_channel_can_be_chosen_and_every_urgency_has_its_rank() -> None:
    assert re.findall(r"<option(?: selected)?>(\w+)", Page("index.html").html) == [channel.value for channel in Channel]
    ranks = re.search(r"LEVELS = \[(.*?)\]", script("suggestions.js"))
    assert ranks is not None
    assert re.findall(r'"(\w+)"', ranks[1]) == [level.value for level in UrgencyLevel]


def test_the_console_follows_every_kind_of_change() -> None:
    kinds = re.search(r"KINDS = \[(.*?)\]", script("updates.js"))
    assert kinds is not None
    assert re.findall(r'"(\w+)"', kinds[1]) == [kind.value for kind in EventKind]


def test_the_first_load_of_each_page_is_small(page: Page) -> None:
    names = page.scripts | {url.removeprefix("/console/") for url in page.files} | {page.name}
    assert sum((CONSOLE / name).stat().st_size for name in names) < FIRST_LOAD_BYTES


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), ON_BACKGROUND)
def test_contrast_holds_in_both_themes(ink: str, ground: str, least: float, theme: str) -> None:
    assert contrast(color(ink, theme), color(ground, theme)) >= least


def color(name: str, theme: str) -> str:
    found = re.search(rf"--{name}: light-dark\((#\w{{6}}), (#\w{{6}})\);", STYLE)
    assert found is not None, f"console.css has no color --{name}"
    return found[1 if theme == "light" else 2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.1, in [1, 21]."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color_code: str) -> float:
    """The relative luminance of WCAG 2.1, in [0, 1]."""
    red, green, blue = (linear(int(color_code[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
