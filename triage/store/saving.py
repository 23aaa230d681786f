"""Writes contacts, the revisions of their texts, answers and the policy's decisions, inside one transaction.

Rows are locked in the order of their keys, first all new contacts, then all known ones: two batches that share
messages wait for each other and never in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from triage.store.chain import append_links, decision_link, text_key, triage_link
from triage.store.database import chunks, insert_ignoring
from triage.store.deciding import decision_row, insert_decisions, standing_decisions
from triage.store.dispatching import Dispatch, dispatch_decisions
from triage.store.documents import to_json
from triage.store.events import EventKind, publish
from triage.store.identity import message_key, text_digest
from triage.store.records import Action, Actor, StoredDecision
from triage.store.schema import contacts, messages, pending, triages
from triage.store.standing import stand_decisions, stand_languages, stand_new
from triage.store.texts import KnownTexts
from triage.types import Message, TranslationStatus, Triage

_Row = dict[str, Any]

# Built once: building a statement takes longer than running it.
_LOCK_CONTACTS = (
    select(contacts.c.message_key, contacts.c.id)
    .where(contacts.c.message_key.in_(bindparam("keys", expanding=True)))
    .order_by(contacts.c.message_key)
    .with_for_update()
)
_TRIAGED_TEXT = tuple_(triages.c.contact_id, triages.c.revision)
_PENDING_TEXT = tuple_(pending.c.contact_id, pending.c.revision)
_ANSWERED = select(triages.c.contact_id, triages.c.revision).distinct()
_INSERT_MESSAGE = insert(messages)
_INSERT_TRIAGE = insert(triages).returning(triages.c.id, sort_by_parameter_order=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message, with the bytes that it was read from where they are kept."""

    message: Message
    raw: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a text is kept.

    Attributes:
        contact_id: Its contact.
        revision: Which text of the contact's message, 1 for the first.
        newest: Whether the contact has no later text.
        known: Whether the contact was there before; nothing has been decided on one that was not.
        input: Digest of the message's identity and this text.
    """

    contact_id: int
    revision: int
    newest: bool
    known: bool
    input: str


def store_arrivals(
    connection: Connection, arrivals: Sequence[Arrival], now: datetime, *, edited: bool = False
) -> list[Place]:
    """Store every message that is not known yet, and every text that differs from those known under its id.

    The same text and subject again change nothing: channel, thread, time and hint of the first arrival stay,
    and raw bytes are added only where none are kept. A channel that delivers an old text again so leaves the newer
    one standing; somebody who edits and goes back to an earlier text means it, and it becomes a further revision.

    Args:
        connection: The transaction.
        arrivals: What came, in the order it came.
        now: The present moment, aware.
        edited: Whether each text is what its writer wants to stand.

    Returns:
        Where each arrival's text is, in the order given.
    """
    _insert_contacts(connection, [arrival.message for arrival in arrivals], now)
    ids = _lock_contacts(connection, {message_key(arrival.message.id) for arrival in arrivals})
    texts = KnownTexts.of(connection, ids.values())
    known = {contact_id for contact_id in ids.values() if texts.newest(contact_id)}
    stand_new(connection, sorted(set(ids.values()) - known), now)
    chosen = [ids[message_key(arrival.message.id)] for arrival in arrivals]
    revisions = _store_texts(connection, arrivals, chosen, texts, now, edited=edited)
    return [
        Place(
            contact_id=contact_id,
            revision=revision,
            newest=revision == texts.newest(contact_id),
            known=contact_id in known,
            input=text_key(message_key(arrival.message.id), text_digest(arrival.message)),
        )
        for arrival, contact_id, revision in zip(arrivals, chosen, revisions, strict=True)
    ]


def expect_triages(connection: Connection, places: Iterable[Place], now: datetime) -> None:
    """Let texts that have no answer yet wait for one."""
    addresses = sorted({(place.contact_id, place.revision) for place in places})
    answered = {
        (contact_id, revision)
        for chunk in chunks(addresses)
        for contact_id, revision in connection.execute(_ANSWERED.where(_TRIAGED_TEXT.in_(chunk)))
    }
    waiting = [address for address in addresses if address not in answered]
    if waiting:
        _wait(connection, waiting, now)
        publish(connection, ((EventKind.RECEIVED, contact_id, {}) for contact_id, _ in waiting), now)


def store_triages(
    connection: Connection, answers: Sequence[Triage], places: Sequence[Place], dispatch: Dispatch, now: datetime
) -> None:
    """Append every answer, and the policy's decision where no person has decided and it differs from the last."""
    before = standing_decisions(connection, {place.contact_id for place in places if place.known})
    rows = [
        _triage_row(triage, place, _is_suggestion(place, before), now)
        for triage, place in zip(answers, places, strict=True)
    ]
    ids = connection.execute(_INSERT_TRIAGE, rows).scalars().all()
    _no_longer_pending(connection, [(place.contact_id, place.revision) for place in places])
    _await_translations(connection, answers, places, now)
    decided = _policy_decisions(zip(ids, answers, places, strict=True), before, now)
    decision_rows = [decision_row(contact_id, stored) for contact_id, stored in decided]
    decision_ids = insert_decisions(connection, decision_rows)
    newest = {row["contact_id"]: row["language"] for row, place in zip(rows, places, strict=True) if place.newest}
    stand_languages(connection, newest)
    stand_decisions(connection, dict(decided))
    made = [(contact_id, row, stored) for row, (contact_id, stored) in zip(decision_ids, decided, strict=True)]
    dispatch_decisions(connection, dispatch, made, now)
    links = [triage_link(row_id, row, place.input) for row_id, row, place in zip(ids, rows, places, strict=True)]
    links += [decision_link(row_id, row) for row_id, row in zip(decision_ids, decision_rows, strict=True)]
    append_links(connection, links, now)
    publish(connection, ((EventKind.TRIAGED, row["contact_id"], _shown(row)) for row in rows), now)


