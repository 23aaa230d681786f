"""Due times worked out by hand, across week-ends, holidays, changed clocks and questions to the resident."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.calendar import CityCalendar, Pause
from triage.calendar_file import load
from triage.errors import SettingsError
from triage.types import UrgencyLevel

ZONE = ZoneInfo("America/Los_Angeles")
CITY = load()
NORMAL, URGENT = UrgencyLevel.NORMAL, UrgencyLevel.URGENT
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
HOURS = st.floats(0, 400)
LEVELS = st.sampled_from(UrgencyLevel)


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("received", "hours", "level", "due"),
    [
        # 2026-11-20 is a Friday, the 26th Thanksgiving, July 3rd the observed Independence Day.
        pytest.param("2026-11-20 15:00", 72, NORMAL, "2026-11-25 15:00", id="three working days over a week-end"),
        pytest.param("2026-11-24 15:00", 72, NORMAL, "2026-11-30 15:00", id="and over a holiday"),
        pytest.param("2026-07-02 10:00", 24, NORMAL, "2026-07-06 10:00", id="an observed holiday"),
        pytest.param("2026-11-20 22:00", 24, NORMAL, "2026-11-24 08:00", id="ends at night, due in the morning"),
        pytest.param("2026-11-21 12:00", 24, NORMAL, "2026-11-24 08:00", id="comes on a Saturday"),
        pytest.param("2026-11-20 16:00", 4, UrgencyLevel.HIGH, "2026-11-23 11:00", id="four office hours"),
        pytest.param("2026-11-20 06:00", 4, UrgencyLevel.HIGH, "2026-11-20 12:00", id="before the office opens"),
        pytest.param("2026-11-20 08:00", 9, UrgencyLevel.HIGH, "2026-11-20 17:00", id="the whole day"),
        pytest.param("2026-11-21 23:00", 4, URGENT, "2026-11-22 03:00", id="urgent counts at night"),
        pytest.param("2026-11-21 23:00", 0, NORMAL, "2026-11-21 23:00", id="nothing to wait for"),
        pytest.param("2026-03-08 01:30", 2, URGENT, "2026-03-08 04:30", id="two hours when clocks go forward"),
        pytest.param("2026-11-01 00:30", 2, URGENT, "2026-11-01 01:30", id="two hours when clocks go back"),
    ],
)
def test_a_contact_is_due_when_its_hours_are_over(received: str, hours: float, level: UrgencyLevel, due: str) -> None:
    expected = local(due).astimezone(UTC)
    if "go back" in due or received == "2026-11-01 00:30":
        expected = local("2026-11-01 01:30").replace(fold=1).astimezone(UTC)
    assert CITY.due_at(local(received), hours, level) == expected


@pytest.mark.parametrize(
    ("asked", "answered", "hours", "level", "due"),
    [
        ("2026-11-18 10:00", "2026-11-19 10:00", 72, NORMAL, "2026-11-24 09:00"),
        ("2026-11-18 10:00", "2026-11-18 11:00", 4, URGENT, "2026-11-18 14:00"),
        ("2026-11-20 18:00", "2026-11-23 07:00", 4, UrgencyLevel.HIGH, "2026-11-18 13:00"),
        ("2026-11-17 10:00", "2026-11-18 12:00", 4, UrgencyLevel.HIGH, "2026-11-18 16:00"),
    ],
)
def test_the_clock_stands_while_the_resident_is_asked(
    asked: str, answered: str, hours: float, level: UrgencyLevel, due: str
) -> None:
    pause = Pause(start=local(asked), end=local(answered))
    assert CITY.due_at(local("2026-11-18 09:00"), hours, level, [pause]) == local(due).astimezone(UTC)


def test_nothing_is_due_while_the_resident_has_not_answered() -> None:
    open_question = [Pause(start=local("2026-11-18 10:00"))]
    assert CITY.due_at(local("2026-11-18 09:00"), 4, URGENT, open_question) is None
    assert CITY.due_at(local("2026-11-18 09:00"), 1, URGENT, open_question) == local("2026-11-18 10:00")


@given(received=MOMENTS, low=HOURS, high=HOURS, level=LEVELS)
def test_more_hours_are_never_due_earlier_and_none_before_it_came(
    received: datetime, low: float, high: float, level: UrgencyLevel
) -> None:
    low, high = sorted((low, high))
    if low < 24 <= high and level not in CITY.around_the_clock:
        return  # hours become days there
    early, late = CITY.due_at(received, low, level), CITY.due_at(received, high, level)
    assert early is not None
    assert late is not None
    assert received <= early <= late


@given(received=MOMENTS, hours=HOURS, level=LEVELS, asked=st.floats(0, 500), lasted=st.floats(0, 200))
def test_a_question_never_makes_a_contact_due_earlier(
    received: datetime, hours: float, level: UrgencyLevel, asked: float, lasted: float
) -> None:
    start = received + timedelta(hours=asked)
    pauses = [Pause(start=start, end=start + timedelta(hours=lasted))]
    plain, paused = CITY.due_at(received, hours, level), CITY.due_at(received, hours, level, pauses)
    assert plain is not None
    assert paused is not None
    assert plain <= paused
    assert CITY.due_at(received, hours, level, pauses * 2) == paused


@given(moment=MOMENTS)
def test_the_office_is_open_at_its_next_opening(moment: datetime) -> None:
    opening = CITY.next_opening(moment)
    assert opening >= moment
    assert CITY.is_open(opening)
    assert CITY.is_working_day(opening.astimezone(ZONE).date())


def test_a_due_time_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="target_hours must be 0 or more, got -1"):
        CITY.due_at(local("2026-11-18 09:00"), -1, NORMAL)
    with pytest.raises(ValueError, match="received_at needs a time zone"):
        CITY.due_at(datetime(2026, 11, 18), 1, NORMAL)


def calendar_of(tmp_path: Path, text: str) -> CityCalendar:
    file = tmp_path / "calendar.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def test_a_city_has_its_own_zone_hours_and_holidays(tmp_path: Path) -> None:
    city = calendar_of(
        tmp_path,
        """
