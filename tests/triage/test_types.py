"""The values that walk through the pipeline cannot be changed, and hold what code relies on."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from triage.types import Language, Message, UrgencyLevel


def test_urgency_levels_are_ranked_from_info_to_emergency() -> None:
    assert sorted(UrgencyLevel, key=lambda level: level.rank) == [
        "info",
        "low",
        "normal",
        "high",
        "urgent",
        "emergency",
    ]
    assert [level.rank for level in UrgencyLevel] == [5, 4, 3, 2, 1, 0]


def test_a_message_needs_an_id() -> None:
    with pytest.raises(ValueError, match="a message needs an id"):
        Message(id="", text="pothole")


def test_a_message_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="received_at of message m-1 has no time zone"):
        Message(id="m-1", text="pothole", received_at=datetime(2026, 3, 1))
    aware = datetime(2026, 3, 1, tzinfo=UTC)
    assert Message(id="m-1", text="pothole", received_at=aware).received_at == aware


def test_values_cannot_be_changed() -> None:
    message = Message(id="m-1", text="pothole")
    with pytest.raises(FrozenInstanceError):
        message.text = "other"  # type: ignore[misc]


def test_an_unknown_language_has_no_probability() -> None:
    assert (Language.unknown().code, Language.unknown().probability) == ("und", 0.0)
