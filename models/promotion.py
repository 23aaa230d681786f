"""Whether a candidate may take the active model's place: both on the same held-out messages, nobody worse off."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from models.registry import Registry
from triage.cell_grants import revoke_grants
from triage.errors import ModelError
from triage.granting import Outcome
from triage.store.policy_cells import PolicyCell, PolicyCells
from triage.taxonomy import Taxonomy
from triage.types import UrgencyLevel

GRAVE = frozenset({UrgencyLevel.EMERGENCY, UrgencyLevel.URGENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a promotion changes for one language or label.

    Attributes:
        name: The language's code, or the label.
        n: Messages.
        before: Share that the active model has right.
        after: Share that the candidate has right.
        lost: Messages that only the active model has right.
        won: Messages that only the candidate has right.
    """

    name: str
    n: int
    before: float
    after: float
    lost: int
    won: int

    @property
    def is_worse(self) -> bool:
        """Whether more is lost than chance explains: by more than one standard deviation of a coin's tosses."""
        return self.lost - self.won > math.sqrt(self.lost + self.won)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both models on the same messages; `refusals` say what stands against the candidate."""

    overall: Change
    languages: tuple[Change, ...]
    labels: tuple[Change, ...]
    refusals: tuple[str, ...]


def compare(active: Sequence[Outcome], candidate: Sequence[Outcome], taxonomy: Taxonomy) -> Comparison:
    """Compare two models' outcomes on the same messages, in the same order.

    A language is refused where it gets worse by more than chance; a safety-relevant label, one whose default urgency
    is emergency or urgent, where more of its messages are lost than won.
    """
    pairs = list(zip(active, candidate, strict=True))
    overall = _change("all", pairs)
    languages = _changes(pairs, sorted({each.language for each in active}), lambda each: each.language)
    labels = _changes(pairs, sorted({each.truth for each in active}), lambda each: each.truth)
    worse = [(f"language {each.name}", each) for each in languages if each.is_worse]
    worse += [
        (f"safety-relevant {each.name}", each)
        for each in labels
        if is_grave(each.name, taxonomy) and each.lost > each.won
    ]
    return Comparison(
        overall=overall,
        languages=tuple(languages),
        labels=tuple(labels),
        refusals=tuple(f"{name}: {_shown(each)}" for name, each in worse),
    )


def promote(
    registry: Registry,
    cells: PolicyCells,
    model_id: str,
    comparison: Comparison | None,
    *,
    by: str,
    reason: str,
    force: bool = False,
) -> tuple[PolicyCell, ...]:
    """Let a candidate answer, unless the comparison with the active model stands against it.

    Args:
        registry: Where it is registered.
        cells: The policy; what another model's predictions have granted goes back to suggest.
        model_id: The candidate.
        comparison: Of both on held-out messages; None where nobody compared.
        by: Who promotes it.
        reason: Why, for the record.
        force: Do it even where something gets worse.

    Returns:
        The cells that went back.

    Raises:
        ModelError: If a language or a safety-relevant label gets worse and it is not forced, or it does not fit.
    """
    refusals = comparison.refusals if comparison else ()
    if refusals and not force:
        raise ModelError(f"{model_id} is not activated: " + "; ".join(refusals) + "; --force --reason overrules it")
    registry.activate(model_id, by, reason=reason, forced=bool(refusals))
    return revoke_grants(cells, registry.standing, by=by)


def is_grave(label: str, taxonomy: Taxonomy) -> bool:
    """Tell whether a label's messages may be about life and limb."""
    return label in taxonomy and taxonomy[label].default_urgency in GRAVE


def _changes(
    pairs: Iterable[tuple[Outcome, Outcome]], names: Sequence[str], key: Callable[[Outcome], str]
) -> list[Change]:
    chosen: dict[str, list[tuple[Outcome, Outcome]]] = {name: [] for name in names}
    for pair in pairs:
        chosen[key(pair[0])].append(pair)
    return [_change(name, found) for name, found in chosen.items()]


def _change(name: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> Change:
    before, after = (sum(pair[i].is_right for pair in pairs) for i in (0, 1))
    lost = sum(old.is_right and not new.is_right for old, new in pairs)
    n = len(pairs)
    return Change(
        name=name,
        n=n,
        before=before / max(1, n),
        after=after / max(1, n),
        lost=lost,
        won=lost + after - before,
    )


def _shown(change: Change) -> str:
    return f"{change.before:.3f} → {change.after:.3f} on {change.n} messages ({change.lost} lost, {change.won} won)"
