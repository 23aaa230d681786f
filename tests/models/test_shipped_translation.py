"""The Spanish translator that ships: what residents say comes out, tags stay, a package of the city goes before it."""

from pathlib import Path

import pytest

from models.translation_engines import SHIPPED, ArgosEngine, installed
from models.translator import GuardedTranslator
from tests.fakes import FakeEncoder
from tests.models.argos import build_package
from triage.entities import EntityFinder
from triage.types import TranslationStatus
from wiring import Settings, load_translator

LARGEST = 40_000_000


@pytest.fixture(scope="module")
def engine() -> ArgosEngine:
    return ArgosEngine.load(installed(SHIPPED)["es"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hay un bache en la calle", {"pothole", "street"}),
        ("No puedo pagar el recibo del agua este mes", {"pay", "water", "bill", "month"}),
        ("mi basura no la recogieron esta semana", {"trash", "week"}),
        ("¿Dónde puedo sacar un permiso para una fiesta en el parque?", {"where", "permit", "party", "park"}),
    ],
)
def test_plain_requests_are_told_in_english(engine: ArgosEngine, text: str, said: set[str]) -> None:
    [english] = engine.translate([text])
    assert said <= set(english.lower().replace("?", " ").replace(".", " ").replace("'", " ").split()), english


def test_what_is_tagged_comes_out_as_it_went_in(engine: ArgosEngine) -> None:
    [english] = engine.translate(["Se rompió una tubería enfrente de XQ0X y mi teléfono es XQ1X"])
    assert english.count("XQ0X") == english.count("XQ1X") == 1


def test_an_address_and_a_number_survive(engine: ArgosEngine) -> None:
    text = "Hay un perro suelto en 1420 Alhambra Blvd. Mi número es 916-555-0142."
    kept = [(text.index(each), text.index(each) + len(each)) for each in ("1420 Alhambra Blvd", "916-555-0142")]
    translation = GuardedTranslator({"es": engine}, keep=lambda _: kept).translate([text], ["es"])[0]
    assert translation.status is TranslationStatus.MACHINE
    assert translation.text is not None
    assert "1420 Alhambra Blvd" in translation.text
    assert "916-555-0142" in translation.text
    assert "dog" in translation.text


def test_the_package_is_small() -> None:
    assert sum(path.stat().st_size for path in installed(SHIPPED)["es"].rglob("*") if path.is_file()) < LARGEST


def test_a_package_that_the_city_installed_goes_before_the_shipped_one(tmp_path: Path) -> None:
    settings = Settings.from_env({"TRIAGE_HOME": str(tmp_path)})
    encoder, entities = FakeEncoder(), EntityFinder.load()
    assert "argos es→en 1.0" in load_translator(settings, encoder, entities).version
    build_package(tmp_path, version="7.7")
    (tmp_path / "translation").mkdir()
    (tmp_path / "translate-es_en-7_7-files").rename(tmp_path / "translation" / "es_en")
    assert load_translator(settings, encoder, entities).version == "argos es→en 7.7"
