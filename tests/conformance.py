"""What every encoder, classifier and detector must do, whoever wrote it; `test_conformance.py` lists who is asked.

A new engine is one row there. Each check takes the engine and asserts.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from triage.languages import BY_CODE
from triage.protocols import Classifier, Encoder, LanguageDetector
from triage.types import Language, Prediction, Vectors

# Mixed lengths and scripts, and what should not occur but does.
TEXTS = (
    "someone dumped a couch behind 2210 Florin Rd",
    "why",
    "Quiero saber cuándo pasan por los muebles viejos",
    "路灯坏了三个星期",
    "🙏🙏🙏",
    "4471-2280-11",
    "tab\tnew\nline\r\nand a very_long_word" + "x" * 300,
    "water " * 700 + "at Oak and 9th",
    "?!",
)
ENGLISH = Language(code="en", probability=1.0)


def vectors_of(encoder: Encoder, *texts: str) -> Vectors:
    return encoder.encode(list(texts), [ENGLISH] * len(texts))


class EncoderConformance:
    """One instance for each encoder; give it as the fixture `encoder`."""

    def test_each_text_has_one_float32_row_of_its_dimension(self, encoder: Encoder) -> None:
        vectors = vectors_of(encoder, *TEXTS)
        assert vectors.shape == (len(TEXTS), encoder.dim)
        assert vectors.dtype == np.dtype("float32")

    def test_rows_have_unit_length(self, encoder: Encoder) -> None:
        assert np.linalg.norm(vectors_of(encoder, *TEXTS), axis=1) == pytest.approx(1.0, abs=1e-5)

    def test_an_empty_text_is_all_zero(self, encoder: Encoder) -> None:
        vectors = vectors_of(encoder, "pothole", "", "   ")
        assert np.linalg.norm(vectors, axis=1).tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-5)

    def test_an_empty_batch_has_no_rows(self, encoder: Encoder) -> None:
        assert encoder.encode([], []).shape == (0, encoder.dim)

    def test_a_row_does_not_depend_on_its_neighbors(self, encoder: Encoder) -> None:
        together = vectors_of(encoder, *TEXTS)
        alone = np.vstack([vectors_of(encoder, text) for text in TEXTS])
        assert (together * alone).sum(axis=1).min() > 0.999

    def test_rows_are_in_the_order_of_the_texts(self, encoder: Encoder) -> None:
        forward, backward = vectors_of(encoder, *TEXTS), vectors_of(encoder, *reversed(TEXTS))
        assert (forward * backward[::-1]).sum(axis=1).min() > 0.999

    def test_different_texts_have_different_vectors(self, encoder: Encoder) -> None:
        couch, bill = vectors_of(encoder, "a couch was dumped", "my bill is too high")
        assert float(couch @ bill) < 0.9

    def test_threads_do_not_disturb_each_other(self, encoder: Encoder) -> None:
        with ThreadPoolExecutor(4) as pool:
            found = np.vstack(list(pool.map(lambda text: vectors_of(encoder, text), TEXTS * 3)))
        assert (found * np.tile(vectors_of(encoder, *TEXTS), (3, 1))).sum(axis=1).min() > 0.999

    def test_it_names_its_version(self, encoder: Encoder) -> None:
        assert encoder.version == encoder.version.strip() != ""


class ClassifierConformance:
    """One instance for each classifier; give it as `classifier`, and an encoder that it was made for as `encoder`."""

    @staticmethod
    def classified(classifier: Classifier, encoder: Encoder, *texts: str) -> list[tuple[Prediction, ...]]:
        return classifier.classify(list(texts), vectors_of(encoder, *texts))

    def test_each_text_has_five_labels_best_first_ties_by_alphabet(
        self, classifier: Classifier, encoder: Encoder
    ) -> None:
        for found in self.classified(classifier, encoder, *TEXTS, ""):
            assert len({prediction.label for prediction in found}) == 5
            assert list(found) == sorted(found, key=lambda prediction: (-prediction.probability, prediction.label))

    def test_probabilities_are_probabilities(self, classifier: Classifier, encoder: Encoder) -> None:
        for found in self.classified(classifier, encoder, *TEXTS, ""):
            assert all(0 <= prediction.probability <= 1 for prediction in found)
            assert sum(prediction.probability for prediction in found) <= 1 + 1e-5

    def test_without_a_vector_the_words_decide(self, classifier: Classifier, encoder: Encoder) -> None:
        [found] = classifier.classify(["couch"], np.zeros((1, encoder.dim), dtype=np.float32))
        assert len(found) == 5

    def test_an_empty_batch_has_no_answers(self, classifier: Classifier, encoder: Encoder) -> None:
        assert classifier.classify([], np.zeros((0, encoder.dim), dtype=np.float32)) == []

    def test_an_answer_does_not_depend_on_its_neighbors(self, classifier: Classifier, encoder: Encoder) -> None:
        vectors = vectors_of(encoder, *TEXTS)
        together = classifier.classify(list(TEXTS), vectors)
        alone = [classifier.classify([text], row[None])[0] for text, row in zip(TEXTS, vectors, strict=True)]
        for one, other in zip(together, alone, strict=True):
            assert [found.label for found in one] == [found.label for found in other]
            assert [found.probability for found in one] == pytest.approx(
                [found.probability for found in other], abs=1e-5
            )

    def test_it_names_its_version(self, classifier: Classifier) -> None:
        assert classifier.version == classifier.version.strip() != ""


class DetectorConformance:
    """One instance for each detector; give it as the fixture `detector`."""

    def test_each_text_has_one_known_language_with_a_probability(self, detector: LanguageDetector) -> None:
        found = detector.detect(list(TEXTS), [None] * len(TEXTS))
        assert len(found) == len(TEXTS)
        assert all(language.code in BY_CODE or language.code == "und" for language in found)
        assert all(0 <= language.probability <= 1 for language in found)

    @pytest.mark.parametrize("text", ["", " ", "🙏", "4471-22", "?!"])
    @pytest.mark.parametrize("hint", [None, "es"])
    def test_a_text_without_words_has_no_language_whatever_the_hint(
        self, detector: LanguageDetector, text: str, hint: str | None
    ) -> None:
        assert detector.detect([text], [hint]) == [Language.unknown()]

    def test_an_answer_does_not_depend_on_its_neighbors(self, detector: LanguageDetector) -> None:
        together = detector.detect(list(TEXTS), [None] * len(TEXTS))
        alone = [detector.detect([text], [None])[0] for text in TEXTS]
        assert [language.code for language in together] == [language.code for language in alone]
        assert [language.probability for language in together] == pytest.approx(
            [language.probability for language in alone], abs=1e-5
        )

    def test_plain_english_is_english_even_where_the_hint_is_nonsense(self, detector: LanguageDetector) -> None:
        text = "someone dumped a couch in the alley behind my house last night"
        assert [found.code for found in detector.detect([text, text], [None, "en"])] == ["en", "en"]

    def test_an_empty_batch_has_no_answers(self, detector: LanguageDetector) -> None:
        assert detector.detect([], []) == []

    def test_it_names_its_version(self, detector: LanguageDetector) -> None:
        assert detector.version == detector.version.strip() != ""
