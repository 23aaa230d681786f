"""What a supervisor sees: volumes and trends, what people accepted and overrode, what auto mode did."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from triage.store import SqlTriageStore, Status
from triage.store.contact_list import ContactFilter
from triage.store.policy_cells import OverrideRate

FIELDS: Final = ("channel", "language", "department", "service_type", "urgency")
_Z: Final = 1.959964  # two-sided 95 %


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVolume:
    """How many contacts came in on a day of the city's zone, and on which channels."""

    day: date
    contacts: int
    channels: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How many contacts have a value, and how many had it in as many days before; `change` is None from 0."""

    value: str
    contacts: int
    before: int
    change: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How many of the service's suggestions people decided on, and how many of them they changed."""

    value: str
    decided: int
    accepted: int
    overridden: int
    override_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoReport:
    """What auto mode did.

    Attributes:
        contacts: How many it routed by itself.
        coverage: Their share of all contacts; None where there are none.
        reviewed: How many of them a person has decided on since.
        overridden: How many of those the person gave another type or department, or took back.
        precision: Share of the reviewed ones that stand; None where none was reviewed.
        precision_low: Lower end of its 95 % interval (Wilson, 1927).
    """

    contacts: int
    coverage: float | None
    reviewed: int
    overridden: int
    precision: float | None
    precision_low: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Volumes, trends, agreement and auto mode of some days, the last of which is today."""

    since: datetime
    until: datetime
    contacts: int
    open: int
    waiting_by_urgency: Mapping[str, int]
    days: tuple[DayVolume, ...]
    trends: Mapping[str, tuple[Trend, ...]]
    agreement_by_service_type: tuple[Agreement, ...]
    agreement_by_language: tuple[Agreement, ...]
    auto: AutoReport


def overview(store: SqlTriageStore, *, now: datetime, days: int, zone: tzinfo) -> Overview:
    """Return the overview of the last days.

    Args:
        store: Where contacts and decisions are.
        now: The present moment, aware.
        days: How many, today included.
        zone: Where a day begins and ends.
    """
    today = now.astimezone(zone).date()
    starts = [_midnight(today - timedelta(days=number), zone) for number in range(days, -1, -1)][1:]
    since = starts[0]
    window = ContactFilter(created_from=since, created_until=now)
    before = ContactFilter(created_from=since - (now - since), created_until=since)
    volumes = tuple(_volume(store, start, end, zone) for start, end in zip(starts, [*starts[1:], now], strict=True))
    contacts = sum(volume.contacts for volume in volumes)
    rates = store.policy.override_rates(since)
    still_open = ContactFilter(status=Status.OPEN)
    return Overview(
        since=since,
        until=now,
        contacts=contacts,
        open=sum(store.contacts.counts_by("status", still_open).values()),
        waiting_by_urgency=_named(store.contacts.counts_by("urgency", still_open)),
        days=volumes,
        trends={field: _trends(store, field, window, before) for field in FIELDS},
        agreement_by_service_type=_agreement((rate.service_type, rate) for rate in rates),
        agreement_by_language=_agreement((rate.language, rate) for rate in rates),
        auto=_auto(store, since, now, contacts),
    )


def precision_low(right: int, seen: int) -> float:
    """Return the lower end of the 95 % interval of right / seen, in [0, 1] (Wilson's score interval, 1927).

    Raises:
        ValueError: If seen < 1, or right lies outside 0..seen.
    """
    if not 0 <= right <= seen or seen < 1:
        raise ValueError(f"right must lie in 0..seen and seen be at least 1, got {right} of {seen}")
    share, square = right / seen, _Z * _Z
    middle = share + square / (2 * seen)
    spread = _Z * math.sqrt(share * (1 - share) / seen + square / (4 * seen * seen))
    return max(0.0, (middle - spread) / (1 + square / seen))


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _volume(store: SqlTriageStore, start: datetime, end: datetime, zone: tzinfo) -> DayVolume:
    channels = _named(store.contacts.counts_by("channel", ContactFilter(created_from=start, created_until=end)))
    return DayVolume(day=start.astimezone(zone).date(), contacts=sum(channels.values()), channels=channels)


def _named(counts: Mapping[str | None, int]) -> dict[str, int]:
    """Return counts by name, the commonest first; what has no value is counted as `none`."""
    return {
        value or "none": number for value, number in sorted(counts.items(), key=lambda each: (-each[1], each[0] or ""))
    }


def _trends(store: SqlTriageStore, field: str, window: ContactFilter, before: ContactFilter) -> tuple[Trend, ...]:
    now, then = _named(store.contacts.counts_by(field, window)), _named(store.contacts.counts_by(field, before))
    return tuple(
        Trend(
            value=value,
            contacts=now.get(value, 0),
            before=then.get(value, 0),
            change=round(now.get(value, 0) / then[value] - 1, 3) if then.get(value) else None,
        )
        for value in dict.fromkeys([*now, *then])
    )


def _agreement(rates: Iterable[tuple[str, OverrideRate]]) -> tuple[Agreement, ...]:
    """Return the rates added up by value, those with the most decisions first."""
    decided: dict[str, int] = defaultdict(int)
    overridden: dict[str, int] = defaultdict(int)
    for value, rate in rates:
        decided[value] += rate.decided
        overridden[value] += rate.overridden
    return tuple(
        Agreement(
            value=value,
            decided=decided[value],
            accepted=decided[value] - overridden[value],
            overridden=overridden[value],
            override_rate=round(overridden[value] / decided[value], 4),
        )
        for value in sorted(decided, key=lambda value: (-decided[value], value))
    )


def _auto(store: SqlTriageStore, since: datetime, until: datetime, contacts: int) -> AutoReport:
    found = store.policy.auto_outcome(since, until)
    seen, right = found.reviewed, found.reviewed - found.overridden
    return AutoReport(
        contacts=found.contacts,
        coverage=round(found.contacts / contacts, 4) if contacts else None,
        reviewed=seen,
        overridden=found.overridden,
        precision=round(right / seen, 4) if seen else None,
        precision_low=round(precision_low(right, seen), 4) if seen else None,
    )
