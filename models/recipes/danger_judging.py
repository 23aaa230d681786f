"""Sets what the danger model weighs and what its languages' thresholds are, by what was held out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.danger import ANY_RULE, ENGLISH, Floats, Verdict, Weighing, load_network
from models.ear import Ear
from models.recipes.danger_messages import Told, is_fresh
from models.recipes.danger_network import READ
from triage.types import SafetyHit

WEIGHING_PENALTY = 0.3
LEAST_OWN = 150  # messages of a language from which on its own set its threshold too: few say little of the last 5 %
MOST_UNREAD = 0.006  # of the dangers: what the first parts take for so harmless that no network reads it
NEVER = -99.0

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a side may raise false alarms on, and how much ordinary requests count where its parts are weighed.

    Attributes:
        most_false: Share of hard negatives.
        most_routine: Share of ordinary requests.
        routine_weight: Of one of them beside a message that was written for this question.
        fresh_only: Whether of those, only messages count that were written after the rules: a rule hears too well what
            its author has read.
    """

    most_false: float
    most_routine: float
    routine_weight: float
    fresh_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What was fitted for one encoder, with the messages that its thresholds are set on, and their held-out logits."""

    limits: Limits
    messages: Sequence[Told]
    heard: Floats
    said: Floats
    ear: Ear


class Judge:
    """Sets weights by what was held out."""

    def __init__(self, side: Side, hits: Mapping[str, Sequence[SafetyHit]]) -> None:
        self._side = side
        self._hits = [hits[m.text] for m in side.messages]
        self._weight = np.array([1.0 if m.hard else side.limits.routine_weight for m in side.messages])

    def weighing(self) -> Weighing:
        """Fit how ear, words and rules are weighed, on what was held out from the first two."""
        from sklearn.linear_model import LogisticRegression

        side = self._side
        names = sorted({hit.rule for some in self._hits for hit in some if hit.line is not None})
        found = np.array([[float(any(hit.rule == name for hit in some)) for name in names] for some in self._hits])
        known = np.column_stack([side.heard, side.said, found.any(axis=1), found])
        model = LogisticRegression(C=WEIGHING_PENALTY, max_iter=2_000)
        model.fit(known, _truth(side.messages), sample_weight=self._weight)
        ear, words, any_rule, *rules = (float(value) for value in model.coef_[0])
        return Weighing(
            bias=float(model.intercept_[0]),
            ear=ear,
            words=words,
            rules={ANY_RULE: any_rule, **dict(zip(names, rules, strict=True))},
        )

    def gate(self, weighing: Weighing) -> float:
        """Return the first score that all but MOST_UNREAD of the dangers written for this question reach."""
        fresh_only = self._side.limits.fresh_only
        counts = [m.line is not None and m.hard and (is_fresh(m) or not fresh_only) for m in self._side.messages]
        return round(_quantile(self._first_scores(weighing)[np.array(counts)], 1 - MOST_UNREAD), 4)

    def _first_scores(self, weighing: Weighing) -> Floats:
        side = self._side
        scores = [weighing.score(*each) for each in zip(side.heard, side.said, self._hits, strict=True)]
        return np.array(scores, np.float32)

    def of_what_is_read_again(self, weighing: Weighing, network: Path) -> "LastJudge":
        """Return the judge of the messages whose writers a network has not read."""
        side, read = self._side, set(json.loads((network / READ).read_text("utf-8")))
        unread = [at for at, message in enumerate(side.messages) if message.writer not in read]
        again = load_network(network).read([side.messages[at].text for at in unread]).alarms[:, 0]
        sure = [any(hit.sure and hit.line for hit in self._hits[at]) for at in unread]
        messages = [side.messages[at] for at in unread]
        return LastJudge(side.limits, messages, self._first_scores(weighing)[unread], again, np.array(sure))


class LastJudge:
    """Sets gates and thresholds by what both the first parts and the network had not read.

    Args:
        limits: Of the side.
        messages: The judged ones.
        first: Their scores by what hears every message, shape (n,).
        again: The network's logits of them, shape (n,).
        sure: Whether a rule that is sure has heard them, shape (n,).
    """

    def __init__(self, limits: Limits, messages: Sequence[Told], first: Floats, again: Floats, sure: Bools) -> None:
        self._limits, self._messages, self._first, self._again, self._sure = limits, messages, first, again, sure
        self._truth = _truth(messages)
        self._hard = np.array([m.hard and (is_fresh(m) or not limits.fresh_only) for m in messages])
        self._ordinary = np.array([not m.hard for m in messages])

    def verdict(self) -> Verdict:
        """Fit the gate, and how first score and network are weighed behind it."""
        from sklearn.linear_model import LogisticRegression

        gate = _quantile(self._first[self._truth & self._hard], 1 - MOST_UNREAD)
        behind = (self._first >= gate) & (self._hard | self._ordinary)
        weight = np.where(self._hard, 1.0, self._limits.routine_weight)
        known = np.column_stack([self._first, self._again])[behind]
        model = LogisticRegression(max_iter=2_000).fit(known, self._truth[behind], sample_weight=weight[behind])
        first, again = (round(float(value), 4) for value in model.coef_[0])
        return Verdict(gate=round(gate, 4), bias=round(float(model.intercept_[0]), 4), first=first, again=again)

    def scores(self, verdict: Verdict) -> Floats:
        """Return the logit of each judged message; of those before the gate, one that exceeds no threshold."""
        behind = verdict.bias + verdict.first * self._first + verdict.again * self._again
        scores: Floats = np.where(self._first >= verdict.gate, behind, NEVER).astype(np.float32)
        return scores

    def thresholds(self, verdict: Verdict) -> dict[str, float]:
        """Return a threshold for each language; "" stands for every other one."""
        scores, codes = self.scores(verdict), np.array([message.language for message in self._messages])
        harmless, routine = self._hard & ~self._truth, self._ordinary & ~self._truth
        general = max(
            _quantile(scores[harmless], self._limits.most_false), _quantile(scores[routine], self._limits.most_routine)
        )
        found = {} if ENGLISH in codes else {"": general}
        for code in sorted(set(codes)):
            own = codes == code
            hard = _quantile_of_both(scores[harmless & own], scores[harmless], self._limits.most_false)
            easy = _quantile_of_both(scores[routine & own], scores[routine], self._limits.most_routine)
            found[str(code)] = max(hard, easy)
        return {code: round(threshold, 4) for code, threshold in found.items()}

    def facts(self, verdict: Verdict, thresholds: dict[str, float]) -> dict[str, object]:
        """Return what is heard at the thresholds, and together with the rules that are sure, by language."""
        codes = np.array([message.language for message in self._messages])
        limits = np.array([thresholds.get(code, thresholds.get("", 0.0)) for code in codes])
        alarm = (self.scores(verdict) > limits) | self._sure
        return {
            str(code): {
                "heard": _share(alarm[own & self._hard & self._truth]),
                "false_alarms": _share(alarm[own & self._hard & ~self._truth]),
                "routine_alarms": _share(alarm[own & self._ordinary & ~self._truth]),
                "routine_read_again": _share((self._first >= verdict.gate)[own & self._ordinary & ~self._truth]),
            }
            for code in ("all", *sorted(set(codes)))
            for own in [(codes == code) | (code == "all")]
        }


def _truth(messages: Sequence[Told]) -> Bools:
    return np.array([message.line is not None for message in messages])


def _quantile(scores: Floats, above: float) -> float:
    return float(np.quantile(scores, 1 - above)) if len(scores) else 0.0


def _quantile_of_both(own: Floats, everyone: Floats, above: float) -> float:
    """Return the quantile of one language's scores and of all, both weighing the same."""
    if len(own) < LEAST_OWN:
        return _quantile(everyone, above)
    return _quantile(np.concatenate([np.repeat(own, max(1, round(len(everyone) / len(own)))), everyone]), above)


def _share(alarms: Bools) -> list[float]:
    return [round(float(alarms.mean()), 4), len(alarms)] if len(alarms) else [0.0, 0]
