"""Near-duplicates are found without comparing all with all."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.duplicates import jaccard, near_duplicates

LONG = "someone dumped a couch and two mattresses behind the old school on florin road last night"


def test_a_word_changed_is_the_same_message_and_another_message_is_not() -> None:
    found = near_duplicates([LONG, "pothole on 9th and oak", LONG.replace("two", "three"), LONG.upper()])
    assert found.tolist() == [0, 1, 0, 0]


@given(st.lists(st.text(max_size=20), max_size=12))
def test_equal_texts_always_belong_together_and_the_first_leads(texts: list[str]) -> None:
    found = near_duplicates(texts)
    assert all(found[number] == found[texts.index(text)] for number, text in enumerate(texts))
    assert all(found[lead] == lead <= number for number, lead in enumerate(found.tolist()))


def test_jaccard_is_the_one_worked_out_by_hand() -> None:
    one, other = np.array([1, 2, 3], dtype=np.uint64), np.array([2, 3, 4, 5], dtype=np.uint64)
    assert jaccard(one, other) == 2 / 5
