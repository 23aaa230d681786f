"""The file of a city's calendar: read from YAML, checked, then frozen."""

import re
from collections.abc import Mapping
from datetime import UTC, date, time, tzinfo
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from triage.calendar import LAST, CityCalendar, Holidays, Hours
from triage.errors import SettingsError
from triage.types import UrgencyLevel

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
NUMBERS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": LAST}
_FLOATING = re.compile(f"({'|'.join(NUMBERS)}) ({'|'.join(WEEKDAYS)}) of ({'|'.join(MONTHS)})")
# A day of one year, (month, day) of every year, or (month, weekday, number) of every year.
Day: TypeAlias = date | tuple[int, int] | tuple[int, int, int]


def default_path() -> Path:
    """Return the calendar that ships with the project."""
    return Path(str(files("triage") / "calendar.yaml"))


def load(path: Path | None = None) -> CityCalendar:
    """Read and check a calendar file.

    Raises:
        SettingsError: If the file is missing, is no YAML, or breaks a rule; all findings at once.
    """
    source = path or default_path()
    try:
        document = yaml.load(source.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{source}: cannot be read ({error}); set TRIAGE_CALENDAR to a YAML file") from error
    except (yaml.YAMLError, ValueError) as error:  # a date that no calendar has is a ValueError
        raise SettingsError(f"{source}: is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{source}: needs `zone` and `office_hours`, see {default_path()}")
    reader = _Reader(source)
    calendar = CityCalendar(
        zone=reader.zone(document.get("zone")),
        hours=reader.hours(document.get("office_hours")),
        holidays=reader.holidays(document.get("holidays") or {}),
        around_the_clock=reader.levels(document.get("around_the_clock") or []),
        version=str(document.get("version", "0")),
    )
    reader.raise_problems()
    return calendar


class _Reader:
    """Reads the parts of a calendar file and gathers what is wrong with them."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._problems: list[str] = []

    def raise_problems(self) -> None:
        if self._problems:
            raise SettingsError("\n".join(f"{self._source}: {problem}" for problem in self._problems))

    def zone(self, name: object) -> tzinfo:
        try:
            return ZoneInfo(str(name))
        except (OSError, ValueError, ZoneInfoNotFoundError):
            self._problems.append(f"zone must be a name of the IANA time zones, such as America/Chicago, got {name!r}")
            return UTC

    def hours(self, document: object) -> tuple[tuple[Hours, ...], ...]:
        days: Mapping[Any, Any] = document if isinstance(document, dict) else {}
        if not any(days.values()) or not set(days) <= set(WEEKDAYS):
            self._problems.append(f"office_hours must name opening hours of weekdays in lower case, got {document!r}")
        return tuple(self._ranges(name, days.get(name) or []) for name in WEEKDAYS)

    def _ranges(self, name: str, value: object) -> tuple[Hours, ...]:
        try:
            ranges = tuple(_range(each) for each in (value if isinstance(value, list) else [value]))
            moments = [moment for each in ranges for moment in each]
            if moments != sorted(set(moments)):
                raise ValueError("out of order")
        except (ValueError, TypeError):
            self._problems.append(
                f"{name} must be hours such as 08:00-17:00, or a list of them in order, got {value!r}"
            )
            return ()
        return ranges

    def levels(self, names: object) -> frozenset[UrgencyLevel]:
        if isinstance(names, list) and set(map(str, names)) <= set(UrgencyLevel):
            return frozenset(map(UrgencyLevel, names))
        self._problems.append(f"around_the_clock must list levels of {', '.join(UrgencyLevel)}, got {names!r}")
        return frozenset()

    def holidays(self, document: object) -> Holidays:
        if not isinstance(document, dict) or not set(document) <= {"observed", "days"}:
            self._problems.append(f"holidays may have observed and days, got {document!r}")
            return Holidays()
        days = [day for row in document.get("days") or [] for day in self._day(row)]
        return Holidays(
            once=frozenset(day for day in days if isinstance(day, date)),
            fixed=frozenset(day for day in days if isinstance(day, tuple) and len(day) == 2),
            floating=frozenset(day for day in days if isinstance(day, tuple) and len(day) == 3),
            observed=document.get("observed") is True,
        )

    def _day(self, row: object) -> list[Day]:
        try:
            return [_holiday(row)]
        except (ValueError, TypeError, KeyError):
            self._problems.append(
                "a holiday needs a name and `date: 2026-11-27`, `every: 03-31` or `every: last monday of may`, "
                f"got {row!r}"
            )
            return []


def _range(value: object) -> Hours:
    opens, _, closes = str(value).partition("-")
    return time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip())


def _holiday(row: object) -> Day:
    if not isinstance(row, dict) or not row.get("name"):
        raise ValueError("no name")
    if isinstance(row.get("date"), date):
        day: date = row["date"]
        return day
    every = str(row["every"])
    floating = _FLOATING.fullmatch(every)
    if floating:
        number, weekday, month = floating.groups()
        return MONTHS.index(month) + 1, WEEKDAYS.index(weekday), NUMBERS[number]
    fixed = date.fromisoformat(f"2024-{every}")  # a leap year, so that 29 February may be one
    return fixed.month, fixed.day
