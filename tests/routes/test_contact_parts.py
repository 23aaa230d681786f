from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.routes.conftest import Clients
from tests.routes.resources import check_problem, decided, made
from triage.store import SqlTriageStore
from triage.store.links import Attachment


@pytest.fixture
def client(client_at: Clients) -> Iterator[TestClient]:
    with client_at(local_agent=True) as opened:
        yield opened


def test_similar_are_past_contacts_of_the_type_that_people_decided(client: TestClient) -> None:
    made(client, "m-1", text="a couch behind the store")
    made(client, "m-2", text="a couch behind the store")
    made(client, "m-3", text="water in the street")
    decided(client, 1, "m-1", action="accept")
    decided(client, 1, "m-3", action="accept")
    made(client, "m-4", text="a couch behind the store")
    assert client.get("/v1/contacts/m-4/similar").json() == [{"message_id": "m-1", "similarity": 1.0}]


def test_nothing_is_similar_to_the_first_contact(client: TestClient) -> None:
    made(client, "m-1")
    assert client.get("/v1/contacts/m-1/similar").json() == []
    check_problem(client.get("/v1/contacts/m-9/similar"), 404)


def test_a_thread_is_told_oldest_first(client: TestClient) -> None:
    made(client, "m-1", thread_id="t-1")
    made(client, "m-2", thread_id="t-1")
    made(client, "m-3")
    assert client.get("/v1/contacts/m-1/thread").json() == ["m-1", "m-2"]
    assert client.get("/v1/contacts/m-3/thread").json() == ["m-3"]


def test_a_thread_of_mails_begins_with_the_first_one_whichever_is_asked_for(client: TestClient) -> None:
    made(client, "m-1")
    made(client, "m-2", thread_id="m-1")
    made(client, "m-3", thread_id="m-1")
    for asked in ("m-1", "m-2", "m-3"):
        assert client.get(f"/v1/contacts/{asked}/thread").json() == ["m-1", "m-2", "m-3"]


def test_files_are_listed_and_saved_but_never_shown(client: TestClient, store: SqlTriageStore) -> None:
    made(client)
    page = b"<script>alert(1)</script>"
    kept = Attachment(name="Foto ü.html", media_type="text/html", size_bytes=len(page), content=page, text=None)
    store.links.attach("m-1", kept)
    store.links.attach("m-1", Attachment(name="large.mov", media_type="video/quicktime", size_bytes=90_000_000))
    first, second = client.get("/v1/contacts/m-1/attachments").json()
    assert (first["number"], first["name"], first["kept"]) == (1, "Foto ü.html", True)
    assert (second["number"], second["size_bytes"], second["kept"]) == (2, 90_000_000, False)
    saved = client.get("/v1/contacts/m-1/attachments/1")
    assert (saved.content, saved.headers["content-type"]) == (page, "application/octet-stream")
    assert saved.headers["content-disposition"] == "attachment; filename*=UTF-8''Foto%20%C3%BC.html"
    check_problem(client.get("/v1/contacts/m-1/attachments/2"), 404, "no file 2 that was kept")
    check_problem(client.get("/v1/contacts/m-1/attachments/3"), 404)
