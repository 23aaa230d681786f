"""What held-out predictions grant, written into the policy's cells with its evidence, and taken back with its model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from triage.cells import CellMode
from triage.granting import Grant

if TYPE_CHECKING:  # the command reads this file before it knows whether it opens a store
    from triage.store.policy_cells import PolicyCell, PolicyCells

ACTS: Final = (CellMode.PRESELECT, CellMode.AUTO)
MODEL: Final = "model"  # names in a cell's evidence the model whose predictions granted it


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """Cells that were set, and those that went back to suggest because nothing grants them any more."""

    granted: "tuple[PolicyCell, ...]"
    taken_back: "tuple[PolicyCell, ...]"


def set_grants(
    cells: "PolicyCells", grants: Mapping[str, Grant], *, mode: CellMode, model: str, reason: str, by: str
) -> Granting:
    """Set one cell for each granted type and language; what was granted before and is not now goes back to suggest.

    Args:
        cells: Where they are kept.
        grants: By language, each on its own predictions.
        mode: `preselect` or `auto`.
        model: Whose predictions they are.
        reason: Why, for the record.
        by: Who grants.

    Raises:
        ValueError: If the mode does not act by itself, or the reason is empty.
    """
    if mode not in ACTS:
        raise ValueError(f"what is granted is {' or '.join(ACTS)}, got {mode}")
    wanted = {(label, code): grant for code, grant in grants.items() for label in grant.labels}
    granted = tuple(
        cells.set(
            mode=mode,
            service_type=label,
            language=code,
            threshold=grant.threshold,
            evidence=_evidence(grant, model),
            reason=reason,
            by=by,
        )
        for (label, code), grant in sorted(wanted.items())
    )
    lost = [each for each in _granted(cells) if _key(each) not in wanted or each.channel]
    return Granting(granted=granted, taken_back=_take_back(cells, lost, f"not granted any more: {reason}", by))


def revoke_grants(cells: "PolicyCells", model: str, *, by: str) -> "tuple[PolicyCell, ...]":
    """Set back to suggest what was granted on the predictions of another model than the one that answers now."""
    others = [each for each in _granted(cells) if each.evidence[MODEL] != model]
    return _take_back(cells, others, f"granted on the predictions of another model; {model} answers now", by)


def _granted(cells: "PolicyCells") -> "list[PolicyCell]":
    """Return the cells that act by themselves because a model's predictions granted it."""
    return [each for each in cells.current() if each.mode in ACTS and MODEL in each.evidence]


def _take_back(cells: "PolicyCells", lost: "list[PolicyCell]", reason: str, by: str) -> "tuple[PolicyCell, ...]":
    return tuple(
        cells.set(
            mode=CellMode.SUGGEST,
            service_type=each.service_type,
            channel=each.channel,
            language=each.language,
            evidence={"was": each.mode, **each.evidence},
            reason=reason,
            by=by,
        )
        for each in lost
    )


def _key(cell: "PolicyCell") -> tuple[str, str]:
    return cell.service_type, cell.language


def _evidence(grant: Grant, model: str) -> dict[str, object]:
    return {
        MODEL: model,
        "wanted": grant.wanted,
        "lower": round(grant.lower, 4),
        "precision": round(grant.precision, 4),
        "n": grant.n,
        "of": grant.of,
    }
