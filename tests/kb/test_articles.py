import time
from datetime import date
from pathlib import Path

import pytest

from kb.articles import Article, as_record, from_record, parse_article, read_articles
from kb.sections import MAX_SECTION_WORDS, Section, sections_of
from triage.errors import DataError
from triage.types import Audience

FRONT = """---
id: cart
title: "Carts: new or broken"
aliases:
  - my can was stolen
service_types: [waste.cart]
department: Solid waste
audience: public
owner: waste@example.org
reviewed_on: 2026-08-14
review_every_days: 365
valid_from: 2025-01-01
valid_until: null
applies_if: null
url: https://city.example/cart
language: en
sample: true
---
"""


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_an_article_is_read_key_by_key() -> None:
    article = parse_article(FRONT + "Ask 311.\n\n## Cost\nNothing.\n", source="cart.md")
    assert article == Article(
        id="cart",
        title="Carts: new or broken",
        aliases=("my can was stolen",),
        service_types=("waste.cart",),
        department="Solid waste",
        audience=Audience.PUBLIC,
        owner="waste@example.org",
        reviewed_on=date(2026, 8, 14),
        review_every_days=365,
        valid_from=date(2025, 1, 1),
        valid_until=None,
        applies_if=None,
        url="https://city.example/cart",
        language="en",
        sample=True,
        sections=(Section(heading="", text="Ask 311."), Section(heading="Cost", text="Nothing.")),
    )


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf" + (FRONT + "Ask 311.\n").replace("\n", "\r\n").encode())
    assert read_articles(tmp_path)[0] == parse_article(FRONT + "Ask 311.\n", source="a.md")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", "x.md:1: an article begins with front matter"),
        (FRONT.replace("---\n", "", 1) + "Text.", "x.md:1: an article begins with front matter"),
        ("---\nid: a\n", "x.md:1: an article begins with front matter"),
        (FRONT, "x.md:18: the article has no text"),
        (FRONT.replace("title:", "titel:") + "T.", "x.md:3: unknown key 'titel'; the keys are id, title"),
        (FRONT.replace("owner:", "id:") + "T.", "x.md:9: id stands there twice"),
        (FRONT.replace("id: cart\n", "") + "T.", "x.md:1: the front matter lacks id"),
        (FRONT.replace("2026-08-14", "August") + "T.", "x.md:10: reviewed_on must be a day such as 2026-05-01"),
        (FRONT.replace("2026-08-14", "2026-02-30") + "T.", "x.md:2: the front matter is no YAML"),
        (FRONT.replace(": 365", ": -1") + "T.", "x.md:11: review_every_days must be a whole number of days"),
        (FRONT.replace(": 365", ": 9999999") + "T.", "must be a whole number of days from 1 to 1,000,000"),
        (FRONT.replace("audience: public", "audience: all") + "T.", "x.md:8: audience must be one of public, internal"),
        (FRONT.replace("[waste.cart]", "waste.cart") + "T.", "x.md:6: service_types must be a list of texts"),
        (FRONT.replace("sample: true", "sample: maybe") + "T.", "x.md:17: sample must be true or false"),
        (FRONT.replace('"Carts: new or broken"', "Carts: new") + "T.", "x.md:3: the front matter is no YAML"),
        (FRONT.replace("valid_until: null", "valid_until: 2024-01-01") + "T.", "valid_until of cart lies before"),
        ("---\n- a\n---\nT.", "x.md:2: the front matter must be `key: value` lines"),
    ],
)
def test_a_wrong_article_is_refused_with_file_line_and_rule(text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_article(text, source="x.md")
    assert str(caught.value).startswith(message) or message in str(caught.value)


def test_two_articles_with_one_id_are_refused_by_both_names(tmp_path: Path) -> None:
    write(tmp_path, "a.md", FRONT + "A.")
    write(tmp_path, "b.md", FRONT + "B.")
    with pytest.raises(DataError, match=r"b\.md: the id 'cart' is taken by .*a\.md"):
        read_articles(tmp_path)


def test_a_folder_without_articles_is_refused_and_its_readme_is_none(tmp_path: Path) -> None:
    write(tmp_path, "README.md", "about")
    with pytest.raises(DataError, match="holds no article"):
        read_articles(tmp_path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"---\nid: \xff\n---\n")
    with pytest.raises(DataError, match="cannot be read as UTF-8"):
        read_articles(tmp_path)


def test_markdown_marks_are_stripped_and_words_kept() -> None:
    markdown = (
        "Call **311** or *write* to [the desk](https://city.example/desk) about `form 7`.\n"
        "Use snake_case and 5 * 3 as they are.\n\n- one\n- two\n\n| day | hour |\n|---|---|\n| Monday | 9 am |\n\n"
        "> quoted <b>bold</b> &amp; done <https://city.example>"
    )
    assert sections_of(markdown) == (
        Section(
            heading="",
            text="Call 311 or write to the desk about form 7. Use snake_case and 5 * 3 as they are.\none\ntwo\n"
            "day, hour\nMonday, 9 am\nquoted bold & done https://city.example",
        ),
    )


def test_headings_inside_code_are_no_headings() -> None:
    assert sections_of("a\n```\n# b\n```\nc")[0].text == "a\n# b\nc"


def test_agent_notes_are_internal_with_all_that_is_below_them() -> None:
    markdown = "a\n## Agent notes\nb\n### Codes\nc\n## Cost\nd"
    assert [(section.text, section.audience.value) for section in sections_of(markdown)] == [
        ("a", "public"),
        ("b", "internal"),
        ("c", "internal"),
        ("d", "public"),
    ]


def test_an_internal_article_has_internal_sections_only() -> None:
    article = parse_article(FRONT.replace("audience: public", "audience: internal") + "a\n## Cost\nb", source="a.md")
    assert [section.audience for section in article.sections] == [Audience.INTERNAL, Audience.INTERNAL]


def test_long_texts_are_cut_between_paragraphs() -> None:
    paragraph = "word " * (MAX_SECTION_WORDS // 2)
    sections = sections_of("\n\n".join([paragraph] * 3))
    assert [len(section.text.split()) for section in sections] == [MAX_SECTION_WORDS, MAX_SECTION_WORDS // 2]


def test_nothing_makes_no_section() -> None:
    assert sections_of("\n## Empty\n\n") == ()


def test_an_article_survives_the_way_through_a_record() -> None:
    article = parse_article(FRONT + "a\n## Agent notes\nb", source="a.md")
    assert from_record(as_record(article)) == article


def test_a_damaged_record_is_refused() -> None:
    record = as_record(parse_article(FRONT + "a", source="a.md"))
    with pytest.raises(DataError, match="'cart' is damaged"):
        from_record({**record, "reviewed_on": "never"})


def test_the_content_hash_changes_with_every_field() -> None:
    first = parse_article(FRONT + "a", source="a.md")
    second = parse_article(FRONT.replace("2026-08-14", "2026-08-15") + "a", source="a.md")
    assert first.content_hash != second.content_hash
    assert first.content_hash == parse_article(FRONT + "a", source="b.md").content_hash


def test_both_ends_of_validity_count() -> None:
    article = Article(id="a", title="A", sections=(), valid_from=date(2026, 1, 2), valid_until=date(2026, 1, 3))
    days = [date(2026, 1, day) for day in (1, 2, 3, 4)]
    assert [article.is_valid_on(day) for day in days] == [False, True, True, False]


def test_hidden_files_beside_the_articles_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a.md", FRONT + "A.")
    (tmp_path / "._a.md").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / ".#a.md").symlink_to("editor@host.123")
    assert [article.id for article in read_articles(tmp_path)] == ["cart"]


@pytest.mark.parametrize(
    "text",
    [
        "**a " * 50_000,
        "__a " * 50_000,
        "*" * 200_000,
        "<!-- " * 40_000,
        "# a" + " " * 50_000 + "b",
        "# " + "#" * 50_000 + "b",
    ],
    ids=["bold", "underlined", "stars", "comments", "spaces of a heading", "closing marks of a heading"],
)
def test_marks_that_are_never_closed_are_read_in_a_moment(text: str) -> None:
    start = time.process_time()
    sections_of(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**a *b* c** d", "a b c d"),
        ("***a*** b", "a b"),
        ("__a _b_ c__ d", "a b c d"),
        ("**a**b**c**", "abc"),
        ("2 ** 3 and **", "2 ** 3 and **"),
        ("a <!-- b --> c <!-- d --> e", "a c e"),
    ],
)
def test_marks_inside_marks_are_stripped_too(markdown: str, plain: str) -> None:
    assert sections_of(markdown)[0].text == plain


@pytest.mark.parametrize(("line", "heading"), [("## Cost ##", "Cost"), ("## a # b #  ", "a # b"), ("# C++", "C++")])
def test_the_marks_that_close_a_heading_are_cut_off(line: str, heading: str) -> None:
    assert sections_of(f"{line}\ntext")[0].heading == heading


@pytest.mark.parametrize("each", ["[{}]", "{{<<: [{}]}}"], ids=["lists", "merged mappings"])
def test_front_matter_that_unfolds_to_far_too_much_is_refused_in_a_moment(each: str) -> None:
    eight = {name: ", ".join([f"*{chr(ord(name) - 1)}"] * 8) for name in "bcdefghijklmnop"}
    lines = [f"  {name}: &{name} {each.format(before)}" for name, before in eight.items()]
    front = "\n".join(["---", "id: cart", "title: T", "applies_if:", "  a: &a {x: y}", *lines, "---", "text"])
    with pytest.raises(DataError) as caught:
        parse_article(front, source="x.md")
    assert len(str(caught.value)) < 50_000
