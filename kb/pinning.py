"""A notice from one line: what, where and until when; and the articles that say otherwise meanwhile."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from kb.districts import districts_in
from kb.index import Snapshot
from kb.notices import subject_of
from triage.errors import DataError
from triage.store.notices import Notice
from triage.types import Vectors

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNTIL = re.compile(r"\buntil\s+(?:the end of\s+)?([\w:-]+(?:\s+\d{1,2}:\d{2})?)\s*$", re.IGNORECASE)
NEAR = 0.4  # cosine from which a section is about the same matter
LOOKED_AT = 30
# What a notice says in such words stands against what an article says in those.
_OPPOSITES: Final = (
    ({"boil", "unsafe", "contaminated"}, {"safe", "harmless", "drink", "drinking", "clears"}),
    ({"closed", "closes", "closure", "canceled", "cancelled", "suspended"}, {"open", "opens", "hours", "runs", "am"}),
    ({"delayed", "late", "postponed"}, {"day", "days", "schedule", "regular", "usual"}),
    ({"free", "waived"}, {"costs", "cost", "fee", "fees", "pay"}),
    ({"required", "must"}, {"free", "voluntary", "optional"}),
    ({"banned", "prohibited", "forbidden"}, {"allowed", "permitted", "may"}),
)
_NUMBER = re.compile(r"\$?\d+(?:[.,:]\d+)*")


def notice_of(
    line: str, *, now: datetime, until: str | None = None, text: str = "", service_types: Sequence[str] = ()
) -> Notice:
    """Return the notice that a line such as "boil-water notice, district 3, until Friday" pins.

    Args:
        line: Its title; `until WHEN` in it counts, and `district 3` (or `three`, or a capital letter) where it names
            one alone. Other words behind `district`, or several districts, leave the notice to the whole city.
        now: Aware, in the city's zone.
        until: When it ends, where the line does not say.
        text: What an agent may read aloud; the line itself where empty.
        service_types: Codes that it is about.

    Raises:
        DataError: If nothing says until when, or that cannot be read or lies in the past.
    """
    found = _UNTIL.search(line)
    told = until if until is not None else found[1] if found else None
    if told is None:
        raise DataError("a notice must say until when it holds: end it with `until Friday`, or give --until 2026-05-01")
    districts = districts_in(line)
    return Notice(
        title=line.strip(),
        text=text.strip() or line.strip(),
        valid_until=moment_of(told, now=now),
        district=districts[0] if len(districts) == 1 else None,
        service_types=tuple(service_types),
        language="en",
    )


def moment_of(told: str, *, now: datetime) -> datetime:
    """Return the end of a day, or a moment, that a person names.

    Args:
        told: `today`, `tomorrow`, a weekday (the next one; today's own name is today), `2026-05-01`, or either with
            a time as in `2026-05-01 17:00`.
        now: Aware; its zone counts.

    Raises:
        DataError: If it is none of these, or has passed.
    """
    day_told, _, clock = told.strip().partition(" ")
    day = _day_of(day_told.casefold(), now.date())
    try:
        wall = time.fromisoformat(clock) if clock else None
    except ValueError as error:
        raise DataError(f"the time of a notice's end must be such as 17:00, got {clock!r}") from error
    moment = datetime.combine(day, wall or time(), now.tzinfo) + (timedelta() if wall else timedelta(days=1))
    if moment <= now:
        raise DataError(f"a notice must end in the future, got {told!r}")
    return moment


def _day_of(told: str, today: date) -> date:
    if told in ("today", "tonight", "tomorrow"):
        return today + timedelta(days=told == "tomorrow")
    if told in _WEEKDAYS:
        return today + timedelta(days=(_WEEKDAYS.index(told) - today.weekday()) % 7)
    try:
        return date.fromisoformat(told)
    except ValueError as error:
        raise DataError(
            f"until must be today, tomorrow, a weekday or a day such as 2026-05-01, got {told!r}"
        ) from error


def contradicted(notice: Notice, vectors: Vectors, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the ids of the articles with a section on the same matter that says otherwise, the nearest first.

    Otherwise means: another number, or a word against one of the notice's, as open against closed. A person decides
    whether it truly contradicts; the list is for them.

    Args:
        notice: What is pinned.
        vectors: Of its wordings, shape (n, dim).
        snapshot: The articles.
    """
    rows = snapshot.section_index.nearest(vectors, k=LOOKED_AT)
    near = {int(row) for row in rows.ravel() if row >= 0}
    cosines = {row: float((snapshot.section_index.vectors[row] @ vectors.T).max()) for row in near}
    ranked = sorted((row for row in near if cosines[row] >= NEAR), key=lambda row: (-cosines[row], row))
    said = f"{subject_of(notice.title)} {notice.text if notice.text != notice.title else ''}"
    against = (row for row in ranked if any(_oppositions(said, snapshot.sections[row].text)))
    return tuple(dict.fromkeys(snapshot.articles[int(snapshot.article_of_section[row])].id for row in against))


def _oppositions(notice: str, section: str) -> Iterator[str]:
    """Yield what a section says against a notice."""
    here, there = _plain_words(notice), _plain_words(section)
    for one, other in _OPPOSITES:
        yield from there & other if here & one else ()
        yield from there & one if here & other else ()
    numbers = set(_NUMBER.findall(notice))
    yield from set(_NUMBER.findall(section)) - numbers if numbers else ()


def _plain_words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.casefold()))
