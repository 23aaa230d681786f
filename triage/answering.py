"""Joins what the steps found on one message into the public answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage import languages
from triage.dispatch import dispatch_card
from triage.questions import next_question
from triage.taxonomy import CATCH_ALL, Taxonomy
from triage.text import has_words
from triage.types import (
    Decision,
    Entity,
    FurtherType,
    Interpreter,
    Language,
    Message,
    Prediction,
    RequestKind,
    Safety,
    SearchResult,
    ServiceTypeSuggestion,
    Translation,
    Triage,
    Urgency,
    Versions,
)

UNKNOWN_LANGUAGE = Interpreter(
    language="unknown",
    native_name=None,
    script=None,
    ask_for="identification of the language",
    dialect_question="Which language do you speak?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What each step found on one message, or its fallback."""

    language: Language
    entities: tuple[Entity, ...]
    suggestions: tuple[ServiceTypeSuggestion, ...]
    further: tuple[FurtherType, ...]
    kind: RequestKind
    result: SearchResult
    translation: Translation
    safety: Safety
    urgency: Urgency
    decision: Decision
    warnings: tuple[str, ...]
    degraded: tuple[str, ...]


def answered(
    message: Message, found: Findings, taxonomy: Taxonomy, versions: Versions, timings_ms: Mapping[str, float]
) -> Triage:
    """Return the public answer, with what is still to be asked for the likeliest type."""
    code = found.suggestions[0].code if found.suggestions else CATCH_ALL
    missing = taxonomy.unanswered(code, (entity.kind for entity in found.entities), message.text)
    return Triage(
        message_id=message.id,
        channel=message.channel,
        language=found.language,
        translation=found.translation,
        service_types=found.suggestions,
        also=found.further,
        request_kind=found.kind,
        urgency=found.urgency,
        safety=found.safety,
        dispatch=dispatch_card(
            message.text,
            urgency=found.urgency,
            safety=found.safety,
            entities=found.entities,
            service_type=found.suggestions[0].code if found.suggestions else None,
        ),
        interpreter=_interpreter_for(message, found.language.code),
        next_question=next_question(found.suggestions, missing, taxonomy),
        missing=tuple(attribute.code for attribute in missing),
        entities=found.entities,
        answers=found.result.answers,
        answer_status=found.result.status,
        similar=(),
        decision=found.decision,
        warnings=found.warnings,
        degraded=found.degraded,
        versions=versions,
        timings_ms=dict(timings_ms),
    )


def suggestions_of(predictions: Sequence[Prediction], taxonomy: Taxonomy) -> tuple[ServiceTypeSuggestion, ...]:
    """Return the predictions whose label the city has, with what an agent needs to read."""
    return tuple(_suggestion(found, taxonomy) for found in predictions if found.label in taxonomy)


def _suggestion(found: Prediction, taxonomy: Taxonomy) -> ServiceTypeSuggestion:
    service_type = taxonomy[found.label]
    return ServiceTypeSuggestion(
        code=service_type.code,
        name=service_type.name,
        department=service_type.department,
        probability=round(found.probability, 4),
        because=found.because,
    )


def _interpreter_for(message: Message, code: str) -> Interpreter | None:
    """Return the card of the language; words in a language that nobody could tell get one too."""
    row = languages.BY_CODE.get(code)
    if row is None:
        return UNKNOWN_LANGUAGE if has_words(message.text) else None
    if row.interpreter is None:
        return None
    return Interpreter(
        language=row.name,
        native_name=row.native_name,
        script=row.script,
        ask_for=row.interpreter,
        dialect_question=row.dialect,
    )
