"""Webhooks: signed, replay-protected, answered once; every one closed until the city sets its secret."""

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import fake_parts
from triage.channels.settings import ChannelSettings
from triage.mail_replies import way_back
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.types import Channel

SECRET = "a-secret-of-the-tests"
TEAMS = base64.b64encode(b"key of the tests").decode()
PUBLIC = "https://311.example.org"
SETTINGS = ChannelSettings(
    public_url=PUBLIC,
    zendesk_secret=SECRET,
    twilio_token=SECRET,
    inbound_mail_secret=SECRET,
    chat_secret=TEAMS,
    generic_secret=SECRET,
)
TICKET = {"ticket_id": 35, "subject": "Couch", "description": "someone dumped a couch"}
TEXT = {
    "MessageSid": "SM1",
    "From": "+15305550101",
    "To": "+15305550111",
    "Body": "someone dumped a couch",
    "NumMedia": "0",
}
BASIC = {"Authorization": "Basic " + base64.b64encode(f"mail:{SECRET}".encode()).decode()}
MAIL = b"From: jo@example.org\r\nMessage-ID: <w-1@example.org>\r\nSubject: Couch\r\n\r\nsomeone dumped a couch\r\n"


@pytest.fixture
def client(store: SqlTriageStore) -> Iterator[TestClient]:
    with TestClient(create_app(Pipeline(fake_parts()), store, channels=SETTINGS)) as opened:
        yield opened


def zendesk(
    client: TestClient, raw: object, *, at: datetime | None = None, invocation: str = "i-1", **more: str
) -> Any:  # noqa: ANN401
    body, stamp = json.dumps(raw).encode(), (at or datetime.now(UTC)).isoformat()
    digest = base64.b64encode(hmac.digest(SECRET.encode(), stamp.encode() + body, "sha256")).decode()
    headers = {
        "X-Zendesk-Webhook-Signature": digest,
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        "X-Zendesk-Webhook-Invocation-Id": invocation,
        **more,
    }
    return client.post("/v1/hooks/zendesk", content=body, headers=headers)


def twilio(client: TestClient, fields: dict[str, str], url: str = f"{PUBLIC}/v1/hooks/twilio") -> Any:  # noqa: ANN401
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    digest = base64.b64encode(hmac.digest(SECRET.encode(), signed.encode(), "sha1")).decode()
    headers = {"X-Twilio-Signature": digest, "Content-Type": "application/x-www-form-urlencoded"}
    return client.post("/v1/hooks/twilio", content=urlencode(fields), headers=headers)


def teams(client: TestClient, raw: object, key: bytes = b"key of the tests") -> Any:  # noqa: ANN401
    """Post a signed activity, or bytes as they are."""
    body = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    digest = base64.b64encode(hmac.digest(key, body, "sha256")).decode()
    return client.post("/v1/hooks/teams", content=body, headers={"Authorization": f"HMAC {digest}"})


def generic(
    client: TestClient,
    body: bytes,
    *,
    path: str = "generic",
    delivery: str = "d-1",
    stamp: int | None = None,
    sent: bytes | None = None,
) -> Any:  # noqa: ANN401
    """Post a signed body; `sent` is what arrives of it."""
    at = str(stamp if stamp is not None else int(datetime.now(UTC).timestamp()))
    digest = hmac.new(SECRET.encode(), f"{at}.".encode() + body, sha256).hexdigest()
    headers = {"X-Signature": f"sha256={digest}", "X-Timestamp": at, "X-Delivery-Id": delivery}
    return client.post(f"/v1/hooks/{path}", content=body if sent is None else sent, headers=headers)


@pytest.mark.parametrize("name", ["zendesk", "twilio", "sendgrid", "postmark", "teams", "generic", "chat", "phone"])
def test_a_hook_is_closed_without_a_secret_and_takes_nothing_unsigned(
    client: TestClient, store: SqlTriageStore, name: str
) -> None:
    with TestClient(create_app(Pipeline(fake_parts()), store)) as closed:
        answer = closed.post(f"/v1/hooks/{name}", content=b"{}")
    assert answer.status_code == 403
    assert "this hook is closed; set TRIAGE_" in answer.json()["detail"]
    assert client.post(f"/v1/hooks/{name}", content=b"{}").status_code == 403
    assert (store.counts().contacts, store.counts().rejections) == (0, 0)


