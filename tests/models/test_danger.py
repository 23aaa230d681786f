"""The learned part of the tripwire: its ear, how it weighs what it knows, and when it says that it cannot judge."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from models.danger import (
    ANY_RULE,
    SIDES,
    Again,
    DangerModel,
    DangerWeights,
    NoDanger,
    Verdict,
    Weighing,
    load_ears,
    load_networks,
)
from models.ear import Ear, Member, prepared
from models.encoder import STUDENT
from models.features import TfidfFeatures
from triage.errors import ModelError
from triage.types import Encoded, Language, SafetyHit, Vectors

DIM = 4
EN, KO = Language(code="en", probability=1.0), Language(code="ko", probability=1.0)
UNSURE = SafetyHit(rule="fire.burning", text="fire", start=0, end=4, line="911", sure=False)


def member(seed: int = 0, heads: int = 2, width: int = 3, hidden: int = 5) -> Member:
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> Vectors:
        return rng.normal(size=shape).astype(np.float32)

    return Member(
        token=drawn(DIM, heads * (1 + width)),
        token_bias=drawn(heads * (1 + width)),
        hidden=drawn(heads * width + DIM, hidden),
        hidden_bias=drawn(hidden),
        out=drawn(hidden, 2),
        out_bias=drawn(2),
    )


def states(*lengths: int, padded: int) -> Vectors:
    return np.random.default_rng(1).normal(size=(len(lengths), padded, DIM)).astype(np.float32)


class Reader:
    """Hears a danger where a text says `worse`, none where it says `nothing`, else the same as before."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def read(self, texts: Sequence[str]) -> Encoded:
        self.texts += texts
        heard = [[20.0 * (("worse" in text) - ("nothing" in text)), 1.0 if "me" in text else -1.0] for text in texts]
        return Encoded(vectors=np.zeros((len(texts), DIM), np.float32), alarms=np.array(heard, np.float32))


def model(*, ear: float = 1.0, rule: float = 0.0, networks: Mapping[str, Again] | None = None) -> DangerModel:
    weighing = Weighing(bias=0.0, ear=ear, words=1.0, rules={ANY_RULE: rule, "fire.burning": rule})
    features = TfidfFeatures(["help", "thanks"], ["#h"], np.ones(3, dtype=np.float32))
    verdict = Verdict(gate=-1.0, bias=0.0, first=1.0, again=1.0)
    weights = DangerWeights(
        words=np.array([2.0, -2.0, 0.0], dtype=np.float32),
        words_bias=0.0,
        weighing=dict.fromkeys(SIDES, weighing),
        verdict=dict.fromkeys(SIDES, verdict),
        thresholds={"": 0.5, "ko": 3.0},
    )
    return DangerModel(weights, features, networks or dict.fromkeys(SIDES, Reader()), version="test")


def alarms(danger: float, crisis: float = -1.0) -> Vectors:
    return np.array([[danger, crisis]], dtype=np.float32)


def test_what_stands_behind_a_text_is_not_heard() -> None:
    ear, heard = Ear([member()], "e"), states(3, 5, padded=5)
    padded = np.concatenate([heard, np.full((2, 4, DIM), 9.0, dtype=np.float32)], axis=1)
    lengths = np.array([3, 5])
    assert np.allclose(ear.hear(padded, lengths), ear.hear(heard, lengths), atol=1e-5)
    assert np.allclose(ear.hear(heard, lengths)[0], ear.hear(heard[:1, :3], lengths[:1])[0], atol=1e-5)


def test_the_members_of_an_ear_are_averaged() -> None:
    heard, lengths = states(4, padded=4), np.array([4])
    alone = [Ear([member(seed)], "e").hear(heard, lengths) for seed in (0, 1)]
    assert np.allclose(Ear([member(0), member(1)], "e").hear(heard, lengths), np.mean(alone, axis=0), atol=1e-5)


def test_a_member_counts_its_heads() -> None:
    assert [member(heads=heads).heads for heads in (1, 2, 4)] == [1, 2, 4]


def test_prepared_states_have_mean_0_and_variance_1_and_means_of_unit_length() -> None:
    normal, means = prepared(states(2, 3, padded=3), np.array([2, 3]))
    assert np.allclose(normal.mean(axis=2), 0, atol=1e-5)
    assert np.allclose(normal.var(axis=2), 1, atol=1e-3)
    assert np.allclose(np.linalg.norm(means, axis=1), 1, atol=1e-5)


