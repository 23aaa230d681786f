import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest

from tests.fakes import shipped_taxonomy
from triage.samples import Do, Sample, Step, sample_notices, samples
from triage.types import Channel

ROOT = Path(__file__).parents[2]
OTHERS = ("models/data/messages/*.jsonl", "models/data/safety/*.jsonl", "benchmarks/data/*.jsonl")
WORDS = re.compile(r"\w+")
ARTICLES = {path.name.removesuffix(".md") for path in (ROOT / "kb" / "starter").glob("*.md")}
MOST_SHARED = 0.25
STEPS = [(sample, step) for sample in samples() for step in sample.steps]


def grams(text: str, n: int = 5) -> set[tuple[str, ...]]:
    words = WORDS.findall(text.lower())
    return {tuple(words[at : at + n]) for at in range(len(words) - n + 1)}


def other_texts() -> Iterator[str]:
    for pattern in OTHERS:
        for path in ROOT.glob(pattern):
            yield from (json.loads(line).get("text", "") for line in path.read_text("utf-8").splitlines())


def test_there_are_three_hundred_in_order_over_every_channel() -> None:
    assert [sample.id for sample in samples()] == [f"sample-{number:03}" for number in range(1, 301)]
    assert len({sample.text for sample in samples()}) == 300
    channels = Counter(sample.channel for sample in samples())
    assert set(channels) == set(Channel)
    assert channels[Channel.CALL] == 79
    assert channels[Channel.EMAIL] == 33
    assert channels[Channel.TICKET] == 5


def test_every_label_is_one_of_the_city() -> None:
    taxonomy = shipped_taxonomy()
    departments = {kind.department for kind in taxonomy.service_types}
    assert {sample.service_type for sample in samples()} - set(taxonomy.codes) == set()
    assert {step.department for _, step in STEPS if step.department} - departments == set()
    assert {step.article for _, step in STEPS if step.article} - ARTICLES == set()
    assert {code for notice in sample_notices() for code in notice.service_types} - set(taxonomy.codes) == set()
    assert len({sample.service_type for sample in samples()}) >= 90


def test_times_lie_within_two_weeks_and_every_step_comes_after_its_contact() -> None:
    assert {sample.day for sample in samples() if sample.day is not None} == set(range(1, 14))
    assert [sample.id for sample in samples() if sample.ago is not None and not 0 < sample.ago <= 240] == []
    assert [step for _, step in STEPS if step.after < 1] == []
    order = [(-(sample.day or 0), sample.at or time.max, -(sample.ago or 0)) for sample in samples()]
    assert order == sorted(order)


def test_people_are_roles_and_their_numbers_and_addresses_are_nobodys() -> None:
    assert {re.sub(r"\d$", "N", step.by) for _, step in STEPS} == {"agent-N", "lead-N"}
    texts = "\n".join(f"{sample.subject or ''}\n{sample.text}" for sample in samples())
    assert set(re.findall(r"\b\d{3}[-. ]\d{4}\b", texts)) <= {f"555-01{number:02}" for number in range(100)}
    assert set(re.findall(r"\S+@([\w.]+\w)", texts)) == {"example.org"}


def test_threads_begin_with_a_sample() -> None:
    threads = {sample.thread_id for sample in samples() if sample.thread_id}
    first, answer = (sample for sample in samples() if sample.thread_id)
    assert threads == {first.id}
    assert answer.text.startswith("Hello again")


def test_what_was_done_covers_every_kind_of_step() -> None:
    assert {step.do for _, step in STEPS} == set(Do)
    assert sum(bool(sample.steps) for sample in samples()) == 257


def test_no_sample_repeats_what_models_learn_from_or_are_measured_on() -> None:
    known = {gram for text in other_texts() for gram in grams(text)}
    longer = {gram for text in other_texts() for gram in grams(text, 9)}
    shared = {sample.id: len(grams(sample.text) & known) / max(1, len(grams(sample.text))) for sample in samples()}
    assert {name: share for name, share in shared.items() if share > MOST_SHARED} == {}
    assert [sample.id for sample in samples() if grams(sample.text, 9) & longer] == []


@pytest.mark.parametrize("times", [{}, {"day": 1}, {"at": time(9)}, {"day": 1, "at": time(9), "ago": 5}])
def test_a_sample_without_one_clear_time_is_refused(times: dict[str, int | time]) -> None:
    with pytest.raises(ValueError, match="needs a day and a time"):
        Sample(id="s", channel=Channel.WEB, text="x", service_type="city.other", **times)  # type: ignore[arg-type]


def test_steps_out_of_order_or_with_what_is_not_theirs_are_refused() -> None:
    late, early = Step(by="agent-1", after=9, do=Do.TAKE), Step(by="agent-1", after=3, do=Do.CLOSE)
    with pytest.raises(ValueError, match="not in order"):
        Sample(id="s", channel=Channel.WEB, text="x", service_type="city.other", ago=30, steps=(late, early))
    with pytest.raises(ValueError, match="needs its article"):
        Step(by="agent-1", after=1, do=Do.ANSWER)
    with pytest.raises(ValueError, match="needs its department"):
        Step(by="agent-1", after=1, do=Do.CLOSE, department="Water")
