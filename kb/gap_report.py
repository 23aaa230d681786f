"""The gap report: a page for people and the same rows as CSV."""

import csv
import html
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from pathlib import Path

from triage import languages
from triage.store.gaps import Gap

COLUMNS = ("gap", "topic", "language", "questions", "first asked", "last asked", "answered by", "examples")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:80rem}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #767676;padding:.4rem .6rem;text-align:start;vertical-align:top}"
    "th{background:#eee}td.n{text-align:end}ul{margin:0;padding-inline-start:1.2rem}"
)


def write_report(gaps: Sequence[Gap], page: Path, *, made_at: datetime) -> tuple[Path, Path]:
    """Write the report as HTML and, beside it, as CSV.

    Args:
        gaps: In the order of the report.
        page: The HTML file; the CSV has its name with `.csv`.
        made_at: For the page's head.

    Returns:
        Both paths.
    """
    table = page.with_suffix(".csv")
    page.write_text(as_html(gaps, made_at=made_at), encoding="utf-8")
    # The mark at the beginning lets a spreadsheet read UTF-8.
    table.write_text(as_csv(gaps), encoding="utf-8-sig", newline="")
    return page, table


def as_csv(gaps: Iterable[Gap]) -> str:
    """Return a row a gap below a header; a cell that a spreadsheet would compute is text."""
    out = StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    rows.writerows([_harmless(cell) for cell in _cells(gap)] for gap in gaps)
    return out.getvalue()


def _cells(gap: Gap) -> Iterator[str]:
    yield from (str(gap.id), gap.topic, gap.language, str(gap.count), _day(gap.first_at), _day(gap.last_at))
    yield gap.article_id or ""
    yield " | ".join(gap.examples)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.date().isoformat()


def as_html(gaps: Sequence[Gap], *, made_at: datetime) -> str:
    """Return a page that needs nothing else, with each text marked by its language and direction."""
    open_gaps = [gap for gap in gaps if gap.closed_at is None]
    asked = sum(gap.count for gap in open_gaps)
    head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Knowledge gaps</title>'
        f"<style>{_STYLE}</style></head><body><h1>Knowledge gaps</h1>"
        f"<p>{made_at:%Y-%m-%d %H:%M}: {asked} questions in {len(open_gaps)} topics that no article answers;"
        f" {len(gaps) - len(open_gaps)} topics are answered since.</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, gaps))}</tbody></table></body></html>\n"
    )


def _row(gap: Gap) -> str:
    number, topic, language, count, *days, answered_by, _ = map(html.escape, _cells(gap))
    marked = _marks(gap.language)
    examples = "".join(f"<li{marked}>{html.escape(text)}</li>" for text in gap.examples)
    dated = "".join(f"<td>{day}</td>" for day in days)
    return (
        f'<tr><td>{number}</td><th scope="row"{marked}>{topic}</th><td>{language}</td><td class="n">{count}</td>'
        f"{dated}<td>{answered_by}</td><td><ul>{examples}</ul></td></tr>"
    )


def _marks(code: str) -> str:
    row = languages.BY_CODE.get(code)
    direction = row.direction.value if row else "auto"
    return f' lang="{html.escape(code)}" dir="{direction}"'
