"""The policy by service type, channel and language: what each cell may do with a suggestion, and its brake."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from triage.bounds import lower_bound
from triage.policy import ThresholdPolicy
from triage.types import Channel, Decision, Language, Mode, Safety, ServiceTypeSuggestion, Translation

LEAST_DECIDED = 20
MOST_OVERRIDDEN = 0.1
BRAKE = "override brake"


class CellMode(StrEnum):
    """What a cell does with the best suggestion, least independent first."""

    OFF = "off"
    SHADOW = "shadow"
    SUGGEST = "suggest"
    PRESELECT = "preselect"
    AUTO = "auto"


_DECIDES = {CellMode.SUGGEST: Mode.SUGGEST, CellMode.PRESELECT: Mode.PRESELECT, CellMode.AUTO: Mode.AUTO}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One rule; an empty service type, channel or language stands for every one.

    `threshold` is the lowest probability that the mode is granted from; under it the suggestion is only suggested.
    `id` is the number under which the store keeps it, 0 where none does.
    """

    id: int = 0
    mode: CellMode
    service_type: str = ""
    channel: str = ""
    language: str = ""
    threshold: float | None = None

    def holds_for(self, service_type: str, channel: str, language: str) -> bool:
        """Tell whether the rule is about a message."""
        return (
            self.service_type in ("", service_type)
            and self.channel in ("", channel)
            and self.language in ("", language)
        )

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        """Order by which the nearest rule wins: a service type outweighs a language, a language a channel."""
        return bool(self.service_type), bool(self.language), bool(self.channel)


class CellPolicy:
    """Decides by the nearest cell; where none is set, it suggests: a new city starts there.

    Args:
        base: Tells every doubt that asks an agent, whatever the cells say.
        cells: Returns the cells that stand now.
    """

    def __init__(self, base: ThresholdPolicy, cells: Callable[[], Sequence[Cell]]) -> None:
        self._base, self._cells = base, cells

    @property
    def version(self) -> str:
        """Name of the rule, its number, and the number of the cell that was set last."""
        return f"{self._base.version}+{max((cell.id for cell in self._cells()), default=0)}"

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
        """Return the mode, the route and why; monotone in the best probability."""
        decision = self._base.decide(
            suggestions, safety=safety, language=language, translation=translation, degraded=degraded, channel=channel
        )
        if decision.mode is Mode.ASK or decision.service_type is None:
            return decision
        cell = nearest(self._cells(), decision.service_type, channel, language.code)
        if cell.mode not in _DECIDES:
            return replace(decision, mode=Mode.ASK, reasons=(f"the policy is {cell.mode} here",))
        return _granted(decision, cell, suggestions[0].probability)


def nearest(cells: Iterable[Cell], service_type: str, channel: str, language: str) -> Cell:
    """Return the most particular cell that is about a message; suggest where none is."""
    found = [cell for cell in cells if cell.holds_for(service_type, channel, language)]
    return max(found, key=lambda cell: cell.rank, default=Cell(mode=CellMode.SUGGEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A type, channel and language that agents override too often, alone or with the others of their cell."""

    service_type: str
    channel: str
    language: str
    decided: int
    overridden: int

    @property
    def reason(self) -> str:
        """Why it goes back to suggest."""
        return f"agents changed {self.overridden} of {self.decided}, more than {MOST_OVERRIDDEN:.0%} allow"


class Rate(Protocol):
    """How often a cell's decisions were changed: `triage.store.policy_cells.OverrideRate`."""

    @property
    def service_type(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def decided(self) -> int: ...
    @property
    def overridden(self) -> int: ...


def trips(cells: Sequence[Cell], rates: Mapping[int, Sequence[Rate]]) -> tuple[Trip, ...]:
    """Return what must go back to suggest: where agents changed more than the limit with LEAST_DECIDED looked at.

    Each type, channel and language of a cell is judged by itself; those within the limit, all together. What trips is
    always named by all three, so that it outweighs whatever the cell is granted later.
    Fewer decisions trip as well where the lower 95 % bound of the rate is over the limit. A cell that only suggests
    has nothing to go back from.

    Args:
        cells: Those that stand.
        rates: By a cell's id, what people made of what the policy did since the cell was set.
    """
    acting = [cell for cell in cells if cell.mode in (CellMode.PRESELECT, CellMode.AUTO)]
    return tuple(trip for cell in acting for trip in _trips_of(cell, cells, rates.get(cell.id, ())))


def _trips_of(cell: Cell, cells: Sequence[Cell], rates: Iterable[Rate]) -> Iterator[Trip]:
    own = [rate for rate in rates if nearest(cells, rate.service_type, rate.channel, rate.language) == cell]
    over = [rate for rate in own if _is_over(rate.overridden, rate.decided)]
    yield from (_trip(rate, rate.decided, rate.overridden) for rate in over)
    rest = [rate for rate in own if rate not in over]
    decided, overridden = sum(rate.decided for rate in rest), sum(rate.overridden for rate in rest)
    if _is_over(overridden, decided):
        yield from (_trip(rate, decided, overridden) for rate in rest)


def _trip(rate: Rate, decided: int, overridden: int) -> Trip:
    return Trip(
        service_type=rate.service_type,
        channel=rate.channel,
        language=rate.language,
        decided=decided,
        overridden=overridden,
    )


def _is_over(overridden: int, decided: int) -> bool:
    if lower_bound(overridden, decided) > MOST_OVERRIDDEN:
        return True
    return decided >= LEAST_DECIDED and overridden / decided > MOST_OVERRIDDEN


def _granted(decision: Decision, cell: Cell, probability: float) -> Decision:
    if cell.threshold is not None and probability < cell.threshold:
        reason = f"{cell.mode} is granted from {cell.threshold:.2f}"
        return replace(decision, mode=Mode.SUGGEST, reasons=(*decision.reasons, reason))
    return replace(decision, mode=_DECIDES[cell.mode])
