"""Mail that no agent need see, phone trees, plain chat, and bad input: a clear answer, the raw kept, none doubled."""

import base64
import io
import json
import zipfile
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.routes.test_hooks import BASIC, MAIL, generic, teams, zendesk
from tests.routes.test_hooks import client as client
from triage.store import SqlTriageStore, Status
from triage.types import Channel, Mode

DOCUMENT = "word/document.xml"
WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def hook(client: TestClient, name: str, raw: object, **proof: Any) -> Any:  # noqa: ANN401
    return generic(client, json.dumps(raw).encode(), path=name, **proof)


def sendgrid(client: TestClient, mail: bytes) -> Any:  # noqa: ANN401
    return client.post("/v1/hooks/sendgrid", files={"email": (None, mail)}, headers=BASIC)


def docx(xml: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(DOCUMENT, xml)
    return content.getvalue()


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (b"X-Spam-Flag: YES\r\n", "spam (the mail server's filter says so)"),
        (b"Auto-Submitted: auto-replied\r\n", "an automatic answer"),
        (b"X-Failed-Recipients: a@example.org\r\n", "a delivery report"),
        (b"To: 311@example.org\r\nX-Loop: 311@example.org\r\n", "a mail of this service that came back"),
    ],
)
def test_a_posted_mail_that_no_agent_need_see_is_set_aside(
    client: TestClient, store: SqlTriageStore, marks: bytes, said: str
) -> None:
    assert sendgrid(client, marks + MAIL).json() == {"status": "set aside", "detail": "w-1@example.org"}
    decision = store.contact_of("w-1@example.org").decision
    assert decision is not None
    assert (decision.status, decision.note, decision.decision.mode) == (Status.CLOSED, f"set aside: {said}", Mode.ASK)


def test_a_danger_is_never_set_aside(client: TestClient, store: SqlTriageStore) -> None:
    mail = b"X-Spam-Flag: YES\r\n" + MAIL.replace(b"a couch", b"a couch, gas smell")
    assert sendgrid(client, mail).json()["status"] == "stored"
    decision = store.contact_of("w-1@example.org").decision
    assert decision is not None
    assert decision.status is Status.OPEN


def test_an_utterance_is_answered_with_where_the_call_should_go(client: TestClient, store: SqlTriageStore) -> None:
    said = {"call_id": "c-9", "utterance_id": "1", "utterance": "someone dumped a couch", "menu": "main"}
    answer = hook(client, "phone", said).json()
    assert answer == {
        "status": "stored",
        "detail": "ivr-c-9-1",
        "mode": "suggest",
        "service_type": "waste.dumping",
        "department": answer["department"],
        "urgency": "normal",
        "line": None,
    }
    message = store.contact_of("ivr-c-9-1").message
    assert (message.channel, message.thread_id) == (Channel.CALL, "c-9")
    assert hook(client, "phone", said).json() == answer
    again = hook(client, "phone", said, delivery="d-2").json()
    assert again == {**answer, "status": "known"}
    assert store.counts().contacts == 1


def test_a_caller_in_danger_is_told_whom_to_call(client: TestClient) -> None:
    answer = hook(client, "phone", {"call_id": "c-9", "utterance": "there is a gas smell"}).json()
    assert (answer["line"], answer["urgency"], answer["mode"]) == ("911", "emergency", "ask")


def test_a_chat_line_is_triaged_if_the_visitor_wrote_it(client: TestClient, store: SqlTriageStore) -> None:
    line = {"conversation_id": "room", "message_id": "1", "text": "someone dumped a couch"}
    assert hook(client, "chat", line).json()["status"] == "stored"
    told = {**line, "message_id": "2", "from": "bot", "text": "thank you"}
    assert hook(client, "chat", told, delivery="d-2").json()["status"] == "ignored"
    [contact] = store.recent()
    assert (contact.message.channel, contact.message.text) == (Channel.CHAT, "someone dumped a couch")


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("phone", {"utterance": "x"}, "call_id is missing"),
        ("phone", {"call_id": "c", "utterance": " "}, "holds no words"),
        ("phone", {"call_id": "c", "utterance": "x", "more": 1}, "fields of an utterance are"),
        ("phone", [], "must be a JSON object"),
        ("chat", {"text": "x"}, "conversation_id and message_id are missing"),
        ("chat", {"conversation_id": "c", "message_id": "m", "text": ""}, "holds no words"),
        ("chat", {"conversation_id": "c", "message_id": "m", "text": "x", "from": "me"}, "from must be one of"),
        ("generic", {"text": "x", "more": 1}, "more is not a field of a message"),
    ],
)
def test_what_is_proved_and_cannot_be_read_is_kept_with_its_reason(
    client: TestClient, store: SqlTriageStore, name: str, raw: object, said: str
) -> None:
    answer = hook(client, name, raw)
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert said in answer.json()["detail"]
    assert (store.counts().rejections, store.counts().contacts) == (1, 0)


