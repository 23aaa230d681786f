from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from routes.console import FOLDER, pages
from tests.routes.conftest import Clients


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/", "index.html"),
        ("/console/", "index.html"),
        ("/console/queue", "queue.html"),
        ("/console/contact/m-1", "contact.html"),
        ("/console/contact/%3Cid%2Fwith%2Fslashes%40example.org%3E", "contact.html"),
    ],
)
def test_each_page_has_an_address_of_its_own(client_at: Clients, path: str, file: str) -> None:
    with client_at(local_agent=True) as client:
        response = client.get(path)
    assert response.status_code == 200
    assert response.content == (FOLDER / file).read_bytes()
    assert response.headers["content-security-policy"].startswith("default-src 'self';")


def test_scripts_and_pages_are_always_of_one_release(client_at: Clients) -> None:
    with client_at(local_agent=True) as client:
        assert client.get("/console/shell.js").headers["cache-control"] == "no-cache"
        assert client.get("/console/queue").headers["cache-control"] == "no-cache"


def test_whoever_is_not_signed_in_comes_back_to_the_page_afterwards() -> None:
    app = FastAPI()
    app.include_router(pages(lambda _: False))
    response = TestClient(app).get("/console/contact/m-1", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "/auth/login?next=%2Fconsole%2Fcontact%2Fm-1")


def test_whoever_is_not_signed_in_comes_back_to_what_a_link_asked_for() -> None:
    app = FastAPI()
    app.include_router(pages(lambda _: False))
    response = TestClient(app).get("/console/queue?view=closed&q=caf%C3%A9%20%26%20bar", follow_redirects=False)
    page = parse_qs(urlsplit(response.headers["location"]).query)["next"]
    assert page == ["/console/queue?view=closed&q=caf%C3%A9%20%26%20bar"]


def test_every_page_of_the_folder_is_served(client_at: Clients) -> None:
    names = [Path(file).stem for file in FOLDER.glob("*.html")]
    with client_at(local_agent=True) as client:
        found = {
            name: client.get(f"/console/{name}/m-1" if name == "contact" else f"/console/{name}") for name in names
        }
    assert {name for name, response in found.items() if response.status_code != 200} == {"index"}
