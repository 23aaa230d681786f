"""What is left out of a city's labels, and what is refused."""

import pytest

from models.cleaning import Labels, LeftOut, clean
from models.datasets import Example, Row
from tests.fakes import shipped_taxonomy
from tests.models.samples import examples
from triage.errors import DataError

CODES = shipped_taxonomy().codes


def rows(*more: tuple[str, str]) -> list[Row]:
    found = [*examples(), *(Example(text=text, label=label) for text, label in more)]
    return [(f"a.csv:{number}", example) for number, example in enumerate(found, start=1)]


def test_what_cannot_be_learned_from_is_left_out_with_reason_and_place() -> None:
    first = examples()[0]
    cleaned = clean(rows((" ", "waste.dumping"), ("hole", "a\tb"), (first.text.upper(), first.label)), CODES)
    assert cleaned.examples == tuple(examples())
    assert cleaned.left_out == (
        LeftOut(reason="the text is empty", n=1, places=("a.csv:37",)),
        LeftOut(reason="the label holds a tab, a line break or another control character", n=1, places=("a.csv:38",)),
        LeftOut(reason="the same text and label stand there already", n=1, places=("a.csv:39",)),
    )


def test_forty_percent_duplicates_count_once_each() -> None:
    cleaned = clean([*rows(), *rows()[:24]], CODES)
    assert (len(cleaned.examples), cleaned.left_out[0].n, len(cleaned.left_out[0].places)) == (36, 24, 5)


def test_a_text_with_two_labels_keeps_the_more_frequent_one() -> None:
    first = examples()[0]
    cleaned = clean(rows((first.text, "waste.dumping"), (first.text, "waste.dumping")), CODES)
    assert [each.label for each in cleaned.examples if each.text == first.text] == ["waste.dumping"]


def test_a_mixture_of_known_and_foreign_labels_is_refused_unless_any_is_allowed() -> None:
    mixed = rows(("moat is dry", "streets.moat"))
    with pytest.raises(DataError, match=r"1 labels are not in the taxonomy: 'streets.moat'; .*--labels any"):
        clean(mixed, CODES)
    assert len(clean(mixed, CODES, labels=Labels.ANY).examples) == 37


def test_a_set_of_labels_of_its_own_is_taken_and_refused_where_the_taxonomy_is_wanted() -> None:
    assert len(clean(rows(), ("other.code",)).examples) == 36
    with pytest.raises(DataError, match="6 labels are not in the taxonomy"):
        clean(rows(), ("other.code",), labels=Labels.TAXONOMY)


def test_one_label_only_or_two_messages_are_too_few() -> None:
    with pytest.raises(DataError, match=r"at least two labels, found \['animal.barking'\]"):
        clean(rows()[:6], CODES)
    with pytest.raises(DataError, match="at least 10 messages, found 2"):
        clean([rows()[0], rows()[-1]], CODES)
