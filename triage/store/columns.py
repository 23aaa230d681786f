"""Column types that give back exactly what was put in, alike on SQLite and PostgreSQL."""

import re
from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

# SQLite counts rows only in a column of its own INTEGER type; elsewhere two thousand million are too few.
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

# SUBSTITUTE, the control character that stands for one that cannot be transmitted.
_ESCAPE = "\x1a"
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")


def escape(text: str) -> str:
    r"""Return a text that every database stores, from which `unescape` gives back the original.

    PostgreSQL refuses U+0000, and no database takes a lone surrogate (half of an emoji, left by a cut in
    UTF-16). Each becomes U+001A and four hexadecimal digits, as U+001A itself does; other texts stay as they
    are, so that they can be read and searched in SQL. Distinct texts have distinct escapes.
    """
    return _UNSTORABLE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):04x}", text)


def unescape(stored: str) -> str:
    """Return the text that `escape` was given."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), stored) if _ESCAPE in stored else stored


class ExactText(TypeDecorator[str]):
    """Text of any length with any code point, NUL and lone surrogates included."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored and given back in UTC, to the microsecond; one without time zone is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else to_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def to_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC; one beyond the calendar's ends becomes that end.

    A mail may claim the year 1 in Tokyo, which UTC cannot say; a broken clock must not lose the mail.
    """
    if moment.tzinfo is None:
        raise ValueError("a stored datetime needs a time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        end = datetime.min if moment.year == 1 else datetime.max
        return end.replace(tzinfo=UTC)
