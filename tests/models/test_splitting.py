"""What is held out is not what was learned from, nor nearly."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models.datasets import Example
from models.splitting import Split, fold_numbers, parts_of
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


def dated(labels: str) -> list[Example]:
    """Return messages with one letter as label each, the oldest first; o is out of scope."""
    texts = [each.text for each in examples()]
    return [
        Example(text=text, label="oos" if label == "o" else label, received_at=START + timedelta(days=day))
        for day, (text, label) in enumerate(zip(texts, labels, strict=False))
    ]


def test_older_messages_of_one_label_do_not_bear_a_time_split() -> None:
    with pytest.raises(DataError, match=r"one label only, \['a'\]; bring more of them, or take --split grouped"):
        parts_of(dated("aaaaaaaabb"), 3, 0)
    assert len(parts_of(dated("aaaaaaaabb"), 2, 0, Split.GROUPED).inside) == 2


def test_newest_messages_that_are_all_out_of_scope_are_no_measure() -> None:
    with pytest.raises(DataError, match="no message can be held out: each is out of scope or nearly the same"):
        parts_of(dated("abababaaoo"), 3, 0)


def test_labels_of_one_message_each_are_dealt_to_all_parts() -> None:
    lonely = [replace(each, label=f"label-{number}", group="") for number, each in enumerate(examples()[:16])]
    parts = parts_of(lonely, 3, 0)
    assert [int(outside.sum()) for outside in parts.outside] == [6, 5, 5]
    assert [int(inside.sum()) for inside in parts.inside] == [10, 11, 11]


def test_twenty_thousand_writers_are_dealt_out_in_no_time() -> None:
    many = [Example(text="x", label="ab"[number % 2], group=f"{number:05}") for number in range(20_000)]
    began = time.process_time()
    folds, kind = fold_numbers(many, 3, 0)
    assert time.process_time() - began < 1
    assert (kind, folds[:4].tolist()) == ("writers", [0, 1, 2, 0])
