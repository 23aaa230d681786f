"""The classifier of last resort: shared words, no certainty."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import shipped_taxonomy
from triage.keywords import KeywordClassifier
from triage.types import Prediction

KEYWORDS = KeywordClassifier(shipped_taxonomy())


def test_words_of_a_types_name_find_it() -> None:
    best = KEYWORDS.classify("POTHOLE, deep one")[0]
    assert (best.label, best.because) == ("streets.pothole", ("pothole",))


def test_a_text_that_shares_no_word_is_other_with_nothing_behind_it() -> None:
    assert KEYWORDS.classify("zzz qqq") == (Prediction(label="city.other", probability=0.0),)


@given(text=st.text(max_size=60) | st.sampled_from(sorted(shipped_taxonomy().codes)))
def test_predictions_are_ranked_and_stay_at_or_under_one_half(text: str) -> None:
    found = KEYWORDS.classify(text)
    probabilities = [prediction.probability for prediction in found]
    assert 1 <= len(found) <= 5
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) <= 0.5 + 1e-9
    assert all(prediction.label in shipped_taxonomy() for prediction in found)
