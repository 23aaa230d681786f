from hypothesis import given
from hypothesis import strategies as st

from kb.quotes import MAX_CHARS, best_quote
from triage.nlp import sentences

TEXT = "Pay within 21 days. A late fee of $35 is added later. Contest it online. A hearing is the last step."
SPANS = sentences([TEXT])[0]
STEMS = [frozenset(TEXT[start:end].lower().strip(".").split()) for start, end in SPANS]


def quote_for(*words: str) -> str:
    return best_quote(TEXT, SPANS, [stems & set(words) for stems in STEMS], dict.fromkeys(words, 1 / len(words)))


def test_the_sentence_with_the_words_is_quoted() -> None:
    assert quote_for("hearing") == "A hearing is the last step."


def test_neighboring_sentences_are_joined_where_both_answer() -> None:
    assert quote_for("contest", "hearing") == "Contest it online. A hearing is the last step."


def test_the_opening_is_taken_along_where_it_is_near() -> None:
    assert quote_for("late") == "Pay within 21 days. A late fee of $35 is added later."


def test_without_a_word_in_common_the_first_sentence_is_quoted() -> None:
    assert quote_for("zebra") == "Pay within 21 days."


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    text = "word " * 200
    assert best_quote(text, [(0, len(text))], [set()], {"x": 1.0}) == ("word " * 80).strip()


def test_a_text_without_sentences_is_quoted_from_its_beginning() -> None:
    assert best_quote("No spans", [], [], {"x": 1.0}) == "No spans"


@given(st.lists(st.text(st.sampled_from("ab .!\n"), min_size=1, max_size=200), min_size=1, max_size=8))
def test_a_quote_is_a_short_slice_of_the_text(parts: list[str]) -> None:
    text = " ".join(parts)
    spans = sentences([text])[0]
    shares = {"a": 0.5, "b": 0.5}
    quote = best_quote(text, spans, [shares.keys() & set(text[a:b].split()) for a, b in spans], shares)
    assert quote in text
    assert len(quote) <= MAX_CHARS