zone: America/Chicago
office_hours: {saturday: [09:00-12:00, 13:00-15:00]}
holidays: {days: [{date: 2026-11-21, name: Parade}, {every: 12-05, name: Founders}]}
""",
    )
    noon = datetime(2026, 11, 28, 12, tzinfo=ZoneInfo("America/Chicago"))
    assert not city.is_working_day(date(2026, 11, 21))
    assert not city.is_working_day(date(2026, 12, 5))
    assert city.is_working_day(date(2026, 12, 12))
    assert not city.is_open(noon)
    assert city.next_opening(noon) == noon + timedelta(hours=1)
    assert city.due_at(noon - timedelta(days=9), 4, NORMAL) == noon + timedelta(hours=2)
    assert city.around_the_clock == frozenset()


def test_the_federal_holidays_of_2027_and_2028_are_kept_when_they_are_observed() -> None:
    off = [day for number in range(731) if (day := date(2027, 1, 1) + timedelta(days=number)) in CITY.holidays]
    working = [f"{day:%m-%d}" for day in off if day.weekday() < 5]
    assert working == [
        *("01-01", "01-18", "02-15", "05-31", "06-18", "07-05", "09-06", "10-11", "11-11", "11-25", "12-24"),
        *("12-31", "01-17", "02-21", "05-29", "06-19", "07-04", "09-04", "10-09", "11-10", "11-23", "12-25"),
    ]


def test_a_city_may_leave_out_observed_days(tmp_path: Path) -> None:
    hours = "zone: America/Los_Angeles\noffice_hours: {friday: 08:00-17:00}\n"
    plain = calendar_of(tmp_path, hours + "holidays: {days: [{name: Independence Day, every: 07-04}]}")
    assert plain.is_working_day(date(2026, 7, 3))
    assert not CITY.is_working_day(date(2026, 7, 3))


@pytest.mark.parametrize("every", ["fifth monday of may", "last monday of may"])
def test_a_holiday_may_be_the_last_or_the_fifth_of_its_kind(tmp_path: Path, every: str) -> None:
    hours = "zone: UTC\noffice_hours: {monday: 08:00-17:00}\n"
    city = calendar_of(tmp_path, hours + f"holidays: {{days: [{{name: Day, every: {every}}}]}}")
    assert not city.is_working_day(date(2027, 5, 31))  # the fifth and last Monday
    assert city.is_working_day(date(2026, 5, 25)) == (every == "fifth monday of may")  # the fourth and last


def test_every_fault_of_a_calendar_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        calendar_of(
            tmp_path,
            """
zone: Mars/Olympus
office_hours: {monday: 17:00-08:00, tuesday: noon}
around_the_clock: [asap]
holidays: {days: [{date: soon, name: Feast}, 03-31, {every: last someday of may, name: Feast}]}
""",
        )
    said = str(raised.value)
    for fault in ("zone must be", "monday must be", "tuesday must be", "'asap'", "someday", "'soon'", "'03-31'"):
        assert fault in said


@pytest.mark.parametrize("text", ["[", "- a", "zone: [", "holidays: {days: [{date: 2026-02-31, name: a}]}"])
def test_a_file_that_is_no_calendar_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"calendar\.yaml"):
        calendar_of(tmp_path, text)


def test_a_calendar_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set TRIAGE_CALENDAR"):
        load(tmp_path / "none.yaml")


def test_an_office_that_never_opens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="office_hours must name"):
        calendar_of(tmp_path, "zone: UTC\noffice_hours: {}")
