"""Appends links to the chain of receipts, inside the transaction of what they attest.

A link's digest is SHA-256 of the previous link's digest followed by its own document, so that no link can be changed,
taken out or put in without changing every later one. The head is locked until the transaction ends: links are numbered
without gaps and in the order of the commits. It is the last thing a transaction locks but for the head of the events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, select, update

from triage.store.columns import to_utc
from triage.store.documents import json_object, to_json
from triage.store.schema import decisions, heads, receipts, triages

RECEIPTS = "receipts"
# Columns that a link attests; a later release adds to them only for rows that it writes itself.
_TRIAGE_FIELDS = ("contact_id", "revision", "answer", "versions", "language", "service_type", "urgency", "suggestion")
_DECISION_FIELDS = (
    *("contact_id", "version", "actor", "decided_by", "mode", "service_type", "department", "urgency", "reasons"),
    *("triage_id", "action", "status", "note", "article_id", "section", "undoes"),
)

_LOCK_HEAD = select(heads.c.number, heads.c.digest).where(heads.c.name == RECEIPTS).with_for_update()
_MOVE_HEAD = update(heads).where(heads.c.name == RECEIPTS)
_INSERT = insert(receipts)


class LinkKind(StrEnum):
    """What a link attests."""

    BEGINNING = "beginning"
    TRIAGE = "triage"
    DECISION = "decision"
    DELETION = "deletion"


TABLES = {LinkKind.TRIAGE: triages, LinkKind.DECISION: decisions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link before it is numbered.

    Attributes:
        kind: What it attests.
        contact_id: The contact.
        row_id: The row of `triages` or `decisions`; None for a deletion.
        document: Digests of the row and its parts, JSON values.
    """

    kind: LinkKind
    contact_id: int
    row_id: int | None
    document: Mapping[str, Any]


def append_links(connection: Connection, links: Sequence[Link], now: datetime) -> None:
    """Number the links, chain them to the last one and store them."""
    if not links:
        return
    number, last = connection.execute(_LOCK_HEAD).one()
    previous, rows = bytes(last), []
    for link in links:
        number += 1
        document = to_json(link.document)
        digest = link_digest(previous, document)
        rows.append(
            {
                "number": number,
                "kind": link.kind.value,
                "contact_id": link.contact_id,
                "row_id": link.row_id,
                "document": document,
                "previous": previous,
                "digest": digest,
                "created_at": now,
            }
        )
        previous = digest
    connection.execute(_INSERT, rows)
    connection.execute(_MOVE_HEAD.values(number=number, digest=previous))


def triage_link(row_id: int, row: Mapping[str, Any], text_key: str) -> Link:
    """Return the link of an answer: what went in, what each stage gave, what it was made with.

    Args:
        row_id: Its number.
        row: Its columns.
        text_key: `text_key` of the message's identity and text.
    """
    answer = json_object(row["answer"])
    stages = {name: _digest_of(value) for name, value in answer.items() if name not in ("versions", "timings_ms")}
    document = {
        "kind": LinkKind.TRIAGE.value,
        "contact_id": row["contact_id"],
        "row_id": row_id,
        "row": row_digest(LinkKind.TRIAGE, row),
        "input": text_key,
        "stages": stages,
        "versions": json_object(row["versions"]),
    }
    return Link(kind=LinkKind.TRIAGE, contact_id=row["contact_id"], row_id=row_id, document=document)


def decision_link(row_id: int, row: Mapping[str, Any]) -> Link:
    """Return the link of a decision."""
    document = {
        "kind": LinkKind.DECISION.value,
        "contact_id": row["contact_id"],
        "row_id": row_id,
        "row": row_digest(LinkKind.DECISION, row),
        "version": row["version"],
        "actor": row["actor"],
    }
    return Link(kind=LinkKind.DECISION, contact_id=row["contact_id"], row_id=row_id, document=document)


def deletion_link(contact_id: int, tombstone: Mapping[str, Any]) -> Link:
    """Return the link that says a contact was deleted on purpose."""
    document = {"kind": LinkKind.DELETION.value, "contact_id": contact_id, "row": tombstone_digest(tombstone)}
    return Link(kind=LinkKind.DELETION, contact_id=contact_id, row_id=None, document=document)


def link_digest(previous: bytes, document: str) -> bytes:
    """Return the digest of a link: SHA-256 of the previous digest and the document in UTF-8."""
    return sha256(previous + document.encode("utf-8", "surrogatepass")).digest()


def row_digest(kind: LinkKind, row: Mapping[str, Any]) -> str:
    """Return SHA-256 of the columns that a link attests, hexadecimal."""
    if kind is LinkKind.TRIAGE:
        return _digest_of([*(row[name] for name in _TRIAGE_FIELDS), to_utc(row["created_at"]).isoformat()])
    return _digest_of([*(row[name] for name in _DECISION_FIELDS), to_utc(row["decided_at"]).isoformat()])


def tombstone_digest(row: Mapping[str, Any]) -> str:
    """Return SHA-256 of what a tombstone says, hexadecimal."""
    return _digest_of([row["contact_id"], bytes(row["message_key"]).hex(), row["rule"], row["deleted_by"]])


def text_key(message_key: bytes, text_digest: bytes) -> str:
    """Return the digest of a triage's input: SHA-256 of the message's identity and of its text and subject."""
    return sha256(message_key + text_digest).hexdigest()


def _digest_of(value: object) -> str:
    return sha256(to_json(value).encode("utf-8", "surrogatepass")).hexdigest()
