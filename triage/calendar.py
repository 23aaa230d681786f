"""Due times: target hours of a service type, counted in the city's zone, office hours and holidays.

Which hours count depends on the target:

- the levels that the city names (`around_the_clock`) count every hour of every day;
- a target of less than a day counts the hours in which the office is open;
- a target of a day or more counts working days from midnight to midnight, so that 72 hours are three working days,
  and one that ends while the office is closed is due when it opens next.

No hour counts while the resident is asked something. All arithmetic is done on moments, never on wall clocks: a day on
which the clocks change has 23 or 25 hours.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from triage.types import UrgencyLevel

Span = tuple[datetime, datetime]
Hours = tuple[time, time]
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
LAST: Final = -1
_MONDAY, _FRIDAY = 0, 4
# No due time lies further ahead; a calendar whose office never opens is refused when it is read.
_HORIZON_DAYS: Final = 366 * 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A time in which the city waits for the resident; `end` is None while it still waits."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """Days on which the city does not work.

    Attributes:
        once: Days of one year.
        fixed: (month, day) of every year.
        floating: (month, weekday, number) of every year: the number-th such weekday of the month, Monday is 0, and
            LAST is the last one.
        observed: Whether a fixed day that falls on a Saturday is kept on the Friday before, and one on a Sunday on
            the Monday after (5 U.S.C. § 6103(b); Executive Order 11582).
    """

    once: frozenset[date] = frozenset()
    fixed: frozenset[tuple[int, int]] = frozenset()
    floating: frozenset[tuple[int, int, int]] = frozenset()
    observed: bool = False

    def __contains__(self, day: date) -> bool:
        return day in self.once or self._is_fixed(day) or self._is_floating(day) or self._is_moved_to(day)

    def _is_fixed(self, day: date) -> bool:
        return (day.month, day.day) in self.fixed

    def _is_floating(self, day: date) -> bool:
        numbers = {(day.day + 6) // 7, LAST if (day + WEEK).month != day.month else 0}
        return any((day.month, day.weekday(), number) in self.floating for number in numbers)

    def _is_moved_to(self, day: date) -> bool:
        moved_from = {_FRIDAY: day + DAY, _MONDAY: day - DAY}.get(day.weekday())
        return self.observed and moved_from is not None and self._is_fixed(moved_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class CityCalendar:
    """When the city works.

    Attributes:
        zone: Where its clocks are read.
        hours: Opening hours of each weekday, Monday first, in order and not overlapping; empty where closed.
        holidays: Days without opening hours.
        around_the_clock: Levels whose target hours run always.
        version: Of the file that it was read from.
    """

    zone: tzinfo
    hours: tuple[tuple[Hours, ...], ...]
    holidays: Holidays
    around_the_clock: frozenset[UrgencyLevel]
    version: str = "0"

    def is_working_day(self, day: date) -> bool:
        """Tell whether the office opens at all on a day of the city's zone."""
        return bool(self.hours[day.weekday()]) and day not in self.holidays

    def is_open(self, moment: datetime) -> bool:
        """Tell whether the office is open; it is at the moment it opens, and not at the one it closes."""
        return self.next_opening(moment) == moment

    def next_opening(self, moment: datetime) -> datetime:
        """Return the moment itself while the office is open, else when it opens next, in UTC."""
        moment = moment.astimezone(UTC)
        return next(max(start, moment) for start, end in self._open_spans(moment) if end > moment)

    def due_at(
        self, received_at: datetime, target_hours: float, level: UrgencyLevel, pauses: Iterable[Pause] = ()
    ) -> datetime | None:
        """Return when a contact must be done, in UTC.

        Args:
            received_at: When the clock started, aware.
            target_hours: The service type's, 0 or more.
            level: The urgency that stands.
            pauses: When the resident was asked, in any order; they may overlap.

        Returns:
            The first moment at which the counted hours are over; None while the resident is still asked and the
            hours before that did not suffice.

        Raises:
            ValueError: If target_hours is negative, or a time has no zone.
        """
        if target_hours < 0:
            raise ValueError(f"target_hours must be 0 or more, got {target_hours}")
        if received_at.tzinfo is None:
            raise ValueError("received_at needs a time zone")
        received_at, target = received_at.astimezone(UTC), timedelta(hours=target_hours)
        if level in self.around_the_clock:
            return _end(_without(iter([(received_at, _far(received_at))]), pauses), target, received_at)
        if target < DAY:
            return _end(_without(self._open_spans(received_at), pauses), target, received_at)
        due = _end(_without(self._working_days(received_at), pauses), target, received_at)
        return due and self.next_opening(due)

    def _open_spans(self, since: datetime) -> Iterator[Span]:
        """Yield the opening hours from the day of a moment on, in order, for as long as any due time may take."""
        for day in self._days(since):
            if self.is_working_day(day):
                for opens, closes in self.hours[day.weekday()]:
                    yield self._moment(day, opens), self._moment(day, closes)

    def _working_days(self, since: datetime) -> Iterator[Span]:
        for day in self._days(since):
            if self.is_working_day(day):
                yield self._moment(day, time.min), self._moment(day + DAY, time.min)

    def _days(self, since: datetime) -> Iterator[date]:
        first = since.astimezone(self.zone).date()
        return (first + timedelta(days=number) for number in range(_HORIZON_DAYS))

    def _moment(self, day: date, wall: time) -> datetime:
        return datetime.combine(day, wall, self.zone).astimezone(UTC)


def _far(moment: datetime) -> datetime:
    return moment + timedelta(days=_HORIZON_DAYS)


def _without(spans: Iterator[Span], pauses: Iterable[Pause]) -> Iterator[Span]:
    """Yield what is left of spans when the pauses are cut out, in order."""
    cuts = sorted((pause.start, pause.end or datetime.max.replace(tzinfo=UTC)) for pause in pauses)
    for start, end in spans:
        for cut_start, cut_end in cuts:
            if start < cut_start < end:
                yield start, cut_start
            if cut_start < end:
                start = max(start, cut_end)
            if start >= end:
                break
        else:
            yield start, end


def _end(spans: Iterator[Span], target: timedelta, received_at: datetime) -> datetime | None:
    """Return the first moment at which `target` has passed inside the spans after `received_at`."""
    if not target:
        return received_at
    left = target
    for start, end in spans:
        start = max(start, received_at)
        if end - start >= left:
            return start + left
        left -= max(end - start, timedelta())
    return None
