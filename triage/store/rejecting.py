"""Keeps what could not become a message."""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from triage.store.database import insert_ignoring
from triage.store.schema import rejections
from triage.types import Channel


def store_rejected(connection: Connection, raw: bytes, reason: str, channel: Channel, now: datetime) -> None:
    """Store input with the rule that it broke; the same bytes again on a channel change nothing."""
    row = {
        "channel": channel.value,
        "digest": sha256(raw).digest(),
        "raw": raw,
        "reason": reason,
        "created_at": now,
    }
    connection.execute(insert_ignoring(connection.dialect.name, rejections, "channel", "digest"), [row])
