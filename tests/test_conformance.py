"""Which engines pass the suites of `conformance.py`; those with real models are marked `system`."""

from typing import Any

import pytest

from models.classifiers import LinearClassifier
from models.detector import ProfileDetector
from models.detector_build import build_detector
from tests.conformance import ClassifierConformance, DetectorConformance, EncoderConformance
from tests.fakes import FailingClassifier, FailingDetector, FailingEncoder, FakeClassifier, FakeDetector, FakeEncoder
from tests.models.samples import tiny_classifier
from triage.protocols import Classifier, Encoder, LanguageDetector

NEVER = "a marker that stands in no text"
system = pytest.mark.system


def named(engine: object) -> str:
    return engine if isinstance(engine, str) else type(engine).__name__


def opened(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401
    """Return the engine of a row, which is an engine or the name of a fixture that opens one."""
    return request.getfixturevalue(request.param) if isinstance(request.param, str) else request.param


@pytest.fixture(scope="session")
def linear() -> LinearClassifier:
    return tiny_classifier()


@pytest.fixture(scope="session")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> ProfileDetector:
    return ProfileDetector.load(build_detector(tmp_path_factory.mktemp("detector")))


class TestEncoders(EncoderConformance):
    @pytest.fixture(params=[FakeEncoder(), FailingEncoder(NEVER), pytest.param("minilm", marks=system)], ids=named)
    def encoder(self, request: pytest.FixtureRequest) -> Encoder:
        engine: Encoder = opened(request)
        return engine


class TestClassifiers(ClassifierConformance):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return FakeEncoder()

    @pytest.fixture(params=[FakeClassifier(), FailingClassifier(NEVER), "linear"], ids=named)
    def classifier(self, request: pytest.FixtureRequest) -> Classifier:
        engine: Classifier = opened(request)
        return engine


class TestDetectors(DetectorConformance):
    @pytest.fixture(params=[FakeDetector(), FailingDetector(NEVER), "profiles"], ids=named)
    def detector(self, request: pytest.FixtureRequest) -> LanguageDetector:
        engine: LanguageDetector = opened(request)
        return engine
