"""Writes questions that were not answered into the gap ledger, masked; a ledger that fails stops nobody's answer."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from triage.errors import TriageError
from triage.masking import WITH_PLACES, mask
from triage.store.gaps import GapLedger
from triage.text import has_words, readable
from triage.types import Answer, AnswerStatus, Entity, Message, SearchResult, Triage

log = logging.getLogger(__name__)
MAX_CHARS = 500


def note_triages(ledger: GapLedger, pairs: Iterable[tuple[Message, Triage]]) -> None:
    """Note every stored message that the knowledge base answered with `possible` or `none`."""
    for message, triage in pairs:
        if triage.answer_status is not AnswerStatus.ANSWER and has_words(message.text):
            types = triage.service_types
            _note(
                ledger,
                _masked(message, triage.entities),
                triage.language.code,
                triage.answer_status,
                triage.answers,
                message_id=message.id,
                service_type=types[0].code if types else None,
            )


def note_search(
    ledger: GapLedger, question: str, result: SearchResult, *, entities: Iterable[Entity], language: str
) -> None:
    """Note a question that was typed into the search and not answered."""
    if result.status is not AnswerStatus.ANSWER and has_words(question):
        masked = _masked(Message(id="question", text=question), entities)
        _note(ledger, masked, language, result.status, result.answers)


def _masked(message: Message, entities: Iterable[Entity]) -> str:
    """Return what was asked, without greeting and signature, every number and address replaced by its kind."""
    masked = replace(message, text=mask(message.text, entities, kinds=WITH_PLACES), subject=None)
    return readable(masked)[:MAX_CHARS]


def _note(
    ledger: GapLedger,
    query: str,
    language: str,
    status: AnswerStatus,
    answers: Sequence[Answer],
    *,
    message_id: str | None = None,
    service_type: str | None = None,
) -> None:
    probability = max((answer.probability for answer in answers), default=None)
    try:
        ledger.note(
            query=query,
            language=language,
            status=status,
            message_id=message_id,
            service_type=service_type,
            probability=probability,
        )
    except TriageError as error:
        log.warning("a question without an answer could not be noted: %s", type(error).__name__)
