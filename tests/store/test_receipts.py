"""The chain of receipts finds what was changed, taken out or put in past the store."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.store.samples import GRAFFITI, POTHOLE, message_of, pair_of, triage_of
from triage.store import Action, SqlTriageStore
from triage.store.chain import LinkKind
from triage.store.database import Database


@pytest.fixture
def database(url: str, store: SqlTriageStore) -> Iterator[Database]:
    """Whoever writes to the database without the store."""
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def filled(store: SqlTriageStore) -> SqlTriageStore:
    """Triages 1 to 3 and decisions 1 to 4, links 1 to 7."""
    for message_id in ("m-1", "m-2"):
        store.save([pair_of(message_id)])
    store.save([(message_of("m-1"), triage_of("m-1", GRAFFITI))])
    store.decide("m-2", POTHOLE, "ada", 1, action=Action.OVERRIDE, note="saw the photo")
    return store


def test_what_nobody_touched_is_as_it_was_stored(filled: SqlTriageStore) -> None:
    told: list[tuple[str, int, int]] = []
    found = filled.receipts.verify(lambda *step: told.append(step))
    assert (found.links, found.problems) == (8, ())
    assert told == [("receipts", 8, 8)]
    assert found.head == filled.receipts.of("m-2")[-1].digest


def test_an_empty_store_has_the_beginning_of_a_chain(store: SqlTriageStore) -> None:
    found = store.receipts.verify()
    assert (found.links, found.problems) == (1, ())


def test_each_answer_and_decision_has_a_link_that_says_what_made_it(filled: SqlTriageStore) -> None:
    links = filled.receipts.of("m-1")
    assert [link.kind for link in links] == [LinkKind.TRIAGE, LinkKind.DECISION] * 2
    document = links[0].document
    assert document["versions"]["classifier"] == "c-1"
    assert len(document["input"]) == 64
    changed = {name for name, digest in document["stages"].items() if links[2].document["stages"][name] != digest}
    assert changed == {"decision"}


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE triages SET answer = REPLACE(answer, 'water.leak', 'water.bill') WHERE id = 2",
            "triage 2 was changed",
        ),
        ("UPDATE triages SET suggestion = true WHERE id = 1", "triage 1 was changed"),
        ("UPDATE decisions SET decided_by = 'ben' WHERE actor = 'person'", "decision 4 was changed"),
        ("UPDATE decisions SET note = NULL WHERE actor = 'person'", "decision 4 was changed"),
        ("UPDATE messages SET text = 'nothing' WHERE contact_id = 2", "the message of triage 2 was changed"),
        ("UPDATE contacts SET message_id = 'm-9' WHERE id = 2", "the message of triage 2 was changed"),
        ("DELETE FROM decisions WHERE actor = 'person'", "decision 4 is missing"),
        ("UPDATE receipts SET document = REPLACE(document, 'person', 'policy') WHERE number = 7", "link 7 was changed"),
        ("DELETE FROM receipts WHERE number = 3", "link 3 is missing"),
        ("DELETE FROM receipts WHERE number = 7", "the last link is not number 7"),
        (
            "INSERT INTO decisions (contact_id, version, actor, decided_by, mode, reasons, decided_at) "
            "VALUES (1, 3, 'person', 'eve', 'ask', '[]', '2026-03-01 00:00:00')",
            "decision 5 has no link",
        ),
    ],
)
def test_whatever_is_done_past_the_store_is_found(
    filled: SqlTriageStore, database: Database, statement: str, problem: str
) -> None:
    with database.writing() as connection:
        connection.execute(text(statement))
    problems = filled.receipts.verify().problems
    assert any(problem in line for line in problems), problems


@pytest.mark.parametrize(
    "change", ["kind = 'beginning'", "row_id = 1", "contact_id = 1", "kind = 'beginning', row_id = NULL"]
)
def test_a_decision_cannot_be_taken_out_behind_a_link_that_points_elsewhere(
    filled: SqlTriageStore, database: Database, change: str
) -> None:
    with database.writing() as connection:
        connection.execute(text(f"UPDATE receipts SET {change} WHERE number = 7"))
        connection.execute(text("DELETE FROM decisions WHERE actor = 'person'"))
    assert "link 7 was changed: it is of another row" in filled.receipts.verify().problems


def test_a_link_that_is_forged_whole_breaks_the_next_one(filled: SqlTriageStore, database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE receipts SET digest = previous WHERE number = 4"))
    assert filled.receipts.verify().problems == (
        "link 4 was changed",
        "link 5 does not follow the one before it",
    )
