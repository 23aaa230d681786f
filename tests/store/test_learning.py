"""What the service learns from: feedback, articles over time, gaps, labels."""

from datetime import date, timedelta

import pytest

from tests.store.clock import Clock
from tests.store.samples import GRAFFITI, LEAK, POTHOLE, message_of, pair_of, triage_of
from triage.errors import NotFound
from triage.store import Action, SqlTriageStore
from triage.store.articles import ProposalKind
from triage.store.feedback import ArticleUsage, Verdict
from triage.store.labels import LabelSource
from triage.types import AnswerStatus, Channel


def test_a_verdict_is_kept_and_counted(timed: SqlTriageStore) -> None:
    timed.save([pair_of("m-1")])
    give = timed.feedback.give
    give(article_id="a-1", section="Hours", verdict=Verdict.STALE, by="ada", message_id="m-1", note="now 9 to 5")
    give(article_id="a-1", verdict=Verdict.USED, by="ben", query="when open", language="en")
    give(article_id="a-2", verdict=Verdict.USED, by="ben")
    newest, oldest = timed.feedback.of("a-1")
    assert (oldest.section, oldest.verdict, oldest.message_id, oldest.note) == (
        "Hours",
        Verdict.STALE,
        "m-1",
        "now 9 to 5",
    )
    assert (newest.query, newest.message_id) == ("when open", None)
    assert [each.article_id for each in timed.feedback.list(2)] == ["a-2", "a-1"]
    assert timed.feedback.totals()["a-1"] == {
        Verdict.USED: 1,
        Verdict.HELPFUL: 0,
        Verdict.WRONG: 0,
        Verdict.STALE: 1,
    }


def test_use_is_counted_by_day(timed: SqlTriageStore, clock: Clock) -> None:
    for _ in range(2):
        timed.feedback.count_usage("a-1")
    clock.pass_by(days=1)
    timed.feedback.count_usage("a-1", number=5)
    assert timed.feedback.usage(date(2026, 3, 2)) == (
        ArticleUsage(article_id="a-1", day=date(2026, 3, 2), usage="shown", count=2),
        ArticleUsage(article_id="a-1", day=date(2026, 3, 3), usage="shown", count=5),
    )
    assert len(timed.feedback.usage(date(2026, 3, 3))) == 1


def test_what_an_article_said_on_a_day(timed: SqlTriageStore, clock: Clock) -> None:
    articles, first = timed.articles, clock.now
    numbers = [articles.keep_version("a", document, "ed") for document in ("one", "one", "two", None, "two")]
    assert numbers == [1, 1, 2, 3, 4]
    assert articles.at("a", first) == articles.versions("a")[-1]
    clock.pass_by(days=1)
    articles.keep_version("a", "three", "ed")
    clock.pass_by(days=1)
    before = articles.at("a", first)
    now = articles.at("a", clock.now)
    assert before is not None
    assert now is not None
    assert [before.document, now.document] == ["two", "three"]
    assert articles.at("b", clock.now) is None


def test_the_first_review_of_a_proposal_stands(timed: SqlTriageStore) -> None:
    number = timed.articles.propose("a", ProposalKind.ALIAS, "bin not emptied", "ada", language="en")
    assert [proposal.text for proposal in timed.articles.proposals()] == ["bin not emptied"]
    reviewed = timed.articles.review(number, True, "ed")
    assert timed.articles.review(number, False, "max") == reviewed
    assert (reviewed.accepted, reviewed.reviewed_by) == (True, "ed")
    assert timed.articles.proposals() == ()
    assert timed.articles.proposals(open_only=False) == (reviewed,)
    with pytest.raises(NotFound, match="no proposal has the number 9"):
        timed.articles.review(9, True, "ed")


def test_one_review_of_a_proposal_is_told_that_it_stands_and_a_reopened_one_waits_again(timed: SqlTriageStore) -> None:
    articles = timed.articles
    number, other = (articles.propose("a", ProposalKind.EDIT, text, "ada") for text in ("one", "two"))
    waiting = articles.proposals()
    assert [articles.claim_review(number, *one) for one in ((True, "ed"), (False, "max"))] == [True, False]
    assert articles.claim_review(9, True, "ed") is False
    assert [proposal.id for proposal in articles.proposals()] == [other]
    articles.reopen(number)
    assert articles.proposals() == waiting
    assert articles.claim_review(number, False, "max") is True