@pytest.mark.parametrize("body", [b"", b'{"text": "cut o', b"\xff\xfe", b"[" * 5_000, b'{"text": "a\\u0000b"}'])
def test_a_truncated_body_that_is_signed_is_kept(client: TestClient, store: SqlTriageStore, body: bytes) -> None:
    answer = generic(client, body)
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert store.counts().rejections == 1


@pytest.mark.parametrize("body", [b"", b'{"type": "mess', b"\xff\xfe"])
def test_an_unreadable_activity_of_teams_that_is_signed_is_kept_once(
    client: TestClient, store: SqlTriageStore, body: bytes
) -> None:
    assert [teams(client, body).status_code for _ in range(2)] == [200, 200]
    assert (store.counts().rejections, store.counts().contacts) == (1, 0)


def test_an_activity_of_teams_without_its_time_is_not_proved_and_not_kept(
    client: TestClient, store: SqlTriageStore
) -> None:
    assert teams(client, {"type": "typing"}).status_code == 403
    assert store.counts().rejections == 0


def test_a_body_cut_after_signing_is_refused_and_not_kept(client: TestClient, store: SqlTriageStore) -> None:
    body = b'{"text": "someone dumped a couch"}'
    assert generic(client, body, sent=body[:-5]).status_code == 403
    assert (store.counts().rejections, store.counts().contacts) == (0, 0)


def test_a_replayed_webhook_does_nothing_and_gets_the_first_answer(client: TestClient, store: SqlTriageStore) -> None:
    line = {"ticket_id": 35, "subject": "Couch", "description": "someone dumped a couch"}
    answers = {zendesk(client, line).content for _ in range(3)}
    assert len(answers) == 1
    assert (store.counts().contacts, store.counts().triages) == (1, 1)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bomb.docx", docx(b"<w:document xmlns:w='%s'>" % WORDS.encode() + b" " * 15_000_000), "zip bomb"),
        (
            "entities.docx",
            docx(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
            "cannot be read (DTDForbidden)",
        ),
        ("laughs.docx", docx(b'<!DOCTYPE a [<!ENTITY x "haha">]><a>&x;</a>'), "cannot be read (DTDForbidden)"),
        ("broken.docx", b"PK\x03\x04 cut off", "cannot be read (BadZipFile)"),
        ("broken.pdf", b"%PDF-1.7 cut off", "cannot be read"),
    ],
)
def test_a_hostile_attachment_is_listed_and_unread_and_takes_no_mail_with_it(
    client: TestClient, store: SqlTriageStore, name: str, content: bytes, said: str
) -> None:
    from triage.channels.mail_files import mail_file

    raw = {
        "From": "jo@example.org",
        "MessageID": "p-1",
        "TextBody": "someone dumped a couch",
        "Attachments": [
            {"Name": name, "ContentType": "application/octet-stream", "Content": base64.b64encode(content).decode()}
        ],
    }
    answer = client.post("/v1/hooks/postmark", content=json.dumps(raw), headers=BASIC)
    assert answer.json()["status"] == "stored"
    message_id = answer.json()["detail"]
    [file] = store.links.attachments(message_id)
    assert (file.name, file.content, file.text) == (name, content, None)
    assert store.contact_of(message_id).message.text == "someone dumped a couch"
    assert said in (mail_file(name, "application/octet-stream", content).unread or "")


def test_a_form_that_is_no_form_is_kept(client: TestClient, store: SqlTriageStore) -> None:
    headers = {**BASIC, "Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/v1/hooks/sendgrid", content=b"--x\r\ncut", headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert store.counts().rejections == 1


def test_a_form_whose_parts_nest_without_end_is_kept(client: TestClient, store: SqlTriageStore) -> None:
    parts = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(2_000))
    files: dict[str, Any] = {"text": (None, b"see below"), "a": ("a.eml", parts.encode(), "message/rfc822")}
    answer = client.post("/v1/hooks/sendgrid", files=files, headers=BASIC)
    assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
    assert store.counts().rejections == 1
