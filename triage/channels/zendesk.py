"""Zendesk webhooks to messages: ticket events, and the JSON that a trigger is given to send."""

from collections.abc import Mapping
from typing import Any, Final

from triage.channels.mail_text import header_text, sound
from triage.channels.request import MAX_CHARACTERS, MAX_SUBJECT
from triage.errors import MessageRejected
from triage.types import Channel, Message

SYSTEM: Final = "zendesk"


def message_of(raw: object) -> tuple[Message, str]:
    """Return the message of a webhook and its ticket's number.

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


def _of_event(raw: Mapping[str, Any], detail: Mapping[str, Any]) -> tuple[Message, str]:
    event = raw.get("event")
    comment = event.get("comment") if isinstance(event, Mapping) else None
    if isinstance(comment, Mapping):
        return _message(detail.get("id"), detail.get("subject"), comment.get("body"), comment.get("id"))
    return _message(detail.get("id"), detail.get("subject"), detail.get("description"), None)


def _of_trigger(raw: Mapping[str, Any]) -> tuple[Message, str]:
    comment = raw.get("comment_id")
    text = raw.get("comment") if comment is not None else raw.get("description")
    return _message(raw.get("ticket_id"), raw.get("subject"), text, comment)


def _message(ticket: object, subject: object, text: object, comment: object) -> tuple[Message, str]:
    number = _number(ticket)
    if number is None:
        raise MessageRejected("names no ticket; send its number as ticket_id")
    if not isinstance(text, str) or not text.strip():
        raise MessageRejected("holds no text; send the ticket's description or the comment")
    said = _number(comment)
    first = f"{SYSTEM}-{number}"
    message = Message(
        id=f"{first}-{said}" if said else first,
        text=sound(text).strip()[:MAX_CHARACTERS],
        channel=Channel.TICKET,
        subject=header_text(subject)[:MAX_SUBJECT] or None if isinstance(subject, str) else None,
        thread_id=first,
    )
    return message, number


def _number(value: object) -> str | None:
    number = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return number if number.isascii() and number.isalnum() and len(number) <= 40 else None
