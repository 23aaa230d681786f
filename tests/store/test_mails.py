"""Mails under way: found once, leased to one, waited for, settled once, sent at most once."""

from datetime import timedelta

import pytest

from tests.store.clock import Clock
from tests.store.samples import LEAK, message_of, triage_of
from triage.errors import NotFound
from triage.store import Action, Actor, SqlTriageStore, Status
from triage.store.deliveries import Delivery
from triage.store.links import Attachment
from triage.store.mail_records import AckState, MailRow, MailState, Settlement, Situation, StoredMail

BOX = "city/INBOX"
PLAN = {"folder": "Review", "keywords": []}
PHOTO = Attachment(name="photo.jpg", media_type="image/jpeg", size_bytes=3, content=b"jpg")


def claimed(store: SqlTriageStore, worker: str = "w-1") -> tuple[MailRow, ...]:
    return store.mails.claim(worker, BOX, 7)


def stored(store: SqlTriageStore, message_id: str = "m-1", *, sender: str = "jo@example.com", uid: int = 1) -> MailRow:
    """A mail that was found and stored."""
    store.mails.discover(BOX, 7, [uid])
    [row] = [row for row in claimed(store) if row.uid == uid]
    mail = StoredMail(message=message_of(message_id), raw=b"raw", files=[PHOTO], sender=sender, text_digest="same")
    assert store.mails.store("w-1", row, mail)
    return row


def settled(store: SqlTriageStore, row: MailRow, message_id: str = "m-1", *, aside: str | None = None) -> Situation:
    """Settle a mail with an acknowledgment, and return what was known."""
    seen: list[Situation] = []

    def decide(situation: Situation) -> Settlement:
        seen.append(situation)
        return Settlement(
            triage=triage_of(message_id),
            plan=PLAN,
            set_aside=aside,
            acknowledgment=Delivery(key=f"ack:{message_id}", target="smtp", kind="mail.acknowledge"),
            acknowledgment_id=f"ack-{message_id}",
        )

    assert store.mails.settle("w-1", row, message_of(message_id), decide) is not None
    return seen[0]


def test_a_mail_is_found_once_and_the_cursor_goes_on(store: SqlTriageStore) -> None:
    assert store.mails.cursor(BOX, 7) == 0
    store.mails.discover(BOX, 7, [3, 5])
    store.mails.discover(BOX, 7, [5, 4])
    store.mails.discover(BOX, 7, [])
    assert store.mails.cursor(BOX, 7) == 5
    assert [row.uid for row in claimed(store)] == [3, 5, 4]


def test_another_uidvalidity_begins_anew_and_closes_what_was_under_way(store: SqlTriageStore) -> None:
    store.mails.discover(BOX, 7, [1])
    store.mails.discover("other/INBOX", 7, [1])
    store.mails.discover(BOX, 8, [1])
    assert (store.mails.cursor(BOX, 7), store.mails.cursor(BOX, 8)) == (0, 1)
    assert {(count.mailbox, count.state, count.number) for count in store.mails.counts()} == {
        (BOX, MailState.FOUND, 1),
        (BOX, MailState.GONE, 1),
        ("other/INBOX", MailState.FOUND, 1),
    }


def test_mails_that_lie_under_a_uidvalidity_that_comes_back_are_found_again(store: SqlTriageStore) -> None:
    store.mails.discover(BOX, 7, [1, 2, 3])
    one, two, _ = claimed(store)
    store.mails.finish("w-1", one, MailState.DONE)
    store.mails.discover(BOX, 8, [1])
    assert not store.mails.finish("w-1", two, MailState.DONE)
    store.mails.discover(BOX, 7, [2, 4])
    assert {row.uid for row in claimed(store, "w-2")} == {2, 4}
    assert store.mails.claim("w-2", BOX, 8) == ()
    assert {(count.state, count.number) for count in store.mails.counts()} == {
        (MailState.DONE, 1),
        (MailState.FOUND, 2),
        (MailState.GONE, 2),
    }


def test_a_mail_is_leased_to_one_worker_until_the_lease_ends(timed: SqlTriageStore, clock: Clock) -> None:
    timed.mails.discover(BOX, 7, [1, 2])
    rows = timed.mails.claim("w-1", BOX, 7, lease=timedelta(minutes=5))
    assert [row.uid for row in rows] == [1, 2]
    assert timed.mails.claim("w-2", BOX, 7) == ()
    clock.pass_by(minutes=6)
    [again, _] = timed.mails.claim("w-2", BOX, 7)
    mail = StoredMail(message=message_of(), raw=b"raw")
    assert not timed.mails.store("w-1", rows[0], mail)
    assert timed.mails.settle("w-1", rows[0], message_of(), lambda situation: pytest.fail("not its mail")) is None
    assert not timed.mails.shelve("w-1", rows[0], PLAN)
    assert timed.mails.begin_move("w-1", rows[0], "Review a") is None
    assert not timed.mails.finish("w-1", rows[0], MailState.DONE)
    assert timed.mails.store("w-2", again, mail)
    assert timed.counts().contacts == 1


def test_a_mail_that_is_given_back_is_due_at_once(store: SqlTriageStore) -> None:
    store.mails.discover(BOX, 7, [1])
    store.mails.release("w-1", claimed(store))
    assert [row.uid for row in claimed(store, "w-2")] == [1]


