"""What the service does with its own suggestion: hand it to an agent as a suggestion, or ask the agent."""

from collections.abc import Sequence
from dataclasses import dataclass

from triage.types import (
    Channel,
    Decision,
    Language,
    Mode,
    Safety,
    ServiceTypeSuggestion,
    Translation,
    TranslationStatus,
)

UNKNOWN = "und"
READ_WITHOUT_TRANSLATION = frozenset({TranslationStatus.NOT_NEEDED, TranslationStatus.MACHINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdPolicy:
    """Suggest from `suggest_from` on, ask below it and wherever something is doubtful or missing.

    Attributes:
        suggest_from: Lowest probability of the best service type, in [0, 1], that is worth suggesting. The decision
            is monotone in it: a higher probability never turns `suggest` into `ask`.
    """

    suggest_from: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.suggest_from <= 1:
            raise ValueError(f"suggest_from must lie in [0, 1], got {self.suggest_from}")

    @property
    def version(self) -> str:
        """Name of the rule and its number."""
        return f"threshold-{self.suggest_from:g}"

    def decide(
        self,
        suggestions: Sequence[ServiceTypeSuggestion],
        *,
        safety: Safety,
        language: Language,
        translation: Translation,
        degraded: Sequence[str],
        channel: Channel = Channel.WEB,
    ) -> Decision:
        """Return suggest or ask, with every reason for asking; the same on every channel."""
        best = suggestions[0] if suggestions else None
        doubts = [
            *_safety_doubts(safety),
            *(f"{component} did not work on this message" for component in degraded),
            *_language_doubts(language),
            *self._probability_doubts(best),
        ]
        sure = f"{best.code} at {best.probability:.2f}, suggested from {self.suggest_from:.2f}" if best else ""
        return Decision(
            mode=Mode.ASK if doubts else Mode.SUGGEST,
            service_type=best.code if best else None,
            department=best.department if best else None,
            reasons=(*(doubts or (sure,)), *_notes(language, translation)),
        )

    def _probability_doubts(self, best: ServiceTypeSuggestion | None) -> list[str]:
        if best is None:
            return ["no service type was found"]
        if not best.probability >= self.suggest_from:  # so that a broken model's NaN asks too
            return [f"{best.code} only at {best.probability:.2f}, suggested from {self.suggest_from:.2f}"]
        return []


def _safety_doubts(safety: Safety) -> list[str]:
    return [f"life safety: {hit.rule}, call {hit.line}" for hit in safety.reasons if hit.line]


def _language_doubts(language: Language) -> list[str]:
    return ["no language could be told: an agent reads it"] if language.code == UNKNOWN else []


def _notes(language: Language, translation: Translation) -> list[str]:
    """Return what the agent should know and what makes no path longer: the vector decides, not the translation."""
    if language.code == UNKNOWN or translation.status in READ_WITHOUT_TRANSLATION:
        return []
    return [f"written in {language.code}, translation {translation.status.value}: an interpreter is named"]
