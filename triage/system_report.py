"""How the service does: what waits, what failed, how fast it answers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from triage.store import SqlTriageStore, StoredContact
from triage.store.deliveries import DeliveryState

LOOKED_AT: Final = 200  # of the newest contacts


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemReport:
    """How the service does.

    Attributes:
        waiting: Texts that have no answer yet.
        deliveries: How many deliveries to other systems are due, were sent, or were given up.
        looked_at: How many of the newest contacts the rest is told of.
        degraded: Parts that failed, and in how many of those contacts.
        half_ms: Half of those were answered within so many milliseconds; None where there are none.
        most_ms: 95 of 100 were.
    """

    waiting: int
    deliveries: Mapping[DeliveryState, int]
    looked_at: int
    degraded: Mapping[str, int]
    half_ms: float | None
    most_ms: float | None


def system_report(store: SqlTriageStore) -> SystemReport:
    """Return how the service does now."""
    contacts = [one for one in store.recent(LOOKED_AT) if one.triage is not None]
    times = sorted(_elapsed_ms(one) for one in contacts)
    failed = Counter(part for one in contacts if one.triage for part in one.triage.answer["degraded"])
    return SystemReport(
        waiting=store.work.waiting(),
        deliveries=store.outbox.counts(),
        looked_at=len(contacts),
        degraded=dict(failed.most_common()),
        half_ms=_share(times, 0.5),
        most_ms=_share(times, 0.95),
    )


def _elapsed_ms(contact: StoredContact) -> float:
    return sum(contact.triage.answer["timings_ms"].values()) if contact.triage else 0.0


def _share(times: Sequence[float], share: float) -> float | None:
    """Return the smallest time that this share of them does not exceed."""
    return round(times[min(len(times) - 1, int(share * len(times)))], 1) if times else None