def test_a_mail_that_fails_waits_longer_each_time_up_to_an_hour(timed: SqlTriageStore, clock: Clock) -> None:
    timed.mails.discover(BOX, 7, [1])
    waits = []
    for _ in range(12):
        [row] = claimed(timed)
        timed.mails.fail("w-1", row, "move: the server refuses")
        waited = 0
        while not (rows := claimed(timed)):
            clock.pass_by(seconds=5)
            waited += 5
        timed.mails.release("w-1", rows)
        waits.append(waited)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert [(count.state, count.failed) for count in timed.mails.counts()] == [(MailState.FOUND, 1)]


def test_storing_a_mail_keeps_its_bytes_and_files_and_lets_it_wait(store: SqlTriageStore) -> None:
    row = stored(store)
    assert store.contact_of("m-1").raw == b"raw"
    assert store.mail_sends.raw_of(row.id) == b"raw"
    assert store.links.attachments("m-1") == (PHOTO,)
    assert store.work.waiting() == 1


def test_settling_writes_answer_plan_and_deliveries_together_and_a_known_answer_stays(store: SqlTriageStore) -> None:
    row = stored(store)
    known = settled(store, row)
    assert (known.standing, known.from_sender_in_hour, known.same_text_other_senders) == (None, 1, 0)
    assert store.work.waiting() == 0
    assert [delivery.delivery.key for delivery in store.outbox.of("m-1")] == ["ack:m-1"]
    standing = store.contact_of("m-1").decision
    assert standing is not None
    assert (standing.decision, standing.actor, standing.status) == (LEAK, Actor.POLICY, Status.OPEN)
    again = stored(store, uid=2)
    known = settled(store, again)
    assert known.standing == standing
    assert len(known.acknowledged_to_sender) == len(known.acknowledged_in_thread) == 1
    assert len(store.triages_of("m-1")) == len(store.outbox.of("m-1")) == 1


def test_the_like_of_a_mail_is_counted_by_text_sender_and_time(timed: SqlTriageStore, clock: Clock) -> None:
    settled(timed, stored(timed, "m-1", sender="a@example.com", uid=1), "m-1")
    clock.pass_by(hours=2)
    settled(timed, stored(timed, "m-2", sender="b@example.com", uid=2), "m-2")
    known = settled(timed, stored(timed, "m-3", sender="a@example.com", uid=3), "m-3")
    assert (known.same_text_other_senders, known.from_sender_in_hour) == (1, 1)
    assert (len(known.acknowledged_to_sender), len(known.acknowledged_in_thread)) == (1, 0)
    nameless = settled(timed, stored(timed, "m-4", sender="", uid=4), "m-4")
    assert (nameless.same_text_other_senders, nameless.from_sender_in_hour) == (0, 0)


def test_what_is_set_aside_is_closed_by_the_policy_and_a_person_may_open_it(store: SqlTriageStore) -> None:
    settled(store, stored(store), aside="set aside: spam (a sign)")
    [first, closed] = store.decisions_of("m-1")
    assert (first.status, closed.status, closed.actor, closed.action, closed.note) == (
        Status.OPEN,
        Status.CLOSED,
        Actor.POLICY,
        Action.POLICY,
        "set aside: spam (a sign)",
    )
    opened = store.decide("m-1", LEAK, "ada", 2)
    assert opened.status is Status.OPEN
    settled(store, stored(store, uid=2), aside="set aside: spam (a sign)")
    assert store.contact_of("m-1").decision == opened
    assert store.receipts.verify().problems == ()


def test_threads_are_known_by_mails_and_by_their_acknowledgments(store: SqlTriageStore) -> None:
    settled(store, stored(store))
    store.receive([(message_of("m-2", thread_id="m-1"), None)])
    found = store.mails.threads_of(["m-2", "ack-m-1", "unknown", "m-1"])
    assert found == {"m-1": "m-1", "m-2": "m-1", "ack-m-1": "m-1"}
    assert store.mails.threads_of([]) == {}


def test_an_acknowledgment_is_begun_once_unless_it_was_refused(store: SqlTriageStore) -> None:
    row = stored(store)
    sends = store.mail_sends
    assert sends.state_of(row.id) is AckState.NEW
    assert sends.begin(row.id)
    assert not sends.begin(row.id)
    assert sends.state_of(row.id) is AckState.UNKNOWN
    assert sends.withdraw(row.id)
    assert sends.begin(row.id)
    assert sends.sent(row.id)
    assert sends.state_of(row.id) is AckState.SENT
    assert not sends.withdraw(row.id)
    with pytest.raises(NotFound):
        sends.state_of(row.id + 1)
    with pytest.raises(NotFound):
        sends.raw_of(row.id + 1)


def test_mails_alike_are_moved_one_after_the_other_and_counted(store: SqlTriageStore) -> None:
    store.mails.discover(BOX, 7, [1, 2, 3])
    one, two, other = claimed(store)
    assert store.mails.begin_move("w-1", one, "Review a") == 0
    assert store.mails.begin_move("w-1", two, "Review a") is None
    assert store.mails.begin_move("w-1", other, "Review b") == 0
    assert store.mails.begin_move("w-1", one, "Review a") == 0
    store.mails.finish("w-1", one, MailState.DONE)
    assert store.mails.begin_move("w-1", two, "Review a") == 1
