"""Cases handed out: whole or redacted, and harmless in a spreadsheet."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.store.samples import POTHOLE, message_of, triage_of
from triage.entities import EntityFinder
from triage.export import COLUMNS, as_document, as_row, export
from triage.export_format import Format
from triage.masking import mask
from triage.store import SqlTriageStore, Status, open_store

TEXT = "=HYPERLINK(1) call me at 916-555-0123 \x00 half \ud83d"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlTriageStore]:
    with open_store(f"sqlite:///{tmp_path / 'city.db'}") as opened:
        opened.save([(message_of("m-1", TEXT), triage_of("m-1"))])
        opened.decide("m-1", POTHOLE, "ada", 1, note="916-555-0123 did not answer", status=Status.CLOSED)
        opened.receive([(message_of("m-2", "später"), None)])
        yield opened


def redact(text: str) -> str:
    return mask(text, EntityFinder.load().find(text))


def written(store: SqlTriageStore, target: Path, form: Format, *, hidden: bool = True) -> list[int]:
    told: list[int] = []
    assert export(store.cases.each(), target, form, redact if hidden else None, told.append) == 2
    return told


def test_a_csv_has_a_row_a_case_and_no_formula(store: SqlTriageStore, tmp_path: Path) -> None:
    assert written(store, tmp_path / "out.csv", Format.CSV) == [1, 2]
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as lines:
        first, second = csv.DictReader(lines)
    assert tuple(first) == COLUMNS
    assert first["text"] == "'=HYPERLINK(1) call me at [phone] \x00 half ?"
    assert first["note"] == "[phone] did not answer"
    assert [first[name] for name in ("status", "service_type", "decided_by", "action", "language", "triages")] == [
        *("closed", "street.pothole", "ada", "override", "en"),
        "1",
    ]
    assert (second["text"], second["service_type"], second["triages"]) == ("später", "", "0")


def test_a_workbook_holds_texts_and_never_formulas(store: SqlTriageStore, tmp_path: Path) -> None:
    written(store, tmp_path / "out.xlsx", Format.XLSX)
    head, first, second = load_workbook(tmp_path / "out.xlsx")["cases"].iter_rows()
    assert tuple(cell.value for cell in head) == COLUMNS
    text = first[COLUMNS.index("text")]
    assert (text.value, text.data_type) == ("=HYPERLINK(1) call me at [phone]  half ?", "s")
    assert second[COLUMNS.index("triages")].value == 0


def test_a_json_line_is_a_whole_case(store: SqlTriageStore, tmp_path: Path) -> None:
    written(store, tmp_path / "out.jsonl", Format.JSONL)
    first = json.loads((tmp_path / "out.jsonl").read_text("utf-8").splitlines()[0])
    assert first["redacted"] is True
    assert first["texts"][0]["text"].startswith("=HYPERLINK(1) call me at [phone]")
    assert [decision["action"] for decision in first["decisions"]] == ["policy", "override"]
    assert "916" not in json.dumps(first)


def test_a_redacted_case_quotes_nothing_of_the_text(store: SqlTriageStore) -> None:
    case = store.cases.of("m-1")
    shown = as_document(case, redact)["triages"][0]["answer"]
    assert {"entities", "translation", "timings_ms"} & set(shown) == set()
    assert as_document(case, None)["triages"][0]["answer"] == case.triages[0].answer


def test_a_file_that_is_not_finished_replaces_nothing(store: SqlTriageStore, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("before")

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(store.cases.each(), target, Format.CSV, redact, interrupt)
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_a_text_that_was_not_triaged_has_no_suggestion_of_an_earlier_one(store: SqlTriageStore) -> None:
    store.receive([(message_of("m-1", "a newer text"), None)])
    row = as_row(store.cases.of("m-1"), None)
    assert (row["text"], row["language"], row["suggested_urgency"], row["versions"]) == ("a newer text", *(None,) * 3)
    assert (row["texts"], row["triages"], row["service_type"]) == (2, 1, "street.pothole")
