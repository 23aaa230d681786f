"""A message in two languages: the one with more words decides, the other is named."""

from pathlib import Path

import pytest

from models.detector import ProfileDetector
from models.detector_build import build_detector
from models.mixed import MixedTextDetector, passages_of, word_count

SPANISH = "Hay un bache enorme en mi calle frente a la escuela."
ENGLISH = "There is a big pothole on my street in front of the school."
RUSSIAN = "У меня нет воды второй день в квартире, соседи тоже жалуются."


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> MixedTextDetector:
    folder: Path = tmp_path_factory.mktemp("detector")
    return MixedTextDetector(ProfileDetector.load(build_detector(folder)))


@pytest.mark.parametrize(
    ("text", "first", "second", "share"),
    [
        (f"{SPANISH} {ENGLISH}", "en", "es", 13 / 24),
        (f"{ENGLISH}\n{SPANISH} {SPANISH}", "es", "en", 22 / 35),
        (f"{RUSSIAN} we have no water for two days", "ru", "en", 11 / 18),
        (
            "你好 my street light is broken at the corner 已经三天了，请你们快点派人来修理一下吧",
            "zh-Hans",
            "en",
            10 / 18,
        ),
    ],
)
def test_the_language_of_more_words_decides_and_the_other_is_named(
    detector: MixedTextDetector, text: str, first: str, second: str, share: float
) -> None:
    [found] = detector.detect([text], [None])
    assert (found.code, found.runner_up, found.method) == (first, second, "mixed")
    assert found.probability == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(
    "text",
    [
        f"{ENGLISH} {ENGLISH}",
        f"{SPANISH} Gracias. 2210 Florin Rd Apt 4, Sacramento CA 95822.",
        f"{RUSSIAN} Мой адрес 2210 Florin Rd apt 4. Перезвоните пожалуйста скорее, спасибо большое вам.",
        f"{ENGLISH} Thanks, Guadalupe Hernández.",
        f"{SPANISH} Moro na rua ao lado e não consigo passar.",  # Portuguese is too near to tell
        "",
    ],
)
def test_names_addresses_and_related_languages_make_no_mixture(detector: MixedTextDetector, text: str) -> None:
    [found] = detector.detect([text], [None])
    assert found.method != "mixed"


def test_the_hint_and_the_order_reach_the_detector_of_whole_texts(detector: MixedTextDetector) -> None:
    found = detector.detect(["gracias", f"{SPANISH} {ENGLISH}", "gracias amor"], ["es", None, "pt"])
    assert [language.code for language in found] == ["es", "en", "pt"]


def test_passages_are_sentences_cut_where_the_script_changes() -> None:
    assert passages_of(f"{SPANISH} Hola. {ENGLISH}") == [SPANISH, ENGLISH]
    assert passages_of("one sentence that has many words but no other beside it") == []
    assert passages_of(f"{RUSSIAN} please send someone to look at it")[-1] == "please send someone to look at it"


def test_two_signs_of_a_dense_script_are_a_word() -> None:
    assert word_count("请你们快点派人来 now please") == 4 + 2
