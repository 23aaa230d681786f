"""A running service takes up another model, and no request fails meanwhile."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.serving import LiveClassifier
from tests.fakes import DIM, FakeClassifier
from triage.errors import ModelError
from triage.protocols import Classifier

OTHER = FakeClassifier({"couch": "waste.bulky"})
NO_VECTOR = np.zeros((1, DIM), dtype=np.float32)


def said(classifier: Classifier) -> str:
    return classifier.classify(["couch"], NO_VECTOR)[0][0].label


def test_activation_swaps_under_load_without_a_failed_or_mixed_answer() -> None:
    active: list[str | None] = [None]
    live = LiveClassifier(FakeClassifier(), active=lambda: active[0], open_model=lambda _: OTHER, look_every_s=0)
    with ThreadPoolExecutor(8) as pool:
        before = list(pool.map(lambda _: said(live), range(50)))
        active[0] = "b"
        during = list(pool.map(lambda _: said(live), range(400)))
        live.refresh()
    assert set(before) == {"waste.dumping"}
    assert set(during) <= {"waste.dumping", "waste.bulky"}
    while said(live) != "waste.bulky":
        live.refresh()
    active[0] = None
    while said(live) != "waste.dumping":
        live.refresh()


def test_a_model_that_cannot_be_opened_stays_out(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(model_id: str) -> Classifier:
        raise ModelError("the hash is another")

    live = LiveClassifier(FakeClassifier(), active=lambda: "bad", open_model=refuse, look_every_s=3600)
    assert said(live) == "waste.dumping"
    live.refresh()
    assert [record.getMessage() for record in caplog.records] == ["model bad stays out: the hash is another"]


def test_a_model_that_is_registered_again_is_taken_up_after_a_while() -> None:
    tries: list[str] = []

    def broken_once(model_id: str) -> Classifier:
        tries.append(model_id)
        if len(tries) == 1:
            raise ModelError("the hash is another")
        return OTHER

    live = LiveClassifier(
        FakeClassifier(), active=lambda: "b", open_model=broken_once, look_every_s=3600, try_again_s=0
    )
    assert said(live) == "waste.dumping"
    live.refresh()
    assert said(live) == "waste.bulky"
