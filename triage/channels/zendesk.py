"""Zendesk webhooks to messages: ticket events, and the JSON that a trigger is given to send."""

import re
from collections.abc import Mapping
from typing import Any, Final

from triage.channels.mail_text import header_text, sound
from triage.channels.request import MAX_CHARACTERS, MAX_SUBJECT
from triage.errors import MessageRejected
from triage.types import Channel, Message

SYSTEM: Final = "zendesk"
# What `backends.zendesk.note_of` writes on a ticket, which Zendesk sends back as a comment.
OWN_NOTE: Final = re.compile(r"\s*Triage 311: (?:An agent chose |The service says \(|the contact is no longer )")


def message_of(raw: object) -> Message | None:
    """Return the message of a webhook; None for what staff wrote, or this service in a note.

    Args:
        raw: The decoded body: an event (`{"type": "zen:event-type:ticket.created", "detail": {…}}`, with the comment in
            `event` where it is about one), or `{"ticket_id", "subject", "description", "comment_id"?, "comment"?}`.

    Raises:
        MessageRejected: If it names no ticket or holds no text.
    """
    if not isinstance(raw, Mapping):
        raise MessageRejected("must be a JSON object: a Zendesk event or the fields of a ticket")
    detail = raw.get("detail")
    return _of_event(raw, detail) if isinstance(detail, Mapping) else _of_trigger(raw)


def ticket_of(message: Message) -> str:
    """Return the number of the ticket that a message is from."""
    return (message.thread_id or "").removeprefix(f"{SYSTEM}-")


def _of_event(raw: Mapping[str, Any], detail: Mapping[str, Any]) -> Message | None:
    event = raw.get("event")
    comment = event.get("comment") if isinstance(event, Mapping) else None
    if not isinstance(comment, Mapping):
        return _message(detail.get("id"), detail.get("subject"), detail.get("description"), None)
    author = comment.get("author")
    if comment.get("is_public") is False or (isinstance(author, Mapping) and author.get("is_staff") is True):
        return None
    return _message(detail.get("id"), detail.get("subject"), comment.get("body"), comment.get("id"))


def _of_trigger(raw: Mapping[str, Any]) -> Message | None:
    comment = raw.get("comment_id")
    text = raw.get("comment") if comment is not None else raw.get("description")
    return _message(raw.get("ticket_id"), raw.get("subject"), text, comment)


def _message(ticket: object, subject: object, text: object, comment: object) -> Message | None:
    number = _number(ticket)
    if number is None:
        raise MessageRejected("names no ticket; send its number as ticket_id")
    if not isinstance(text, str) or not text.strip():
        raise MessageRejected("holds no text; send the ticket's description or the comment")
    if OWN_NOTE.match(text):
        return None
    said = _number(comment)
    first = f"{SYSTEM}-{number}"
    return Message(
        id=f"{first}-{said}" if said else first,
        text=sound(text).strip()[:MAX_CHARACTERS],
        channel=Channel.TICKET,
        subject=header_text(subject)[:MAX_SUBJECT] or None if isinstance(subject, str) else None,
        thread_id=first,
    )


def _number(value: object) -> str | None:
    number = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return number if number.isascii() and number.isalnum() and len(number) <= 40 else None