def test_unanswered_questions_become_gaps_that_an_article_closes(timed: SqlTriageStore) -> None:
    ledger = timed.gaps
    asked = [
        ledger.note(query=f"question {n}", language="es", status=AnswerStatus.POSSIBLE, probability=0.4)
        for n in range(3)
    ]
    assert [query.id for query in ledger.unclustered()] == asked
    gap_id = ledger.cluster("street fairs", "es", asked[:2])
    other = ledger.cluster("empty", "en", [])
    ledger.assign(gap_id, asked[2:])
    gap, _ = ledger.list()
    assert (gap.topic, gap.language, gap.count) == ("street fairs", "es", 3)
    assert gap.examples == ("question 2", "question 1", "question 0")
    ledger.close(gap_id, "street-fairs", "ed")
    assert [each.id for each in ledger.list()] == [other]
    closed = ledger.list(open_only=False)[0]
    assert (closed.article_id, closed.closed_by) == ("street-fairs", "ed")
    ledger.reopen(gap_id)
    assert ledger.list()[0].closed_at is None
    with pytest.raises(NotFound, match="no gap has the number 9"):
        ledger.close(9, "a", "ed")
    with pytest.raises(ValueError, match="answered is no gap"):
        ledger.note(query="q", language="en", status=AnswerStatus.ANSWER)


def test_a_note_that_is_still_being_typed_asks_once(timed: SqlTriageStore) -> None:
    timed.save([pair_of("note-1")])

    def note(query: str) -> int:
        return timed.gaps.note(query=query, language="en", status=AnswerStatus.NONE, message_id="note-1")

    for query in ("drone", "drone perm"):
        note(query)
    gathered = note("drone permit")
    assert [each.query for each in timed.gaps.unclustered()] == ["drone permit"]
    timed.gaps.cluster("drones", "en", [gathered])
    note("parade permit")
    assert [each.query for each in timed.gaps.unclustered()] == ["parade permit"]
    assert timed.gaps.list()[0].count == 1


def test_labels_are_of_the_newest_text_or_of_a_text(timed: SqlTriageStore) -> None:
    timed.save([pair_of("m-1")])
    add = timed.labels.add
    add(label="water.leak", by="ana", source=LabelSource.QUEUE, message_id="m-1", language="en")
    timed.receive([(message_of("m-1", "It is worse now."), None)])
    add(label="water.main_break", by="ana", source=LabelSource.REVIEW, message_id="m-1")
    last = add(label="es", by="ana", source=LabelSource.IMPORT, text="hola", field="language")
    assert [(label.message_id, label.text, label.label) for label in timed.labels.list()] == [
        ("m-1", "Water is running down Oak Street.", "water.leak"),
        ("m-1", "It is worse now.", "water.main_break"),
    ]
    assert [label.id for label in timed.labels.list(field="language")] == [last]
    assert len(timed.labels.list(after_id=1)) == 1
    with pytest.raises(ValueError, match="either of a message or of a text"):
        add(label="x", by="ana", source=LabelSource.QUEUE)


def test_what_agents_decided_is_a_label_while_it_stands(timed: SqlTriageStore) -> None:
    for number in range(4):
        timed.save([pair_of(f"m-{number}")])
    timed.decide("m-0", LEAK, "ada", 1, action=Action.ACCEPT)
    timed.decide("m-1", GRAFFITI, "ada", 1)
    timed.decide("m-1", POTHOLE, "ben", 2, action=Action.REROUTE)
    timed.decide("m-2", GRAFFITI, "ada", 1)
    timed.undo("m-2", "ada", 2)
    found = timed.labels.decided()
    assert [(label.message_id, label.label, label.labelled_by) for label in found] == [
        ("m-0", "water.leak", "ada"),
        ("m-1", "street.pothole", "ben"),
    ]
    assert timed.labels.decided(after_id=found[0].id) == found[1:]


def test_a_label_tells_how_and_when_its_contact_came_in(timed: SqlTriageStore, clock: Clock) -> None:
    written = clock.now - timedelta(days=3)
    for name, moment in (("m-1", written), ("m-2", None)):
        message = message_of(name, channel=Channel.EMAIL, received_at=moment)
        timed.save([(message, triage_of(name))])
    stored = clock.now
    clock.pass_by(days=1)
    for name in ("m-1", "m-2"):
        timed.labels.add(label="water.leak", by="ana", source=LabelSource.QUEUE, message_id=name)
        timed.decide(name, LEAK, "ada", 1)
    timed.labels.add(label="water.leak", by="ana", source=LabelSource.IMPORT, text="a leak")
    of_contacts = [("email", written), ("email", stored)]
    assert [(label.channel, label.received_at) for label in timed.labels.list()] == [*of_contacts, (None, None)]
    assert [(label.channel, label.received_at) for label in timed.labels.decided()] == of_contacts
