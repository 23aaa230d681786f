"""Chat to messages: activities as Teams and the Bot Framework send them, and a plain JSON shape for all others."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from triage.channels.mail_html import html_text
from triage.channels.mail_text import sound
from triage.channels.request import MAX_CHARACTERS
from triage.channels.signatures import time_of
from triage.errors import MessageRejected
from triage.types import Channel, Message

PLAIN_FIELDS: Final = ("conversation_id", "message_id", "text", "from", "sent_at", "language_hint")
VISITOR: Final = "visitor"
SIDES: Final = (VISITOR, "agent", "bot")


def message_of(raw: object) -> Message:
    """Return the message of an activity of type `message`; the mention of the bot is no part of its words.

    Raises:
        MessageRejected: If it is none, or lacks identity or words.
    """
    if not isinstance(raw, Mapping) or raw.get("type") != "message":
        raise MessageRejected("must be an activity of type message")
    identity, text = raw.get("id"), _words(raw)
    if not isinstance(identity, str) or not identity:
        raise MessageRejected("the activity needs an id")
    if not text:
        raise MessageRejected("the activity holds no words")
    conversation = _inner(raw, "conversation")
    return Message(
        id=f"chat-{_digest(f'{conversation} {identity}')}",
        text=text[:MAX_CHARACTERS],
        channel=Channel.CHAT,
        received_at=sent_at(raw),
        thread_id=f"chat-{_digest(conversation)}" if conversation else None,
    )


def plain_message_of(raw: object) -> Message | None:
    """Return the message of a plain chat line; None for what the other side says, which is not triaged.

    Args:
        raw: `{"conversation_id", "message_id", "text", "from"?: "visitor|agent|bot", "sent_at"?, "language_hint"?}`,
            decoded.

    Raises:
        MessageRejected: If it is none, or lacks identity or words.
    """
    if not isinstance(raw, Mapping):
        raise MessageRejected("must be a JSON object with conversation_id, message_id and text")
    unknown = [name for name in raw if name not in PLAIN_FIELDS]
    if unknown:
        raise MessageRejected(f"fields of a chat line are {', '.join(PLAIN_FIELDS)}; remove the others")
    if raw.get("from", VISITOR) not in SIDES:
        raise MessageRejected(f"from must be one of {', '.join(SIDES)}")
    conversation, identity, text = (raw.get(name) for name in ("conversation_id", "message_id", "text"))
    if not (isinstance(conversation, str) and conversation and isinstance(identity, str) and identity):
        raise MessageRejected("conversation_id and message_id are missing, texts both")
    if not isinstance(text, str) or not text.strip():
        raise MessageRejected("text holds no words; send what the visitor wrote")
    hint, stamp = raw.get("language_hint"), raw.get("sent_at")
    moment = time_of(stamp) if isinstance(stamp, str) else None
    if raw.get("from", VISITOR) != VISITOR:
        return None
    return Message(
        id=f"chat-{_digest(f'{conversation} {identity}')}",
        text=sound(text).strip()[:MAX_CHARACTERS],
        channel=Channel.CHAT,
        language_hint=hint if isinstance(hint, str) and 0 < len(hint) <= 35 else None,
        received_at=moment if moment and moment.tzinfo else None,
        thread_id=f"chat-{_digest(conversation)}",
    )


def sent_at(raw: object) -> datetime | None:
    """Return when an activity was sent; None where it does not say, with a zone."""
    stamp = raw.get("timestamp") if isinstance(raw, Mapping) else None
    moment = time_of(stamp) if isinstance(stamp, str) else None
    return moment if moment and moment.tzinfo else None


def _words(raw: Mapping[str, Any]) -> str:
    given = raw.get("text")
    text = given if isinstance(given, str) else ""
    is_html = raw.get("textFormat") == "xml" or raw.get("channelId") == "msteams" or "<at>" in text
    for mention in raw.get("entities") or () if isinstance(raw.get("entities"), list) else ():
        said = mention.get("text") if isinstance(mention, Mapping) and mention.get("type") == "mention" else None
        text = text.replace(said, " ") if isinstance(said, str) and said else text
    plain = html_text(text) if is_html else text
    return sound(plain).replace("\xa0", " ").strip()


def _inner(raw: Mapping[str, Any], name: str) -> str:
    inner = raw.get(name)
    identity = inner.get("id") if isinstance(inner, Mapping) else None
    return identity if isinstance(identity, str) else ""


def _digest(value: str) -> str:
    return sha256(value.encode("utf-8", "replace")).hexdigest()[:32]
