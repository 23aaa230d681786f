"""Labelled messages: read from files and folders, refused with file and line."""

import gzip
import json
from pathlib import Path

import pytest

from models.datasets import Example, default_data, digest_of, read_examples
from tests.fakes import shipped_taxonomy
from triage.errors import DataError


def write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_examples(path)
    return str(caught.value)


def test_a_line_is_read_as_a_message_would_be(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl",
        {"text": "Hello,  the light\n is out", "label": "light", "writer": "jo", "language": "es"},
        {"text": "no pickup", "label": "waste", "channel": "sms"},
    )
    assert read_examples(file) == [
        Example(text="the light is out", label="light", group="jo", language="es"),
        Example(text="no pickup", label="waste", group="a", channel="sms"),
    ]


def test_a_folder_is_read_in_the_order_of_its_names_packed_or_not(tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", {"text": "third", "label": "x"})
    write(tmp_path / "a.jsonl", {"text": "first", "label": "x"})
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "second", "label": "y"}\n\n'))
    write(tmp_path / "notes.txt", {"text": "not read", "label": "x"})
    assert [(example.text, example.group) for example in read_examples(tmp_path)] == [
        ("first", "a"),
        ("second", "b"),
        ("third", "c"),
    ]


@pytest.mark.parametrize("line", ["nonsense", "{", '{"text": "a"'])
def test_a_line_that_is_no_json_names_file_and_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "a", "label": "b"}\n\n' + line, encoding="utf-8")
    assert refusal(file).startswith(f"{file}:3: is not JSON")


@pytest.mark.parametrize("row", [[], "text", 5, {}, {"text": "a"}, {"label": "a"}, {"text": 1, "label": "a"}])
def test_a_line_without_text_and_label_says_what_it_needs(tmp_path: Path, row: object) -> None:
    file = write(tmp_path / "a.jsonl", {"text": "a", "label": "b"}, row)
    assert refusal(file).startswith(f'{file}:2: needs {{"text": "…", "label": "…"}}, got')


def test_nothing_to_read_is_a_data_error(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path)
        == f"{tmp_path}: no labelled messages; give a .jsonl, .csv or .parquet file, or a folder of them"
    )
    (tmp_path / "a.jsonl").write_text("\n\n", encoding="utf-8")
    assert "no labelled messages" in refusal(tmp_path / "a.jsonl")
    assert "cannot be read" in refusal(tmp_path / "none.jsonl")


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(b'{"text": "a"}' * 99, mtime=0)[:-12], b""])
def test_a_damaged_archive_is_a_data_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(content)
    assert refusal(file).startswith(f"{file}: ")


def test_what_is_no_utf_8_is_a_data_error(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"text": "\xff", "label": "a"}')
    assert "cannot be read" in refusal(file)


def test_the_digest_names_texts_and_labels_in_their_order() -> None:
    one, two = Example(text="a", label="x"), Example(text="b", label="x")
    assert digest_of([one, two]) == digest_of([one, two])
    assert len({digest_of([one, two]), digest_of([two, one]), digest_of([one]), digest_of([])}) == 4
    assert len(digest_of([one])) == 8


def test_the_projects_own_messages_know_every_type_at_least_twelve_times_and_no_other() -> None:
    examples = read_examples(default_data())
    counts = dict.fromkeys(shipped_taxonomy().codes, 0)
    for example in examples:
        assert example.label in counts, example.label
        counts[example.label] += 1
    assert {code: n for code, n in counts.items() if n < 12} == {}


def test_no_message_of_the_project_stands_there_twice() -> None:
    texts = [example.text for example in read_examples(default_data()) if example.language == "en"]
    twice = sorted({text for text in texts if texts.count(text) > 1}) if len(set(texts)) < len(texts) else []
    assert twice == []


def test_a_csv_in_latin_1_with_semicolons_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("label;text;language\nbasura;se llevó el cartón;es\n".encode("latin-1"))
    assert read_examples(file) == [Example(text="se llevó el cartón", label="basura", group="a", language="es")]


def test_a_csv_that_ends_in_an_open_quote_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('text,label\nhole,street\n"cut in the mid', encoding="utf-8")
    assert refusal(file).startswith(f"{file}:3: is not CSV")


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    file = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": ["hole"], "label": ["street"]}), file)
    assert read_examples(file) == [Example(text="hole", label="street", group="a")]
    file.write_bytes(b"PAR1 cut")
    assert refusal(file).startswith(f"{file}: is not Parquet")


def test_a_file_that_ends_in_the_middle_of_a_line_says_so(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "a", "label": "b"}\n{"text": "cu', encoding="utf-8")
    assert refusal(file).endswith("the file ends in the middle of this line")


def test_an_error_quotes_nothing_that_a_resident_wrote(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", {"text": "my number is 555-0134"})
    assert refusal(file).endswith("got the fields text")


def test_half_an_emoji_is_read_as_the_sign_for_what_cannot_be_read(tmp_path: Path) -> None:
    row = r'{"text": "pothole \ud83d here \ud83d\udc36", "label": "streets.\udc36"}'
    (tmp_path / "a.jsonl").write_text(row, encoding="utf-8")
    [example] = read_examples(tmp_path)
    assert (example.text, example.label) == ("pothole � here 🐶", "streets.�")
