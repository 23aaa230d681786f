"""Where a mail goes and what is said to its sender: rules without a server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_string
from typing import Any

import pytest

from tests.store.samples import triage_of
from triage.channels.email import read_mail
from triage.inbox_settings import InboxSettings, MailboxSettings
from triage.mail_routing import Arrived, Plan, Router
from triage.store.mail_records import MailRow, MailState, Settlement, Situation
from triage.store.records import Action, Actor, StoredDecision
from triage.types import Decision, Mode, Safety, SafetyHit

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
AUTO = Decision(mode=Mode.AUTO, service_type="water.leak", department="Water")
BOX = MailboxSettings(
    name="city",
    host="imap.example.org",
    user="311",
    password_env="X",
    addresses=("311@example.org",),
    departments={"Water": "W"},
    forward={"Water": "water@example.org"},
    acknowledge=True,
    keywords=True,
)
ROW = MailRow(id=4, mailbox=BOX.key, validity=7, uid=9, state=MailState.FOUND, plan={}, failures=0)
QUIET = Situation(
    standing=None,
    same_text_other_senders=0,
    from_sender_in_hour=1,
    acknowledged_to_sender=(),
    acknowledged_in_thread=(),
    now=NOW,
)


def settle(
    decision: Decision = AUTO,
    *,
    headers: str = "",
    safety: Safety | None = None,
    language: str = "en",
    received_at: datetime = NOW,
    digest: str | None = "d",
    situation: Situation = QUIET,
    **changed: Any,  # noqa: ANN401
) -> Settlement:
    raw = f"From: Jo <jo@example.com>\r\nMessage-ID: <m-1@example.com>\r\nSubject: Leak\r\n{headers}\r\nA leak."
    mail = read_mail(raw.encode(), received_at=received_at)
    triage = replace(triage_of(mail.message.id, decision, language=language), safety=safety or Safety())
    box = replace(BOX, **changed)
    router = Router(box, InboxSettings(mailboxes=(box,)))
    return router.settle(Arrived(row=ROW, mail=mail, size=80, digest=digest), triage, situation)


def decided_by_person(department: str) -> StoredDecision:
    return StoredDecision(
        version=2,
        actor=Actor.PERSON,
        decided_by="ada",
        decision=Decision(mode=Mode.ASK, service_type="street.pothole", department=department),
        urgency=None,
        triage_id=None,
        decided_at=NOW,
        action=Action.OVERRIDE,
    )


def test_what_the_policy_may_do_by_itself_goes_to_the_department_and_is_forwarded_and_answered() -> None:
    found = settle()
    assert found.plan == {
        "folder": "W",
        "why": "decided by itself: water.leak",
        "keywords": ["311-water.leak", "311-high"],
        "headers": {},
        "message_id": "<m-1@example.com>",
        "size": 80,
        "digest": "d",
    }
    assert Plan.of(found.plan).keywords == ("311-water.leak", "311-high")
    [forward] = found.forwards
    assert (forward.key, forward.payload) == (
        "mail-forward:m-1@example.com:water@example.org",
        {"mail_id": 4, "to": "water@example.org"},
    )
    assert found.acknowledgment is not None
    assert found.acknowledgment.key == "mail-ack:m-1@example.com"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"decision": replace(AUTO, mode=Mode.PRESELECT)}, "the decision is preselect, not auto"),
        ({"decision": replace(AUTO, mode=Mode.ASK)}, "the decision is ask, not auto"),
        ({"decision": replace(AUTO, department="Streets")}, "no folder is set for Streets"),
        ({"decision": replace(AUTO, department=None)}, "no folder is set for no department"),
        ({"digest": None}, "it is too large to be read whole"),
        (
            {"situation": replace(QUIET, standing=decided_by_person("Water"))},
            "the decision is ask, not auto",
        ),
    ],
)
def test_everything_else_goes_to_people_and_is_not_forwarded(changed: dict[str, Any], why: str) -> None:
    found = settle(**changed)
    assert (found.plan["folder"], found.plan["why"], found.forwards) == ("Review", why, ())


@pytest.mark.parametrize(
    ("headers", "folder"),
    [
        ("X-Spam-Flag: YES\r\n", "Spam"),
        ("Auto-Submitted: auto-replied\r\n", "Automatic"),
        ("X-Loop: 311@example.org\r\n", "Automatic"),
        ("X-Failed-Recipients: a@example.org\r\n", "Automatic"),
    ],
)
def test_what_is_set_aside_is_asked_about_and_never_answered_unless_life_may_be_in_danger(
    headers: str, folder: str
) -> None:
    found = settle(headers=headers)
    assert (found.plan["folder"], found.triage.decision.mode, found.acknowledgment) == (folder, Mode.ASK, None)
    assert found.set_aside is not None
    assert found.set_aside.startswith("set aside: ")
    assert found.forwards == ()
    hit = SafetyHit(rule="gas", text="gas", start=0, end=3, line="911")
    asked = replace(AUTO, mode=Mode.ASK)
    kept = settle(asked, headers=headers, safety=Safety(emergency=True, line="911", reasons=(hit,)))
    assert (kept.plan["folder"], kept.set_aside) == ("Review", None)


def test_a_person_who_has_decided_is_not_overruled_by_a_sign_of_spam() -> None:
    situation = replace(QUIET, standing=decided_by_person("Streets"))
    assert settle(headers="X-Spam-Flag: YES\r\n", situation=situation).set_aside is None


@pytest.mark.parametrize(
    "changed",
    [
        {"acknowledge": False},
        {"headers": "List-Id: <a.example.org>\r\n"},
        {"headers": "Precedence: bulk\r\n"},
        {"headers": "Reply-To: jos\u00e9@example.com\r\n"},
        {"received_at": NOW - timedelta(days=4)},
        {"situation": replace(QUIET, acknowledged_in_thread=(NOW - timedelta(days=90),))},
        {"situation": replace(QUIET, acknowledged_to_sender=(NOW - timedelta(hours=1),) * 5)},
    ],
)
def test_no_answer_is_sent_where_one_rule_is_against_it(changed: dict[str, Any]) -> None:
    assert settle(**changed).acknowledgment is None


def test_the_answer_is_in_the_residents_language_and_says_first_whom_to_call() -> None:
    hit = SafetyHit(rule="suicide", text="x", start=0, end=1, line="988")
    found = settle(
        replace(AUTO, mode=Mode.ASK), language="es", safety=Safety(emergency=True, line="988", reasons=(hit,))
    )
    assert found.acknowledgment is not None
    mail = message_from_string(found.acknowledgment.payload["message"])
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert mail["Content-Language"] == "es"
    assert body.decode().startswith("Si está pensando en el suicidio")
    assert body.decode().rstrip().endswith("Recibimos su mensaje y lo estamos revisando.")
    assert mail["Message-ID"] == f"<{found.acknowledgment_id}>"
    same = settle(language="es")
    assert same.acknowledgment_id == found.acknowledgment_id


def test_headers_are_added_only_to_what_was_read_whole() -> None:
    assert settle(keywords=False).plan["headers"] == {}
    found = Router(replace(BOX, headers=True), InboxSettings(mailboxes=(BOX,)))
    mail = read_mail(b"From: jo@example.com\r\n\r\nA leak.", received_at=NOW)
    whole = Arrived(row=ROW, mail=mail, size=80, digest="d")
    triage = triage_of(mail.message.id, AUTO)
    assert found.settle(whole, triage, QUIET).plan["headers"]["X-Triage-Mail"] == "city/INBOX/7/9"
    assert found.settle(replace(whole, digest=None), triage, QUIET).plan["headers"] == {}
