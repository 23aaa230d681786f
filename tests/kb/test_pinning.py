from datetime import UTC, datetime, timedelta, timezone

import pytest

from kb.pinning import contradicted, moment_of, notice_of
from tests.fakes import FakeEncoder
from tests.kb.builders import DIM, article, snapshot_of
from triage.errors import DataError

PACIFIC = timezone(timedelta(hours=-8))
SUNDAY = datetime(2026, 11, 22, 10, 30, tzinfo=PACIFIC)


def test_a_line_says_what_where_and_until_when() -> None:
    notice = notice_of("boil-water notice, district 3, until Friday", now=SUNDAY, service_types=["water.quality"])
    assert notice.title == notice.text == "boil-water notice, district 3, until Friday"
    assert notice.district == "3"
    assert notice.service_types == ("water.quality",)
    # The end of Friday, in the city's zone.
    assert notice.valid_until == datetime(2026, 11, 28, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("today", datetime(2026, 11, 23, tzinfo=PACIFIC)),
        ("tomorrow", datetime(2026, 11, 24, tzinfo=PACIFIC)),
        ("Sunday", datetime(2026, 11, 23, tzinfo=PACIFIC)),
        ("saturday", datetime(2026, 11, 29, tzinfo=PACIFIC)),
        ("2026-12-01", datetime(2026, 12, 2, tzinfo=PACIFIC)),
        ("2026-12-01 17:00", datetime(2026, 12, 1, 17, tzinfo=PACIFIC)),
        ("today 12:00", datetime(2026, 11, 22, 12, tzinfo=PACIFIC)),
    ],
)
def test_the_end_is_named_in_a_persons_words(told: str, expected: datetime) -> None:
    assert moment_of(told, now=SUNDAY) == expected


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("whenever", "until must be today, tomorrow, a weekday or a day such as 2026-05-01, got 'whenever'"),
        ("2026-11-01", "a notice must end in the future, got '2026-11-01'"),
        ("today 09:00", "must end in the future"),
        ("today noon", "such as 17:00, got 'noon'"),
    ],
)
def test_an_end_that_cannot_be_read_is_refused(told: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        moment_of(told, now=SUNDAY)


def test_a_notice_without_an_end_is_refused_with_what_to_do() -> None:
    with pytest.raises(DataError, match="end it with `until Friday`, or give --until"):
        notice_of("boil-water notice", now=SUNDAY)
    assert notice_of("boil-water notice", now=SUNDAY, until="friday").valid_until == datetime(
        2026, 11, 28, 8, tzinfo=UTC
    )


def test_articles_that_say_otherwise_are_named_and_others_on_the_matter_are_not() -> None:
    tap = article("tap", title="Tap water", text="Tap water is safe to drink.")
    hot = article("hot", title="Hot tap water", text="Tap water warms in pipes.")
    cart = article("cart", title="Carts", text="Carts are safe to keep outside.")
    notice = notice_of("boil tap water, district 3, until Friday", now=SUNDAY)
    vectors = FakeEncoder(DIM).encode(["tap water is"])
    assert contradicted(notice, vectors, snapshot_of(tap, hot, cart)) == ("tap",)


def test_another_number_is_something_else() -> None:
    fee = article("fee", title="Late fee", text="The late fee is $15.")
    vectors = FakeEncoder(DIM).encode(["the late fee is"])
    for line, expected in (("the late fee is $10", ("fee",)), ("the late fee is $15", ())):
        assert contradicted(notice_of(line, now=SUNDAY, until="today"), vectors, snapshot_of(fee)) == expected


@pytest.mark.parametrize(
    ("line", "district"),
    [
        ("boil-water notice, District Seven, until Friday", "7"),
        ("street closure in the theater district until Friday", None),
        ("school district offices closed until Friday", None),
        ("boil-water notice, district 3 and district 4, until Friday", None),
    ],
)
def test_a_notice_is_for_the_whole_city_unless_its_line_names_one_district(line: str, district: str | None) -> None:
    assert notice_of(line, now=SUNDAY).district == district
