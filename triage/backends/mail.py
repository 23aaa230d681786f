"""Contacts by mail to departments that have nothing but a mailbox, and a word to the one that has it no more.

No mail server minds an idempotency key: each mail has a Message-ID that is the same for each try, by which mailboxes
know the second one.
"""

from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final, Protocol

from triage.backends.settings import BackEnd
from triage.channels.mail_text import header_text
from triage.outbox import Receipt
from triage.store import StoredContact
from triage.store.deliveries import StoredDelivery
from triage.store.resource import utc_now

MAX_SUBJECT: Final = 150
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
    """

    def __init__(self, back_end: BackEnd, mailer: Mailer, contact_of: Callable[[str], StoredContact]) -> None:
        self._back_end = back_end
        self._mailer = mailer
        self._contact_of = contact_of

    def deliver(self, stored: StoredDelivery) -> Receipt:
        """Send the contact to the mailbox that is to have it, then tell the one that had it."""
        payload, told = stored.delivery.payload, []
        if payload["code"]:
            contact = self._contact_of(stored.message_id or "")
            self._send(payload["code"], self._sent(payload, contact))
            told.append("sent")
        if payload["previous_code"] not in (None, payload["code"]):
            self._send(payload["previous_code"], self._withdrawn(payload))
            told.append("withdrawn")
        return Receipt(answer=", ".join(told))

    def _sent(self, payload: Mapping[str, Any], contact: StoredContact) -> EmailMessage:
        lines = [f"{name}: {payload[key]}" for key, name in _TOLD if payload[key]]
        about = contact.message.subject or payload["service_type"]
        message = self._message(payload["change"], f"311 {payload['urgency'] or ''}: {about}")
        text = contact.message.text.encode("utf-8", "replace").decode()
        message.set_content("\n".join([*lines, f"Contact: {contact.message.id}", "", text]))
        return message

    def _withdrawn(self, payload: Mapping[str, Any]) -> EmailMessage:
        message = self._message(f"{payload['change']}-withdrawn", "311: withdrawn, sent to another department")
        message["In-Reply-To"] = message["References"] = self._id(payload["previous_change"])
        message.set_content("This contact was sent to another department; please disregard the earlier mail.")
        return message

    def _message(self, key: str, subject: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._back_end.sender
        message["Subject"] = header_text(" ".join(subject.split()))[:MAX_SUBJECT]
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
