from pathlib import Path

import pytest

from kb.articles import read_article
from kb.editing import checked, write_article
from triage.errors import DataError

COUCH = "---\nid: couch\ntitle: Couch\nservice_types: [waste.bulky]\n---\nTwo pickups a year.\n"


def test_a_text_is_checked_and_gets_single_line_ends() -> None:
    assert checked("couch", COUCH.replace("\n", "\r\n") + "\n\n") == COUCH


@pytest.mark.parametrize(
    ("document", "said"),
    [("no front matter", "front matter"), (COUCH.replace("couch", "sofa"), "the id must stay 'couch', got 'sofa'")],
)
def test_what_is_no_text_of_the_article_is_refused(document: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        checked("couch", document)


def test_the_file_that_holds_the_article_is_replaced_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("no article", encoding="utf-8")
    (tmp_path / "old-name.md").write_text(COUCH, encoding="utf-8")
    path = write_article(tmp_path, "couch", COUCH.replace("Two", "Three"))
    assert path.name == "old-name.md"
    assert read_article(path).sections[0].text == "Three pickups a year."
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.md", "old-name.md"]


def test_an_article_that_no_file_holds_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file of the articles' folder holds the article 'couch'"):
        write_article(tmp_path, "couch", COUCH)
