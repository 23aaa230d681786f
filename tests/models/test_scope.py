"""What no label is for is told by scores and distance."""

import numpy as np

from models.scope import CENTER_WEIGHT, Evidence, ScopeRule, centers_of, choose_rule, evidence

CENTERS = np.eye(2, dtype=np.float32)
SCORES = np.array([[0.5, -1.0], [-0.9, -0.8]], dtype=np.float32)
VECTORS = np.array([[1.0, 0.0], [0.6, 0.0]], dtype=np.float32)


def test_both_kinds_of_evidence_add_up() -> None:
    assert evidence(Evidence.SCORE, SCORES, VECTORS, CENTERS).tolist() == [np.float32(0.5), np.float32(-0.8)]
    both = evidence(Evidence.BOTH, SCORES, VECTORS, CENTERS)
    assert np.allclose(both, [0.5 + CENTER_WEIGHT, -0.8 + CENTER_WEIGHT * 0.6])


def test_a_text_without_a_vector_stays_in_scope() -> None:
    rule = ScopeRule(kind="both", threshold=1.0, centers=CENTERS)
    found = rule.holds(np.vstack([SCORES, SCORES[:1]]), np.vstack([VECTORS, np.zeros((1, 2), dtype=np.float32)]))
    assert found.tolist() == [True, False, True]


def test_the_evidence_that_finds_most_strangers_is_chosen() -> None:
    random = np.random.default_rng(0)
    scores = np.where(np.arange(100)[:, None] < 60, 1.0, -1.0) + random.normal(scale=0.1, size=(100, 2))
    vectors = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (100, 1))
    rule = choose_rule(scores.astype(np.float32), vectors, np.arange(100) < 60, CENTERS)
    assert rule.kind == "score"
    assert (~rule.holds(scores.astype(np.float32), vectors)[60:]).all()


def test_centers_are_means_of_unit_length() -> None:
    assert centers_of(VECTORS, np.array([0, 0]), 2).tolist() == [[1.0, 0.0], [0.0, 0.0]]
