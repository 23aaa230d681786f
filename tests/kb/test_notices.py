from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from kb.notices import NoticeBoard
from tests.fakes import FakeEncoder
from tests.kb.builders import DIM, query, search_of
from triage.errors import StoreError
from triage.protocols import KnowledgeBase
from triage.store.notices import Notice, StoredNotice
from triage.types import AnswerStatus, Prediction, Query, SearchResult

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def stored(number: int = 1, **fields: object) -> StoredNotice:
    values: dict[str, object] = {"title": "boil tap water", "text": "", "valid_until": NOON + timedelta(hours=1)}
    return StoredNotice(
        id=number,
        notice=Notice(**values | fields),  # type: ignore[arg-type]
        pinned_by="lead",
        created_at=NOON - timedelta(hours=1),
        withdrawn_by=None,
        withdrawn_at=None,
    )


class Pins:
    """A store's notices, and how often they were read."""

    def __init__(self, *notices: StoredNotice) -> None:
        self.notices: Sequence[StoredNotice] = notices
        self.reads = 0
        self.fails = False

    def active(self) -> Sequence[StoredNotice]:
        self.reads += 1
        if self.fails:
            raise StoreError("made to fail")
        return self.notices


class Clock:
    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment


def board(pins: Pins, clock: Clock | None = None, refresh_s: float = 0.0) -> NoticeBoard:
    return NoticeBoard(search_of(), pins.active, FakeEncoder(DIM), now=(clock or Clock()).now, refresh_s=refresh_s)


def first(knowledge_base: KnowledgeBase, asked: Query) -> SearchResult:
    return knowledge_base.search([asked])[0]


def test_a_notice_is_the_first_answer_to_what_it_concerns_and_to_nothing_else() -> None:
    served = board(Pins(stored(contradicts=("tap",), url="https://city.example/boil")))
    result = first(served, query("must i boil tap water"))
    assert result.status is AnswerStatus.ANSWER
    assert (result.answers[0].article_id, result.answers[0].quote) == ("notice-1", "boil tap water")
    assert result.answers[0].contradicts == ("tap",)
    assert result.answers[0].pinned_until == "2026-11-22T13:00:00+00:00"
    assert first(served, query("book a couch pickup")).answers[0].article_id == "bulky"


def test_a_notice_pinned_while_serving_is_found_without_building_anything() -> None:
    pins = Pins()
    served = board(pins)
    version = served.version
    assert first(served, query("boil tap water")).answers == ()
    pins.notices = (stored(),)
    assert first(served, query("boil tap water")).answers[0].article_id == "notice-1"
    assert served.version == version


def test_a_notice_ends_by_itself_to_the_moment() -> None:
    clock = Clock()
    served = board(Pins(stored()), clock, refresh_s=1_000)
    assert first(served, query("boil tap water")).answers
    clock.moment = NOON + timedelta(minutes=59, seconds=59)
    assert first(served, query("boil tap water")).answers
    clock.moment = NOON + timedelta(hours=1)
    assert first(served, query("boil tap water")).answers == ()


def test_the_store_is_looked_at_once_in_a_while_however_many_queries_come() -> None:
    pins = Pins(stored())
    served = board(pins, refresh_s=1_000)
    for _ in range(5):
        served.search([query("boil tap water")] * 3)
    assert pins.reads == 1


def test_a_store_that_fails_leaves_the_last_notices_and_the_answers() -> None:
    pins = Pins(stored())
    served = board(pins)
    assert first(served, query("boil tap water")).answers
    pins.fails = True
    assert first(served, query("boil tap water")).answers[0].article_id == "notice-1"
    assert first(served, query("book a couch pickup")).answers[0].article_id == "bulky"


def test_a_district_is_asked_for_and_another_one_is_not_concerned() -> None:
    served = board(Pins(stored(title="boil tap water, district 3, until friday", district="3")))
    unknown = first(served, query("boil tap water"))
    assert (unknown.status, unknown.answers[0].condition) == (AnswerStatus.POSSIBLE, "district 3")
    here = first(served, query("boil tap water district 3"))
    assert (here.status, here.answers[0].condition) == (AnswerStatus.ANSWER, None)
    assert first(served, query("boil tap water district 5")).answers == ()


def test_the_likely_type_makes_a_more_distant_question_enough() -> None:
    served = board(Pins(stored(title="boil water notice", service_types=("water.quality",))))
    asked = "is my water boil here again today"
    likely = [Prediction(label="water.quality", probability=0.8)]
    distant = query(asked)
    similarity = float(FakeEncoder(DIM).encode(["boil water notice"])[0] @ distant.vector)
    assert 0.3 <= similarity < 0.46
    assert first(served, distant).answers == ()
    assert first(served, query(asked, types=likely)).answers[0].article_id == "notice-1"


@pytest.mark.parametrize(("asked", "is_found"), [("is the alder pool open", True), ("is the pool open", False)])
def test_the_words_of_a_notice_find_it_where_a_query_has_all_of_one(asked: str, is_found: bool) -> None:
    served = board(Pins(stored(words=("alder pool",))))
    assert bool(first(served, query(asked, has_vector=False)).answers) is is_found


def test_no_more_answers_come_than_were_asked_for() -> None:
    served = board(Pins(*(stored(number, title=f"couch pickup notice {number}") for number in (1, 2, 3))))
    (result,) = served.search([query("couch pickup notice")], k=2)
    assert [answer.article_id.startswith("notice-") for answer in result.answers] == [True, True]


@pytest.mark.parametrize("words", ["in my district today", "which district am i in", "in the school district"])
def test_a_resident_who_says_the_word_district_alone_still_gets_the_notice(words: str) -> None:
    served = board(Pins(stored(title="boil tap water, district 3, until friday", district="3")))
    result = first(served, query(f"boil tap water {words}"))
    assert [answer.condition for answer in result.answers if answer.article_id == "notice-1"] == ["district 3"]


def test_a_district_in_words_is_the_one_in_figures() -> None:
    served = board(Pins(stored(title="boil tap water, district 3, until friday", district="3")))
    assert first(served, query("boil tap water district three")).answers[0].condition is None
