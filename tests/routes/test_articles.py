"""Articles, their versions, and changes that agents propose and editors review."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from tests.fakes import fake_parts
from tests.routes.resources import check_problem
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore

TODAY = datetime.now(UTC).date()
FRONT = (
    "---\nid: couch\ntitle: Bulky items\nservice_types: [waste.bulky]\nowner: waste@example.org\n"
    "reviewed_on: {day}\nreview_every_days: 30\n---\n"
)
TWO = FRONT.format(day=TODAY) + "Two pickups a year.\n\n## Agent notes\nAsk the size.\n"
THREE = TWO.replace("Two", "Three")
OLD = FRONT.format(day=TODAY - timedelta(days=40)).replace("couch", "old") + "Nothing new.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "articles"
    home.mkdir()
    (home / "couch.md").write_text(TWO, encoding="utf-8")
    return home


@pytest.fixture
def client(store: SqlTriageStore, folder: Path) -> Iterator[TestClient]:
    store.articles.keep_version("couch", TWO, "import")
    with TestClient(create_app(Pipeline(fake_parts()), store, own_articles=folder)) as opened:
        yield opened


def test_an_article_is_read_with_its_review_date_its_versions_and_its_verdicts(
    client: TestClient, store: SqlTriageStore
) -> None:
    store.articles.keep_version("couch", THREE, "ada")
    client.post("/v1/feedback", json={"article_id": "couch", "verdict": "stale"})
    article = client.get("/v1/kb/articles/couch").json()
    assert article["row"] | {"changed_at": None} == {
        "article_id": "couch", "title": "Bulky items", "language": "en", "department": "", "audience": "public",
        "owner": "waste@example.org", "reviewed_on": str(TODAY), "review_due": str(TODAY + timedelta(days=30)),
        "overdue": False, "version": 2, "changed_by": "ada", "changed_at": None,
    }  # fmt: skip
    assert [(one["version"], one["changed_by"], one["deleted"]) for one in article["versions"]] == [
        (2, "ada", False),
        (1, "import", False),
    ]
    assert [section["audience"] for section in article["sections"]] == ["public", "internal"]
    assert (article["verdicts"]["stale"], article["verdicts"]["used"]) == (1, 0)
    assert (article["document"], article["answers_today"]) == (THREE, True)
    check_problem(client.get("/v1/kb/articles/none"), 404, "no article has the id none")


def test_two_versions_are_compared_word_by_word(client: TestClient, store: SqlTriageStore) -> None:
    store.articles.keep_version("couch", THREE, "ada")
    told = client.get("/v1/kb/articles/couch/changes", params={"before": 1, "after": 2}).json()
    assert [change for change in told["changes"] if change["kind"] != "same"] == [
        {"kind": "removed", "text": "Two"},
        {"kind": "added", "text": "Three"},
    ]
    assert client.get("/v1/kb/articles/couch/versions/1").json()["document"] == TWO
    check_problem(client.get("/v1/kb/articles/couch/versions/3"), 404, "the article couch has no version 3")
    check_problem(client.get("/v1/kb/articles/couch/changes", params={"before": 1}), 422)


def test_an_article_that_was_taken_away_keeps_its_versions(client: TestClient, store: SqlTriageStore) -> None:
    store.articles.keep_version("couch", None, "ada")
    check_problem(client.get("/v1/kb/articles/couch"), 404, "was taken away on")
    assert client.get("/v1/kb/articles/couch/versions/1").json()["document"] == TWO
    assert client.get("/v1/kb/articles").json() == []


def test_articles_are_listed_and_those_whose_review_is_overdue(client: TestClient, store: SqlTriageStore) -> None:
    store.articles.keep_version("old", OLD, "import")
    store.articles.keep_version("broken", "no article", "import")
    assert [row["article_id"] for row in client.get("/v1/kb/articles").json()] == ["old", "couch"]
    [late] = client.get("/v1/kb/articles", params={"overdue": True}).json()
    assert (late["article_id"], late["review_due"]) == ("old", str(TODAY - timedelta(days=10)))


def test_an_accepted_edit_is_written_and_becomes_a_version_of_the_editor(client: TestClient, folder: Path) -> None:
    sent = client.post("/v1/kb/articles/couch/proposals", json={"kind": "edit", "text": THREE.replace("\n", "\r\n")})
    assert (sent.status_code, sent.headers["location"]) == (201, "/v1/kb/proposals/1")
    [waiting] = client.get("/v1/kb/proposals").json()
    assert (waiting["title"], waiting["outdated"]) == ("Bulky items", False)
    assert [change["text"] for change in waiting["changes"] if change["kind"] == "added"] == ["Three"]
    reviewed = client.post("/v1/kb/proposals/1/review", json={"accepted": True}).json()
    assert (reviewed["written"], reviewed["detail"], reviewed["proposal"]["accepted"]) == (True, None, True)
    assert (folder / "couch.md").read_text(encoding="utf-8") == THREE
    assert client.get("/v1/kb/articles/couch").json()["row"]["version"] == 2
    assert client.get("/v1/kb/proposals").json() == []
    again = client.post("/v1/kb/proposals/1/review", json={"accepted": False}).json()
    assert (again["proposal"]["accepted"], again["written"]) == (True, False)
    check_problem(client.post("/v1/kb/proposals/9/review", json={"accepted": True}), 404)


def test_an_edit_of_an_article_that_has_changed_since_can_only_be_refused(
    client: TestClient, store: SqlTriageStore
) -> None:
    client.post("/v1/kb/articles/couch/proposals", json={"kind": "edit", "text": THREE})
    store.articles.keep_version("couch", TWO.replace("Two", "Four"), "ada")
    assert client.get("/v1/kb/proposals").json()[0]["outdated"] is True
    check_problem(client.post("/v1/kb/proposals/1/review", json={"accepted": True}), 412, "has changed since")
    assert client.post("/v1/kb/proposals/1/review", json={"accepted": False}).json()["proposal"]["accepted"] is False


def test_the_starter_articles_are_not_written(store: SqlTriageStore) -> None:
    store.articles.keep_version("couch", TWO, "import")
    with TestClient(create_app(Pipeline(fake_parts()), store)) as client:
        client.post("/v1/kb/articles/couch/proposals", json={"kind": "edit", "text": THREE})
        reviewed = client.post("/v1/kb/proposals/1/review", json={"accepted": True}).json()
    assert (reviewed["written"], "TRIAGE_ARTICLES" in reviewed["detail"]) == (False, True)
    assert store.articles.current("couch").document == TWO


def test_what_is_no_edit_of_the_article_is_refused(client: TestClient) -> None:
    propose = "/v1/kb/articles/couch/proposals"
    check_problem(client.post(propose, json={"kind": "edit", "text": TWO}), 422, "the one that stands")
    check_problem(client.post(propose, json={"kind": "edit", "text": "hello"}), 422, "front matter")
    check_problem(client.post(propose, json={"kind": "edit", "text": OLD}), 422, "the id must stay 'couch'")
    check_problem(client.post("/v1/kb/articles/no/proposals", json={"kind": "edit", "text": TWO}), 404)


def test_a_wording_is_proposed_once_and_never_with_personal_data(client: TestClient) -> None:
    propose = "/v1/kb/articles/couch/proposals"
    body = {"kind": "alias", "text": "who takes my old recliner", "language": "en"}
    assert client.post(propose, json=body).json()["id"] == client.post(propose, json=body).json()["id"]
    check_problem(client.post(propose, json=body | {"text": "couch at 2210 Florin Rd"}), 422, "names a person or place")
