"""Several processes on one database, and processes that die in the middle of it."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from tests.store.processes import run_together
from tests.store.samples import LEAK, POTHOLE, message_of, pair_of, triage_of
from triage.errors import DecisionConflict
from triage.store import Counts, SqlTriageStore, open_store
from triage.store.database import Database

BEFORE = Counts(contacts=1, messages=1, triages=1, decisions=1, rejections=0)
AFTER = Counts(contacts=3, messages=4, triages=4, decisions=4, rejections=0)


@pytest.mark.system
@pytest.mark.parametrize(
    "statement", ["INSERT INTO messages", "INSERT INTO triages", "INSERT INTO decisions", "COMMIT"]
)
def test_a_process_killed_within_a_save_leaves_nothing_of_it(url: str, statement: str) -> None:
    with open_store(url) as store:
        store.save([pair_of("m-1")])
    assert run_together(url, [("killed_before", statement)]) == [(-signal.SIGKILL, "")]
    with open_store(url) as store:
        assert store.counts() == BEFORE
        store.save([(message_of("m-1", "a new text"), triage_of("m-1", POTHOLE)), pair_of("m-2"), pair_of("m-3")])
        assert store.counts() == AFTER


@pytest.mark.system
def test_a_process_killed_right_after_a_save_leaves_all_of_it(url: str) -> None:
    with open_store(url) as store:
        store.save([pair_of("m-1")])
    assert run_together(url, [("killed_after", "")]) == [(-signal.SIGKILL, "")]
    with open_store(url) as store:
        assert store.counts() == AFTER
        assert store.contact_of("m-1").message.text == "a new text"


@pytest.mark.system
def test_two_processes_that_save_the_same_messages_make_one_contact_each(url: str) -> None:
    open_store(url).close()
    assert run_together(url, [("saves", "forwards"), ("saves", "backwards")]) == [(0, ""), (0, "")]
    with open_store(url) as store:
        counts = store.counts()
        # 60 first texts, and one further text of m-0 and of m-59.
        assert (counts.contacts, counts.messages, counts.triages) == (60, 62, 126)
        assert len(store.triages_of("m-0")) == len(store.triages_of("m-59")) == 5


@pytest.mark.system
def test_two_processes_that_decide_the_same_contacts_never_both_win(url: str) -> None:
    with open_store(url) as store:
        store.save([pair_of(f"m-{number}") for number in range(20)])
    statuses = run_together(url, [("decides", "agent-1"), ("decides", "agent-2")])
    assert [status for status, _ in statuses] == [0, 0]
    assert sum(int(won) for _, won in statuses) == 20
    with open_store(url) as store:
        assert {contact.version for contact in store.recent(20)} == {2}


@pytest.mark.system
def test_two_processes_may_open_an_empty_database_at_once(url: str) -> None:
    assert run_together(url, [("opens", ""), ("opens", "")]) == [(0, ""), (0, "")]
    with open_store(url) as store:
        assert store.counts().contacts == 0


def test_of_eight_threads_that_decide_at_once_one_wins(store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    begin = threading.Barrier(8)

    def decide(name: str) -> bool:
        begin.wait()
        try:
            store.decide("m-1", POTHOLE, name, 1)
        except DecisionConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(decide, [f"agent-{number}" for number in range(8)]))
    assert sum(won) == 1
    decision = store.contact_of("m-1").decision
    assert decision is not None
    assert decision.decided_by == f"agent-{won.index(True)}"


def test_readers_do_not_wait_for_a_writer_and_see_nothing_unfinished(url: str, store: SqlTriageStore) -> None:
    store.save([pair_of("m-1")])
    other = Database(url)
    with other.writing() as connection:
        connection.execute(text("UPDATE decisions SET department = 'Nobody'"))
        started = time.monotonic()
        decision = store.contact_of("m-1").decision
        waited_s = time.monotonic() - started
    other.close()
    assert decision is not None
    assert decision.decision == LEAK
    assert waited_s < 1
