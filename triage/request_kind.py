"""What a resident wants: to report, to ask, to learn what became of a request, to complain, to praise.

Rules find phrases (`request_kind.yaml`), a linear model weighs them (`request_kind.json`, made by
`models/urgency_training.py`); neither knows the type of the request.
"""

from importlib.resources import files
from pathlib import Path
from typing import Self

from triage.evidence import Evidence, Features, LinearModel, Rules, softmax
from triage.types import RequestKind

RULES, WEIGHTS = "request_kind.yaml", "request_kind.json"
_SHORT, _LONG = 4, 40


def kind_features(evidence: Evidence) -> dict[str, float]:
    """Return the features of the kind: how often each rule was found, at most twice, and the length in words."""
    counts: dict[str, float] = {"bias": 1.0}
    for found in evidence.found:
        counts[found.name] = min(2.0, counts.get(found.name, 0.0) + 1.0)
    words = len(evidence.reading.words)
    if evidence.reading.questions and evidence.reading.sentences[-1] in evidence.reading.questions:
        counts["question.last"] = 1.0
    if words <= _SHORT:
        counts["short"] = 1.0
    if words > _LONG:
        counts["long"] = 1.0
    return counts


class KindRules:
    """Tells the kind of request; see `protocols.KindTeller`."""

    def __init__(self, rules: Rules, model: LinearModel) -> None:
        self._rules = rules
        self._model = model

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Read rules and weights of a folder, or those that ship with the project.

        Raises:
            SettingsError: If the rules are wrong.
            ModelError: If the weights are.
        """
        source = folder or Path(str(files("triage")))
        return cls(Rules.load(source / RULES), LinearModel.load(source / WEIGHTS))

    def kind_of(self, text: str) -> RequestKind:
        """Return what the resident wants; a text without words is `other`, a tie goes to the kind first in the file."""
        evidence = self._rules.evidence(text)
        if not evidence.reading.words:
            return RequestKind.OTHER
        return RequestKind(self._model.labels[int(self._model.logits(kind_features(evidence)).argmax())])

    def question_probability(self, features: Features) -> float:
        """Return how likely the features are a question's, in [0, 1]."""
        place = self._model.labels.index(RequestKind.QUESTION)
        return float(softmax(self._model.logits(features))[place])
