"""What the inbox tests work with: settings of the private servers, a quick triage, mails made to measure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.utils import format_datetime
from typing import Any

from tests.fakes import fake_parts
from tests.mail.imap_server import PASSWORD, ImapServer
from tests.mail.smtp_server import Post
from triage.inbox import Mailbox
from triage.inbox_settings import InboxSettings, MailboxSettings, Outgoing, Security
from triage.inbox_worker import Desk, InboxWorker
from triage.mail_out import MailServer, MailTransport
from triage.mail_routing import TARGET
from triage.outbox import OutboxWorker
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.store.resource import utc_now
from triage.types import (
    Channel,
    Decision,
    Language,
    Message,
    Mode,
    Safety,
    ServiceTypeSuggestion,
    Translation,
    Triage,
)

OWN = "311@example.org"
WATER = "Departments/Water"
FOLDERS = ("Review", "Spam", "Automatic", WATER)
OUTGOING_TIMEOUT_S = 5


@dataclass(frozen=True, kw_only=True)
class AutoPolicy:
    """Decides by itself on what it has a type for, and asks wherever life may be in danger."""

    version: str = "auto"

    def decide(
        self,
        suggestions: Sequence[ServiceTypeSuggestion],
        *,
        safety: Safety,
        language: Language,
        translation: Translation,
        degraded: Sequence[str],
        channel: Channel = Channel.WEB,
    ) -> Decision:
        best = suggestions[0]
        sure = best.code != "city.other" and not safety.reasons
        return Decision(mode=Mode.AUTO if sure else Mode.ASK, service_type=best.code, department=best.department)


def quick_triage(message: Message) -> Triage:
    """Triage with fakes: a text that says `street` is of the Water department, by itself."""
    return Pipeline(fake_parts(policy=AutoPolicy())).triage(message)


def settings_of(server: ImapServer, user: str, post: Post | None = None, **changed: Any) -> InboxSettings:  # noqa: ANN401
    mailbox = MailboxSettings(
        name=user,
        host="127.0.0.1",
        port=server.port,
        security=Security.NONE,
        user=user,
        password_env="PASSWORD",
        password=PASSWORD,
        addresses=(OWN,),
        departments={"Water": WATER},
        poll_s=1,
    )
    outgoing = None if post is None else Outgoing(host="127.0.0.1", port=post.port, security=Security.NONE, address=OWN)
    return InboxSettings(mailboxes=(replace(mailbox, **changed),), outgoing=outgoing, acknowledgments_per_day=100)


def desk_of(store: SqlTriageStore) -> Desk:
    return Desk(mails=store.mails, triage=quick_triage)


def work_off(settings: InboxSettings, desk: Desk) -> int:
    """Work on everything that is due in the first mailbox, as one worker, and hang up."""
    [mailbox, *_] = settings.mailboxes
    box = Mailbox.open(mailbox)
    try:
        return InboxWorker(mailbox, settings, desk).work_off(box)
    finally:
        box.close()


def mail_sender(store: SqlTriageStore, settings: InboxSettings) -> OutboxWorker:
    assert settings.outgoing is not None
    server = MailServer(settings.outgoing, timeout_s=OUTGOING_TIMEOUT_S)
    transport = MailTransport(server, store.mail_sends, settings.outgoing.address)
    return OutboxWorker(store.outbox, TARGET, transport, only_newest=False)


def mail_of(
    number: int | str = 1, text: str = "The street is flooded.", *, sender: str = "jo@example.com", headers: str = ""
) -> bytes:
    lines = (
        f"From: {sender}",
        f"To: {OWN}",
        f"Date: {format_datetime(utc_now())}",
        f"Message-ID: <m-{number}@example.com>",
        "Subject: Report",
        *headers.splitlines(),
        "",
        text,
        "",
    )
    return "\r\n".join(lines).encode()
