"""Records are kept for two years, then leave a tombstone and nothing else."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Select, select, text

from tests.store.clock import Clock
from tests.store.samples import POTHOLE, pair_of
from triage.errors import NotFound
from triage.store import SqlTriageStore, retention
from triage.store.database import Database
from triage.store.deliveries import Delivery
from triage.store.feedback import Verdict
from triage.store.labels import LabelSource
from triage.store.links import Attachment
from triage.store.retention import OF_CONTACT, years_before
from triage.store.schema import contacts, metadata, tombstones
from triage.types import AnswerStatus, Channel


@pytest.fixture
def aged(timed: SqlTriageStore, clock: Clock) -> SqlTriageStore:
    """A contact with everything that may hang on it, two years old; one that was decided since; one of today."""
    timed.save([pair_of("old")])
    timed.save([pair_of("decided")])
    timed.decide("old", POTHOLE, "ada", 1)
    timed.claims.claim("old", "ada")
    timed.links.link("old", "zendesk", "7")
    timed.links.attach("old", Attachment(name="a.txt", media_type="text/plain", size_bytes=1, content=b"a"))
    timed.feedback.give(article_id="a-1", verdict=Verdict.USED, by="ada", message_id="old")
    timed.labels.add(label="street.pothole", by="ada", source=LabelSource.AGENT, message_id="old")
    timed.gaps.note(query="[phone]", language="en", status=AnswerStatus.NONE, message_id="old")
    timed.gaps.note(query="a search", language="en", status=AnswerStatus.NONE)
    timed.incidents.open(service_type="water.leak", title="leaks", by="ada", message_ids=["old", "decided"])
    timed.incidents.set_place("old", "oak street")
    timed.incidents.pause("old", "asked for the house number")
    timed.keep_rejected(b"\x00", "no message", Channel.EMAIL)
    clock.pass_by(days=400)
    timed.decide("decided", POTHOLE, "ada", 1)
    clock.pass_by(days=400)
    timed.save([pair_of("new")])
    return timed


def stones(url: str) -> list[tuple[object, ...]]:
    database = Database(url)
    with database.reading() as connection:
        found = connection.execute(select(tombstones.c.contact_id, tombstones.c.deleted_by, tombstones.c.rule)).all()
    database.close()
    return [tuple(row) for row in found]


def test_what_is_over_its_time_goes_and_the_rest_stays(aged: SqlTriageStore, url: str) -> None:
    report = aged.retention.run(by="records office")
    assert (report.contacts, report.dry_run, report.before) == (1, False, datetime(2026, 5, 10, 9, tzinfo=UTC))
    assert [contact.message.id for contact in aged.recent()] == ["new", "decided"]
    with pytest.raises(NotFound):
        aged.contact_of("old")
    assert stones(url) == [(1, "records office", "nothing happened since 2026-05-10, kept 2 years")]
    assert aged.gaps.unclustered() == ()
    assert aged.counts().rejections == 0


def test_the_chain_still_fits_after_a_deletion_and_only_after_one(aged: SqlTriageStore, url: str) -> None:
    aged.retention.run(by="records office")
    assert aged.receipts.verify().problems == ()
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("DELETE FROM tombstones"))
    database.close()
    problems = aged.receipts.verify().problems
    assert "triage 1 is missing (link 1)" in problems
    assert any("tombstone of link" in line for line in problems)


def test_a_dry_run_counts_what_would_go_and_deletes_nothing(aged: SqlTriageStore, url: str) -> None:
    before = aged.counts()
    tried = aged.retention.run(by="records office", dry_run=True)
    assert (aged.counts(), stones(url)) == (before, [])
    done = aged.retention.run(by="records office")
    assert (tried.contacts, tried.rows) == (done.contacts, done.rows)


def test_a_contact_that_still_has_to_be_sent_somewhere_stays(aged: SqlTriageStore) -> None:
    aged.outbox.add([Delivery(key="k", target="crm", kind="case")], message_id="old")
    assert aged.retention.run(by="records office").contacts == 0


def test_a_contact_on_which_anything_was_done_since_stays(aged: SqlTriageStore, clock: Clock) -> None:
    names = ("replied", "labelled", "judged", "asked")
    aged.save([pair_of(name) for name in names])
    clock.pass_by(days=800)
    aged.outbox.add([Delivery(key="r", target="smtp", kind="mail.reply")], message_id="replied")
    [reply] = aged.outbox.claim("w")
    aged.outbox.sent("w", reply.id)
    aged.labels.add(label="water.leak", by="ana", source=LabelSource.QUEUE, message_id="labelled")
    aged.feedback.give(article_id="a-1", verdict=Verdict.USED, by="ada", message_id="judged")
    aged.incidents.pause("asked", "which house?")
    aged.retention.run(by="records office")
    assert {contact.message.id for contact in aged.recent()} == set(names)


def test_what_happens_between_the_look_and_the_lock_keeps_a_contact(
    aged: SqlTriageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired, looks = retention._expired, []

    def stale_at_first(before: datetime) -> Select[int]:
        """Choose as a statement that began before the last save: every contact."""
        looks.append(before)
        return select(contacts.c.id) if len(looks) == 2 else expired(before)

    monkeypatch.setattr(retention, "_expired", stale_at_first)
    assert aged.retention.run(by="records office").contacts == 1
    assert [contact.message.id for contact in aged.recent()] == ["new", "decided"]


def test_searches_and_kept_answers_without_a_contact_go_by_their_age(aged: SqlTriageStore, clock: Clock) -> None:
    aged.feedback.give(article_id="a-1", verdict=Verdict.WRONG, by="ada", query="when is it open")
    aged.idempotency.begin("k", b"digest")
    clock.pass_by(days=800)
    aged.retention.run(by="records office")
    assert aged.feedback.list() == ()
    assert aged.idempotency.begin("k", b"another") is None


def test_a_deleted_message_that_comes_again_is_a_new_contact(aged: SqlTriageStore) -> None:
    aged.retention.run(by="records office")
    aged.save([pair_of("old")])
    assert aged.contact_of("old").version == 1
    assert aged.receipts.verify().problems == ()


def test_less_than_two_years_is_against_the_law(timed: SqlTriageStore) -> None:
    with pytest.raises(ValueError, match="kept for at least 2 years"):
        timed.retention.run(by="records office", years=1)


def test_the_day_two_years_ago_exists_in_every_year() -> None:
    assert years_before(datetime(2028, 2, 29, tzinfo=UTC), 2) == datetime(2026, 2, 28, tzinfo=UTC)
    assert years_before(datetime(2028, 3, 31, tzinfo=UTC), 4) == datetime(2024, 3, 31, tzinfo=UTC)


def test_every_table_of_contacts_is_emptied() -> None:
    outlive = {"receipts", "tombstones"}
    of_contacts = {name for name, table in metadata.tables.items() if "contact_id" in table.c} - outlive
    assert {table.name for table in OF_CONTACT} == of_contacts
