import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest

from kb.gap_report import as_csv, as_html, write_report
from kb.gaps import close_answered, gather
from tests.fakes import FakeEncoder
from tests.kb.builders import DIM, article, search_of
from triage.store import SqlTriageStore, open_store
from triage.store.gaps import Gap
from triage.types import Answer, AnswerStatus, Query, SearchResult

ENCODER = FakeEncoder(DIM)
MOMENT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        yield opened


class _Answering:
    """A knowledge base that answers each question with the article told for it, or with none."""

    version = "by hand"

    def __init__(self, *articles: str | None) -> None:
        self._articles = articles

    def search(self, queries: Sequence[Query], *, k: int = 3) -> list[SearchResult]:
        return [_result(name) for name, _ in zip(self._articles, queries, strict=True)]


def _result(name: str | None) -> SearchResult:
    if name is None:
        return SearchResult()
    answer = Answer(
        article_id=name, title=name, section="", quote="At the desk.", probability=0.9, url=None, reviewed_on=None
    )
    return SearchResult(status=AnswerStatus.ANSWER, answers=(answer,))


def note(store: SqlTriageStore, *queries: str, language: str = "en") -> None:
    for text in queries:
        store.gaps.note(query=text, language=language, status=AnswerStatus.NONE)


def topics(store: SqlTriageStore) -> list[tuple[str, str, int]]:
    return [(gap.topic, gap.language, gap.count) for gap in store.gaps.list()]


def test_questions_of_one_topic_and_language_make_one_gap(store: SqlTriageStore) -> None:
    note(store, "library card renewal", "renewal of library card", "library card renewal fee", "lost drone in park")
    note(store, "library card renewal", language="es")
    assert gather(store.gaps, ENCODER) == 5
    assert topics(store) == [
        ("library card renewal", "en", 3), ("lost drone in park", "en", 1), ("library card renewal", "es", 1),
    ]  # fmt: skip
    assert store.gaps.unclustered() == ()


def test_later_questions_join_the_gap_that_is_there(store: SqlTriageStore) -> None:
    note(store, "library card renewal")
    gather(store.gaps, ENCODER)
    note(store, "library card renewal please", "sword permit")
    assert gather(store.gaps, ENCODER) == 2
    assert topics(store) == [("library card renewal", "en", 2), ("sword permit", "en", 1)]
    assert gather(store.gaps, ENCODER) == 0


def test_a_gap_is_closed_by_the_article_that_answers_it_and_others_stay(store: SqlTriageStore) -> None:
    note(store, "library card renewal", "sword permit")
    gather(store.gaps, ENCODER)
    assert close_answered(store.gaps, search_of(), ENCODER, by="kb") == ()
    with_article = search_of(article("card", title="Library card renewal", text="Renew it at the desk."))
    (closed,) = close_answered(store.gaps, with_article, ENCODER, by="kb")
    assert closed.topic == "library card renewal"
    assert topics(store) == [("sword permit", "en", 1)]
    answered = {gap.topic: gap.article_id for gap in store.gaps.list(open_only=False)}
    assert answered == {"library card renewal": "card", "sword permit": None}


def test_articles_that_answer_less_than_half_each_close_nothing(store: SqlTriageStore) -> None:
    note(store, *(f"library card {word}" for word in ("renewal", "fee", "lost", "age")))
    gather(store.gaps, ENCODER)
    assert topics(store)[0][2] == 4
    assert close_answered(store.gaps, _Answering("renewal", "fee", None, None), ENCODER, by="kb") == ()
    (closed,) = close_answered(store.gaps, _Answering("renewal", "fee", "renewal", None), ENCODER, by="kb")
    assert store.gaps.list(open_only=False)[0].article_id == "renewal"
    assert closed.count == 4


def gap(**fields: object) -> Gap:
    values: dict[str, object] = {
        "id": 7, "topic": "library card", "language": "en", "count": 3, "examples": ("library card at [address]",),
        "first_at": MOMENT, "last_at": MOMENT, "article_id": None, "closed_by": None, "closed_at": None,
    }  # fmt: skip
    return Gap(**values | fields)  # type: ignore[arg-type]


def test_the_csv_has_a_row_a_gap_and_no_cell_that_a_spreadsheet_computes() -> None:
    rows = list(csv.reader(StringIO(as_csv([gap(), gap(id=8, topic="=1+1", first_at=None)]))))
    assert rows[0] == [
        "gap", "topic", "language", "questions", "first asked", "last asked", "answered by", "examples",
    ]  # fmt: skip
    assert rows[1] == ["7", "library card", "en", "3", "2026-11-22", "2026-11-22", "", "library card at [address]"]
    assert rows[2][:5] == ["8", "'=1+1", "en", "3", ""]


def test_the_page_marks_languages_and_quotes_no_markup() -> None:
    page = as_html([gap(examples=("<script>alert(1)</script>",)), gap(language="ar", closed_at=MOMENT)], made_at=MOMENT)
    assert "3 questions in 1 topics that no article answers; 1 topics are answered since" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert '<th scope="row" lang="ar" dir="rtl">' in page


def test_page_and_csv_are_written_side_by_side(tmp_path: Path) -> None:
    page, table = write_report([gap()], tmp_path / "gaps.html", made_at=MOMENT)
    assert page.read_text("utf-8") == as_html([gap()], made_at=MOMENT)
    assert table.read_text("utf-8-sig").replace("\r\n", "\n") == as_csv([gap()]).replace("\r\n", "\n")
    assert table.name == "gaps.csv"
