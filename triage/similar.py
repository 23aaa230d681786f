"""Past contacts that say something like a contact: what was done then helps to decide now."""

from dataclasses import dataclass
from typing import Final

from triage.protocols import Encoder
from triage.store import Actor, SqlTriageStore, StoredContact
from triage.store.contact_list import ContactFilter
from triage.types import Language

LOOKED_AT: Final = 60  # contacts that are compared: about a tenth of a second
LEAST: Final = 0.35  # cosine below which two texts share little but their type


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """A past contact; `similarity` is the cosine of the two texts, in [-1, 1]."""

    message_id: str
    similarity: float


def similar_to(
    contact: StoredContact, store: SqlTriageStore, encoder: Encoder, *, limit: int = 5
) -> tuple[Similar, ...]:
    """Return the contacts before this one that people decided and whose texts are nearest, the most similar first.

    Looked at are the newest 60 of the type that stands. Ties go to the newer one. Texts of two languages are compared
    as the encoder does: one that is multilingual finds them alike.
    """
    code = contact.decision.decision.service_type if contact.decision else None
    if code is None:
        return ()
    chosen = ContactFilter(service_type=code, actor=Actor.PERSON, created_until=contact.created_at)
    past = [each for each in store.contacts.list(chosen, limit=LOOKED_AT).contacts if each.triage is not None]
    others = [each for each in past if each.message.id != contact.message.id]
    if not others:
        return ()
    compared = [contact, *others]
    vectors = encoder.encode([each.message.text for each in compared], [_language(each) for each in compared])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    found = [
        Similar(message_id=other.message.id, similarity=round(min(1.0, cosine), 4))
        for other, cosine in zip(others, cosines, strict=True)
        if cosine >= LEAST
    ]
    return tuple(sorted(found, key=lambda each: -each.similarity)[:limit])


def _language(contact: StoredContact) -> Language:
    answer = contact.triage.answer["language"] if contact.triage else None
    return Language(code=answer["code"], probability=answer["probability"]) if answer else Language.unknown()
