"""Where a mail goes, what is said to its sender, and why: pure rules over what was read, triaged and counted.

Only what the policy may do by itself goes to a department. Spam, bounces, loops and automatic answers are set aside
into folders that people see, unless the tripwire finds anything in them. Everything else is for people to review.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from triage.channels.aside import Aside, aside_of, held
from triage.channels.autoreply import UNBROKEN, Cap, acknowledgment, is_within, reasons_against_answer
from triage.channels.email import Mail
from triage.channels.spam import Repetition
from triage.inbox_settings import InboxSettings, MailboxSettings
from triage.replies import ReplyName, reply
from triage.store.deliveries import Delivery
from triage.store.mail_records import MailRow, Settlement, Situation
from triage.store.records import Actor
from triage.types import Decision, Mode, Triage

TARGET: Final = "smtp"
ACKNOWLEDGE: Final = "mail.acknowledge"
FORWARD: Final = "mail.forward"
TRACE_HEADER: Final = "X-Triage-Mail"
# Old mail, as in a mailbox that is read for the first time, is triaged and not answered.
ANSWERED_WITHIN: Final = timedelta(days=3)
_LINE_REPLIES: Final = {"911": ReplyName.CALL_911, "988": ReplyName.CALL_988}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done to a mail in its mailbox.

    Attributes:
        folder: Where it goes.
        why: The rule that sends it there.
        keywords: Set on it.
        headers: Added to it; it is then put into its folder anew.
        message_id: Its Message-ID as written; empty where it has none.
        size: Its bytes.
        digest: SHA-256 of them; None where not all of them were read.
    """

    folder: str
    why: str
    keywords: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    message_id: str = ""
    size: int = 0
    digest: str | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Plan":
        """Return the plan that the store keeps as JSON values."""
        return cls(**{**stored, "keywords": tuple(stored["keywords"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A mail as it was fetched.

    Attributes:
        row: Its row in the store.
        mail: As it was read.
        size: Its bytes in the mailbox.
        digest: SHA-256 of them; None where only its beginning was read.
    """

    row: MailRow
    mail: Mail
    size: int
    digest: str | None


class Router:
    """Decides on the mails of one mailbox.

    Args:
        mailbox: Its folders and what may be done.
        settings: Those of every mailbox.
    """

    def __init__(self, mailbox: MailboxSettings, settings: InboxSettings) -> None:
        self._mailbox = mailbox
        self._settings = settings
        self._cap = Cap(per_sender=settings.acknowledgments_per_day)

    def settle(self, arrived: Arrived, triage: Triage, situation: Situation) -> Settlement:
        """Return what becomes of a mail; the same for the same input."""
        triage = replace(triage, warnings=(*triage.warnings, *arrived.mail.warnings))
        aside = self._set_aside(arrived.mail, triage, situation)
        if aside is not None:
            found, folder = aside
            plan = self._plan(arrived, folder, found.why)
            return Settlement(triage=held(triage, found), plan=plan, set_aside=found.note)
        by_person = situation.standing is not None and situation.standing.actor is Actor.PERSON
        decision = situation.standing.decision if by_person and situation.standing else triage.decision
        folder, why = self._route(arrived, decision)
        answer = self._acknowledgment(arrived, triage, situation)
        return Settlement(
            triage=triage,
            plan=self._plan(arrived, folder, why, triage, decision),
            acknowledgment=answer[0] if answer else None,
            acknowledgment_id=answer[1] if answer else None,
            forwards=self._forwards(arrived, decision) if folder != self._mailbox.review else (),
        )

    def unread(self, row: MailRow, size: int, digest: str | None, why: str, message_id: str = "") -> Mapping[str, Any]:
        """Return the plan for a mail that could not be read or triaged: people look at it."""
        return _json(Plan(folder=self._mailbox.review, why=why, message_id=message_id, size=size, digest=digest))

    def _set_aside(self, mail: Mail, triage: Triage, situation: Situation) -> tuple[Aside, str] | None:
        """Return why and where to, for what no agent need see; None for everything else."""
        if situation.standing is not None and situation.standing.actor is Actor.PERSON:
            return None
        seen = Repetition(
            same_text_other_senders=situation.same_text_other_senders,
            from_sender_in_hour=situation.from_sender_in_hour,
        )
        found = aside_of(mail, triage, own_addresses=self._settings.addresses, repetition=seen)
        if found is None:
            return None
        return found, self._mailbox.spam if found.is_spam else self._mailbox.automatic

    def _route(self, arrived: Arrived, decision: Decision) -> tuple[str, str]:
        folder = self._mailbox.departments.get(decision.department or "")
        told = (
            (arrived.digest is None, "it is too large to be read whole"),
            (decision.mode is not Mode.AUTO, f"the decision is {decision.mode.value}, not auto"),
            (folder is None, f"no folder is set for {decision.department or 'no department'}"),
        )
        doubts = [said for holds, said in told if holds]
        if doubts or folder is None:
            return self._mailbox.review, "; ".join(doubts)
        return folder, f"decided by itself: {decision.service_type}"

    def _plan(
        self,
        arrived: Arrived,
        folder: str,
        why: str,
        triage: Triage | None = None,
        decision: Decision | None = None,
    ) -> Mapping[str, Any]:
        marks = _marks(triage, decision) if triage and decision else {}
        trace = {TRACE_HEADER: f"{arrived.row.mailbox}/{arrived.row.validity}/{arrived.row.uid}"}
        told = {f"X-Triage-{name}": value for name, value in marks.items()}
        whole = arrived.digest is not None
        return _json(
            Plan(
                folder=folder,
                why=why,
                keywords=tuple(f"311-{value}" for value in _keyworded(marks)) if self._mailbox.keywords else (),
                headers=trace | told if self._mailbox.headers and marks and whole else {},
                message_id=arrived.mail.header("message-id"),
                size=arrived.size,
                digest=arrived.digest,
            )
        )

    def _forwards(self, arrived: Arrived, decision: Decision) -> tuple[Delivery, ...]:
        address = self._mailbox.forward.get(decision.department or "")
        if address is None:
            return ()
        key = f"mail-forward:{arrived.mail.message.id}:{address}"
        payload = {"mail_id": arrived.row.id, "to": address}
        return (Delivery(key=key, target=TARGET, kind=FORWARD, payload=payload),)

    def _acknowledgment(self, arrived: Arrived, triage: Triage, situation: Situation) -> tuple[Delivery, str] | None:
        """Return what the sender is told, once a thread, with its Message-ID; None for nothing."""
        mail = arrived.mail
        if not self._mailbox.acknowledge or not self._may_answer(mail, situation):
            return None
        own = self._mailbox.addresses[0]
        message_id = f"ack-{sha256(mail.message.id.encode()).hexdigest()[:32]}@{own.rpartition('@')[2]}"
        text, language = _words(triage)
        answer = acknowledgment(
            mail, text=text, language=language, own_address=own, message_id=message_id, now=situation.now
        )
        thread = mail.message.thread_id or mail.message.id
        payload = {
            "mail_id": arrived.row.id,
            "to": mail.reply_to or mail.sender,
            "message": answer.as_bytes(policy=UNBROKEN).decode("ascii"),
        }
        return Delivery(key=f"mail-ack:{thread}", target=TARGET, kind=ACKNOWLEDGE, payload=payload), message_id

    def _may_answer(self, mail: Mail, situation: Situation) -> bool:
        received_at = mail.message.received_at
        return (
            (mail.reply_to or mail.sender).isascii()  # no other address can be named to every server
            and not reasons_against_answer(mail, own_addresses=self._settings.addresses)
            and (received_at is None or received_at > situation.now - ANSWERED_WITHIN)
            and is_within(
                self._cap,
                sent_to_sender=situation.acknowledged_to_sender,
                sent_in_thread=situation.acknowledged_in_thread,
                now=situation.now,
            )
        )


def _words(triage: Triage) -> tuple[str, str]:
    """Return the acknowledgment and its language; whoever may be in danger is told first whom to call."""
    names = [_LINE_REPLIES[triage.safety.line]] if triage.safety.line in _LINE_REPLIES else []
    replies = [reply(name, triage.language.code) for name in (*names, ReplyName.ACKNOWLEDGMENT)]
    return "\n\n".join(each.text for each in replies), replies[-1].language


def _marks(triage: Triage, decision: Decision) -> dict[str, str]:
    told = {
        "Service-Type": decision.service_type,
        "Department": decision.department,
        "Urgency": triage.urgency.level.value,
        "Mode": decision.mode.value,
    }
    return {name: value for name, value in told.items() if value}


def _keyworded(marks: Mapping[str, str]) -> list[str]:
    return [marks[name] for name in ("Service-Type", "Urgency") if name in marks]


def _json(plan: Plan) -> Mapping[str, Any]:
    return {
        "folder": plan.folder,
        "why": plan.why,
        "keywords": list(plan.keywords),
        "headers": dict(plan.headers),
        "message_id": plan.message_id,
        "size": plan.size,
        "digest": plan.digest,
    }
