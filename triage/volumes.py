"""How many contacts came in, of which kind, day by day: what an analyst looks at first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from triage.store import Actor, SqlTriageStore, StoredContact

_PAGE: Final = 200
OTHERS: Final = "others"
UNKNOWN: Final = "not known"
FIELDS: Final = ("channel", "language", "service_type", "urgency", "decided_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFact:
    """A contact without its words.

    Attributes:
        at: When the message was received, or stored where that is not known; aware.
        channel: How it came in.
        language: BCP 47 code that was detected.
        service_type: The code that stands.
        urgency: The level that stands.
        decided_by: Whether a person or the policy decided last.
    """

    at: datetime
    channel: str
    language: str
    service_type: str
    urgency: str
    decided_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Counts over time: `counts[i][j]` is how many of `names[i]` came in on `days[j]`; the most frequent name first."""

    days: tuple[date, ...]
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def totals(self) -> dict[str, int]:
        """How many of each name over all days."""
        return {name: sum(row) for name, row in zip(self.names, self.counts, strict=True)}


def contact_facts(store: SqlTriageStore, *, newest: int | None = None) -> tuple[ContactFact, ...]:
    """Return what is known of the contacts, newest first; of all of them where `newest` is None."""
    return tuple(map(_fact, newest_contacts(store, newest)))


def newest_contacts(store: SqlTriageStore, newest: int | None = None) -> tuple[StoredContact, ...]:
    """Return the contacts that were stored last, newest first; all of them where `newest` is None."""
    found: list[StoredContact] = []
    cursor: str | None = None
    while newest is None or len(found) < newest:
        page = store.contacts.list(limit=_PAGE, cursor=cursor)
        found += page.contacts
        cursor = page.next_cursor
        if cursor is None:
            break
    return tuple(found[:newest])


def series(facts: Sequence[ContactFact], field: str, *, zone: tzinfo = UTC, top: int = 8) -> Series:
    """Return how many contacts of each value came in on each day, days without any among them.

    Args:
        facts: At least one.
        field: One of FIELDS.
        zone: Where a day begins and ends.
        top: How many values have a row of their own; the others share one, last.

    Raises:
        ValueError: If there is no such field, or no fact.
    """
    if field not in FIELDS:
        raise ValueError(f"field must be one of {', '.join(FIELDS)}, got {field}")
    if not facts:
        raise ValueError("there is no contact to count")
    cells = Counter((getattr(each, field), each.at.astimezone(zone).date()) for each in facts)
    totals = Counter(getattr(each, field) for each in facts)
    kept = [name for name, _ in sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))[:top]]
    days = _days(min(day for _, day in cells), max(day for _, day in cells))
    rows = [tuple(cells[name, day] for day in days) for name in kept]
    if len(totals) > len(kept):
        all_of = Counter(day for name, day in cells.elements() if name not in kept)
        rows.append(tuple(all_of[day] for day in days))
    names = (*kept, OTHERS) if len(totals) > len(kept) else tuple(kept)
    return Series(days=days, names=names, counts=tuple(rows))


def _days(first: date, last: date) -> tuple[date, ...]:
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


def _fact(contact: StoredContact) -> ContactFact:
    decision = contact.decision
    answer = contact.triage.answer if contact.triage else {}
    return ContactFact(
        at=contact.message.received_at or contact.created_at,
        channel=contact.message.channel.value,
        language=answer.get("language", {}).get("code", UNKNOWN),
        service_type=(decision.decision.service_type if decision else None) or UNKNOWN,
        urgency=decision.urgency.value if decision and decision.urgency else UNKNOWN,
        decided_by=decision.actor.value if decision else Actor.POLICY.value,
    )
