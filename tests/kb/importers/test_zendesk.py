import json
from pathlib import Path

import pytest

from tests.kb.importers.samples import article_of, imported, reasons, text_of, told, write

PAY = {
    "id": 360001,
    "title": "Pay a bill",
    "body": "<p>Pay <em>online</em>.</p>"
    "<table><tr><th>Way</th><th>Fee</th></tr><tr><td>Card</td><td>$2</td></tr></table>",
    "locale": "en-us",
    "draft": False,
    "user_segment_id": None,
    "html_url": "https://help.example.org/hc/en-us/articles/360001",
    "position": 0.5,
}


def test_an_export_becomes_articles_with_address_language_and_audience(tmp_path: Path) -> None:
    export = {"count": 2, "articles": [PAY, {**PAY, "id": 7, "user_segment_id": 12, "title": "Codes"}], "sections": []}
    changes = imported(write(tmp_path / "z.json", json.dumps(export)), tmp_path / "out")
    assert told(changes) == [("added", "zendesk-360001"), ("added", "zendesk-7")]
    article = article_of(tmp_path / "out", "zendesk-360001")
    assert (article.title, article.language, article.url) == ("Pay a bill", "en", PAY["html_url"])
    assert (
        text_of(tmp_path / "out", "zendesk-360001") == "Pay *online*.\n\n| Way | Fee |\n| --- | --- |\n| Card | $2 |\n"
    )
    assert [section.audience.value for section in article_of(tmp_path / "out", "zendesk-7").sections] == ["internal"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([PAY, {**PAY, "id": 2}]),
        json.dumps({"articles": [PAY]}) + "\n" + json.dumps({"articles": [{**PAY, "id": 2}]}),
        json.dumps(PAY) + "\n" + json.dumps({**PAY, "id": 2}),
        "\ufeff" + json.dumps({"next_page": None, "articles": [PAY, {**PAY, "id": 2}]}, indent=1),
    ],
    ids=["a list", "pages", "a line each", "with a mark"],
)
def test_all_layouts_of_exports_are_read(tmp_path: Path, text: str) -> None:
    changes = imported(write(tmp_path / "z.json", text), tmp_path / "out")
    assert told(changes) == [("added", "zendesk-360001"), ("added", "zendesk-2")]


def test_translations_become_articles_of_their_language(tmp_path: Path) -> None:
    spanish = {"locale": "es", "title": "Pagar", "body": "<p>En l\u00ednea.</p>"}
    chinese = {"locale": "zh-tw", "title": "付款", "body": "<p>線上。</p>", "draft": True}
    record = {**PAY, "translations": [{**PAY}, spanish, chinese]}
    changes = imported(write(tmp_path / "z.json", json.dumps({"articles": [record]})), tmp_path / "out")
    assert told(changes) == [
        ("added", "zendesk-360001"),
        ("added", "zendesk-360001-es"),
        ("left out", "zendesk-360001-zh-tw"),
    ]
    assert article_of(tmp_path / "out", "zendesk-360001-es").language == "es"


def test_drafts_are_left_out_without_a_fault_and_empty_ones_with_one(tmp_path: Path) -> None:
    records = [
        {**PAY, "draft": True},
        {**PAY, "id": 2, "body": "<p> </p>"},
        {"title": "no id"},
        "text",
        {**PAY, "id": 3, "body": None},
    ]
    changes = imported(write(tmp_path / "z.json", json.dumps({"articles": records})), tmp_path / "out")
    assert [(change.detail, change.is_fault) for change in changes] == [
        ("it is a draft that was not published", False),
        ("it has no text", True),
        ("it is no article: it has no id", True),
        ("it is no article: it has no id", True),
        ("it has no text", True),
    ]


def test_a_file_cut_in_half_gives_its_first_articles_and_keeps_the_others(tmp_path: Path) -> None:
    whole = json.dumps({"articles": [PAY, {**PAY, "id": 2}]})
    imported(write(tmp_path / "z.json", whole), tmp_path / "out")
    changes = imported(write(tmp_path / "z.json", whole[: len(whole) * 3 // 4]), tmp_path / "out", prune=True)
    assert told(changes) == [("unchanged", "zendesk-360001"), ("left out", None)]
    assert "its JSON breaks off after article 1" in reasons(changes)[0]
    assert (tmp_path / "out" / "zendesk-2.md").exists()


@pytest.mark.parametrize("text", ["{}", '{"tickets": [{"id": 1}]}', "[]", '{"articles": []}'])
def test_a_file_without_articles_says_what_an_export_is(tmp_path: Path, text: str) -> None:
    assert "a Help Center export is" in reasons(imported(write(tmp_path / "z.json", text), tmp_path / "out"))[0]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"articles": [{"id": "\xff"}]}', b"null"])
def test_what_is_no_json_is_left_out(tmp_path: Path, content: bytes) -> None:
    changes = imported(write(tmp_path / "z.json", content), tmp_path / "out")
    assert [outcome for outcome, _ in told(changes)] == ["left out"]
