"""Shadow mode: a candidate predicts beside the active model, and where it says otherwise is kept."""

from collections.abc import Sequence

from triage.protocols import Classifier, Encoder
from triage.store import SqlTriageStore, StoredContact
from triage.store.models import Disagreement
from triage.text import readable
from triage.types import Language

PAGE = 200


class Shadow:
    """Runs a candidate over what the service has answered, apart from the answering.

    Args:
        store: Where answers are read and disagreements kept.
        candidate: The model that looks on; its version names its disagreements.
        encoder: The one that the service uses.
    """

    def __init__(self, store: SqlTriageStore, candidate: Classifier, encoder: Encoder) -> None:
        self._store, self._candidate, self._encoder = store, candidate, encoder
        self._seen = 0

    def look(self) -> int:
        """Predict on the newest answers that have not been looked at, PAGE at most; return how many disagreed."""
        contacts = [each for each in self._store.recent(PAGE) if each.triage and each.triage.id > self._seen]
        found = self._disagreements(contacts)
        self._store.models.disagree(found)
        self._seen = max((each.triage.id for each in contacts if each.triage), default=self._seen)
        return len(found)

    def _disagreements(self, contacts: Sequence[StoredContact]) -> list[Disagreement]:
        texts = [readable(each.message) for each in contacts]
        languages = [_language_of(each) for each in contacts]
        predictions = self._candidate.classify(texts, self._encoder.encode(texts, languages))
        found = []
        for contact, (best, *_) in zip(contacts, predictions, strict=True):
            said = contact.triage.answer["service_types"] if contact.triage else []
            if contact.triage and said and said[0]["code"] != best.label:
                found.append(
                    Disagreement(
                        triage_id=contact.triage.id,
                        candidate=self._candidate.version,
                        active_label=said[0]["code"],
                        active_probability=said[0]["probability"],
                        candidate_label=best.label,
                        candidate_probability=best.probability,
                    )
                )
        return found


def _language_of(contact: StoredContact) -> Language:
    said = contact.triage.answer["language"] if contact.triage else {}
    return Language(code=said.get("code", "und"), probability=said.get("probability", 0.0))
