"""The fakes keep the contracts (mypy checks their signatures here), and the failing ones fail where they should."""

import socket
from collections.abc import Callable

import numpy as np
import pytest

from tests import fakes
from tests.conftest import NetworkBlocked
from tests.fakes import POISON
from triage import protocols
from triage.errors import ComponentError, StoreError
from triage.pipeline import Pipeline
from triage.types import (
    Decision,
    Language,
    Message,
    Mode,
    Query,
    RequestKind,
    Safety,
    Translation,
    TranslationStatus,
)

DETECTORS: list[protocols.LanguageDetector] = [fakes.FakeDetector(), fakes.FailingDetector(POISON)]
ENCODERS: list[protocols.ListeningEncoder] = [fakes.FakeEncoder(), fakes.FailingEncoder(POISON)]
CLASSIFIERS: list[protocols.Classifier] = [fakes.FakeClassifier(), fakes.FailingClassifier(POISON)]
TRIPWIRES: list[protocols.Tripwire] = [fakes.FakeTripwire(), fakes.FailingTripwire(POISON)]
DANGERS: list[protocols.DangerFinder] = [fakes.FakeDangerFinder(), fakes.FailingDangerFinder(POISON)]
FINDERS: list[protocols.EntityFinder] = [fakes.FakeEntityFinder(), fakes.FailingEntityFinder(POISON)]
KINDS: list[protocols.KindTeller] = [fakes.FakeKindTeller(), fakes.FailingKindTeller(POISON)]
RATERS: list[protocols.UrgencyRater] = [fakes.FakeUrgencyRater(), fakes.FailingUrgencyRater(POISON)]
KNOWLEDGE: list[protocols.KnowledgeBase] = [fakes.FakeKnowledgeBase(), fakes.FailingKnowledgeBase(POISON)]
TRANSLATORS: list[protocols.Translator] = [fakes.FakeTranslator(), fakes.FailingTranslator(POISON)]
ASK = Decision(mode=Mode.ASK, service_type=None, department=None)
POLICIES: list[protocols.Policy] = [fakes.FakePolicy(decision=ASK), fakes.FailingPolicy(POISON)]
STORES: list[protocols.TriageStore] = [fakes.FakeStore(), fakes.FailingStore()]

VECTORS = np.ones((1, fakes.DIM), dtype=np.float32)
POTHOLE = fakes.shipped_taxonomy()["streets.pothole"]


def rate(rater: protocols.UrgencyRater, text: str) -> object:
    return rater.rate(text, service_type=POTHOLE, safety=Safety(), kind=RequestKind.REPORT)


def decide(policy: protocols.Policy, code: str) -> object:
    return policy.decide(
        [],
        safety=Safety(),
        language=Language(code=code, probability=1.0),
        translation=Translation(status=TranslationStatus.NOT_NEEDED),
        degraded=[],
    )


CALLS: list[tuple[str, Callable[[int, str], object]]] = [
    ("detector", lambda which, text: DETECTORS[which].detect([text], [None])),
    ("encoder", lambda which, text: ENCODERS[which].encode([text], [Language.unknown()]).tolist()),
    ("classifier", lambda which, text: CLASSIFIERS[which].classify([text], VECTORS)),
    ("tripwire", lambda which, text: TRIPWIRES[which].check(text)),
    ("danger", lambda which, text: DANGERS[which].find([text], VECTORS, [Language.unknown()], [()])),
    ("entities", lambda which, text: FINDERS[which].find(text)),
    ("kind", lambda which, text: KINDS[which].kind_of(text)),
    ("urgency", lambda which, text: rate(RATERS[which], text)),
    ("kb", lambda which, text: KNOWLEDGE[which].search([Query(text=text, vector=VECTORS[0])])),
    ("translator", lambda which, text: TRANSLATORS[which].translate([text], ["es"])),
]


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _ in CALLS])
def test_a_failing_fake_fails_on_its_marker_and_is_the_fake_elsewhere(
    name: str, call: Callable[[int, str], object]
) -> None:
    text = "gas smell, couch behind 2210 Florin Rd right now"
    assert call(1, text) == call(0, text)
    call(0, POISON)
    with pytest.raises(ComponentError):
        call(1, f"couch {POISON}")


def test_policies_and_stores_fail_too() -> None:
    assert decide(POLICIES[0], "en") == ASK
    with pytest.raises(ComponentError):
        decide(POLICIES[1], POISON)
    STORES[0].save([])
    with pytest.raises(StoreError):
        STORES[1].save([])


def test_the_fake_store_remembers() -> None:
    store = fakes.FakeStore()
    message = Message(id="m", text="couch")
    triage = Pipeline(fakes.fake_parts()).triage(message)
    store.save([(message, triage)])
    assert store.pairs == [(message, triage)]


@pytest.mark.parametrize("address", ["203.0.113.7", "city.example"])
def test_a_test_cannot_leave_the_machine(address: str) -> None:
    with pytest.raises(NetworkBlocked):
        socket.create_connection((address, 80), timeout=1)
    with socket.socket() as direct, pytest.raises(NetworkBlocked):
        direct.connect((address, 80))


def test_a_test_may_talk_to_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
