from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.importers.items import Defaults, Draft, LeftOut, Source
from kb.importers.tables import read_csv
from tests.kb.importers.samples import article_of, damaged, imported, reasons, text_of, told, write, zipped


def test_every_column_that_an_article_knows_is_taken(tmp_path: Path) -> None:
    write(
        tmp_path / "a.csv",
        "ID,Question,Answer,Also asked as,Service Types,Reviewed_On,Audience,Applies if,Views\n"
        'dog,Dog license?,"$20, <b>yearly</b>",'
        "tag for my dog|puppy paper,animals.license,2026-05-01,internal,Dogs only,7\n",
    )
    imported(tmp_path / "a.csv", tmp_path / "out")
    article = article_of(tmp_path / "out", "dog")
    assert (article.title, article.aliases, article.service_types) == (
        "Dog license?",
        ("tag for my dog", "puppy paper"),
        ("animals.license",),
    )
    assert (article.reviewed_on, article.audience.value) == (date(2026, 5, 1), "internal")
    assert text_of(tmp_path / "out", "dog") == "$20, **yearly**\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encoding_and_separator_are_told_from_the_file(tmp_path: Path, encoding: str, separator: str) -> None:
    only_latin = "\x81" if encoding == "latin-1" else ""
    text = f'Pregunta{separator}Respuesta\r\n¿Dónde está?{separator}"Aquí, señor{only_latin}"\r\n'
    imported(write(tmp_path / "a.csv", text.encode(encoding)), tmp_path / "out")
    assert article_of(tmp_path / "out", "a-donde-esta").title == "¿Dónde está?"
    assert text_of(tmp_path / "out", "a-donde-esta").startswith("Aquí, señor")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the first line must name a column question and a column answer; it names: none"),
        ("name,phone\nA,555-0100\n", "it names: name, phone"),
        ('question,answer\n"a,b\n', "is a quote there never closed"),
        ("question,answer\nQ,A\nHalf a li", "the line ends before its answer; is the file cut off?"),
        ("question,answer,reviewed on\nQ,A,May\n", "reviewed_on must be a day such as 2026-05-01, got 'May'"),
        ("question,answer,audience\nQ,A,all\n", "audience must be one of public, internal"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, reason: str) -> None:
    changes = imported(write(tmp_path / "a.csv", text), tmp_path / "out")
    assert reason in reasons(changes)[0]
    assert changes[-1].source.startswith("a.csv")


def test_line_numbers_count_lines_of_the_file_not_rows(tmp_path: Path) -> None:
    changes = imported(write(tmp_path / "a.csv", 'question,answer\nQ,"a\nb\nc"\nR,d\n'), tmp_path / "out")
    assert [change.source for change in changes] == ["a.csv:2", "a.csv:5"]


def test_every_sheet_with_questions_is_read(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Water"
    sheet.append(["Question", "Answer", "Last reviewed", "Review every days"])
    sheet.append(["Bill due?", "In 25 days.", datetime(2026, 5, 1), 365])
    book.create_sheet("Notes").append(["just words"])
    book.save(tmp_path / "a.xlsx")
    changes = imported(tmp_path / "a.xlsx", tmp_path / "out")
    assert [(change.outcome.value, change.source) for change in changes] == [
        ("added", "a.xlsx/Water:2"),
        ("left out", "a.xlsx/Notes"),
    ]
    article = article_of(tmp_path / "out", str(changes[0].id))
    assert (article.reviewed_on, article.review_every_days) == (date(2026, 5, 1), 365)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no zip at all"])
def test_a_workbook_that_is_none_is_left_out(tmp_path: Path, content: bytes) -> None:
    changes = imported(write(tmp_path / "a.xlsx", content), tmp_path / "out")
    assert "no whole XLSX file" in reasons(changes)[0]


def test_a_workbook_that_unpacks_to_far_too_much_is_left_out(tmp_path: Path) -> None:
    zipped(tmp_path / "a.xlsx", {"xl/worksheets/sheet1.xml": b" " * 20_000_000})
    assert "which is a zip bomb" in reasons(imported(tmp_path / "a.xlsx", tmp_path / "out"))[0]


def test_a_zip_that_is_no_workbook_is_left_out(tmp_path: Path) -> None:
    zipped(tmp_path / "a.xlsx", {"hello.txt": b"hello"})
    assert "no XLSX workbook" in reasons(imported(tmp_path / "a.xlsx", tmp_path / "out"))[0]


@given(content=st.binary(max_size=200))
def test_any_bytes_become_articles_or_reasons(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    write(folder / "a.csv", b"question,answer\n" + content)
    changes = imported(folder / "a.csv", folder / "out")
    assert {change.outcome.value for change in changes} <= {"added", "left out"}
    assert all(change.detail for change in changes if change.outcome.value == "left out")


def test_rows_are_read_one_at_a_time(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", 'question,answer\nQ,A\nR,B\nS,"never closed')
    items = read_csv(Source(path=tmp_path / "a.csv", name="a.csv"), Defaults())
    first = next(items)
    assert isinstance(first, Draft)
    assert not isinstance(next(items), LeftOut)


def test_rows_without_anything_are_passed_over(tmp_path: Path) -> None:
    assert told(imported(write(tmp_path / "a.csv", "question,answer\n,\n\nQ,A\n"), tmp_path / "out")) == [
        ("added", "a-q")
    ]


def test_a_workbook_with_damaged_data_is_left_out_and_the_rest_is_imported(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Question", "Answer"])
    for number in range(300):
        sheet.append([f"Question {number * 7919 % 1009}?", f"Answer {number * 104729 % 1013}."])
    (tmp_path / "in").mkdir()
    book.save(tmp_path / "in" / "a.xlsx")
    damaged(tmp_path / "in" / "a.xlsx", "xl/worksheets/sheet1.xml")
    write(tmp_path / "in" / "z.md", "# Pool\n\nOpens at noon.\n")
    changes = imported(tmp_path / "in", tmp_path / "out")
    assert "damaged behind row" in reasons(changes)[-1]
    assert told(changes)[-1] == ("added", "z")