def test_a_zendesk_ticket_is_stored_once_and_linked(client: TestClient, store: SqlTriageStore) -> None:
    first = zendesk(client, TICKET)
    assert first.json() == {"status": "stored", "detail": "zendesk-35"}
    assert zendesk(client, TICKET).content == first.content
    assert zendesk(client, TICKET, invocation="i-2").json()["status"] == "known"
    assert store.counts().contacts == 1
    contact = store.contact_of("zendesk-35")
    assert (contact.message.channel, contact.message.subject) == (Channel.TICKET, "Couch")
    assert store.links.find("zendesk", "35") == "zendesk-35"


def test_a_zendesk_comment_joins_its_tickets_thread(client: TestClient, store: SqlTriageStore) -> None:
    event = {"detail": {"id": "35"}, "event": {"comment": {"id": 9, "body": "still there"}}}
    assert zendesk(client, event).json()["detail"] == "zendesk-35-9"
    assert store.contact_of("zendesk-35-9").message.thread_id == "zendesk-35"


@pytest.mark.parametrize(
    "comment",
    [
        {"id": 9, "body": "we are on it", "author": {"id": 1, "is_staff": True}, "is_public": True},
        {"id": 9, "body": "call her back", "author": {"id": 1, "is_staff": False}, "is_public": False},
        {"id": 9, "body": "Triage 311: The service says (suggest) waste.dumping, Public Works. Version 1."},
    ],
)
def test_what_staff_or_this_service_wrote_on_a_ticket_is_no_contact(
    client: TestClient, store: SqlTriageStore, comment: dict[str, Any]
) -> None:
    event = {"detail": {"id": "35"}, "event": {"comment": comment}}
    assert zendesk(client, event).json()["status"] == "ignored"
    assert (store.counts().contacts, store.counts().rejections) == (0, 0)


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_an_old_signature_is_refused(client: TestClient, age: timedelta) -> None:
    assert zendesk(client, TICKET, at=datetime.now(UTC) - age).status_code == 403
    assert generic(client, b'{"text": "a"}', stamp=int((datetime.now(UTC) - age).timestamp())).status_code == 403


def test_a_delivery_that_comes_again_with_another_body_is_refused(client: TestClient) -> None:
    assert zendesk(client, TICKET).status_code == 200
    assert zendesk(client, {**TICKET, "description": "other"}).status_code == 422


def test_what_is_proved_and_cannot_be_read_is_kept_and_not_sent_again(
    client: TestClient, store: SqlTriageStore
) -> None:
    answer = zendesk(client, {"ticket_id": 1})
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert store.counts().rejections == 1


def test_a_text_is_stored_once_and_answered_with_silence(client: TestClient, store: SqlTriageStore) -> None:
    for _ in range(2):
        answer = twilio(client, TEXT)
        assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    message = store.contact_of("sms-SM1").message
    assert (message.channel, message.text) == (Channel.SMS, "someone dumped a couch")
    assert "555" not in str(message.thread_id)
    assert store.counts().contacts == 1
    assert twilio(client, TEXT, "https://elsewhere.example.org/v1/hooks/twilio").status_code == 403


def test_sendgrid_brings_raw_mail_and_mail_in_fields(client: TestClient, store: SqlTriageStore) -> None:
    raw = client.post("/v1/hooks/sendgrid", files={"email": (None, MAIL)}, headers=BASIC)
    assert raw.json() == {"status": "stored", "detail": "w-1@example.org"}
    parts: list[tuple[str, Any]] = [
        ("headers", (None, "Message-ID: <w-2@example.org>\nIn-Reply-To:\n <w-1@example.org>\nContent-Type: x/y\n")),
        ("from", (None, "Jo <jo@example.org>")),
        ("subject", (None, "Sofá")),
        ("text", (None, "Hay basura\r\n\r\nOn 3 Mar 2026 City <311@example.org> wrote:\r\n> ok")),
        ("attachment1", ("note.txt", b"12 Elm St", "text/plain")),
    ]
    assert client.post("/v1/hooks/sendgrid", files=parts, headers=BASIC).json()["detail"] == "w-2@example.org"
    message = store.contact_of("w-2@example.org").message
    assert (message.subject, message.thread_id) == ("Sofá", "w-1@example.org")
    assert message.text == "Hay basura\n\n[note.txt]\n12 Elm St"
    assert [file.name for file in store.links.attachments("w-2@example.org")] == ["note.txt"]


