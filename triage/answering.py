"""Joins what the steps found on one message into the public answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage import languages
from triage.taxonomy import CATCH_ALL, Taxonomy
from triage.types import (
    Decision,
    Entity,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What each step found on one message, or its fallback."""

    language: Language
    entities: tuple[Entity, ...]
    suggestions: tuple[ServiceTypeSuggestion, ...]
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
        also=(),
        request_kind=found.kind,
        urgency=found.urgency,
        safety=found.safety,
        dispatch=None,
        interpreter=_interpreter_for(found.language.code),
        next_question=missing[0].question if missing else None,
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


def _interpreter_for(code: str) -> str | None:
    row = languages.BY_CODE.get(code)
    return row.interpreter if row else None
