"""Which messages are worth labelling next: those a model is unsure of, those two models part over, and random ones.

Random messages keep the labelled set like the mail; the other two teach most per label (Settles 2009, "Active Learning
Literature Survey", sections 3.1 and 3.2).
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from triage.errors import DataError
from triage.protocols import Classifier
from triage.store import Actor, SqlTriageStore, StoredContact
from triage.store.labels import LabelSource
from triage.taxonomy import Taxonomy
from triage.text import readable
from triage.types import Prediction
from triage.volumes import newest_contacts

NEWEST = 2_000  # contacts that a queue is chosen from
PAGE = 1_000


class Why(StrEnum):
    """Why a message is worth a label."""

    UNCERTAIN = "uncertain"
    DISAGREEING = "disagreeing"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A message to label.

    Attributes:
        message_id: What `save_label` takes.
        text: What the resident wrote, masked.
        language: BCP 47 code.
        suggestions: What the service said, best first.
        other: What the second model said; None where it said the same or was not asked.
        why: Why it is here.
    """

    message_id: str
    text: str
    language: str
    suggestions: tuple[Prediction, ...]
    other: str | None
    why: Why


def unlabelled(store: SqlTriageStore, *, newest: int = NEWEST) -> tuple[StoredContact, ...]:
    """Return the newest contacts that were answered and that nobody has labelled or decided on, newest first."""
    labelled = _labelled(store)
    return tuple(
        contact
        for contact in newest_contacts(store, newest)
        if contact.triage
        and contact.triage.answer["service_types"]
        and contact.message.id not in labelled
        and not (contact.decision and contact.decision.actor is Actor.PERSON)
    )


def disagreeing(store: SqlTriageStore, candidate: str | None, contacts: Sequence[StoredContact]) -> dict[str, str]:
    """Return message ids with the label of the model in shadow where that is another than was answered."""
    if candidate is None:
        return {}
    wanted = {contact.message.id for contact in contacts}
    found = store.models.disagreements(candidate, limit=NEWEST)
    return {message_id: each.candidate_label for message_id, each in found if message_id in wanted}


def words_alone(classifier: Classifier, dim: int, contacts: Sequence[StoredContact]) -> dict[str, str]:
    """Return message ids with the label that the words give without the sentence vector, where it is another one."""
    if not contacts:
        return {}
    no_vectors = np.zeros((len(contacts), dim), dtype=np.float32)
    said = classifier.classify([readable(contact.message) for contact in contacts], no_vectors)
    return {
        contact.message.id: best.label
        for contact, (best, *_) in zip(contacts, said, strict=True)
        if best.label != _suggestions(contact)[0].label
    }


def labelling_queue(
    contacts: Sequence[StoredContact],
    size: int,
    *,
    others: Mapping[str, str],
    mask: Callable[[str], str],
    seed: int = 0,
) -> tuple[QueueItem, ...]:
    """Return messages to label: of each kind a third, in turn, each message once.

    Args:
        contacts: Unlabelled ones, each with an answer.
        size: How many at most.
        others: What a second model said, by message id, where it is another label.
        mask: Takes personal data out of a text.
        seed: Of the random third.

    Returns:
        Uncertain messages by the gap between the two likeliest types, the smallest first; disagreeing ones by the
        service's probability, the highest first, where one of the two must be very wrong. Where a kind has too few,
        the others have more.
    """
    unsure = sorted(contacts, key=lambda each: (_gap(each), each.message.id))
    parted = sorted(
        (each for each in contacts if each.message.id in others),
        key=lambda each: (-_suggestions(each)[0].probability, each.message.id),
    )
    drawn = [contacts[number] for number in np.random.default_rng(seed).permutation(len(contacts))]
    lines = {Why.UNCERTAIN: iter(unsure), Why.DISAGREEING: iter(parted), Why.RANDOM: iter(drawn)}
    chosen: dict[str, QueueItem] = {}
    while lines and len(chosen) < size:
        for why in tuple(lines):
            contact = next((each for each in lines[why] if each.message.id not in chosen), None)
            if contact is None:
                del lines[why]
            elif len(chosen) < size:
                chosen[contact.message.id] = _item(contact, why, others, mask)
    return tuple(chosen.values())


def save_label(store: SqlTriageStore, taxonomy: Taxonomy, message_id: str, label: str, *, by: str) -> int:
    """Keep a label that a person gave to a message of the queue; return its number.

    Raises:
        DataError: If the city has no such service type; names the nearest ones.
        NotFound: If no such message is stored.
    """
    if label not in taxonomy:
        near = difflib.get_close_matches(label, taxonomy.codes, n=3, cutoff=0.4)
        raise DataError(f"{label!r} is no service type of the city's; " + (f"near: {', '.join(near)}" if near else ""))
    return store.labels.add(label=label, by=by, source=LabelSource.QUEUE, message_id=message_id)


def _labelled(store: SqlTriageStore) -> set[str | None]:
    found: set[str | None] = set()
    after = 0
    while page := store.labels.list(after_id=after, limit=PAGE):
        found |= {label.message_id for label in page}
        after = page[-1].id
    return found


def _suggestions(contact: StoredContact) -> tuple[Prediction, ...]:
    said = contact.triage.answer["service_types"] if contact.triage else []
    return tuple(Prediction(label=each["code"], probability=each["probability"]) for each in said)


def _gap(contact: StoredContact) -> float:
    chances = [each.probability for each in _suggestions(contact)]
    return chances[0] - chances[1] if len(chances) > 1 else chances[0]


def _item(contact: StoredContact, why: Why, others: Mapping[str, str], mask: Callable[[str], str]) -> QueueItem:
    answer = contact.triage.answer if contact.triage else {}
    return QueueItem(
        message_id=contact.message.id,
        text=mask(readable(contact.message)),
        language=answer["language"]["code"],
        suggestions=_suggestions(contact),
        other=others.get(contact.message.id),
        why=why,
    )
