"""The store that the service uses: `TriageStore` and what the API, the inbox and the console ask beside it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from triage.errors import NotFound
from triage.store.articles import ArticleStore
from triage.store.audit import AuditLog
from triage.store.calls import CallStore
from triage.store.cases import CaseStore
from triage.store.claims import ClaimStore
from triage.store.contact_list import ContactList
from triage.store.database import Database
from triage.store.deciding import decisions_of
from triage.store.deliveries import Delivery
from triage.store.dispatching import Dispatch, NoDispatch
from triage.store.events import EventLog
from triage.store.feedback import FeedbackStore
from triage.store.gaps import GapLedger
from triage.store.idempotency import IdempotencyStore
from triage.store.incidents import IncidentStore
from triage.store.keys import KeyStore
from triage.store.labels import LabelStore
from triage.store.links import LinkStore
from triage.store.mail_sends import MailSends
from triage.store.mails import MailLog
from triage.store.models import ModelLog
from triage.store.notices import NoticeStore
from triage.store.outbox import Outbox
from triage.store.pending import PendingWork
from triage.store.person_decisions import Verdict, decide, undo
from triage.store.policy_cells import PolicyCells
from triage.store.reading import (
    answers_to,
    contact,
    contact_id_of,
    count_rows,
    recent_contacts,
    triaged,
    triages_of,
)
from triage.store.receipts import ReceiptChain
from triage.store.records import Action, Counts, Status, StoredContact, StoredDecision, StoredTriage
from triage.store.rejecting import store_rejected
from triage.store.resource import utc_now
from triage.store.retention import Retention
from triage.store.saving import Arrival, expect_triages, store_arrivals, store_triages
from triage.store.sessions import SessionStore
from triage.store.setting_aside import set_aside
from triage.types import Channel, Decision, Message, Triage, UrgencyLevel


class SqlTriageStore:
    """Keeps contacts, answers and decisions in SQLite or PostgreSQL; safe to share between threads.

    What else is kept has a class of its own for each kind, open on the same database: `store.keys`, `store.notices`.
    Every method is one transaction and may raise `StoreError`, whose text never quotes what was stored.

    Args:
        database: Where to keep it, with this release's tables.
        now: Tells the time that rows are stamped with, aware.
        dispatch: Knows which systems have to be told of a decision; none where None.
    """

    def __init__(
        self, database: Database, *, now: Callable[[], datetime] = utc_now, dispatch: Dispatch | None = None
    ) -> None:
        self._database = database
        self._dispatch = dispatch or NoDispatch()
        self._now = now
        self.articles = ArticleStore(database, now=now)
        self.audit = AuditLog(database, now=now)
        self.calls = CallStore(database, now=now)
        self.cases = CaseStore(database, now=now)
        self.claims = ClaimStore(database, now=now)
        self.contacts = ContactList(database, now=now)
        self.events = EventLog(database, now=now)
        self.feedback = FeedbackStore(database, now=now)
        self.gaps = GapLedger(database, now=now)
        self.idempotency = IdempotencyStore(database, now=now)
        self.incidents = IncidentStore(database, now=now)
        self.keys = KeyStore(database, now=now)
        self.labels = LabelStore(database, now=now)
        self.links = LinkStore(database, now=now)
        self.mail_sends = MailSends(database, now=now)
        self.mails = MailLog(database, now=now, dispatch=self._dispatch)
        self.models = ModelLog(database, now=now)
        self.notices = NoticeStore(database, now=now)
        self.outbox = Outbox(database, now=now)
        self.policy = PolicyCells(database, now=now)
        self.receipts = ReceiptChain(database, now=now)
        self.retention = Retention(database, now=now)
        self.sessions = SessionStore(database, now=now)
        self.work = PendingWork(database, now=now, dispatch=dispatch)

    def receive(self, arrivals: Sequence[tuple[Message, bytes | None]], *, edited: bool = False) -> None:
        """Store messages before they are triaged, with the raw bytes they were read from (None: not kept).

        Idempotent by message id; a text or subject that differs is kept as a further revision. A text that has no
        answer yet waits in `work` for a worker that triages it.

        Args:
            arrivals: Messages and bytes.
            edited: As for `save`.
        """
        if kept := [Arrival(message=message, raw=raw) for message, raw in arrivals]:
            now = self._now()
            with self._database.writing() as connection:
                expect_triages(connection, store_arrivals(connection, kept, now, edited=edited), now)

    def save(self, pairs: Sequence[tuple[Message, Triage]], *, edited: bool = False) -> None:
        """Store every pair in one transaction; when it returns, they survive a power cut.

        A message that is known gets a further answer, never a second contact; a text or subject that differs
        from those known under its id is kept as a further revision. The policy's decision stands until a
        person decides; answers that come later, or to an older revision, are suggestions.

        Args:
            pairs: Messages and answers, in the order they came.
            edited: Whether each text is what its writer wants to stand: one that goes back to an earlier text becomes
                a further revision. An old text that a channel merely delivers again stays the old one.

        Raises:
            ValueError: If a triage belongs to another message than the one it is paired with.
            StoreError: If the database refuses; nothing of the batch is kept then.
        """
        for message, triage in pairs:
            _check_pair(message, triage)
        if not pairs:
            return
        now = self._now()
        with self._database.writing() as connection:
            arrivals = [Arrival(message=message) for message, _ in pairs]
            places = store_arrivals(connection, arrivals, now, edited=edited)
            store_triages(connection, [triage for _, triage in pairs], places, self._dispatch, now)

    def first_answer(self, message: Message) -> StoredTriage | None:
        """Return the first answer to this very text under this id; None where it has none and is to be triaged."""
        with self._database.reading() as connection:
            return next(iter(answers_to(connection, message)), None)

    def save_once(self, message: Message, triage: Triage, *, aside: str | None = None) -> StoredTriage:
        """Store a message with its answer unless this text has one, and return the first answer to it.

        So the same mail, webhook or request twice, at once or one after the other, is one contact with one answer.

        Args:
            message: The message.
            triage: Its answer.
            aside: Why no agent need see it, which closes it; None where somebody must.

        Raises:
            ValueError: If the triage belongs to another message.
        """
        _check_pair(message, triage)
        now = self._now()
        with self._database.writing() as connection:
            places = store_arrivals(connection, [Arrival(message=message)], now)
            if not answers_to(connection, message):
                store_triages(connection, [triage], places, self._dispatch, now)
                if aside is not None:
                    set_aside(connection, places[0].contact_id, aside, self._dispatch, now)
            return answers_to(connection, message)[0]

    def keep_rejected(self, raw: bytes, reason: str, channel: Channel) -> None:
        """Keep input that could not become a message; the same bytes again on a channel change nothing.

        Args:
            raw: The input as it came.
            reason: The rule that it broke, without its words.
            channel: Where it came in.
        """
        with self._database.writing() as connection:
            store_rejected(connection, raw, reason, channel, self._now())

    def recent(self, limit: int = 50) -> list[StoredContact]:
        """Return the contacts that were stored last, newest first, `limit` at most.

        Raises:
            ValueError: If limit < 1.
        """
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
        action: Action = Action.OVERRIDE,
        status: Status = Status.OPEN,
        note: str | None = None,
        article_id: str | None = None,
        section: str | None = None,
        deliveries: Sequence[Delivery] = (),
    ) -> StoredDecision:
        """Let a person decide; it stands until a person decides again, whatever models say later.

        Args:
            message_id: The message whose contact is decided.
            decision: What the person decided, whole.
            by: Who decided: a name or a key, not empty.
            expected_version: The version of the contact that the person saw, 0 where nothing was decided.
                Decisions that the policy has made since do not stand in the way.
            urgency: The level the person set; None leaves the one that stands.
            action: What the person did.
            status: Whether something is still to be done.
            note: Why, in the person's words.
            article_id: The article whose answer was used.
            section: Its section.
            deliveries: What other systems have to be told; written with the decision, or not at all.

        Returns:
            The decision as stored, with its version.

        Raises:
            NotFound: If no such message is stored.
            DecisionConflict: If a person has decided since `expected_version`.
            ValueError: If `by` is empty, or `expected_version` is negative or not reached yet.
        """
        verdict = Verdict(
            decision=decision,
            by=by,
            expected_version=expected_version,
            urgency=urgency,
            action=action,
            status=status,
            note=note,
            article_id=article_id,
            section=section,
        )
        with self._database.writing() as connection:
            return decide(connection, message_id, verdict, deliveries, self._dispatch, self._now())

    def undo(
        self,
        message_id: str,
        by: str,
        expected_version: int,
        *,
        note: str | None = None,
        deliveries: Sequence[Delivery] = (),
    ) -> StoredDecision:
        """Let a person take back the decision that stands: what stood before it stands again, as a new version.

        What the policy decided first has nothing before it: an agent is then asked, and nothing is chosen.

        Raises:
            NotFound: If no such message is stored.
            DecisionConflict: If anything has been decided since `expected_version`.
            ValueError: If `by` is empty, or nothing has been decided.
        """
        with self._database.writing() as connection:
            return undo(connection, message_id, by, expected_version, note, deliveries, self._dispatch, self._now())

    def decisions_of(self, message_id: str) -> list[StoredDecision]:
        """Return every decision on a message's contact, oldest first.

        Raises:
            NotFound: If no such message is stored.
        """
        with self._database.reading() as connection:
            return decisions_of(connection, contact_id_of(connection, message_id))

    def triaged(self, message_id: str, triage_id: int | None = None) -> tuple[Message, StoredTriage]:
        """Return an answer with the very text that it was given to, as the replay of it needs.

        Args:
            message_id: The message.
            triage_id: Which answer; the latest where None.

        Raises:
            NotFound: If no such message or answer is stored.
        """
        with self._database.reading() as connection:
            return triaged(connection, message_id, triage_id)

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


def _check_pair(message: Message, triage: Triage) -> None:
    if triage.message_id != message.id:
        raise ValueError(f"message {message.id} is paired with the triage of {triage.message_id}")
