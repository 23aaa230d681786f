"""What no label is for is told by scores and distance."""

import numpy as np
import pytest

from models.scope import CENTER_WEIGHT, LEAST_HELD_OUT, Evidence, ScopeRule, centers_of, choose_rule, evidence, nearest

CENTERS = np.eye(2, dtype=np.float32)
SCORES = np.array([[0.5, -1.0], [-0.9, -0.8]], dtype=np.float32)
VECTORS = np.array([[1.0, 0.0], [0.6, 0.0]], dtype=np.float32)


def test_both_kinds_of_evidence_add_up() -> None:
    nearness = nearest(VECTORS, CENTERS)
    assert nearness.tolist() == [1.0, np.float32(0.6)]
    assert evidence(Evidence.SCORE, SCORES, nearness).tolist() == [np.float32(0.5), np.float32(-0.8)]
    both = evidence(Evidence.BOTH, SCORES, nearness)
    assert np.allclose(both, [0.5 + CENTER_WEIGHT, -0.8 + CENTER_WEIGHT * 0.6])


def test_a_text_without_a_vector_stays_in_scope() -> None:
    rule = ScopeRule(kind="both", threshold=1.0, centers=CENTERS)
    found = rule.holds(np.vstack([SCORES, SCORES[:1]]), np.vstack([VECTORS, np.zeros((1, 2), dtype=np.float32)]))
    assert found.tolist() == [True, False, True]


def test_the_evidence_that_finds_most_strangers_is_chosen() -> None:
    random = np.random.default_rng(0)
    scores = np.where(np.arange(100)[:, None] < 60, 1.0, -1.0) + random.normal(scale=0.1, size=(100, 2))
    vectors = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (100, 1))
    nearness = nearest(vectors, CENTERS)
    rule = choose_rule(scores.astype(np.float32), nearness, np.arange(100) < 60, CENTERS, known=60)
    assert rule is not None
    assert rule.kind == "score"
    assert (~rule.holds(scores.astype(np.float32), vectors)[60:]).all()


def test_centers_are_means_of_unit_length() -> None:
    assert centers_of(VECTORS, np.array([0, 0]), 2).tolist() == [[1.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("known", "held_out", "has_rule"),
    [(20, LEAST_HELD_OUT, True), (19, LEAST_HELD_OUT, False), (20, LEAST_HELD_OUT - 1, False)],
)
def test_few_messages_a_label_or_few_held_out_give_no_rule(known: int, held_out: int, has_rule: bool) -> None:
    scores = np.zeros((held_out, 2), dtype=np.float32)
    rule = choose_rule(scores, scores[:, 0], np.ones(held_out, dtype=np.bool_), CENTERS, known=known)
    assert (rule is not None) is has_rule
