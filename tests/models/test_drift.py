"""Drift: how far messages have moved, and what chance alone would do."""

from collections import Counter

import numpy as np

from models.datasets import OUT_OF_SCOPE, Example
from models.drift import drift, nearness_inside, nearness_outside, profile_of, profiles
from tests.fakes import FakeEncoder
from tests.models.samples import examples


def test_a_profile_counts_languages_channels_labels_lengths_and_nearness() -> None:
    told = [
        Example(text="one two", label="a", language="es", channel="sms"),
        Example(text="word " * 81, label=OUT_OF_SCOPE),
    ]
    assert profile_of(told, np.array([0.57, -0.2], dtype=np.float32)) == {
        "languages": Counter({"es": 1, "en": 1}),
        "channels": Counter({"sms": 1, "web": 1}),
        "labels": Counter({"a": 1}),
        "words": Counter({"up to 5": 1, "over 80": 1}),
        "nearness": Counter({"0.5": 1, "0.0": 1}),
    }


def test_the_distance_is_the_share_that_would_have_to_be_of_another_kind() -> None:
    [moved] = drift({"channels": {"web": 80, "call": 20}}, {"channels": {"web": 50, "call": 30, "sms": 20}})
    assert moved.distance == 0.3
    assert moved.most == (("web", 0.8, 0.5), ("sms", 0.0, 0.2), ("call", 0.2, 0.3))
    assert 0.05 < moved.by_chance < 0.1  # 1.96 standard deviations of 100 tosses are .078
    assert moved.is_more_than_chance


def test_a_small_sample_of_the_training_data_has_not_moved() -> None:
    then = {"languages": {"en": 500, "es": 500}}
    [few] = drift(then, {"languages": {"en": 6, "es": 4}})
    assert (few.distance, few.is_more_than_chance) == (0.1, False)
    assert drift(then, {"languages": {}, "words": {"up to 5": 3}}) == ()


def test_a_text_is_near_the_center_of_the_others_of_its_label_not_of_itself() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    inside = nearness_inside(vectors, np.array([0, 0, -1]), 1)
    center = np.array([[1.6, 0.8]]) / np.hypot(1.6, 0.8)
    assert np.allclose(inside, [0.6, 0.6, center[0, 1]])
    assert np.allclose(nearness_outside(vectors[2:], center.astype(np.float32)), [center[0, 1]])


def test_the_same_messages_have_the_same_profile_but_for_nearness() -> None:
    then, now = profiles(examples(), examples(), FakeEncoder(), lambda *_: None)
    same = {name: counts for name, counts in then.items() if name != "nearness"}
    assert same == {name: counts for name, counts in now.items() if name != "nearness"}
    assert sum(then["nearness"].values()) == 36
