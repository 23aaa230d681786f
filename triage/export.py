"""Writes cases to a file, for records requests and for other programs: CSV, JSON Lines or a workbook.

Redaction hides personal data in every text that a resident or an agent wrote, and leaves out the quotes that answers
take from them; it cannot know every name. A cell that a spreadsheet would take for a formula is written as text.
"""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from triage.export_format import Format
from triage.store.cases import Case
from triage.store.documents import to_json
from triage.store.records import StoredDecision, StoredTriage
from triage.types import Message

Redact = Callable[[str], str]
Advance = Callable[[int], None]

COLUMNS: Final = (
    *("message_id", "channel", "thread_id", "received_at", "stored_at", "status", "language", "subject", "text"),
    *("suggested_type", "suggested_probability", "suggested_urgency", "service_type", "department", "urgency", "mode"),
    *("decided_by", "decided_at", "action", "note", "texts", "triages", "decisions", "versions"),
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
# The longest text that a workbook's cell holds.
_CELL: Final = 32_767


class _Writer(Protocol):
    def write(self, case: Case) -> None: ...

    def close(self) -> None: ...


def export(cases: Iterable[Case], target: Path, form: Format, redact: Redact | None, advance: Advance) -> int:
    """Write cases to a file that appears only when it is whole; return how many there were.

    Args:
        cases: What to write.
        target: The file; what is there is replaced.
        form: What kind of file.
        redact: Hides personal data in a text; None leaves every text and quote as it is.
        advance: Told how many are written.
    """
    part = target.with_name(f"{target.name}.part")
    done = 0
    try:
        writer = _WRITERS[form](part, redact)
        try:
            for case in cases:
                writer.write(case)
                done += 1
                advance(done)
        finally:
            writer.close()
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return done


def as_row(case: Case, redact: Redact | None) -> dict[str, Any]:
    """Return a case as one row: the newest text, the last answer to it, the decision that stands."""
    message, answer = case.message, case.answer
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {
        "message_id": message.id,
        "channel": message.channel.value,
        "thread_id": message.thread_id,
        "received_at": message.received_at.isoformat() if message.received_at else None,
        "stored_at": case.created_at.isoformat(),
        "status": case.status.value,
        "subject": _hidden(message.subject, redact),
        "text": _hidden(message.text, redact),
        "texts": len(case.messages),
        "triages": len(case.triages),
        "decisions": len(case.decisions),
    }
    if answer is not None:
        best = answer["service_types"][0] if answer["service_types"] else {"code": None, "probability": None}
        row |= {
            "language": answer["language"]["code"],
            "suggested_type": best["code"],
            "suggested_probability": best["probability"],
            "suggested_urgency": answer["urgency"]["level"],
            "versions": to_json(answer["versions"]),
        }
    if case.decisions:
        row |= _decision_cells(case.decisions[-1], redact)
    return row


def as_document(case: Case, redact: Redact | None) -> dict[str, Any]:
    """Return a case whole: every text, answer and decision."""
    return {
        "message_id": case.message.id,
        "channel": case.message.channel.value,
        "thread_id": case.message.thread_id,
        "received_at": case.message.received_at.isoformat() if case.message.received_at else None,
        "stored_at": case.created_at.isoformat(),
        "status": case.status.value,
        "redacted": redact is not None,
        "texts": [_text(message, redact) for message in case.messages],
        "triages": [_answer(stored, redact) for stored in case.triages],
        "decisions": [_decision(stored, redact) for stored in case.decisions],
        "labels": [dict(zip(("field", "label", "by"), said, strict=True)) for said in case.labels],
        "feedback": [dict(zip(("article_id", "verdict", "by"), said, strict=True)) for said in case.feedback],
    }


def _text(message: Message, redact: Redact | None) -> dict[str, Any]:
    return {"subject": _hidden(message.subject, redact), "text": _hidden(message.text, redact)}


def _answer(stored: StoredTriage, redact: Redact | None) -> dict[str, Any]:
    head = {
        "id": stored.id,
        "revision": stored.revision,
        "suggestion": stored.suggestion,
        "stored_at": stored.created_at.isoformat(),
    }
    return head | {"answer": dict(stored.answer) if redact is None else _without_quotes(stored.answer)}


def _without_quotes(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an answer says, without the words that it takes from the text or its translation."""
    types = [{name: found[name] for name in ("code", "probability")} for found in answer["service_types"]]
    return {
        "language": answer["language"],
        "service_types": types,
        "request_kind": answer["request_kind"],
        "urgency": {
            "level": answer["urgency"]["level"],
            "probability": answer["urgency"]["probability"],
            "rules": [reason["rule"] for reason in answer["urgency"]["reasons"]],
        },
        "safety": {
            "emergency": answer["safety"]["emergency"],
            "line": answer["safety"]["line"],
            "rules": [reason["rule"] for reason in answer["safety"]["reasons"]],
        },
        "answers": [found["article_id"] for found in answer["answers"]],
        "decision": answer["decision"],
        "degraded": answer["degraded"],
        "versions": answer["versions"],
    }


def _decision(stored: StoredDecision, redact: Redact | None) -> dict[str, Any]:
    return {
        "version": stored.version,
        "action": stored.action.value,
        "actor": stored.actor.value,
        "status": stored.status.value,
        "reasons": list(stored.decision.reasons),
        "article_id": stored.article_id,
    } | _decision_cells(stored, redact)


def _decision_cells(stored: StoredDecision, redact: Redact | None) -> dict[str, Any]:
    return {
        "service_type": stored.decision.service_type,
        "department": stored.decision.department,
        "urgency": stored.urgency.value if stored.urgency else None,
        "mode": stored.decision.mode.value,
        "decided_by": stored.decided_by,
        "decided_at": stored.decided_at.isoformat(),
        "action": stored.action.value,
        "note": _hidden(stored.note, redact),
    }


def _hidden(text: str | None, redact: Redact | None) -> str | None:
    return text if text is None or redact is None else redact(text)


class _CsvWriter:
    def __init__(self, path: Path, redact: Redact | None) -> None:
        # A byte-order mark, so that a spreadsheet reads the file as UTF-8.
        self._file = path.open("w", encoding="utf-8-sig", errors="replace", newline="")
        self._redact = redact
        self._rows = csv.DictWriter(self._file, COLUMNS)
        self._rows.writeheader()

    def write(self, case: Case) -> None:
        row = as_row(case, self._redact)
        self._rows.writerow({name: _harmless(value) for name, value in row.items()})

    def close(self) -> None:
        _close(self._file)


class _JsonlWriter:
    def __init__(self, path: Path, redact: Redact | None) -> None:
        self._file = path.open("w", encoding="utf-8", errors="replace", newline="\n")
        self._redact = redact

    def write(self, case: Case) -> None:
        self._file.write(to_json(as_document(case, self._redact)) + "\n")

    def close(self) -> None:
        _close(self._file)


class _XlsxWriter:
    def __init__(self, path: Path, redact: Redact | None) -> None:
        from openpyxl import Workbook

        self._path, self._redact = path, redact
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("cases")
        self._sheet.freeze_panes = "A2"
        self._sheet.append(list(COLUMNS))

    def write(self, case: Case) -> None:
        self._sheet.append(list(self._cells(as_row(case, self._redact))))

    def close(self) -> None:
        self._book.save(self._path)

    def _cells(self, row: Mapping[str, Any]) -> Iterator[object]:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        for value in row.values():
            if not isinstance(value, str):
                yield value
                continue
            readable = value.encode("utf-8", "replace").decode()
            cell = WriteOnlyCell(self._sheet, ILLEGAL_CHARACTERS_RE.sub("", readable)[:_CELL])
            cell.data_type = "s"  # a resident's text is never a formula
            yield cell


_WRITERS: Final[Mapping[Format, Callable[[Path, Redact | None], _Writer]]] = {
    Format.CSV: _CsvWriter,
    Format.JSONL: _JsonlWriter,
    Format.XLSX: _XlsxWriter,
}


def _harmless(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _close(file: TextIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
