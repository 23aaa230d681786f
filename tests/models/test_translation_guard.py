"""What must survive a translation, and what makes one doubtful."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.translation_guard import Fault, faults, protected, restored


def test_a_span_and_a_number_are_tagged_and_put_back() -> None:
    source = "Hay un bache en 2210 Florin Rd, llamen al 916-555-0142"
    masked, kept = protected(source, [(16, 30)])
    assert masked == "Hay un bache en XQ0X, llamen al XQ1X"
    assert kept == ("2210 Florin Rd", "916-555-0142")
    assert restored("There is a pothole at XQ0X, call XQ1X", kept) == (
        "There is a pothole at 2210 Florin Rd, call 916-555-0142"
    )


def test_small_numbers_stay_in_the_sentence() -> None:
    assert protected("hace 2 semanas y 15 días", []) == ("hace 2 semanas y 15 días", ())


def test_a_tag_that_the_engine_tore_apart_is_still_put_back() -> None:
    assert restored("call xq 0 x now", ("916-555-0142",)) == "call 916-555-0142 now"


def test_what_the_engine_lost_is_added_in_brackets() -> None:
    assert restored("call now", ("916-555-0142", "12-334")) == "call now [916-555-0142; 12-334]"


@given(st.text(max_size=200).filter(lambda text: "xq" not in text.lower()))
def test_tagging_and_putting_back_gives_the_text_again(text: str) -> None:
    masked, kept = protected(text, [])
    assert restored(masked, kept) == text


@pytest.mark.parametrize(
    ("source", "english", "found"),
    [
        ("No hay agua en el edificio", "There is no water in the building", []),
        ("(笑声)(掌声)谢谢大家", "(Applause) (Applause) (Applause) thank you", [Fault.REPEATS]),
        ("no no no por favor", "no no no please", []),
        ("No hay agua en el edificio desde ayer", "Water", [Fault.LENGTH]),
        ("No hay agua en el edificio", "No hay agua en el edificio", [Fault.COPIED]),
        ("El medidor dice 4411", "The meter says 441", [Fault.DIGITS]),
        ("¿Qué pasó?", "…", [Fault.SYMBOLS]),
        ("Maple Grove Library", "Maple Grove Library", []),
    ],
)
def test_faults_are_named(source: str, english: str, found: list[Fault]) -> None:
    assert faults(source, english) == found
