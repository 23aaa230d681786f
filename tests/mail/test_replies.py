"""What an agent answers to a mail, from the request to the mail server, wired as a city's settings say."""

import textwrap
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

import cli
import wiring
from api import create_app
from tests.fakes import fake_parts
from tests.mail.desks import OWN, mail_of
from tests.mail.smtp_server import Post
from tests.triage.channels.test_autoreply import encoded
from triage.channels.autoreply import UNBROKEN
from triage.channels.email import read_mail
from triage.mail_replies import reply_mail, way_back
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.store.deliveries import DeliveryState
from triage.store.resource import utc_now
from wiring import Settings

PARENT = f"{'long-' * 30}first@example.com"  # longer than a line
FORWARDER = "post@example.org"


@pytest.fixture
def settings(post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a city with a mailbox, and a server that its mail leaves by."""
    file = tmp_path / "inbox.yaml"
    file.write_text(
        textwrap.dedent(f"""\
            outgoing: {{host: 127.0.0.1, port: {post.port}, security: none, address: {FORWARDER}}}
            mailboxes:
              - {{name: city, host: imap.example.org, user: '311', password_env: CITY_PASSWORD, addresses: [{OWN}]}}
            """),
        "utf-8",
    )
    monkeypatch.setenv("CITY_PASSWORD", "a secret of the tests")
    monkeypatch.setenv("TRIAGE_INBOX", str(file))
    return Settings.from_env()


@pytest.fixture
def city(settings: Settings) -> Iterator[SqlTriageStore]:
    with wiring.open_database(settings) as opened:
        yield opened


def received(store: SqlTriageStore, raw: bytes) -> str:
    message = read_mail(raw).message
    store.receive([(message, raw)])
    store.save([(message, Pipeline(fake_parts()).triage(message))])
    return message.id


def answered(settings: Settings, store: SqlTriageStore, message_id: str, **body: str) -> None:
    app = create_app(Pipeline(fake_parts()), store, replies_by=wiring.reply_channels(settings))
    with TestClient(app) as client:
        sent = client.post(f"/v1/contacts/{message_id}/replies", json=body)
    assert sent.status_code == 201, sent.text


def work_off(settings: Settings, store: SqlTriageStore) -> int:
    with wiring.outbox_workers(settings, store) as workers:
        return sum(worker.work_off() for worker in workers)


def test_a_reply_comes_to_the_resident_in_the_thread_of_the_mail(
    settings: Settings, city: SqlTriageStore, post: Post
) -> None:
    raw = mail_of(headers=f"Reply-To: home@example.com\nReferences: <{PARENT}>")
    message_id = received(city, raw)
    for text in ("Dos recogidas al año.", "Hasta luego."):
        answered(settings, city, message_id, text=text, language="es")
    assert work_off(settings, city) == 2
    first, second = post.taken
    assert (first.sender, first.recipients) == (FORWARDER, ("home@example.com",))
    told = {name: first.mail[name] for name in ("From", "To", "Subject", "In-Reply-To", "Content-Language")}
    assert told == {
        "From": OWN,
        "To": "home@example.com",
        "Subject": "Re: Report",
        "In-Reply-To": "<m-1@example.com>",
        "Content-Language": "es",
    }
    assert first.mail["References"].split() == [f"<{PARENT}>", "<m-1@example.com>"]
    again = read_mail(first.raw)
    assert (again.message.text, again.parents) == ("Dos recogidas al año.", ("m-1@example.com", PARENT))
    assert second.mail["Message-ID"] != first.mail["Message-ID"]
    assert {each.state for each in city.outbox.of(message_id)} == {DeliveryState.SENT}


def test_a_reply_that_is_sent_again_keeps_its_message_id(settings: Settings, city: SqlTriageStore, post: Post) -> None:
    message_id = received(city, mail_of())
    answered(settings, city, message_id, text="Thank you")
    post.answer = lambda taken: ""  # takes it and hangs up before it says so
    assert work_off(settings, city) == 0
    post.answer = lambda taken: "250 taken"
    city.outbox.retry(city.outbox.of(message_id)[0].id)
    assert work_off(settings, city) == 1
    assert list(post.times_taken().values()) == [2]


def test_a_mail_for_another_address_is_answered_from_the_one_that_sends(
    settings: Settings, city: SqlTriageStore, post: Post
) -> None:
    message_id = received(city, mail_of().replace(b"To: 311@", b"To: mayor@"))
    answered(settings, city, message_id, text="Thank you")
    assert work_off(settings, city) == 1
    assert post.taken[0].mail["From"] == FORWARDER


def test_the_thread_begins_with_a_mail_without_an_identity() -> None:
    back = way_back(b"From: Jo <jo@example.com>\r\nSubject: RE: Street\r\nContent-Type: multipart/mixed\r\n\r\n--x")
    assert back is not None
    assert (back.to, back.subject, back.thread) == ("jo@example.com", "RE: Street", ())
    payload: dict[str, Any] = {"to": back.to, "subject": back.subject, "thread": [], "text": "Hello", "language": None}
    mail = reply_mail(payload, key="reply:1", own_address=OWN, now=utc_now())
    assert (mail["Subject"], mail["In-Reply-To"]) == ("RE: Street", None)


def test_what_a_stranger_encoded_several_times_never_becomes_a_header_of_the_reply() -> None:
    smuggled = encoded("x\r\nBcc: a@example.com\r\n\r\nBuy pills", 2)
    payload: dict[str, Any] = {"to": "jo@example.com", "subject": smuggled, "thread": [smuggled], "language": None}
    mail = reply_mail({**payload, "text": "Hello"}, key="reply:1", own_address=OWN, now=utc_now())
    sent = message_from_bytes(mail.as_bytes(policy=UNBROKEN))
    assert sent.get_payload(decode=True) == b"Hello\r\n"
    assert "Bcc" not in sent


class Still:
    """Runs nothing."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


@pytest.mark.parametrize(("samples", "channels"), [(False, {"email"}), (True, set())])
def test_the_service_answers_by_mail_where_mail_leaves_and_never_samples(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, samples: bool, channels: set[str]
) -> None:
    served: list[Any] = []
    monkeypatch.setattr(cli, "_ready_settings", lambda: settings)
    monkeypatch.setattr(cli, "_load_samples", lambda *_: None)
    monkeypatch.setattr(wiring, "build_service", lambda *_: (Pipeline(fake_parts()), Still()))
    monkeypatch.setattr(wiring, "build_shadow", lambda *_: Still())
    monkeypatch.setattr(uvicorn.Server, "run", lambda server: served.append(server.config.app))
    (cli.demo if samples else cli.serve)()
    assert served[0].state.replies_by == channels
