"""The translator around its engines."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.translation_engines import installed
from models.translator import MOST_CHARACTERS, SLICE_SENTENCES, Engine, GuardedTranslator
from triage.types import Translation, TranslationStatus, Vectors


class ReversingEngine:
    """Says each sentence backwards, word by word."""

    name = "reverser 1"

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def translate(self, sentences: Sequence[str]) -> list[str]:
        self.calls.append(list(sentences))
        return [" ".join(reversed(sentence.split())) for sentence in sentences]


class SlowEngine:
    name = "slow 1"

    def translate(self, sentences: Sequence[str]) -> list[str]:
        time.sleep(0.5)
        return list(sentences)


class LoopingEngine:
    name = "looper 1"

    def translate(self, sentences: Sequence[str]) -> list[str]:
        return ["applause " * 200 for _ in sentences]


def translated(engine: Engine, text: str) -> Translation:
    return GuardedTranslator({"es": engine}).translate([text], ["es"])[0]


def test_sentences_of_all_texts_of_a_language_go_to_its_engine_in_one_call() -> None:
    engine = ReversingEngine()
    found = GuardedTranslator({"es": engine}).translate(
        ["Hola amigo. Buenas tardes", "Здравствуйте", "Muchas gracias"], ["es", "ru", "es"]
    )
    assert engine.calls == [["Hola amigo.", "Buenas tardes", "Muchas gracias"]]
    assert [each.text for each in found] == ["amigo. Hola tardes Buenas", None, "gracias Muchas"]
    assert [each.status for each in found] == [
        TranslationStatus.MACHINE,
        TranslationStatus.UNAVAILABLE,
        TranslationStatus.MACHINE,
    ]
    assert found[0].engine == "reverser 1"


def test_line_breaks_stay_and_numbers_survive_byte_for_byte() -> None:
    found = translated(ReversingEngine(), "mi cuenta 00-4471-2\nnúmero 916-555-0142")
    assert found.text == "00-4471-2 cuenta mi\n916-555-0142 número"


def test_spans_that_the_city_knows_are_kept() -> None:
    engine = ReversingEngine()
    translator = GuardedTranslator({"es": engine}, keep=lambda text: [(9, 20)])
    found = translator.translate(["bache en 2210 Oro St hoy"], ["es"])[0]
    assert engine.calls == [["bache en XQ0X hoy"]]
    assert found.text == "hoy 2210 Oro St en bache"


def test_a_translator_that_loops_is_doubted_and_its_output_is_short() -> None:
    found = translated(LoopingEngine(), "No hay agua en el edificio")
    assert found.status is TranslationStatus.DOUBTFUL


def test_an_engine_that_takes_too_long_is_given_up() -> None:
    translator = GuardedTranslator({"es": SlowEngine()}, deadline_s=0.05)
    started = time.monotonic()
    assert translator.translate(["Hola"], ["es"])[0].status is TranslationStatus.UNAVAILABLE
    assert time.monotonic() - started < 0.4


class TiringEngine:
    """Takes its time from the third call on."""

    name = "tiring 1"

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def translate(self, sentences: Sequence[str]) -> list[str]:
        self.sizes.append(len(sentences))
        time.sleep(0.05 if len(self.sizes) < 3 else 1)
        return [f"{sentence} in English" for sentence in sentences]


def test_what_is_whole_when_an_engine_is_given_up_is_kept() -> None:
    engine = TiringEngine()
    texts = ["Hola"] * (4 * SLICE_SENTENCES)
    found = GuardedTranslator({"es": engine}, deadline_s=0.4).translate(texts, ["es"] * len(texts))
    assert [each.text for each in found[: 2 * SLICE_SENTENCES]] == ["Hola in English"] * 2 * SLICE_SENTENCES
    assert {each.status for each in found[2 * SLICE_SENTENCES :]} == {TranslationStatus.UNAVAILABLE}
    assert engine.sizes == [SLICE_SENTENCES] * 3  # nothing of the fourth slice is begun


def test_a_batch_may_take_longer_than_one_text() -> None:
    class SteadyEngine(TiringEngine):
        def translate(self, sentences: Sequence[str]) -> list[str]:
            time.sleep(0.1)
            return list(sentences)

    texts = ["Hola"] * (5 * SLICE_SENTENCES)
    found = GuardedTranslator({"es": SteadyEngine()}, deadline_s=0.45).translate(texts, ["es"] * len(texts))
    assert all(each.text == "Hola" for each in found)


def test_a_text_longer_than_a_slice_comes_whole_within_its_deadline_or_not_at_all() -> None:
    text = "Hola amigo. " * (SLICE_SENTENCES + 8)
    engine = TiringEngine()
    found = GuardedTranslator({"es": engine}).translate([text], ["es"])[0]
    assert (engine.sizes, found.text) == ([SLICE_SENTENCES, 8], " ".join(["Hola amigo. in English"] * 40))
    late = GuardedTranslator({"es": engine}, deadline_s=0.1).translate([text], ["es"])[0]
    assert late.status is TranslationStatus.UNAVAILABLE


def test_an_output_that_means_something_else_is_doubtful() -> None:
    def far_apart(sources: Sequence[str], english: Sequence[str], languages: Sequence[str]) -> Vectors:
        assert list(languages) == ["es"]
        return np.array([0.1], dtype=np.float32)

    translator = GuardedTranslator({"es": ReversingEngine()}, similarity=far_apart)
    assert translator.translate(["Hola amigo"], ["es"])[0].status is TranslationStatus.DOUBTFUL


def test_a_text_of_20_000_characters_is_cut_and_says_so() -> None:
    found = translated(ReversingEngine(), "palabra " * 2_500)
    assert found.text is not None
    assert found.text.endswith("[…]")
    assert len(found.text) <= MOST_CHARACTERS + 4


def test_an_empty_text_is_unavailable() -> None:
    assert translated(ReversingEngine(), " \n ").status is TranslationStatus.UNAVAILABLE


def test_a_package_that_is_being_installed_is_not_installed(tmp_path: Path) -> None:
    for name in ("fr_en", ".es_en", ".old-ru_en"):
        (tmp_path / name).mkdir()
    assert installed(tmp_path) == {"fr": tmp_path / "fr_en"}
