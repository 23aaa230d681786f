"""Deciders and senders killed at random moments, a receiver that misbehaves: nothing lost, nothing doubled."""

import random
import time
from collections import Counter

import pytest

from tests.receiving import System, mischievous, serving
from tests.store.delivering import decide, deliver, opened, start
from triage.backends.planning import change_key
from triage.store.deliveries import DeliveryState

KILLS = 120
CONTACTS = 60
GIVE_UP_S = 120


@pytest.mark.system
def test_killed_at_random_moments_every_decision_is_told_once(url: str) -> None:
    chance = random.Random(311)
    system = System(mischievous(0.3, seed=311))
    with serving(system) as receiver:
        opened(url, receiver).close()
        kills: Counter[str] = Counter()
        while sum(kills.values()) < KILLS:
            program = chance.choice(("decide", "deliver", "deliver"))
            is_decider = program == "decide"
            process = start(decide, url, receiver, CONTACTS) if is_decider else start(deliver, url, receiver)
            process.join(chance.uniform(0.0, 0.35))
            if process.is_alive():
                process.kill()
                kills[program] += 1
            process.join()
        decide(url, receiver, CONTACTS)
        senders = [start(deliver, url, receiver) for _ in range(2)]
        with opened(url, receiver) as store:
            until = time.monotonic() + GIVE_UP_S
            while store.outbox.counts()[DeliveryState.DUE] and time.monotonic() < until:
                time.sleep(0.1)
            counts = store.outbox.counts()
            sent = store.outbox.list(DeliveryState.SENT, limit=10_000)
            decisions = {
                (f"m-{number}", decision.version)
                for number in range(CONTACTS)
                for decision in store.decisions_of(f"m-{number}")
            }
        for sender in senders:
            sender.kill()
            sender.join()

    assert decisions == {(f"m-{number}", version) for number in range(CONTACTS) for version in (1, 2)}
    told = Counter((stored.message_id, stored.decision_version) for stored in sent)
    assert told == Counter(dict.fromkeys(decisions, 2))  # two back ends, once each
    assert counts == {DeliveryState.DUE: 0, DeliveryState.SENT: len(sent), DeliveryState.DEAD: 0}
    keys = {change_key(message_id, version) for message_id, version in decisions}
    assert system.done.keys() == {f"{path}{key}" for key in keys for path in ("/events ", "/more ")}
    assert system.conflicts == []  # a key never came with another body
    assert sum(system.asked.values()) > len(sent)  # some came twice, and counted once
    assert kills["decide"] > KILLS // 10
    assert kills["deliver"] > KILLS // 3