def _insert_contacts(connection: Connection, arrived: Sequence[Message], now: datetime) -> None:
    rows = sorted((_contact_row(message, now) for message in arrived), key=lambda row: bytes(row["message_key"]))
    connection.execute(insert_ignoring(connection.dialect.name, contacts, "message_key"), rows)


def _contact_row(message: Message, now: datetime) -> _Row:
    return {
        "message_id": message.id,
        "message_key": message_key(message.id),
        "channel": message.channel.value,
        "thread_id": message.thread_id,
        "received_at": message.received_at,
        "created_at": now,
    }


def _lock_contacts(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, int]:
    """Return the contact of each key, and let no other transaction change it before this one ends."""
    found: dict[bytes, int] = {}
    for chunk in chunks(sorted(keys)):
        rows = connection.execute(_LOCK_CONTACTS, {"keys": chunk})
        found |= {bytes(key): contact_id for key, contact_id in rows}
    return found


def _store_texts(
    connection: Connection,
    arrivals: Sequence[Arrival],
    contact_ids: Sequence[int],
    texts: KnownTexts,
    now: datetime,
    *,
    edited: bool,
) -> list[int]:
    """Store the texts that are to be kept, and return the revision of each; of one that came back, the last."""
    revisions, rows, replaced = [], [], []
    for arrival, contact_id in zip(arrivals, contact_ids, strict=True):
        digest = text_digest(arrival.message)
        before = texts.revisions(contact_id, digest)
        stands = bool(before) and before[-1] == texts.newest(contact_id)
        if not before or (edited and not stands):
            revision = texts.add(contact_id, digest)
            rows.append(_message_row(arrival, contact_id, revision, texts.digests[contact_id][revision], now))
            replaced += [(contact_id, earlier) for earlier in before]
        else:
            revision = before[-1]
        revisions.append(revision)
    if rows:
        connection.execute(_INSERT_MESSAGE, rows)
    _no_longer_pending(connection, replaced)  # answers to a text go to its last revision
    _add_raws(connection, arrivals, zip(contact_ids, revisions, strict=True))
    return revisions


