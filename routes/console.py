"""The console's pages: one HTML file each, under its name without an ending."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

FOLDER: Final = Path(str(files("console")))
START: Final = "index"
OF_CONTACT: Final = "contact"

SignedIn = Callable[[Request], bool]


def pages(is_signed_in: SignedIn = lambda _: True) -> APIRouter:
    """Return the routes of the pages: `/console/queue` is queue.html, `/` and `/console/` are the first page.

    Args:
        is_signed_in: Says whether a page may be shown; who is not signed in is sent to sign in and comes back.
    """
    router = APIRouter(include_in_schema=False)
    for path, file in _pages():
        router.get(path)(_page(file, is_signed_in))
    return router


def _pages() -> list[tuple[str, Path]]:
    start = FOLDER / f"{START}.html"
    named = [(_path(file.stem), file) for file in sorted(FOLDER.glob("*.html")) if file.stem != START]
    return [("/", start), ("/console/", start), *named]


def _path(name: str) -> str:
    return f"/console/{name}/{{message_id:path}}" if name == OF_CONTACT else f"/console/{name}"


def _page(file: Path, is_signed_in: SignedIn) -> Callable[[Request], Response]:
    def page(request: Request) -> Response:
        if is_signed_in(request):
            return FileResponse(file)
        asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(f"/auth/login?{urlencode({'next': asked})}", status_code=303)

    return page
