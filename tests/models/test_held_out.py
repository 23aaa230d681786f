"""What a model says of messages that it has not seen, and how near they lie to those that it has."""

import numpy as np

from models.datasets import Example
from models.fitting import Recipe
from models.held_out import Material


def test_a_held_out_message_is_compared_with_centers_that_it_has_no_share_in() -> None:
    texts = ["a dog barks", "a hound howls", "one more dog", "a deep pothole", "a hole in the road", "the road broke"]
    vectors = np.eye(6, 8, dtype=np.float32)
    vectors[5] = vectors[3]
    material = Material(
        [Example(text=text, label="x") for text in texts], vectors, np.array([0, 0, 0, 1, 1, 1], dtype=np.int64)
    )
    outside = np.array([False, False, True, False, False, True])
    found = material.held_out(("a", "b"), ~outside, outside, 1.0, Recipe())
    assert found.rows.tolist() == [2, 5]
    assert np.allclose(found.nearness, [0.0, 0.5**0.5])
    assert found.of(np.array([False, True])).rows.tolist() == [5]