def _message_row(arrival: Arrival, contact_id: int, revision: int, digest: bytes, now: datetime) -> _Row:
    return {
        "contact_id": contact_id,
        "revision": revision,
        "subject": arrival.message.subject,
        "text": arrival.message.text,
        "digest": digest,
        "language_hint": arrival.message.language_hint,
        "raw": arrival.raw,
        "created_at": now,
    }


def _add_raws(connection: Connection, arrivals: Sequence[Arrival], addresses: Iterable[tuple[int, int]]) -> None:
    """Keep the bytes of a text that was stored without them."""
    for arrival, (contact_id, revision) in zip(arrivals, addresses, strict=True):
        if arrival.raw is not None:
            here = (messages.c.contact_id == contact_id) & (messages.c.revision == revision)
            connection.execute(messages.update().where(here, messages.c.raw.is_(None)).values(raw=arrival.raw))


def _is_suggestion(place: Place, standing: Mapping[int, StoredDecision]) -> bool:
    decided = standing.get(place.contact_id)
    return not place.newest or (decided is not None and decided.actor is Actor.PERSON)


def _triage_row(triage: Triage, place: Place, suggestion: bool, now: datetime) -> _Row:
    return {
        "contact_id": place.contact_id,
        "revision": place.revision,
        "answer": to_json(triage),
        "versions": to_json(triage.versions),
        "language": triage.language.code,
        "service_type": triage.decision.service_type,
        "urgency": triage.urgency.level.value,
        "suggestion": suggestion,
        "created_at": now,
    }


def _no_longer_pending(connection: Connection, addresses: Iterable[tuple[int, int]]) -> None:
    for chunk in chunks(sorted(set(addresses))):
        connection.execute(delete(pending).where(_PENDING_TEXT.in_(chunk)))


def _await_translations(
    connection: Connection, answers: Sequence[Triage], places: Sequence[Place], now: datetime
) -> None:
    """Let texts wait for another answer whose translation is still to come."""
    addresses = {
        (place.contact_id, place.revision)
        for triage, place in zip(answers, places, strict=True)
        if triage.translation.status is TranslationStatus.PENDING
    }
    if addresses:
        _wait(connection, sorted(addresses), now)


def _wait(connection: Connection, addresses: Sequence[tuple[int, int]], now: datetime) -> None:
    rows = [{"contact_id": one, "revision": revision, "attempts": 0, "created_at": now} for one, revision in addresses]
    connection.execute(insert_ignoring(connection.dialect.name, pending, "contact_id", "revision"), rows)


def _shown(row: _Row) -> _Row:
    """Return what a console needs to show an answer in its list."""
    return {name: row[name] for name in ("language", "service_type", "urgency", "suggestion")}


def _policy_decisions(
    stored: Iterable[tuple[int, Triage, Place]], standing: Mapping[int, StoredDecision], now: datetime
) -> list[tuple[int, StoredDecision]]:
    """Return, by contact, the decisions that change something, each one version above the last."""
    latest = dict(standing)
    found = []
    for triage_id, triage, place in stored:
        last = latest.get(place.contact_id)
        if _is_suggestion(place, latest) or (last is not None and _decides_the_same(last, triage)):
            continue
        decided = StoredDecision(
            version=last.version + 1 if last else 1,
            actor=Actor.POLICY,
            decided_by=triage.versions.policy or "policy",
            decision=triage.decision,
            urgency=triage.urgency.level,
            triage_id=triage_id,
            decided_at=now,
            action=Action.POLICY,
        )
        latest[place.contact_id] = decided
        found.append((place.contact_id, decided))
    return found


def _decides_the_same(last: StoredDecision, triage: Triage) -> bool:
    return (last.decision, last.urgency) == (triage.decision, triage.urgency.level)
