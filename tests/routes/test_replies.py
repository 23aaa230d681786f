from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.fakes import fake_parts
from tests.mail.desks import OWN, mail_of
from tests.routes.conftest import Clients
from tests.routes.resources import check_problem, made
from triage.access import Role
from triage.channels.email import read_mail
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.types import Channel


@pytest.fixture
def client(client_at: Clients) -> Iterator[TestClient]:
    with client_at(local_agent=True) as opened:
        yield opened


@pytest.fixture
def by_mail(client: TestClient) -> TestClient:
    """A client of a service that can answer mail."""
    assert isinstance(client.app, FastAPI)
    client.app.state.replies_by = frozenset({Channel.EMAIL})
    return client


def received(store: SqlTriageStore, raw: bytes | None = None) -> str:
    """Store a mail with its answer, and return its identity."""
    raw = raw or mail_of()
    message = read_mail(raw).message
    store.receive([(message, raw)])
    store.save([(message, Pipeline(fake_parts()).triage(message))])
    return message.id


def test_fixed_texts_are_in_the_residents_language(client: TestClient) -> None:
    texts = {text["name"]: text for text in client.get("/v1/replies", params={"language": "es"}).json()}
    assert texts["call_911"]["text"].startswith("Si alguien está en peligro, llame al 911")
    assert (texts["call_911"]["language"], texts["call_911"]["reviewed"]) == ("es", False)
    assert texts["office_hours"]["text"] == "Nuestro horario es 08:00–17:00. Le responderemos cuando abramos."


def test_a_text_with_a_number_needs_a_contact(client: TestClient) -> None:
    made(client)
    without = client.get("/v1/replies", params={"language": "en"}).json()
    assert "request_received" not in {text["name"] for text in without}
    with_number = client.get("/v1/replies", params={"language": "en", "message_id": "m-1"}).json()
    assert "Your number is m-1." in next(text["text"] for text in with_number if text["name"] == "request_received")


def test_a_contact_without_a_way_back_is_only_copied(client: TestClient) -> None:
    made(client, channel="call")
    answer = client.get("/v1/contacts/m-1/replies").json()
    assert (answer["channel_back"], answer["sent"], answer["language"]) == (None, [], "en")
    check_problem(client.post("/v1/contacts/m-1/replies", json={"text": "Thank you"}), 422, "copy the text")


def test_a_reply_goes_into_the_outbox_once(by_mail: TestClient, store: SqlTriageStore) -> None:
    address = f"/v1/contacts/{received(store)}/replies"
    assert by_mail.get(address).json()["channel_back"] == "email"
    body = {"text": "Two pickups a year are free.", "language": "en", "article_id": "bulky-item-pickup"}
    for _ in range(2):
        sent = by_mail.post(address, json=body, headers={"Idempotency-Key": "one"})
        assert sent.status_code == 201, sent.text
        assert (sent.json()["state"], sent.json()["by"]) == ("due", "local")
    [stored] = store.outbox.of("m-1@example.com")
    assert (stored.delivery.target, stored.delivery.kind) == ("smtp", "mail.reply")
    assert stored.delivery.payload == {
        **body,
        "message_id": "m-1@example.com",
        "by": "local",
        "to": "jo@example.com",
        "written_to": [OWN],
        "subject": "Report",
        "thread": ["m-1@example.com"],
    }
    [shown] = by_mail.get(address).json()["sent"]
    assert shown["text"] == "Two pickups a year are free."


def test_replies_at_once_are_each_one_of_their_own(by_mail: TestClient, store: SqlTriageStore) -> None:
    address = f"/v1/contacts/{received(store)}/replies"

    def answer(text: str) -> str:
        return str(by_mail.post(address, json={"text": text}).json()["text"])

    texts = [f"reply {number}" for number in range(8)]
    with ThreadPoolExecutor(len(texts)) as pool:
        assert list(pool.map(answer, texts)) == texts
    assert sorted(each.delivery.payload["text"] for each in store.outbox.of("m-1@example.com")) == texts


@pytest.mark.parametrize("raw", [mail_of(sender="undisclosed"), mail_of(sender="josé@example.com"), b'{"text": "a"}'])
def test_a_mail_that_names_nobody_is_only_copied(by_mail: TestClient, store: SqlTriageStore, raw: bytes) -> None:
    store.receive([(read_mail(mail_of()).message, raw)])
    assert by_mail.get("/v1/contacts/m-1@example.com/replies").json()["channel_back"] is None
    answer = by_mail.post("/v1/contacts/m-1@example.com/replies", json={"text": "Thank you"})
    check_problem(answer, 422, "copy the text")


def test_who_may_not_decide_may_not_answer(client_at: Clients, key_of: Callable[..., str]) -> None:
    with client_at(key=key_of(Role.AUDITOR)) as client:
        check_problem(client.post("/v1/contacts/m-1/replies", json={"text": "Thank you"}), 403, "decide")


def test_an_empty_reply_is_refused(by_mail: TestClient, store: SqlTriageStore) -> None:
    address = f"/v1/contacts/{received(store)}/replies"
    check_problem(by_mail.post(address, json={"text": " "}), 422, "text")
    check_problem(by_mail.post("/v1/contacts/m-9/replies", json={"text": "Hello"}), 404)
