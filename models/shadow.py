"""Shadow mode: a candidate predicts beside the active model, and where it says otherwise is kept.

It looks at what has been answered and stored, in a thread of its own: no request waits for it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread

from triage.errors import NotFound, TriageError
from triage.protocols import Classifier, Encoder
from triage.store import Actor, SqlTriageStore, StoredContact
from triage.store.contact_list import ContactFilter
from triage.store.models import Disagreement, ModelRole
from triage.text import readable
from triage.types import Language

log = logging.getLogger(__name__)
PAGE = 32  # answers at a time: a larger batch would hold the encoder against a request
LOOK_EVERY_S = 2.0
MOST_REPORTED = 5_000


class Shadow:
    """Runs a candidate over what the service has answered, apart from the answering.

    Args:
        store: Where answers are read and disagreements kept.
        candidate: The model that looks on.
        encoder: The one that the service uses.
        model_id: The candidate's id, which names its disagreements.
        since: Contacts that were stored before are not looked at.
    """

    def __init__(
        self, store: SqlTriageStore, candidate: Classifier, encoder: Encoder, *, model_id: str, since: datetime
    ) -> None:
        self._store, self._candidate, self._encoder = store, candidate, encoder
        self._model_id, self._since = model_id, since
        self._seen = 0

    def look(self, *, stopped: Callable[[], bool] = lambda: False) -> int:
        """Predict on every answer that has not been looked at, newest first; return how many disagreed.

        A look that fails or is stopped is made again from its beginning: older answers are still to be looked at.
        """
        seen, newest, disagreed = self._seen, self._seen, 0
        cursor: str | None = None
        while not stopped():
            page = self._store.contacts.list(ContactFilter(created_from=self._since), limit=PAGE, cursor=cursor)
            numbers = [each.triage.id for each in page.contacts if each.triage]
            found = self._disagreements([each for each in page.contacts if each.triage and each.triage.id > seen])
            self._store.models.disagree(found)
            disagreed += len(found)
            newest = max((newest, *numbers))
            cursor = page.next_cursor
            if cursor is None or (numbers and max(numbers) <= seen):
                self._seen = newest
                break
        return disagreed

    def _disagreements(self, contacts: Sequence[StoredContact]) -> list[Disagreement]:
        texts = [readable(each.message) for each in contacts]
        languages = [_language_of(each) for each in contacts]
        predictions = self._candidate.classify(texts, self._encoder.encode(texts, languages)) if texts else []
        found = []
        for contact, (best, *_) in zip(contacts, predictions, strict=True):
            said = contact.triage.answer["service_types"] if contact.triage else []
            if contact.triage and said and said[0]["code"] != best.label:
                found.append(
                    Disagreement(
                        triage_id=contact.triage.id,
                        candidate=self._model_id,
                        active_label=said[0]["code"],
                        active_probability=said[0]["probability"],
                        candidate_label=best.label,
                        candidate_probability=best.probability,
                    )
                )
        return found


class ShadowWatch:
    """Follows which model is in shadow, and lets it look at what comes in.

    Args:
        store: Where roles, answers and disagreements are.
        kind: Of the models.
        encoder: The one that the service uses.
        open_model: Opens a model by its id.
        every_s: Seconds between two looks.
    """

    def __init__(
        self,
        store: SqlTriageStore,
        kind: str,
        encoder: Encoder,
        *,
        open_model: Callable[[str], Classifier],
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._store, self._kind, self._encoder = store, kind, encoder
        self._open, self._every_s = open_model, every_s
        self._standing: tuple[str, datetime] | None = None
        self._shadow: Shadow | None = None
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="shadow", daemon=True)

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End; a page that is under way is waited for."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> int:
        """Take up the model that is in shadow now and let it look; return how many answers it disagreed with."""
        standing = shadowing(self._store, self._kind)
        if standing != self._standing:
            self._standing = standing
            self._shadow = None  # a candidate that cannot be opened is not tried again until the role changes
            if standing:
                model_id, since = standing
                opened = self._open(model_id)
                self._shadow = Shadow(self._store, opened, self._encoder, model_id=model_id, since=since)
        return self._shadow.look(stopped=self._stopped.is_set) if self._shadow else 0

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self.look()
            except TriageError as error:
                log.error("the model in shadow did not look: %s", error)
            except Exception as error:  # the edge of this thread: it must not die of one bad moment
                log.error("the model in shadow did not look: %s", type(error).__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowReport:
    """What a candidate said beside the active model.

    Attributes:
        candidate: Its id.
        since: When it was set to look on.
        contacts: Contacts stored since.
        disagreements: Of those, where it said another type than was answered.
        decided: Disagreements on which a person has decided.
        active_right: Of those, where the person took what was answered.
        candidate_right: Where the person took what the candidate said.
        pairs: What was answered, what the candidate said, how often; the most frequent first.
    """

    candidate: str
    since: datetime
    contacts: int
    disagreements: int
    decided: int
    active_right: int
    candidate_right: int
    pairs: tuple[tuple[str, str, int], ...]


def shadowing(store: SqlTriageStore, kind: str) -> tuple[str, datetime] | None:
    """Return the id of the model that is in shadow, and since when; None where none is."""
    model = store.models.current(kind, ModelRole.SHADOW)
    if model is None:
        return None
    given = next(each for each in store.models.history(kind) if each.model_id == model.id)
    return model.id, given.created_at


def shadow_report(store: SqlTriageStore, kind: str) -> ShadowReport:
    """Return what the model in shadow said, with the newest MOST_REPORTED disagreements.

    Raises:
        NotFound: If no model is in shadow.
    """
    standing = shadowing(store, kind)
    if standing is None:
        raise NotFound("no model is in shadow: triage model shadow ID sets one")
    candidate, since = standing
    found = store.models.disagreements(candidate, limit=MOST_REPORTED)
    decided = [(each, _decided(store, message_id)) for message_id, each in found]
    said = [(each, label) for each, label in decided if label is not None]
    pairs = Counter((each.active_label, each.candidate_label) for _, each in found)
    return ShadowReport(
        candidate=candidate,
        since=since,
        contacts=sum(store.contacts.counts_by("channel", ContactFilter(created_from=since)).values()),
        disagreements=len(found),
        decided=len(said),
        active_right=sum(each.active_label == label for each, label in said),
        candidate_right=sum(each.candidate_label == label for each, label in said),
        pairs=tuple((*pair, n) for pair, n in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))),
    )


def _decided(store: SqlTriageStore, message_id: str) -> str | None:
    """Return the type that a person chose; None where nobody has decided."""
    decision = store.contact_of(message_id).decision
    return decision.decision.service_type if decision and decision.actor is Actor.PERSON else None


def _language_of(contact: StoredContact) -> Language:
    said = contact.triage.answer["language"] if contact.triage else {}
    return Language(code=said.get("code", "und"), probability=said.get("probability", 0.0))
