"""The sidebar: suggestions in a frame of another system's page, such as a CRM's, where a setting names its origin."""

import html
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

PATH = "/console/sidebar"
# That of every other page, but for who may frame it; the service sets its own where a page brings none.
FRAMED = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors {origins}"
router = APIRouter(include_in_schema=False)


@router.get(PATH)
def show_sidebar(request: Request) -> HTMLResponse:
    """Return the page with the origins that it listens to; without any, no other system may frame it.

    The page itself holds nothing; what it asks for needs a session or a key like everything else.
    """
    page = (files("console") / "sidebar.html").read_text(encoding="utf-8")
    origins = " ".join(request.app.state.sidebar_origins)
    headers = {"Content-Security-Policy": FRAMED.format(origins=origins)} if origins else {}
    return HTMLResponse(page.replace('data-origins=""', f'data-origins="{html.escape(origins)}"', 1), headers=headers)
