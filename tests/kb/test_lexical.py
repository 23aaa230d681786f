import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.lexical import Bm25, CharTfidf, Postings, joined_ranges, stem, stems_of, words_of


def test_words_are_lower_case_and_keep_apostrophes() -> None:
    assert words_of("The City’s bill: $40, NOT paid!") == ["the", "city's", "bill", "40", "not", "paid"]


def test_unspaced_scripts_are_cut_into_overlapping_pairs() -> None:
    assert words_of("水费账单 bill") == ["水费", "费账", "账单", "bill"]


@given(st.text())
def test_words_of_words_are_the_words(text: str) -> None:
    words = [word for word in words_of(text) if word.isascii()]
    assert words_of(" ".join(words)) == words


def test_stems_join_forms_of_a_word_and_drop_function_words() -> None:
    assert stems_of("When are the potholes filled?") == stems_of("filling a pothole")[::-1] == ["pothol", "fill"]


def test_a_language_has_its_own_stemmer_or_none() -> None:
    assert stem("facturas", "es") == "factur"
    assert stem("hóadơn", "vi") == "hóadơn"
    assert stem("city's", "en") == "citi"


def test_joined_ranges_follow_one_another() -> None:
    assert joined_ranges(np.array([5, 0, 9]), np.array([2, 3, 0])).tolist() == [5, 6, 0, 1, 2]


def test_bm25_of_two_rows_is_what_the_formula_gives_by_hand() -> None:
    # Lengths 2 and 1, mean 1.5: norms .9 * (.6 + .4 * 2 / 1.5) = 1.02 and .9 * (.6 + .4 / 1.5) = 0.78.
    # idf(water) = ln 1.2, idf(bill) = ln 2. Row 0 earns 1 / 2.02 of both; row 1 1 / 1.78 of water's.
    index = Bm25.of([{"water": 1.0, "bill": 1.0}, {"water": 1.0}])
    weights = index.weights_of(["water", "bill"])
    assert weights == pytest.approx({"water": np.log(1.2), "bill": np.log(2)})
    similarities, coverage = index.similarities(weights), index.coverage(weights, [0, 1])
    assert similarities == pytest.approx([1 / 2.02, np.log(1.2) / 1.78 / np.log(2.4)])
    assert coverage == pytest.approx([1.0, np.log(1.2) / np.log(2.4)])


def test_bm25_counts_unknown_stems_in_the_whole() -> None:
    index = Bm25.of([{"water": 1.0}, {"bill": 1.0}])
    alone, weights = index.similarities(index.weights_of(["water"])), index.weights_of(["water", "zebra"])
    with_unknown, coverage = index.similarities(weights), index.coverage(weights, [0, 1])
    assert with_unknown == pytest.approx(alone / 2)
    assert coverage == pytest.approx([0.5, 0.0])


def test_a_query_without_stems_earns_nothing() -> None:
    index = Bm25.of([{"water": 1.0}])
    assert (index.similarities({}).tolist(), index.coverage({}, [0])) == ([0.0], [0.0])


@given(
    st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers(1, 5).map(float)), min_size=1, max_size=6),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 5).map(float)),
)
def test_products_equal_those_of_plain_dictionaries(rows: list[dict[str, float]], query: dict[str, float]) -> None:
    expected = [sum(row.get(term, 0.0) * weight for term, weight in query.items()) for row in rows]
    assert Postings.of(rows).products(query).tolist() == pytest.approx(expected)


def test_letters_find_the_word_that_was_meant() -> None:
    words = ["garbage", "garage", "pothole"]
    letters = CharTfidf.of([{word: 1.0} for word in words])
    assert words[int(letters.similarities(["garbege"]).argmax())] == "garbage"
    assert letters.similarities(["pothole"])[2] == pytest.approx(1.0)
    assert letters.similarities(["xyz"]).tolist() == [0.0, 0.0, 0.0]
