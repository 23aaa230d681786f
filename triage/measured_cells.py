"""What each cell of the policy did in a time, how precise that was, and whether auto mode may be granted from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from triage.bounds import lower_bound
from triage.cells import Cell, CellMode, Rate, nearest
from triage.granting import LEAST_PRECISION
from triage.standing_cells import cell_of
from triage.store import SqlTriageStore
from triage.store.contact_list import ContactFilter
from triage.types import Mode

# Auto mode is granted from what people decided, by the lower 95 % bound of the share that they left as it was.
WANTED_LOWER: Final = LEAST_PRECISION


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMeasure:
    """What was measured of the messages that a cell is about.

    Attributes:
        service_type: A code; empty for every one, as are channel and language.
        mode: What the policy does there now.
        threshold: From which probability on; None where the policy's own holds.
        contacts: How many came in that stand with this type; 0 where the cell is narrower than a type.
        by_mode: How many of those the policy routed, preselected, suggested, or asked an agent about.
        coverage: Share of those that auto mode routed; None where there are none.
        decided: How many of its suggestions people decided on.
        overridden: How many of those they changed.
        precision: Share of the decided ones that stand; None where none was decided.
        precision_low: Lower end of its 95 % interval (Wilson, 1927).
    """

    service_type: str
    channel: str
    language: str
    mode: CellMode
    threshold: float | None
    contacts: int
    by_mode: Mapping[str, int]
    coverage: float | None
    decided: int
    overridden: int
    precision: float | None
    precision_low: float | None

    @property
    def may_run(self) -> bool:
        """Whether what was measured is enough for auto mode."""
        return self.precision_low is not None and self.precision_low >= WANTED_LOWER


def measures(store: SqlTriageStore, *, since: datetime, until: datetime) -> tuple[CellMeasure, ...]:
    """Return a row for each service type that contacts stand with or a cell is about, and for each narrower cell.

    Args:
        store: Where contacts, decisions and cells are.
        since: From when on contacts and decisions count, aware.
        until: Until when, aware.

    Returns:
        The types with the most contacts first, each followed by its narrower cells; cells of every type come last.
    """
    stored, rates = store.policy.current(), store.policy.override_rates(since)
    cells = tuple(map(cell_of, stored))
    counts = _counts(store, since, until)
    codes = {code for code in (*counts, *(cell.service_type for cell in stored)) if code}
    keys = {(code, "", "") for code in codes} | {(one.service_type, one.channel, one.language) for one in stored}
    rows = [measure(key, cells, rates, counts.get(key[0], {}) if key[1:] == ("", "") else {}) for key in keys]
    volume = {code: sum(by_mode.values()) for code, by_mode in counts.items()}
    return tuple(
        sorted(rows, key=lambda row: (
            not row.service_type, -volume.get(row.service_type, 0), row.service_type, row.channel, row.language
        ))
    )  # fmt: skip


def measure(
    key: tuple[str, str, str], cells: Sequence[Cell], rates: Iterable[Rate], by_mode: Mapping[str, int]
) -> CellMeasure:
    """Return what was measured of the messages that a cell would be about.

    Args:
        key: Service type, channel and language; each empty for every one.
        cells: The cells that stand.
        rates: What people decided.
        by_mode: How many contacts of the type stand in each mode.
    """
    scope = Cell(mode=CellMode.SUGGEST, service_type=key[0], channel=key[1], language=key[2])
    inside = [rate for rate in rates if scope.holds_for(rate.service_type, rate.channel, rate.language)]
    decided, overridden = sum(rate.decided for rate in inside), sum(rate.overridden for rate in inside)
    contacts, stands = sum(by_mode.values()), nearest(cells, *key)
    return CellMeasure(
        service_type=key[0],
        channel=key[1],
        language=key[2],
        mode=stands.mode,
        threshold=stands.threshold,
        contacts=contacts,
        by_mode=by_mode,
        coverage=round(by_mode.get(Mode.AUTO, 0) / contacts, 4) if contacts else None,
        decided=decided,
        overridden=overridden,
        precision=round(1 - overridden / decided, 4) if decided else None,
        precision_low=round(lower_bound(decided - overridden, decided), 4) if decided else None,
    )


def _counts(store: SqlTriageStore, since: datetime, until: datetime) -> dict[str, dict[str, int]]:
    """Return how many contacts stand in each mode, by service type."""
    found: dict[str, dict[str, int]] = {}
    for mode in Mode:
        chosen = ContactFilter(mode=mode, created_from=since, created_until=until)
        for code, number in store.contacts.counts_by("service_type", chosen).items():
            found.setdefault(code or "", {})[mode.value] = number
    return found
