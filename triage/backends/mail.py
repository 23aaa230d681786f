"""Contacts by mail to departments that have nothing but a mailbox, and a word to the one that has it no more.

No mail server minds an idempotency key: each mail has a Message-ID that is the same for each try, by which mailboxes
know the second one. Who is told that it is gone is read from what was sent, not from what was decided: a mailbox that
never had the contact hears nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final, Protocol

from triage.backends.settings import BackEnd
from triage.channels.autoreply import sent_header
from triage.outbox import Receipt
from triage.store import StoredContact
from triage.store.deliveries import StoredDelivery
from triage.store.outbox import Outbox
from triage.store.resource import utc_now

MAX_SUBJECT: Final = 150
SENT: Final = "sent"
WITHDRAWN: Final = "withdrawn"
_TOLD: Final = (("service_type", "Service type"), ("department", "Department"), ("urgency", "Urgency"))


class Mailer(Protocol):
    """Hands mail to a server: `triage.mail_out.MailServer`."""

    def send(self, message: EmailMessage, sender: str, recipients: Sequence[str]) -> None:
        """Hand over a mail.

        Raises:
            DeliveryFailed: If the server did not take it.
            DeliveryRefused: If it never will.
        """
        ...


class MailBackEndTransport:
    """Brings contacts to departments' mailboxes.

    Args:
        back_end: Whose codes are addresses.
        mailer: Hands mail to a server.
        contact_of: Gives the contact of a message.
        outbox: Where it is written down what each mailbox was told.
    """

    def __init__(
        self, back_end: BackEnd, mailer: Mailer, contact_of: Callable[[str], StoredContact], outbox: Outbox
    ) -> None:
        self._back_end = back_end
        self._mailer = mailer
        self._contact_of = contact_of
        self._outbox = outbox

    def deliver(self, stored: StoredDelivery) -> Receipt:
        """Send the contact to the mailbox that is to have it, then tell the one that had it.

        Broken off in between, only the second is done again.
        """
        payload, had = stored.delivery.payload, self._had(stored)
        told = [SENT] if payload["code"] else []
        if payload["code"] and stored.answer != SENT:
            self._send(payload["code"], self._sent(payload, self._contact_of(stored.message_id or "")))
            self._outbox.note(stored.id, SENT)
        if had is not None and had["code"] not in (None, payload["code"]):
            self._send(had["code"], self._withdrawn(payload, had["change"]))
            told.append(WITHDRAWN)
        return Receipt(answer=", ".join(told) or None)

    def _had(self, stored: StoredDelivery) -> Mapping[str, Any] | None:
        """Return the payload of the last delivery before this one that was mailed, if only in part."""
        for earlier in reversed(self._outbox.of(stored.message_id or "")):
            is_mine = earlier.id < stored.id and earlier.delivery.target == self._back_end.name
            if is_mine and {SENT, WITHDRAWN} & set((earlier.answer or "").split(", ")):
                return earlier.delivery.payload
        return None

    def _sent(self, payload: Mapping[str, Any], contact: StoredContact) -> EmailMessage:
        lines = [f"{name}: {payload[key]}" for key, name in _TOLD if payload[key]]
        about = contact.message.subject or payload["service_type"]
        message = self._message(payload["change"], f"311 {payload['urgency'] or ''}: {about}")
        text = contact.message.text.encode("utf-8", "replace").decode()
        message.set_content("\n".join([*lines, f"Contact: {contact.message.id}", "", text]))
        return message

    def _withdrawn(self, payload: Mapping[str, Any], change: str) -> EmailMessage:
        message = self._message(f"{payload['change']}-withdrawn", "311: withdrawn, sent to another department")
        message["In-Reply-To"] = message["References"] = self._id(change)
        message.set_content("This contact was sent to another department; please disregard the earlier mail.")
        return message

    def _message(self, key: str, subject: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._back_end.sender
        message["Subject"] = sent_header(" ".join(subject.split()))[:MAX_SUBJECT]
        message["Date"] = format_datetime(utc_now())
        message["Message-ID"] = self._id(key)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Loop"] = self._back_end.sender
        return message

    def _id(self, key: str) -> str:
        return f"<{key}@{self._back_end.sender.rpartition('@')[2]}>"

    def _send(self, address: str, message: EmailMessage) -> None:
        message["To"] = address
        self._mailer.send(message, self._back_end.sender, [address])
