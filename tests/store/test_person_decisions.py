"""What people do with a contact; whatever the order, a person wins and nobody decides on what was not seen."""

from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.samples import GRAFFITI, LEAK, POTHOLE, message_of, pair_of, triage_of
from triage.errors import DecisionConflict
from triage.store import Action, Actor, SqlTriageStore, Status
from triage.types import Decision, Mode, UrgencyLevel

SHARED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_decision_keeps_what_was_done_and_why(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    decided = store.decide(
        "m-1",
        LEAK,
        "ada",
        1,
        action=Action.ANSWER_USED,
        status=Status.CLOSED,
        note="read it aloud",
        article_id="water-leak",
        section="What to do",
    )
    assert store.decisions_of("m-1")[-1] == decided == store.contact_of("m-1").decision
    assert (decided.action, decided.status, decided.note) == (Action.ANSWER_USED, Status.CLOSED, "read it aloud")
    assert (decided.article_id, decided.section, decided.undoes) == ("water-leak", "What to do", None)


def test_undo_brings_back_what_stood_before(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.decide("m-1", POTHOLE, "ada", 1, urgency=UrgencyLevel.LOW, status=Status.CLOSED)
    undone = store.undo("m-1", "ben", 2, note="wrong street")
    assert (undone.version, undone.action, undone.undoes, undone.actor) == (3, Action.UNDO, 2, Actor.PERSON)
    assert (undone.decision, undone.urgency, undone.status) == (LEAK, UrgencyLevel.HIGH, Status.OPEN)
    assert store.undo("m-1", "ben", 3).decision == POTHOLE


def test_undo_of_what_the_policy_did_first_asks_an_agent(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    undone = store.undo("m-1", "ada", 1)
    assert undone.decision == Decision(mode=Mode.ASK, service_type=None, department=None)
    store.save([(message_of("m-1"), triage_of("m-1", GRAFFITI))])
    assert store.contact_of("m-1").decision == undone


def test_undo_takes_back_only_what_was_seen(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.save([(message_of("m-1"), triage_of("m-1", GRAFFITI))])
    with pytest.raises(DecisionConflict, match="is at version 2, not 1"):
        store.undo("m-1", "ada", 1)
    for version in (0, 3):
        with pytest.raises(ValueError, match=f"no decision {version} to undo"):
            store.undo("m-1", "ada", version)
    with pytest.raises(ValueError, match="needs the name"):
        store.undo("m-1", "", 2)


def test_a_persons_action_is_not_that_of_the_policy(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    with pytest.raises(ValueError, match="not that of the policy"):
        store.decide("m-1", LEAK, "ada", 1, action=Action.POLICY)


@dataclass
class Told:
    """What must have come of the steps so far."""

    versions: list[tuple[Actor, Decision]] = field(default_factory=list)
    suggested: list[bool] = field(default_factory=list)

    @property
    def person_decided_at(self) -> int:
        return max((n for n, (actor, _) in enumerate(self.versions, 1) if actor is Actor.PERSON), default=0)

    def save(self, decision: Decision) -> None:
        self.suggested.append(self.person_decided_at > 0)
        if not self.suggested[-1] and (not self.versions or self.versions[-1][1] != decision):
            self.versions.append((Actor.POLICY, decision))


# Two people look and decide later, models answer at any time, a worker hands in late.
_steps = st.lists(
    st.tuples(st.sampled_from(["look", "decide", "undo"]), st.sampled_from(["ada", "ben"]))
    | st.tuples(st.just("save"), st.sampled_from([LEAK, GRAFFITI, POTHOLE]))
    | st.tuples(st.just("finish"), st.sampled_from([LEAK, GRAFFITI])),
    max_size=14,
)


@SHARED
@given(steps=_steps)
def test_however_people_and_models_interleave_a_person_wins(
    store: SqlTriageStore, steps: list[tuple[str, str | Decision]]
) -> None:
    message_id, told, seen = uuid4().hex, Told(), {"ada": 0, "ben": 0}
    message = message_of(message_id)
    store.receive([(message, None)])
    waiting = {item.message.id for item in store.work.claim(message_id, limit=1000)}
    assert message_id in waiting
    for number, (step, value) in enumerate(steps):
        if isinstance(value, Decision):
            is_first = not told.suggested
            if step == "save":
                store.save([(message, triage_of(message_id, value))])
                told.save(value)
            else:
                assert store.work.finish(message_id, [(message, triage_of(message_id, value))]) == [is_first]
                if is_first:
                    told.save(value)
        elif step == "look":
            seen[value] = store.contact_of(message_id).version
        elif step == "decide":
            chosen = Decision(mode=Mode.ASK, service_type=None, department=None, reasons=(str(number),))
            if told.person_decided_at > seen[value]:
                with pytest.raises(DecisionConflict):
                    store.decide(message_id, chosen, value, seen[value])
            else:
                store.decide(message_id, chosen, value, seen[value])
                told.versions.append((Actor.PERSON, chosen))
        elif seen[value] == 0:
            with pytest.raises(ValueError, match="no decision 0"):
                store.undo(message_id, value, 0)
        elif seen[value] < len(told.versions):
            with pytest.raises(DecisionConflict):
                store.undo(message_id, value, seen[value])
        else:
            undone = store.undo(message_id, value, seen[value])
            told.versions.append((Actor.PERSON, undone.decision))
    stored = store.decisions_of(message_id)
    assert [(each.actor, each.decision) for each in stored] == told.versions
    assert [each.version for each in stored] == list(range(1, len(stored) + 1))
    assert store.contact_of(message_id).decision == (stored[-1] if stored else None)
    assert [answer.suggestion for answer in store.triages_of(message_id)] == told.suggested
    assert store.receipts.verify().problems == ()
