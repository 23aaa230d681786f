"""The store that the service uses: `TriageStore` and what the API, the inbox and the console ask beside it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, select

from triage.errors import NotFound
from triage.store.database import Database
from triage.store.deciding import INSERT_DECISION, check_version, decision_row, standing_decisions
from triage.store.reading import contact, contact_id_of, count_rows, recent_contacts, triages_of
from triage.store.records import Actor, Counts, StoredContact, StoredDecision, StoredTriage
from triage.store.saving import Arrival, insert_ignoring, store_arrivals, store_triages
from triage.store.schema import decisions, rejections
from triage.store.upgrading import bring_up
from triage.types import Channel, Decision, Message, Triage, UrgencyLevel


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


class SqlTriageStore:
    """Keeps contacts, answers and decisions in SQLite or PostgreSQL; safe to share between threads.

    Every method is one transaction and may raise `StoreError`, whose text never quotes what was stored.

    Args:
        database: Where to keep it, with this release's tables.
        now: Tells the time that rows are stamped with, aware.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    def receive(self, arrivals: Sequence[tuple[Message, bytes | None]]) -> None:
        """Store messages before they are triaged, with the raw bytes they were read from (None: not kept).

        Idempotent by message id; a text or subject that differs is kept as a further revision.
        """
        kept = [Arrival(message=message, raw=raw) for message, raw in arrivals]
        if kept:
            with self._database.writing() as connection:
                store_arrivals(connection, kept, self._now())

    def save(self, pairs: Sequence[tuple[Message, Triage]]) -> None:
        """Store every pair in one transaction; when it returns, they survive a power cut.

        A message that is known gets a further answer, never a second contact; a text or subject that differs
        from those known under its id is kept as a further revision. The policy's decision stands until a
        person decides; answers that come later, or to an older revision, are suggestions.

        Raises:
            ValueError: If a triage belongs to another message than the one it is paired with.
            StoreError: If the database refuses; nothing of the batch is kept then.
        """
        for message, triage in pairs:
            if triage.message_id != message.id:
                raise ValueError(f"message {message.id} is paired with the triage of {triage.message_id}")
        if not pairs:
            return
        now = self._now()
        with self._database.writing() as connection:
            places = store_arrivals(connection, [Arrival(message=message) for message, _ in pairs], now)
            store_triages(connection, [triage for _, triage in pairs], places, now)

    def keep_rejected(self, raw: bytes, reason: str, channel: Channel) -> None:
        """Keep input that could not become a message; the same bytes again on a channel change nothing.

        Args:
            raw: The input as it came.
            reason: The rule that it broke, without its words.
            channel: Where it came in.
        """
        row = {
            "channel": channel.value,
            "digest": sha256(raw).digest(),
            "raw": raw,
            "reason": reason,
            "created_at": self._now(),
        }
        with self._database.writing() as connection:
            connection.execute(insert_ignoring(self._database.dialect, rejections, "channel", "digest"), [row])

    def recent(self, limit: int = 50) -> list[StoredContact]:
        """Return the contacts that were stored last, newest first, `limit` at most.

        Raises:
            ValueError: If limit < 1.
        """
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        with self._database.reading() as connection:
            return recent_contacts(connection, limit)

    def contact_of(self, message_id: str) -> StoredContact:
        """Return the contact of a message as it stands.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            return contact(connection, contact_id_of(connection, message_id))

    def triage_of(self, message_id: str) -> StoredTriage:
        """Return the latest answer to the newest revision of the message that was triaged.

        Raises:
            NotFound: If no such message is stored, or it has not been triaged.
        """
        answers = self.triages_of(message_id)
        if not answers:
            raise NotFound(f"message {message_id} has not been triaged yet")
        return answers[-1]

    def triages_of(self, message_id: str) -> list[StoredTriage]:
        """Return every answer to a message: by revision of its text, oldest first; empty before the first.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            return triages_of(connection, message_id)

    def decide(
        self,
        message_id: str,
        decision: Decision,
        by: str,
        expected_version: int,
        *,
        urgency: UrgencyLevel | None = None,
    ) -> StoredDecision:
        """Let a person decide; it stands until a person decides again, whatever models say later.

        Args:
            message_id: The message whose contact is decided.
            decision: What the person decided, whole.
            by: Who decided: a name or a key, not empty.
            expected_version: The version of the contact that the person saw, 0 where nothing was decided.
                Decisions that the policy has made since do not stand in the way.
            urgency: The level the person set; None leaves the one that stands.

        Returns:
            The decision as stored, with its version.

        Raises:
            NotFound: If no such message is stored.
            DecisionConflict: If a person has decided since `expected_version`.
            ValueError: If `by` is empty, or `expected_version` is negative or not reached yet.
        """
        if not by:
            raise ValueError("a decision needs the name of the person who made it")
        with self._database.writing() as connection:
            contact_id = contact_id_of(connection, message_id, lock=True)
            standing = standing_decisions(connection, [contact_id]).get(contact_id)
            check_version(standing, expected_version)
            decided = StoredDecision(
                version=standing.version + 1 if standing else 1,
                actor=Actor.PERSON,
                decided_by=by,
                decision=decision,
                urgency=urgency or (standing.urgency if standing else None),
                triage_id=_triage_seen(connection, contact_id, expected_version),
                decided_at=self._now(),
            )
            connection.execute(INSERT_DECISION, decision_row(contact_id, decided))
        return decided

    def counts(self) -> Counts:
        """Return how many rows of each kind are kept."""
        with self._database.reading() as connection:
            return count_rows(connection)

    def close(self) -> None:
        """Close every connection to the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_store(url: str, *, now: Callable[[], datetime] = utc_now) -> SqlTriageStore:
    """Open the store, bringing the database up to this release first; an empty one gets its tables.

    Args:
        url: `sqlite:///FILE` (its folder must exist) or `postgresql://USER@HOST/NAME`.
        now: Tells the time that rows are stamped with, aware.

    Raises:
        SettingsError: If the URL is not one of these, or its driver or folder is missing.
        StoreError: If a newer release wrote the database, or it cannot be reached.
    """
    database = Database(url)
    try:
        bring_up(database)
    except BaseException:
        database.close()
        raise
    return SqlTriageStore(database, now=now)


def _triage_seen(connection: Connection, contact_id: int, version: int) -> int | None:
    """Return the answer behind the decision that the person saw."""
    here = (decisions.c.contact_id == contact_id) & (decisions.c.version == version)
    seen: int | None = connection.execute(select(decisions.c.triage_id).where(here)).scalar()
    return seen
