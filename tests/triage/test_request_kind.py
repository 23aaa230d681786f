from functools import cache
from pathlib import Path

import pytest

from triage.errors import SettingsError
from triage.evidence import Rules
from triage.phrases import Phrasebook, plain_words
from triage.request_kind import KindRules
from triage.safety_text import read
from triage.types import RequestKind


@cache
def kinds() -> KindRules:
    return KindRules.load()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("big hole on folsom right before the store", "report"),
        ("Hydrant leaking on Hazel Way", "report"),
        ("my trash wasnt picked up this week", "report"),
        ("how do I pay my bill online?", "question"),
        ("what day is trash pickup on Muir Ave", "question"),
        ("do i need a permit to cut down a tree", "question"),
        ("clr asks if fireworks are legal", "question"),
        ("¿cuánto cuesta el permiso para una cerca?", "question"),
        ("请问许可证多少钱？", "question"),
        ("сколько стоит разрешение и где его получить?", "question"),
        ("any update on case 24-118734?", "status"),
        ("whats up with my request 88120", "status"),
        ("just want to say thank you to the crew that fixed our street, great job", "praise"),
        ("", "other"),
        ("...", "other"),
    ],
)
def test_the_kind_of_plain_messages(text: str, kind: str) -> None:
    assert kinds().kind_of(text) == RequestKind(kind)


def found(lines: list[str], text: str, lists: dict[str, list[str]] | None = None) -> list[tuple[int, int]]:
    reading = read(text)
    book = Phrasebook({"rule": lines}, lists or {})
    return [(hit.start, hit.end) for hit in book.find(plain_words(reading), reading.sentences)]


def test_a_gap_lets_words_pass_but_no_sentence_end() -> None:
    assert found(["no ~2 water"], "no hot water") == [(0, 3)]
    assert found(["no ~2 water"], "no really very hot water") == []
    assert found(["no ~2 water"], "none, no more. Water!") == []


def test_a_star_stands_for_any_ending_and_an_underscore_for_a_blank() -> None:
    assert found(["flood*"], "it flooded") == [(1, 2)]
    assert found(["shut_off|cut"], "they shut off and cut it") == [(1, 3), (4, 5)]


def test_accents_and_apostrophes_do_not_matter() -> None:
    assert found(["nino"], "mi niño") == [(1, 2)]
    assert found(["cant"], "I can't") == [(1, 2)]


def test_a_caret_asks_for_the_first_word_of_a_sentence() -> None:
    assert found(["^how"], "Hi. How? And how?") == [(1, 2)]


def test_chinese_phrases_are_found_without_blanks() -> None:
    assert found(["停水"], "我家停水了") == [(2, 4)]


def test_a_list_is_named_with_an_at_sign() -> None:
    assert found(["my @child"], "my kid", {"child": ["kid baby"]}) == [(0, 2)]


def test_an_unknown_list_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="there are: child"):
        Phrasebook({"rule": ["@chld"]}, {"child": ["kid"]})


def test_a_file_without_rules_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("lists: {}", encoding="utf-8")
    with pytest.raises(SettingsError, match="needs `rules`"):
        Rules.load(path)
