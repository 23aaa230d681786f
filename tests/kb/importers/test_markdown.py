from pathlib import Path

import pytest

from tests.kb.importers.samples import article_of, imported, reasons, text_of, told, write

FRONT = "---\nid: dog\ntitle: Dogs\nservice_types: [animals.license]\nowner: a@example.org\n---\nAsk us.\n"


def test_an_article_is_taken_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "in" / "x.md", FRONT)
    assert told(imported(tmp_path / "in", tmp_path / "out")) == [("added", "dog")]
    assert (tmp_path / "out" / "dog.md").read_text("utf-8") == FRONT


def test_markdown_without_front_matter_gets_one(tmp_path: Path) -> None:
    write(tmp_path / "in" / "pets" / "Dog_rules.md", "# Rules for dogs #\n\nOn a leash.\n")
    write(tmp_path / "in" / "cat-rules.md", "No leash.\n")
    assert told(imported(tmp_path / "in", tmp_path / "out")) == [("added", "cat-rules"), ("added", "pets-dog-rules")]
    assert [article_of(tmp_path / "out", name).title for name in ("pets-dog-rules", "cat-rules")] == [
        "Rules for dogs",
        "cat rules",
    ]
    assert text_of(tmp_path / "out", "pets-dog-rules") == "On a leash.\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FRONT.replace("title: Dogs", "title: Dogs: all"), "3: the front matter is no YAML"),
        (FRONT.replace("Ask us.\n", ""), "6: the article has no text below its front matter"),
        (FRONT.replace("owner", "tags"), "5: unknown key 'tags'"),
        ("---\n- a\n---\nText", "2: the front matter must be `key: value` lines"),
        ("# Title only\n", "it has no text"),
        ("", "it has no text"),
    ],
)
def test_what_is_no_article_is_left_out_with_line_and_rule(tmp_path: Path, text: str, reason: str) -> None:
    changes = imported(write(tmp_path / "in" / "a.md", text).parent, tmp_path / "out")
    assert reasons(changes)[0].startswith(reason)


def test_two_articles_with_one_id_are_told(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        write(tmp_path / "in" / name, FRONT)
    changes = imported(tmp_path / "in", tmp_path / "out")
    assert told(changes) == [("added", "dog"), ("left out", "dog")]


def test_a_broken_article_leaves_the_one_that_was_imported_before(tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "a.md", FRONT)
    imported(path, tmp_path / "out")
    write(path, FRONT[: len(FRONT) // 2])
    assert told(imported(path, tmp_path / "out", prune=True))[0][0] == "left out"
    assert (tmp_path / "out" / "dog.md").read_text("utf-8") == FRONT


def test_a_readme_is_no_article_and_no_fault(tmp_path: Path) -> None:
    write(tmp_path / "in" / "README.md", "About.")
    [change] = imported(tmp_path / "in", tmp_path / "out")
    assert (change.detail, change.is_fault) == ("a README is no article", False)


def test_text_that_is_not_utf8_is_left_out(tmp_path: Path) -> None:
    changes = imported(write(tmp_path / "a.md", b"Caf\xe9"), tmp_path / "out")
    assert "cannot be read as UTF-8 text" in reasons(changes)[0]


def test_a_heading_with_very_many_spaces_is_read_in_a_moment(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "# Pool" + " " * 20_000 + "hours ##\n\nOpens at noon.\n")
    imported(tmp_path / "a.md", tmp_path / "out")
    assert article_of(tmp_path / "out", "a").title == "Pool hours"
