"""Takes the pictures of the main pages in both themes, for docs/screenshots: `python -m tests.console.screenshots`."""

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.console.city import Seat, opened_models, seat_of, serving
from tests.console.conftest import CHROMIUM
from triage.access import Role
from triage.samples import samples

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MOST_BYTES = 150 * 1024
COLORS = 128
SETTLES_MS = 2_500
NOTE = (
    "Woman at 540 Juniper St near Orchard Ave, water coming up through the asphalt and running toward her steps, "
    "her father is in bed downstairs. Call back 916-555-0142"
)


def live_note(seat: Seat) -> None:
    """Write a note, take its type, acknowledge the banner so that the whole page shows."""
    page = seat.open("/console/")
    page.get_by_role("textbox", name="Live note").fill(NOTE)
    page.wait_for_timeout(SETTLES_MS)
    page.keyboard.press("F2")
    page.keyboard.press("Alt+1")


def contact(seat: Seat) -> None:
    """Open the Arabic contact."""
    seat.open("/console/contact/sample-239")


def knowledge(seat: Seat) -> None:
    """Search, and open the first article."""
    page = seat.open("/console/knowledge?q=book+a+bulky+pickup")
    page.get_by_role("list", name="Answers").get_by_role("button").first.click()


PAGES: dict[str, Callable[[Seat], object]] = {
    "queue": lambda seat: seat.open("/console/queue"),
    "contact": contact,
    "knowledge": knowledge,
    "supervisor": lambda seat: seat.open("/console/supervisor"),
    "live-note": live_note,  # the last: it leaves contacts behind
}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def picture(page: Page) -> bytes:
    """Return the page as a PNG of few colors, which its text does not miss."""
    page.wait_for_timeout(SETTLES_MS)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    small = io.BytesIO()
    image.quantize(COLORS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> None:
    """Serve the two sample weeks, and write every page in both themes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        opened_models(Path(folder), newest=len(samples())) as models,
        serving(models, models.store) as city,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        seats = {theme: seat_of(city, browser, "lead-1", Role.LEAD, color_scheme=theme) for theme in THEMES}
        for name, show in PAGES.items():
            for theme, seat in seats.items():
                show(seat)
                keep(f"{name}-{theme}.png", picture(seat.page))


def keep(name: str, taken: bytes) -> None:
    """Write a picture, unless it is too large for a page that shows it."""
    print(f"{name} {len(taken) / 1024:.0f} KB", file=sys.stderr)
    if len(taken) > MOST_BYTES:
        raise SystemExit(f"{name} is over {MOST_BYTES // 1024} KB: take fewer colors")
    (FOLDER / name).write_bytes(taken)


if __name__ == "__main__":
    main()
