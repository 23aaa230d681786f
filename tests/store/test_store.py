"""What the store promises, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.samples import GRAFFITI, LEAK, POTHOLE, message_of, pair_of, plain, triage_of
from tests.store.strategies import messages, triages
from triage.errors import DecisionConflict, NotFound
from triage.protocols import TriageStore
from triage.store import Actor, Counts, SqlTriageStore, open_store
from triage.types import Channel, Message, Mode, Triage, UrgencyLevel

# One store serves all examples of a property: each makes its own message ids.
SHARED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_it_is_a_triage_store(store: SqlTriageStore) -> None:
    kept: TriageStore = store
    kept.save([pair_of("m-1")])
    assert store.triage_of("m-1").answer == plain(triage_of("m-1"))


def test_saving_nothing_stores_nothing(store: SqlTriageStore) -> None:
    store.save([])
    assert store.counts() == Counts(contacts=0, messages=0, triages=0, decisions=0, rejections=0)


def test_the_same_message_twice_is_one_contact_with_two_answers(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.save([(message_of("m-1"), triage_of("m-1", GRAFFITI))])
    assert store.counts() == Counts(contacts=1, messages=1, triages=2, decisions=2, rejections=0)
    assert [stored.answer["decision"]["service_type"] for stored in store.triages_of("m-1")] == [
        "water.leak",
        "graffiti.removal",
    ]
    assert store.triage_of("m-1").answer["decision"]["service_type"] == "graffiti.removal"


def test_the_same_message_twice_in_one_batch_is_one_contact(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1"), pair_of("m-2"), pair_of("m-1")])
    assert store.counts() == Counts(contacts=2, messages=2, triages=3, decisions=2, rejections=0)


def test_a_different_text_under_the_same_id_is_a_further_revision(store: SqlTriageStore) -> None:
    store.save([(message_of("m-1", "The light is out."), triage_of("m-1"))])
    store.save([(message_of("m-1", "The light is out again."), triage_of("m-1"))])
    assert [stored.revision for stored in store.triages_of("m-1")] == [1, 2]
    contact = store.contact_of("m-1")
    assert (contact.revision, contact.message.text) == (2, "The light is out again.")
    assert store.counts() == Counts(contacts=1, messages=2, triages=2, decisions=1, rejections=0)


def test_a_subject_that_is_missing_is_not_an_empty_one(store: SqlTriageStore) -> None:
    pairs = [(message_of("m-1", "Hello", subject=subject), triage_of("m-1")) for subject in (None, "", "Hello")]
    store.save(pairs)
    assert [stored.revision for stored in store.triages_of("m-1")] == [1, 2, 3]


def test_an_earlier_text_that_comes_again_keeps_its_revision_and_only_suggests(store: SqlTriageStore) -> None:
    store.save([(message_of("m-1", text), triage_of("m-1")) for text in ("one", "two")])
    store.save([(message_of("m-1", "one"), triage_of("m-1", GRAFFITI))])
    assert [(stored.revision, stored.suggestion) for stored in store.triages_of("m-1")] == [
        (1, True),
        (1, True),
        (2, False),
    ]
    contact = store.contact_of("m-1")
    assert contact.message.text == "two"
    assert contact.decision is not None
    assert contact.decision.decision == LEAK


def test_an_edit_that_goes_back_to_an_earlier_text_stands_with_it(store: SqlTriageStore) -> None:
    decisions = {"a gas smell": LEAK, "a gas line question": GRAFFITI}
    for text in ("a gas smell", "a gas line question", "a gas smell", "a gas smell"):
        store.save([(message_of("m-1", text), triage_of("m-1", decisions[text]))], edited=True)
    contact = store.contact_of("m-1")
    assert (contact.revision, contact.message.text) == (3, "a gas smell")
    assert contact.decision is not None
    assert (contact.decision.version, contact.decision.decision) == (3, LEAK)
    assert [(each.revision, each.suggestion) for each in store.triages_of("m-1")] == [
        *((1, False), (2, False), (3, False), (3, False))
    ]
    assert store.receipts.verify().problems == ()


def test_what_a_channel_delivers_again_never_overwrites_an_edit(store: SqlTriageStore) -> None:
    for text in ("one", "two", "one", "three"):
        store.save([(message_of("m-1", text), triage_of("m-1"))], edited=True)
    for text in ("one", "two"):
        store.receive([(message_of("m-1", text), b"again")])
        store.save([(message_of("m-1", text), triage_of("m-1", GRAFFITI))])
    contact = store.contact_of("m-1")
    assert (contact.revision, contact.message.text, contact.raw) == (4, "three", None)
    assert contact.decision is not None
    assert contact.decision.decision == LEAK
    assert [each.revision for each in store.triages_of("m-1") if each.suggestion] == [2, 3]


def test_an_answer_that_comes_late_goes_to_the_text_that_came_back(store: SqlTriageStore) -> None:
    for text in ("one", "two", "one"):
        store.receive([(message_of("m-1", text), None)], edited=True)
    items = store.work.claim("a")
    assert [(item.message.text, item.revision) for item in items] == [("two", 2), ("one", 3)]
    assert store.work.finish("a", [(message_of("m-1", "one"), triage_of("m-1"))]) == [True]
    contact = store.contact_of("m-1")
    assert (contact.revision, contact.triage is not None) == (3, True)
    assert store.save_once(message_of("m-1", "one"), triage_of("m-1", GRAFFITI)) == contact.triage
    assert store.first_answer(message_of("m-1", "one")) == contact.triage
    assert store.first_answer(message_of("m-9", "one")) is None


def test_edits_of_one_batch_stand_in_its_order(store: SqlTriageStore) -> None:
    store.save([(message_of("m-1", text), triage_of("m-1")) for text in ("one", "two", "one", "one")], edited=True)
    assert (store.contact_of("m-1").revision, store.contact_of("m-1").message.text) == (3, "one")
    assert store.counts().messages == 3


def test_a_new_text_without_an_answer_shows_no_answer_to_the_old_one(store: SqlTriageStore) -> None:
    store.save([(message_of("m-1", "one"), triage_of("m-1"))])
    store.receive([(message_of("m-1", "two"), None)])
    contact = store.contact_of("m-1")
    assert (contact.message.text, contact.triage) == ("two", None)
    assert store.triage_of("m-1").revision == 1


def test_the_first_arrival_tells_channel_thread_and_time(store: SqlTriageStore) -> None:
    first = message_of("m-1", received_at=datetime(2026, 3, 1, 8, tzinfo=UTC), thread_id="t-1")
    again = replace(first, channel=Channel.EMAIL, received_at=datetime(2026, 3, 2, tzinfo=UTC), thread_id="t-2")
    store.save([(first, triage_of("m-1"))])
    store.save([(again, triage_of("m-1"))])
    assert store.contact_of("m-1").message == first


def test_a_message_is_kept_with_its_bytes_before_it_is_triaged(store: SqlTriageStore) -> None:
    store.receive([(message_of("m-1"), b"\x00\xff raw"), (message_of("m-2"), None)])
    first, second = store.contact_of("m-1"), store.contact_of("m-2")
    assert (first.raw, first.triage, first.decision, first.version) == (b"\x00\xff raw", None, None, 0)
    assert second.raw is None
    with pytest.raises(NotFound, match="m-1 has not been triaged"):
        store.triage_of("m-1")


def test_bytes_that_come_later_are_added_and_never_replaced(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    for raw in (None, b"first", b"second"):
        store.receive([(message_of("m-1"), raw)])
    assert store.contact_of("m-1").raw == b"first"
    assert store.counts() == Counts(contacts=1, messages=1, triages=1, decisions=1, rejections=0)


def test_a_triage_of_another_message_is_refused(store: SqlTriageStore) -> None:
    with pytest.raises(ValueError, match="message m-1 is paired with the triage of m-2"):
        store.save([(message_of("m-1"), triage_of("m-2"))])
    assert store.counts().contacts == 0


def test_a_batch_larger_than_one_statement_is_stored_whole(store: SqlTriageStore) -> None:
    ids = [f"m-{number}" for number in range(1203)]
    store.save([pair_of(message_id) for message_id in ids])
    assert sorted(contact.message.id for contact in store.recent(2000)) == sorted(ids)
    assert store.counts() == Counts(contacts=1203, messages=1203, triages=1203, decisions=1203, rejections=0)
    assert store.triage_of("m-1202").answer == plain(triage_of("m-1202"))


def test_every_answer_is_tied_to_its_own_message(store: SqlTriageStore) -> None:
    pairs = [(message_of(f"m-{n}"), triage_of(f"m-{n}", language=f"l{n}")) for n in range(30)]
    store.save(pairs)
    answers = [
        (contact.message.id, contact.triage and contact.triage.answer["language"]["code"])
        for contact in store.recent(30)
    ]
    assert sorted(answers) == sorted((f"m-{n}", f"l{n}") for n in range(30))


def test_recent_gives_the_contacts_stored_last_newest_first(store: SqlTriageStore) -> None:
    for number in range(5):
        store.save([pair_of(f"m-{number}")])
    assert [contact.message.id for contact in store.recent(3)] == ["m-4", "m-3", "m-2"]


def test_recent_needs_a_limit_of_at_least_one(store: SqlTriageStore) -> None:
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        store.recent(0)


def test_a_message_that_is_not_stored_is_not_found(store: SqlTriageStore) -> None:
    for ask in (store.triage_of, store.triages_of, store.contact_of):
        with pytest.raises(NotFound, match="no message m-9 is stored"):
            ask("m-9")


def test_rows_are_stamped_by_the_clock_in_utc(url: str) -> None:
    pacific = timezone(timedelta(hours=-8))
    with open_store(url, now=lambda: datetime(2026, 1, 31, 20, 30, 0, 5, tzinfo=pacific)) as store:
        store.save([pair_of("m-1")])
        contact = store.contact_of("m-1")
    noon = datetime(2026, 2, 1, 4, 30, 0, 5, tzinfo=UTC)
    assert contact.triage is not None
    assert contact.decision is not None
    assert [contact.created_at, contact.triage.created_at, contact.decision.decided_at] == [noon] * 3
    assert contact.created_at.tzinfo is UTC


def test_a_store_that_is_opened_again_still_has_everything(url: str) -> None:
    with open_store(url) as store:
        store.save([pair_of("m-1")])
    with open_store(url) as store:
        assert store.triage_of("m-1").answer == plain(triage_of("m-1"))


# Rejected input


def test_rejected_input_is_kept_once_with_its_reason(store: SqlTriageStore) -> None:
    for channel in (Channel.EMAIL, Channel.EMAIL, Channel.WEB):
        store.keep_rejected(b"\x00\xff", "the mail has no body", channel)
    store.keep_rejected(b"", "the mail is empty", Channel.EMAIL)
    assert store.counts().rejections == 3


# Decisions


def test_the_policy_decides_until_a_person_does(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    decision = store.contact_of("m-1").decision
    assert decision is not None
    assert (decision.version, decision.actor, decision.decided_by) == (1, Actor.POLICY, "policy-3")
    assert (decision.decision, decision.urgency) == (LEAK, UrgencyLevel.HIGH)
    assert decision.triage_id == store.triage_of("m-1").id


def test_the_same_decision_of_the_policy_again_is_no_new_version(store: SqlTriageStore) -> None:
    for _ in range(3):
        store.save([pair_of("m-1")])
    assert store.contact_of("m-1").version == 1
    store.save([(message_of("m-1"), triage_of("m-1", level=UrgencyLevel.LOW))])
    assert store.contact_of("m-1").version == 2


def test_a_persons_decision_stands_whatever_models_say_later(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    decided = store.decide("m-1", POTHOLE, "agent-7", 1)
    store.save([(message_of("m-1"), triage_of("m-1", GRAFFITI, UrgencyLevel.LOW))])
    contact = store.contact_of("m-1")
    assert contact.decision == decided
    assert (decided.version, decided.actor, decided.decided_by) == (2, Actor.PERSON, "agent-7")
    assert (decided.decision, decided.urgency) == (POTHOLE, UrgencyLevel.HIGH)
    assert decided.triage_id == store.triages_of("m-1")[0].id
    assert [stored.suggestion for stored in store.triages_of("m-1")] == [False, True]


def test_a_person_may_set_the_urgency(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.decide("m-1", POTHOLE, "agent-7", 1, urgency=UrgencyLevel.LOW)
    assert store.decide("m-1", GRAFFITI, "agent-8", 2).urgency is UrgencyLevel.LOW


def test_a_person_may_decide_before_any_model(store: SqlTriageStore) -> None:
    store.receive([(message_of("m-1"), None)])
    decided = store.decide("m-1", POTHOLE, "agent-7", 0)
    assert (decided.version, decided.urgency, decided.triage_id) == (1, None, None)
    store.save([pair_of("m-1")])
    assert store.contact_of("m-1").decision == decided


def test_the_policy_never_stands_in_a_persons_way(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.save([(message_of("m-1"), triage_of("m-1", GRAFFITI))])
    assert store.decide("m-1", POTHOLE, "agent-7", 1).version == 3


def test_the_second_of_two_people_who_saw_the_same_is_told(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    store.decide("m-1", POTHOLE, "agent-7", 1)
    with pytest.raises(DecisionConflict, match="since version 1, the contact is at 2"):
        store.decide("m-1", GRAFFITI, "agent-8", 1)
    assert store.decide("m-1", GRAFFITI, "agent-8", 2).version == 3


@pytest.mark.parametrize("expected", [-1, 2])
def test_a_version_that_was_never_given_out_is_refused(store: SqlTriageStore, expected: int) -> None:
    store.save([pair_of("m-1")])
    with pytest.raises(ValueError, match=r"expected_version must be in 0\.\.1"):
        store.decide("m-1", POTHOLE, "agent-7", expected)


def test_a_decision_needs_a_message_and_a_name(store: SqlTriageStore) -> None:
    with pytest.raises(NotFound, match="no message m-1 is stored"):
        store.decide("m-1", POTHOLE, "agent-7", 0)
    with pytest.raises(ValueError, match="needs the name"):
        store.decide("m-1", POTHOLE, "", 0)


_steps = st.lists(
    st.tuples(st.just("save"), st.sampled_from([LEAK, GRAFFITI, POTHOLE]))
    | st.tuples(st.just("decide"), st.integers(0, 6)),
    max_size=12,
)


@SHARED
@given(steps=_steps)
def test_whatever_the_order_a_person_wins_and_versions_count_up(
    store: SqlTriageStore, steps: list[tuple[str, object]]
) -> None:
    message_id = uuid4().hex
    store.receive([(message_of(message_id), None)])
    history: list[tuple[Actor, object]] = []
    suggested = []
    for step, value in steps:
        people = [number for number, (actor, _) in enumerate(history, 1) if actor is Actor.PERSON]
        if step == "save":
            suggested.append(bool(people))
            if not people and (not history or history[-1][1] != value):
                history.append((Actor.POLICY, value))
            store.save([(message_of(message_id), triage_of(message_id, value))])  # type: ignore[arg-type]
            continue
        assert isinstance(value, int)
        chosen = replace(POTHOLE, mode=Mode.ASK, reasons=(str(len(history)),))
        if value > len(history):
            with pytest.raises(ValueError, match="expected_version"):
                store.decide(message_id, chosen, "agent", value)
        elif people and people[-1] > value:
            with pytest.raises(DecisionConflict):
                store.decide(message_id, chosen, "agent", value)
        else:
            history.append((Actor.PERSON, chosen))
            assert store.decide(message_id, chosen, "agent", value).version == len(history)
    standing = store.contact_of(message_id).decision
    found = (standing.actor, standing.decision) if standing else None
    assert found == (history[-1] if history else None)
    assert store.contact_of(message_id).version == len(history)
    assert [stored.suggestion for stored in store.triages_of(message_id)] == suggested


# Nothing is lost


@SHARED
@given(message=messages, triage=triages, raw=st.none() | st.binary(max_size=40))
def test_any_message_and_any_answer_come_back_exactly(
    store: SqlTriageStore, message: Message, triage: Triage, raw: bytes | None
) -> None:
    message = replace(message, id=message.id + uuid4().hex)
    triage = replace(triage, message_id=message.id)
    store.receive([(message, raw)])
    store.save([(message, triage)])
    contact = store.contact_of(message.id)
    assert contact.message == message
    assert contact.raw == raw
    assert contact.triage is not None
    assert contact.triage.answer == plain(triage)
    assert contact.decision is not None
    assert contact.decision.decision == triage.decision
    assert contact.decision.urgency is triage.urgency.level


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NUL \x00 within",
        "\x00",
        "\U0001f6b0 leak \U0001f9d1\u200d\U0001f692",
        "half \ud83d",
        "\ud83d\ude00",
        "\x1a0000",
        "\ufffe\uffff",
    ],
    ids=ascii,
)
def test_texts_that_databases_refuse_are_kept(store: SqlTriageStore, text: str) -> None:
    message_id = f"id {text}"
    message = message_of(message_id, text, subject=text, thread_id=text)
    store.save([(message, replace(triage_of(message_id), similar=(text,), warnings=(text, "after")))])
    contact = store.contact_of(message_id)
    assert contact.message == message
    assert contact.triage is not None
    assert contact.triage.answer["similar"] == [text]
    assert contact.triage.answer["message_id"] == message_id


def test_a_message_id_may_have_any_length(store: SqlTriageStore) -> None:
    long_ids = [f"<{'é' * 10_000}{number}@example.org>" for number in range(2)]
    store.save([pair_of(message_id) for message_id in long_ids])
    assert store.triage_of(long_ids[1]).answer["message_id"] == long_ids[1]


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(1, 1, 1, tzinfo=UTC)),
        (
            datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-8))),
            datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        ),
    ],
)
def test_a_time_beyond_the_calendar_becomes_its_end(store: SqlTriageStore, claimed: datetime, kept: datetime) -> None:
    store.save([(message_of("m-1", received_at=claimed), triage_of("m-1"))])
    assert store.contact_of("m-1").message.received_at == kept
