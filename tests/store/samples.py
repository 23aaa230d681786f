"""Messages and answers to store."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime

from triage.types import (
    AnswerStatus,
    Channel,
    Decision,
    Language,
    Message,
    Mode,
    RequestKind,
    Safety,
    Translation,
    TranslationStatus,
    Triage,
    Urgency,
    UrgencyLevel,
    Versions,
)

LEAK = Decision(mode=Mode.PRESELECT, service_type="water.leak", department="Water", reasons=("p ≥ 0.8",))
GRAFFITI = Decision(mode=Mode.SUGGEST, service_type="graffiti.removal", department="Public Works")
POTHOLE = Decision(mode=Mode.ASK, service_type="street.pothole", department="Streets", reasons=("saw the photo",))


def message_of(
    message_id: str = "m-1", text: str = "Water is running down Oak Street.", **others: str | datetime | None
) -> Message:
    return Message(id=message_id, text=text, **others)  # type: ignore[arg-type]


def triage_of(
    message_id: str = "m-1", decision: Decision = LEAK, level: UrgencyLevel = UrgencyLevel.HIGH, language: str = "en"
) -> Triage:
    return Triage(
        message_id=message_id,
        channel=Channel.WEB,
        language=Language(code=language, probability=0.99, method="ngram"),
        translation=Translation(status=TranslationStatus.NOT_NEEDED),
        service_types=(),
        also=(),
        request_kind=RequestKind.REPORT,
        urgency=Urgency(level=level, probability=0.9),
        safety=Safety(),
        dispatch=None,
        interpreter=None,
        next_question=None,
        missing=("address",),
        entities=(),
        answers=(),
        answer_status=AnswerStatus.NONE,
        similar=(),
        decision=decision,
        warnings=(),
        degraded=(),
        versions=Versions(classifier="c-1", policy="policy-3"),
    )


def pair_of(message_id: str = "m-1", decision: Decision = LEAK) -> tuple[Message, Triage]:
    return message_of(message_id), triage_of(message_id, decision)


def plain(value: object) -> object:
    """Return the JSON values that an answer stands for, told apart from the store's own way of writing them."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
