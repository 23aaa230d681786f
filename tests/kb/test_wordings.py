from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.wordings import harvest, propose, with_accepted
from tests.kb.builders import COUCH, POTHOLE
from triage.store import SqlTriageStore, open_store
from triage.store.articles import Proposal
from triage.store.feedback import Verdict


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


def test_a_confirmed_wording_becomes_an_alias_after_review_only(store: SqlTriageStore) -> None:
    number = propose(store.articles, COUCH, "who  takes my old recliner", by="agent")
    assert number is not None
    assert with_accepted([COUCH, POTHOLE], store.articles.proposals(open_only=False)) == (COUCH, POTHOLE)
    store.articles.review(number, True, "editor")
    couch, pothole = with_accepted([COUCH, POTHOLE], store.articles.proposals(open_only=False))
    assert couch.aliases == ("get rid of an old sofa", "who takes my old recliner")
    assert pothole is POTHOLE


def test_a_rejected_wording_stays_out(store: SqlTriageStore) -> None:
    number = propose(store.articles, COUCH, "the worst service ever", by="agent")
    assert number is not None
    store.articles.review(number, False, "editor")
    assert with_accepted([COUCH], store.articles.proposals(open_only=False)) == (COUCH,)


@pytest.mark.parametrize(
    "wording",
    ["Get rid of an OLD sofa!", "couch", "call me at [phone] about the couch pickup", "old couch " * 13],
    ids=["known", "says too little", "masked", "a letter"],
)
def test_a_wording_that_makes_no_alias_is_not_proposed(store: SqlTriageStore, wording: str) -> None:
    assert propose(store.articles, COUCH, wording, by="agent") is None
    assert store.articles.proposals() == ()


def test_a_wording_that_waits_already_is_proposed_once(store: SqlTriageStore) -> None:
    first = propose(store.articles, COUCH, "who takes my old recliner", by="agent")
    assert propose(store.articles, COUCH, "Who takes my old recliner?", by="other") == first
    assert len(store.articles.proposals()) == 1


def test_questions_that_were_answered_well_are_proposed_and_what_was_rejected_never_again(
    store: SqlTriageStore,
) -> None:
    for verdict, query in (
        (Verdict.HELPFUL, "who takes my old recliner"),
        (Verdict.USED, "rid of broken dresser"),
        (Verdict.WRONG, "sell me a sofa please"),
        (Verdict.HELPFUL, None),
    ):
        store.feedback.give(article_id="bulky", verdict=verdict, by="agent", query=query)
    assert harvest(store.articles, [COUCH, POTHOLE], store.feedback.list()) == 2
    waiting = {one.text: one.id for one in store.articles.proposals()}
    assert set(waiting) == {"who takes my old recliner", "rid of broken dresser"}
    store.articles.review(waiting["rid of broken dresser"], False, "editor")
    assert harvest(store.articles, [COUCH, POTHOLE], store.feedback.list()) == 0
    assert [one.text for one in store.articles.proposals()] == ["who takes my old recliner"]


def test_the_proposals_are_read_once_however_much_feedback_there_is(
    store: SqlTriageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        store.feedback.give(article_id="bulky", verdict=Verdict.USED, by="agent", query=f"old recliner{number} pickup")
    read, reads = store.articles.proposals, []

    def proposals(*, open_only: bool = True) -> tuple[Proposal, ...]:
        reads.append(open_only)
        return read(open_only=open_only)

    monkeypatch.setattr(store.articles, "proposals", proposals)
    assert harvest(store.articles, [COUCH], store.feedback.list()) == 20
    assert reads == [False]