def test_postmark_brings_mail(client: TestClient, store: SqlTriageStore) -> None:
    raw = {
        "From": "jo@example.org",
        "Subject": "Couch\r\nBcc: x@example.org",
        "MessageID": "p-1",
        "TextBody": "someone dumped a couch",
        "Headers": [{"Name": "Auto-Submitted", "Value": "no"}, {"Name": "Bad\r\nName", "Value": "x"}],
        "Attachments": [{"Name": "a.txt", "ContentType": "text/plain", "Content": base64.b64encode(b"here").decode()}],
    }
    for status in ("stored", "known"):
        answer = client.post("/v1/hooks/postmark", content=json.dumps(raw), headers=BASIC)
        assert answer.json() == {"status": status, "detail": "p-1@inbound.postmarkapp.com"}
    assert store.contact_of("p-1@inbound.postmarkapp.com").message.subject == "Couch Bcc: x@example.org"


def test_a_mail_that_was_posted_can_be_replied_to(client: TestClient, store: SqlTriageStore) -> None:
    client.post("/v1/hooks/sendgrid", files={"email": (None, MAIL)}, headers=BASIC)
    raw = {"From": "Jo <jo@example.org>", "To": "311@example.org", "MessageID": "p-1", "TextBody": "a couch"}
    client.post("/v1/hooks/postmark", content=json.dumps(raw), headers=BASIC)
    for message_id in ("w-1@example.org", "p-1@inbound.postmarkapp.com"):
        back = way_back(store.contact_of(message_id).raw)
        assert back is not None
        assert (back.to, back.thread) == ("jo@example.org", (message_id,))


def test_a_mail_that_is_attached_to_a_posted_mail_is_read(client: TestClient, store: SqlTriageStore) -> None:
    inner = b"From: lee@example.org\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n\r\nThere is a gas smell\r\n"
    parts: list[tuple[str, Any]] = [
        ("headers", (None, "Message-ID: <w-3@example.org>\n")),
        ("from", (None, "jo@example.org")),
        ("text", (None, "see below")),
        ("attachment1", ("a.eml", inner, "message/rfc822")),
    ]
    assert client.post("/v1/hooks/sendgrid", files=parts, headers=BASIC).json()["status"] == "stored"
    assert store.contact_of("w-3@example.org").message.text == "see below\n\nCafé\n\nThere is a gas smell"


def test_a_wrong_password_brings_nothing(client: TestClient) -> None:
    wrong = {"Authorization": "Basic " + base64.b64encode(b"mail:other").decode()}
    assert client.post("/v1/hooks/postmark", content=b"{}", headers=wrong).status_code == 403


def test_a_teams_activity_is_read_without_the_mention(client: TestClient, store: SqlTriageStore) -> None:
    activity = {
        "type": "message",
        "id": "a-1",
        "timestamp": datetime.now(UTC).isoformat(),
        "channelId": "msteams",
        "conversation": {"id": "room"},
        "text": "<at>City 311</at>&nbsp;someone dumped a <b>couch</b>",
        "entities": [{"type": "mention", "text": "<at>City 311</at>"}],
    }
    assert teams(client, activity).json() == {"type": "message", "text": "✓"}
    [contact] = store.recent()
    assert (contact.message.channel, contact.message.text) == (Channel.CHAT, "someone dumped a couch")
    assert teams(client, {**activity, "timestamp": "2020-01-01T00:00:00Z"}).status_code == 403
    assert teams(client, activity, key=b"other").status_code == 403


def test_generic_json_is_the_services_own_shape(client: TestClient, store: SqlTriageStore) -> None:
    body = b'{"id": "g-1", "text": "someone dumped a couch", "channel": "app"}'
    assert generic(client, body).json() == {"status": "stored", "detail": "g-1"}
    assert generic(client, body).json() == {"status": "stored", "detail": "g-1"}
    assert store.counts().contacts == 1
