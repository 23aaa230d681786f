"""The features are those of scikit-learn's TfidfVectorizer, without its import."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from models.features import TfidfFeatures, as_written, char_grams, stacked, word_grams, words_of

TEXTS = [
    "There's a pothole on 9th and Oak, a deep pothole",
    "pothole pothole POTHOLE!! fix it already",
    "the street light at 2210 Florin Rd is out",
    "Street light flickering all night at 4471 Elm St",
    "my bill doubled and I can't pay it till the 15th",
    "can’t pay the bill, need a payment plan",
    "somebody dumped a couch behind my house",
    "a couch and two mattresses dumped in the alley",
    "what time does the permit counter close",
    "is the permit counter open on Saturday",
    "Quiero saber cuándo pasan por los muebles viejos",
    "¿cuándo pasan por la basura?",
    "the dog next door barks all night, every night",
    "barking dog at night",
    "water is shooting out of the street",
    "no water since this morning",
    "tree limb fell across the sidewalk",
    "a b c 1 2 3",
    "I_am_under_scored and hyphen-ated",
    "🙏🙏🙏",
]


def reference_rows(min_count: int) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Return the word and character weights that scikit-learn gives each text, by gram."""
    words = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=min_count, **SETTINGS)
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=min_count, **SETTINGS)
    return weights_by_gram(words), weights_by_gram(chars)


SETTINGS = {
    "preprocessor": lambda text: " ".join(words_of(text)),
    "sublinear_tf": True,
    "smooth_idf": True,
    "norm": "l2",
}


def weights_by_gram(vectorizer: TfidfVectorizer) -> list[dict[str, float]]:
    matrix = vectorizer.fit_transform(TEXTS).tocsr()
    grams = vectorizer.get_feature_names_out()
    return [dict(zip(grams[row.indices], row.data.tolist(), strict=True)) for row in matrix]


@pytest.mark.parametrize("min_count", [1, 2, 3])
def test_the_weights_are_those_of_scikit_learn(min_count: int) -> None:
    features = TfidfFeatures.fit(TEXTS, min_count=min_count)
    names = [*features.word_vocabulary, *features.char_vocabulary]
    word_rows, char_rows = reference_rows(min_count)
    for text, words, chars in zip(TEXTS, word_rows, char_rows, strict=True):
        row = features.row(text)
        grams = [names[number] for number in row.indices]
        found_words = dict(zip(grams[: row.n_words], row.weights[: row.n_words].tolist(), strict=True))
        found_chars = dict(zip(grams[row.n_words :], row.weights[row.n_words :].tolist(), strict=True))
        assert found_words == pytest.approx(words, abs=1e-5)
        assert found_chars == pytest.approx(chars, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Can’t PAY 4471-22!", ["can't", "pay", "0000", "00"]),
        ("snake_case", ["snake", "case"]),
        ("", []),
        ("🙏 ?", []),
        ("ТЁМНО 路灯", ["темно", "路灯"]),
        ("Ổ GÀ ở đường", ["o", "ga", "o", "duong"]),
        ("가로등 mañana", ["가로등", "manana"]),
    ],
)
def test_words_are_lower_case_without_accents_and_digits_are_zeros(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(text=st.text(st.characters(exclude_categories=()), max_size=60))
def test_the_words_of_words_are_the_same_words(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words


def test_words_are_shown_as_the_resident_wrote_them() -> None:
    shown = as_written("Có ổ gà ở Stockton")
    assert shown["o ga"] == "ổ gà"
    assert "stockton" not in shown
    assert as_written("plain words") == {}


def test_grams_of_words_are_the_words_and_then_the_neighbors() -> None:
    assert list(word_grams(["no", "hot", "water"])) == ["no", "hot", "water", "no hot", "hot water"]


def test_grams_of_characters_know_where_a_word_begins_and_ends() -> None:
    assert list(char_grams("ab")) == [" a", "ab", "b ", " ab", "ab ", " ab "]
    assert list(char_grams("a")) == [" a", "a ", " a "]


def test_the_most_frequent_grams_are_kept_and_ties_go_to_the_alphabet() -> None:
    features = TfidfFeatures.fit(["b a c", "b a d", "b e"], min_count=1, max_words=3, max_chars=0)
    # b stands in three texts, a and "b a" in two, everything else in one.
    assert features.word_vocabulary == ("a", "b", "b a")
    assert features.char_vocabulary == ()


@given(text=st.text(max_size=60))
def test_each_block_has_unit_length_or_is_empty(text: str) -> None:
    features = FITTED
    row = features.row(text)
    for block in (row.weights[: row.n_words], row.weights[row.n_words :]):
        assert float(block @ block) == pytest.approx(1.0 if len(block) else 0.0, abs=1e-5)
    assert len(set(row.indices.tolist())) == len(row.indices)


FITTED = TfidfFeatures.fit(TEXTS)


def test_a_text_of_unknown_words_has_no_features() -> None:
    row = FITTED.row("ᚠᚢᚦ")
    assert (len(row.indices), len(row.weights), row.n_words) == (0, 0, 0)


def test_the_same_text_gives_the_same_row_again() -> None:
    first, second = FITTED.row(TEXTS[0]), FITTED.row(TEXTS[0])
    assert first.indices.tolist() == second.indices.tolist()
    assert first.weights.tolist() == second.weights.tolist()


def test_stacked_rows_make_the_sparse_matrix_of_the_texts() -> None:
    rows = [FITTED.row(text) for text in (TEXTS[0], "ᚠ", TEXTS[1])]
    matrix = sparse.csr_matrix(stacked(rows), shape=(3, len(FITTED))).toarray()
    assert matrix.shape == (3, len(FITTED.word_vocabulary) + len(FITTED.char_vocabulary))
    for dense, row in zip(matrix, rows, strict=True):
        assert np.flatnonzero(dense).tolist() == sorted(row.indices.tolist())
        assert dense[row.indices].tolist() == row.weights.tolist()
