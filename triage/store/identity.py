"""What makes two messages, two texts or two deliveries the same."""

from hashlib import sha256

from triage.types import Message


def message_key(message_id: str) -> bytes:
    """Return the identity of a message: SHA-256 of its id."""
    return name_key(message_id)


def name_key(*parts: str) -> bytes:
    """Return SHA-256 of a name of one or several parts, of any length; distinct names have distinct keys."""
    if len(parts) == 1:
        return sha256(_utf8(parts[0])).digest()
    return sha256(b"".join(sha256(_utf8(part)).digest() for part in parts)).digest()


def text_digest(message: Message) -> bytes:
    """Return the identity of what the resident wrote: text and subject, no subject apart from an empty one."""
    parts = [message.text] if message.subject is None else [message.text, message.subject]
    return sha256(b"".join(sha256(_utf8(part)).digest() for part in parts)).digest()


def repeated_digest(digest: bytes, revision: int) -> bytes:
    """Return what a text that came back is kept under as a further revision: no two revisions share a digest."""
    return sha256(digest + revision.to_bytes(8, "big")).digest()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
