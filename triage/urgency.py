"""How fast someone must act: the level that the type usually has, moved by what the message says.

Rules find phrases (`urgency.yaml`, and the question rules of `request_kind.yaml`); a linear model, fitted on
messages that people rated, weighs them by type (`urgency.json`, made by `models/urgency_training.py`). A level
moves only where a phrase speaks for the move, and the phrase is the reason; without one the type's default stands.
The words "urgent" and "asap", capitals, insults, language and channel are no evidence.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from triage.evidence import Evidence, LinearModel, Rules, softmax
from triage.request_kind import RULES as KIND_RULES
from triage.request_kind import WEIGHTS as KIND_WEIGHTS
from triage.request_kind import KindRules, kind_features
from triage.taxonomy import ServiceType
from triage.types import Reason, RequestKind, Safety, SafetyHit, Urgency, UrgencyLevel

RULES, WEIGHTS = "urgency.yaml", "urgency.json"
QUESTION, PAST, THREAT = "question", "less.past", "service.threat"
_FLOOR_PROBABILITY = 0.55  # a guess: nobody has counted how often raters agree with a floor
_EMERGENCY_PROBABILITY = 0.99
_REASONS = 5
_LEAST_PUSH = 0.05
_BY_DEFAULT = 0.7
# Anger is no evidence: these rules tell the kind of request and nothing of its haste.
_SILENT = ("complaint.", "praise.", "other.")


def urgency_features(evidence: Evidence, service_type: ServiceType, question: float) -> dict[str, float]:
    """Return the features of the level: type, default, question, and each rule alone, by default and by type.

    Args:
        evidence: What the rules found.
        service_type: The likeliest type.
        question: How much of a question the message is, see `question_degree`.
    """
    default, code = service_type.default_urgency, service_type.code
    features = {f"default={default}": 1.0, f"type={code}": 1.0}
    if len(evidence.reading.words) > 40:
        features["long"] = 1.0
    for name, value in _signals(evidence, question).items():
        features[name] = value
        features[f"{default}|{name}"] = _BY_DEFAULT * value
        features[f"{code}|{name}"] = _BY_DEFAULT * value
    return features


def _signals(evidence: Evidence, question: float) -> dict[str, float]:
    signals = {name: 1.0 for name in sorted(evidence.names) if not name.startswith(_SILENT)}
    return signals | {QUESTION: 2 * question}


def question_degree(probability: float, kind: RequestKind) -> float:
    """Return how much of a question a message is, in [0, 1]: over one half where its kind is a question."""
    return (probability + (kind == RequestKind.QUESTION)) / 2


class EvidenceRater:
    """Rates messages; see `protocols.UrgencyRater`.

    Args:
        rules: The rules of urgency and of the kind of request.
        kinds: Tells how likely a question is; as the service's teller of kinds too, it saves a second reading.
        model: Weights over `urgency_features`, labels are levels.
        stay: What the default's logit is raised by: how sure a move must be.
        grave: Least probability of emergency and urgent together at which no level under `high` is given.
    """

    def __init__(
        self, rules: Rules, kinds: KindRules, model: LinearModel, *, stay: float = 0.0, grave: float = 1.0
    ) -> None:
        self._rules = rules
        self.kinds = kinds
        self._model = model
        self._levels = tuple(UrgencyLevel(label) for label in model.labels)
        self._stay = stay
        self._grave = grave

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Read rules and weights of a folder, or those that ship with the project.

        Raises:
            SettingsError: If the rules are wrong.
            ModelError: If the weights are.
        """
        source = folder or Path(str(files("triage")))
        rules = Rules.load(source / RULES, source / KIND_RULES)
        kinds = KindRules(rules, LinearModel.load(source / KIND_WEIGHTS))
        return cls(rules, kinds, LinearModel.load(source / WEIGHTS), stay=STAY, grave=GRAVE)

    def rate(self, text: str, *, service_type: ServiceType, safety: Safety, kind: RequestKind) -> Urgency:
        """Return the level with the phrases that moved it away from the type's default, offsets into `text`.

        A finding of the tripwire that has a line is an emergency, whatever else is said.
        """
        if safety.line is not None:
            reasons = tuple(_reason(hit) for hit in safety.reasons if hit.line is not None)
            return Urgency(level=UrgencyLevel.EMERGENCY, probability=_EMERGENCY_PROBABILITY, reasons=reasons)
        evidence = self._rules.evidence(text)
        question = self._question(evidence, kind)
        weighed = self._weighed(evidence, text, service_type, question)
        floor = self._floor(evidence, text, kind)
        return floor if floor is not None and floor.level.rank > weighed.level.rank else weighed

    def _weighed(self, evidence: Evidence, text: str, service_type: ServiceType, question: float) -> Urgency:
        logits = self._model.logits(urgency_features(evidence, service_type, question))
        probabilities = softmax(logits / TEMPERATURE)
        default = self._levels.index(service_type.default_urgency)
        for level in self._candidates(logits, probabilities, default):
            reasons = self._reasons(evidence, text, service_type, level, default, question)
            if level == default or reasons:
                return Urgency(level=self._levels[level], probability=float(probabilities[level]), reasons=reasons)
        return Urgency(level=service_type.default_urgency, probability=float(probabilities[default]))

    def _floor(self, evidence: Evidence, text: str, kind: RequestKind) -> Urgency | None:
        """Return the highest floor whose findings all stand in a message about something present."""
        if PAST in evidence.names:
            return None
        held = [(level, names) for level, names in self._rules.floors if names <= evidence.names]
        if kind == RequestKind.QUESTION:  # "is this notice legal?" is asked by somebody who has got one
            held = [(level, names) for level, names in held if THREAT in names]
        if not held:
            return None
        level, names = max(held, key=lambda one: one[0].rank)
        reasons = tuple(reason for name in sorted(names) if (reason := evidence.reason(name, text)) is not None)
        return Urgency(level=level, probability=_FLOOR_PROBABILITY, reasons=reasons)

    def _question(self, evidence: Evidence, kind: RequestKind) -> float:
        return question_degree(self.kinds.question_probability(kind_features(evidence)), kind)

    def _candidates(
        self, logits: npt.NDArray[np.float64], probabilities: npt.NDArray[np.float64], default: int
    ) -> Iterator[int]:
        """Yield places of levels, the one to give first; emergency is the tripwire's to give, unless it is usual."""
        raised = logits.copy()
        raised[default] += self._stay
        grave = sum(
            probabilities[place] for place, level in enumerate(self._levels) if level.rank >= UrgencyLevel.URGENT.rank
        )
        for place in np.argsort(-raised, kind="stable"):
            level = self._levels[place]
            if level == UrgencyLevel.EMERGENCY and place != default:
                level, place = UrgencyLevel.URGENT, self._levels.index(UrgencyLevel.URGENT)
            if level.rank < UrgencyLevel.HIGH.rank and grave >= self._grave:
                place = self._levels.index(UrgencyLevel.HIGH)
            yield int(place)

    def _reasons(
        self, evidence: Evidence, text: str, service_type: ServiceType, level: int, default: int, question: float
    ) -> tuple[Reason, ...]:
        if level == default:
            return ()
        pushes = self._pushes(evidence, service_type, level, default, question)
        ranked = sorted((name for name, push in pushes.items() if push >= _LEAST_PUSH), key=lambda name: -pushes[name])
        found = (evidence.reason(_phrase_of(name, evidence), text) for name in ranked)
        return tuple(dict.fromkeys(reason for reason in found if reason is not None))[:_REASONS]

    def _pushes(
        self, evidence: Evidence, service_type: ServiceType, level: int, default: int, question: float
    ) -> Mapping[str, float]:
        """Return how much each signal speaks for a level and against the default."""
        pushes = {}
        for name, value in _signals(evidence, question).items():
            features = {
                name: value,
                f"{service_type.default_urgency}|{name}": _BY_DEFAULT * value,
                f"{service_type.code}|{name}": _BY_DEFAULT * value,
            }
            pushes[name] = self._model.push(features, level, default)
        return pushes


# STAY and GRAVE were chosen on messages of one writer that the weights had not seen (models/data/messages/en-g.jsonl):
# the lowest GRAVE that costs no accuracy. TEMPERATURE is a guess after the top bin said .95 and was right .83.
STAY, GRAVE, TEMPERATURE = 0.3, 0.1, 1.25


def _phrase_of(name: str, evidence: Evidence) -> str:
    """Return the rule whose phrase shows a signal: for the question itself, the first question rule found."""
    if name != QUESTION:
        return name
    return next((found.name for found in evidence.found if found.name.startswith("question.")), name)


def _reason(hit: SafetyHit) -> Reason:
    return Reason(rule=hit.rule, text=hit.text, start=hit.start, end=hit.end)
