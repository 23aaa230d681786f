"""Text messages as Twilio's webhook brings them to messages."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

from triage.channels.mail_text import sound
from triage.channels.request import MAX_CHARACTERS
from triage.errors import MessageRejected
from triage.types import Channel, Message

MAX_FIELDS: Final = 200


def form_of(body: bytes) -> dict[str, tuple[str, ...]]:
    """Return the fields of a form, each with its values.

    Raises:
        MessageRejected: If it is no form in UTF-8.
    """
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise MessageRejected(f"must be a form in UTF-8 with {MAX_FIELDS} fields at most") from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value)
    return fields


def message_of(fields: Mapping[str, Sequence[str]]) -> Message:
    """Return the message of a text; those between two numbers are one thread, which names neither.

    Raises:
        MessageRejected: If it has no identity, or neither words nor a picture.
    """
    sid = _first(fields, "MessageSid") or _first(fields, "SmsSid")
    if not (sid.isascii() and sid.isalnum() and len(sid) <= 64):
        raise MessageRejected("MessageSid is missing; send Twilio's fields as they are")
    text = sound(_first(fields, "Body")).strip()
    if not text and _first(fields, "NumMedia") in ("", "0"):
        raise MessageRejected("holds neither words nor a picture")
    numbers = "\n".join(sorted((_first(fields, "From"), _first(fields, "To"))))
    thread = f"sms-{sha256(numbers.encode()).hexdigest()[:24]}"
    return Message(id=f"sms-{sid}", text=text[:MAX_CHARACTERS], channel=Channel.SMS, thread_id=thread)


def _first(fields: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")