def test_a_text_above_its_threshold_has_one_hit_with_its_loudest_words() -> None:
    found = model().find(["help"], alarms(1.0), [EN], [()])
    assert found == [(SafetyHit(rule="learned.danger", text="help", start=None, end=None, line="911"),)]
    assert model().find(["thanks"], alarms(1.0), [EN], [()]) == [()]


def test_a_crisis_names_the_crisis_line() -> None:
    (hits,) = model().find(["help me"], alarms(1.0), [EN], [()])
    assert hits is not None
    assert [(hit.rule, hit.line) for hit in hits] == [("learned.crisis", "988")]


def test_what_may_be_a_danger_is_read_again_by_the_network_of_its_side() -> None:
    english, foreign = Reader(), Reader()
    found = model(networks={"english": english, "foreign": foreign}).find(
        ["worse", "nothing", "worse but quiet", "worse"],
        np.array([[-0.9, 0], [3, 0], [-1.1, 0], [0, 0]], np.float32),
        [EN, EN, EN, KO],
        [(), (), (), ()],
    )
    assert [bool(hits) for hits in found] == [True, False, False, True]
    assert (english.texts, foreign.texts) == (["worse", "nothing"], ["worse"])


def test_a_language_has_a_threshold_of_its_own() -> None:
    assert model().find(["x"], alarms(2.0), [EN], [()]) != [()]
    assert model().find(["x"], alarms(2.0), [KO], [()]) == [()]


def test_a_rule_that_is_not_sure_speaks_for_danger() -> None:
    assert model(rule=2.0).find(["x"], alarms(0.0), [EN], [(UNSURE,)]) != [()]
    assert model(rule=2.0).find(["x"], alarms(0.0), [EN], [()]) == [()]


def test_where_nobody_listened_nothing_is_judged() -> None:
    assert model().find(["help"], alarms(float("nan")), [EN], [()]) == [None]
    assert NoDanger().find(["help"], alarms(5.0), [EN], [()]) == [None]


def test_a_saved_model_says_the_same_when_it_is_opened(tmp_path: Path) -> None:
    ears = Ear([member(0), member(1)], "teacher-1"), Ear([member(2)], "student-1")
    model(rule=1.0).save(tmp_path, ears, {"n": 1})
    opened = DangerModel.load(dict.fromkeys(SIDES, Reader()), tmp_path)
    for text, alarm, hits in (("help", 0.2, ()), ("thanks", 0.9, (UNSURE,)), ("x", 0.4, ())):
        arguments = [text], alarms(alarm), [EN], [hits]
        assert opened.find(*arguments) == model(rule=1.0).find(*arguments)
    english, foreign = load_ears(tmp_path)
    assert (english.encoder, foreign.encoder) == ("teacher-1", "student-1")
    heard, lengths = states(4, padded=4), np.array([4])
    assert np.allclose(english.hear(heard, lengths), ears[0].hear(heard, lengths), atol=0.02)


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="install it again"):
        DangerModel.load(dict.fromkeys(SIDES, Reader()), tmp_path)
    with pytest.raises(ModelError, match="install them again"):
        load_ears(tmp_path)
    with pytest.raises(ModelError, match=r"network.*install it again"):
        load_networks(tmp_path)


def test_the_shipped_ear_was_fitted_on_the_shipped_encoder() -> None:
    version = (STUDENT / "encoder.json").read_text("utf-8")
    assert f'"{load_ears()[1].encoder}"' in version


@pytest.mark.parametrize(
    ("after", "alarms"),
    [
        ([-np.inf, -3.0, -2.0, -1.0, -0.5], 0),
        ([-np.inf, 0.1, 0.2, 0.3, 0.4], 4),
        ([-np.inf, -3.0, 2.0, 1.0, 0.5], 3),
    ],
)
def test_thresholds_move_until_as_many_messages_raise_an_alarm_as_before(after: list[float], alarms: int) -> None:
    from models.recipes.danger_ear import even_shift

    before = np.array([-np.inf, -1.0, 0.5, -2.0, 1.5], dtype=np.float32)
    margins = np.array(after, dtype=np.float32)
    assert (margins > 0).sum() == alarms
    assert (margins - even_shift(before, margins) > 0).sum() == (before > 0).sum()
