"""What is held out is not what was learned from, nor nearly."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models.splitting import Split, parts_of
from tests.models.samples import examples
from triage.errors import DataError

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_newest_fifth_is_held_out_where_times_are_known() -> None:
    dated = [replace(each, received_at=START - timedelta(days=n)) for n, each in enumerate(examples())]
    parts = parts_of(dated, 3, 0)
    assert parts.kind == "time"
    assert np.flatnonzero(parts.outside[0]).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_a_time_split_without_times_is_refused() -> None:
    with pytest.raises(DataError, match="needs received_at in every message"):
        parts_of(examples(), 3, 0, Split.TIME)


def test_a_near_duplicate_across_the_border_is_neither_learned_from_nor_measured() -> None:
    known = examples()
    copied = [*known, replace(known[0], text=known[0].text + "!", group="writer-1")]
    parts = parts_of(copied, 3, 0)
    assert parts.leaked == 2
    assert [bool(outside[36]) for outside in parts.outside] == [False, False, False]


def test_every_message_is_held_out_once_and_never_learned_from_then() -> None:
    parts = parts_of([replace(each, group="") for each in examples()], 3, 0)
    assert np.sum(parts.outside, axis=0).tolist() == [1] * 36
    assert not any((inside & outside).any() for inside, outside in zip(parts.inside, parts.outside, strict=True))
