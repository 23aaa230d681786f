from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.changes import Change, ChangeKind, changes

SAME, ADDED, REMOVED = ChangeKind


def said(before: str, after: str) -> list[tuple[ChangeKind, str]]:
    return [(change.kind, change.text) for change in changes(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("one\n", "one\n", [(SAME, "one\n")]),
        ("", "new\n", [(ADDED, "new\n")]),
        ("old\n", "", [(REMOVED, "old\n")]),
        ("", "", []),
        (
            "Two pickups a year.\nCall 311.\n",
            "Three pickups a year.\nCall 311.\n",
            [(REMOVED, "Two"), (ADDED, "Three"), (SAME, " pickups a year.\nCall 311.\n")],
        ),
        ("每年两次\n", "每年三次\n", [(SAME, "每年"), (REMOVED, "两"), (ADDED, "三"), (SAME, "次\n")]),
    ],
)
def test_words_that_changed_are_told_within_their_lines(
    before: str, after: str, found: list[tuple[ChangeKind, str]]
) -> None:
    assert said(before, after) == found


@given(st.text(alphabet="ab \n.字"), st.text(alphabet="ab \n.字"))
def test_both_texts_can_be_read_from_the_changes(before: str, after: str) -> None:
    found = changes(before, after)
    assert "".join(change.text for change in found if change.kind is not ADDED) == before
    assert "".join(change.text for change in found if change.kind is not REMOVED) == after
    assert all(one.kind is not other.kind for one, other in pairwise(found))


def test_a_change_too_large_to_compare_word_by_word_is_exchanged_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.changes.MOST_PAIRS", 4)
    assert changes("a b c\n", "a b d\n") == (
        Change(kind=REMOVED, text="a b c\n"),
        Change(kind=ADDED, text="a b d\n"),
    )
