"""What callers say to a phone tree to messages: one utterance each, before or without an agent."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from triage.channels.mail_text import sound
from triage.channels.request import MAX_CHARACTERS
from triage.errors import MessageRejected
from triage.types import Channel, Message

FIELDS: Final = ("call_id", "utterance_id", "utterance", "menu", "language_hint")
MAX_NAME: Final = 100


def message_of(raw: object) -> Message:
    """Return the message of an utterance; those of one call are one thread, which is the call's own identity.

    Args:
        raw: `{"call_id", "utterance", "utterance_id"?, "menu"?, "language_hint"?}`, decoded; without an identity the
            same words in the same menu of a call are one utterance.

    Raises:
        MessageRejected: If it is none, or lacks identity or words.
    """
    if not isinstance(raw, Mapping):
        raise MessageRejected("must be a JSON object with call_id and utterance")
    unknown = [name for name in raw if name not in FIELDS]
    if unknown:
        raise MessageRejected(f"fields of an utterance are {', '.join(FIELDS)}; remove the others")
    call, text = _named(raw, "call_id"), raw.get("utterance")
    if call is None:
        raise MessageRejected(f"call_id is missing, a text of 1 to {MAX_NAME} characters")
    if not isinstance(text, str) or not text.strip():
        raise MessageRejected("utterance holds no words; send what the caller said")
    words = sound(text).strip()[:MAX_CHARACTERS]
    made_up = sha256(f"{_named(raw, 'menu')}\n{words}".encode("utf-8", "replace")).hexdigest()[:16]
    return Message(
        id=f"ivr-{call}-{_named(raw, 'utterance_id') or made_up}",
        text=words,
        channel=Channel.CALL,
        language_hint=_named(raw, "language_hint"),
        thread_id=call,
    )


def _named(raw: Mapping[object, object], name: str) -> str | None:
    value = raw.get(name)
    is_name = isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isprintable()
    return value if is_name and isinstance(value, str) else None
