"""An edit is written once, by the editor whose review stands, and waits again where it cannot be written."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from kb.editing import write_article
from routes import proposals
from tests.fakes import fake_parts
from tests.routes.resources import check_problem
from tests.routes.test_articles import THREE, TWO
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.store.articles import Proposal, ProposalKind

REVIEW = "/v1/kb/proposals/1/review"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    home = tmp_path / "articles"
    home.mkdir()
    written = home / "couch.md"
    written.write_text(TWO, encoding="utf-8")
    return written


@pytest.fixture
def client(store: SqlTriageStore, file: Path) -> Iterator[TestClient]:
    store.articles.keep_version("couch", TWO, "import")
    store.articles.propose("couch", ProposalKind.EDIT, THREE, "ada")
    with TestClient(create_app(Pipeline(fake_parts()), store, own_articles=file.parent)) as opened:
        yield opened


def test_what_another_editor_refuses_in_between_is_not_written(
    client: TestClient, store: SqlTriageStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = store.articles.proposal(1)

    def read_then_refused(_: int) -> Proposal:
        monkeypatch.undo()
        store.articles.review(1, False, "ben")
        return seen

    monkeypatch.setattr(store.articles, "proposal", read_then_refused)
    answer = client.post(REVIEW, json={"accepted": True}).json()
    assert (answer["proposal"]["accepted"], answer["proposal"]["reviewed_by"]) == (False, "ben")
    assert (answer["written"], answer["detail"]) == (False, None)
    assert file.read_text(encoding="utf-8") == TWO


def test_the_review_stands_before_the_file_is_written(
    client: TestClient, store: SqlTriageStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted: list[bool | None] = []

    def observed(folder: Path, article_id: str, document: str) -> Path:
        accepted.append(store.articles.proposal(1).accepted)
        return write_article(folder, article_id, document)

    monkeypatch.setattr(proposals, "write_article", observed)
    assert client.post(REVIEW, json={"accepted": True}).json()["written"] is True
    assert accepted == [True]
    assert file.read_text(encoding="utf-8") == THREE


def test_an_edit_that_cannot_be_written_waits_again(client: TestClient, store: SqlTriageStore, file: Path) -> None:
    file.unlink()
    check_problem(client.post(REVIEW, json={"accepted": True}), 422, "no file of the articles' folder holds")
    waiting = store.articles.proposal(1)
    assert (waiting.accepted, waiting.reviewed_by, waiting.reviewed_at) == (None, None, None)
    file.write_text(TWO, encoding="utf-8")
    assert client.post(REVIEW, json={"accepted": True}).json()["written"] is True


def test_an_edit_whose_writing_breaks_off_waits_again(
    client: TestClient, store: SqlTriageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Path:
        raise PermissionError

    monkeypatch.setattr(proposals, "write_article", broken)
    check_problem(client.post(REVIEW, json={"accepted": True}), 500)
    assert store.articles.proposal(1).accepted is None
