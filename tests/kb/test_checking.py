from datetime import date
from pathlib import Path

import pytest

from kb.checking import Finding, Rule, Severity, check
from tests.fakes import FakeEncoder
from tests.kb.builders import DIM
from triage.errors import DataError

TODAY = date(2026, 11, 22)
GOOD = {
    "id": "pay",
    "title": "Pay a bill",
    "service_types": "[billing.payment]",
    "owner": "billing@example.org",
    "reviewed_on": "2026-05-01",
    "review_every_days": "365",
    "url": "https://city.example/kb/pay",
}


def put(folder: Path, body: str = "Pay online.", **fields: str | None) -> None:
    front = {**GOOD, **fields}
    lines = [f"{key}: {value}" for key, value in front.items() if value is not None]
    (folder / f"{front['id']}.md").write_text("\n".join(["---", *lines, "---", body, ""]), encoding="utf-8")


def findings(folder: Path, *types: str) -> list[tuple[str, str]]:
    return [(finding.rule.value, finding.text) for finding in checked(folder, *types)]


def checked(folder: Path, *types: str) -> tuple[Finding, ...]:
    return check(folder, service_types=types or ("billing.payment",), encoder=FakeEncoder(DIM), today=TODAY)


def test_good_articles_give_no_finding(tmp_path: Path) -> None:
    put(tmp_path, "See [hours](hours.md), [below](#the-fees), https://city.example/kb/hours and https://other.example/x.\n\n"
        "## The fees\nNone.")  # fmt: skip
    put(tmp_path, id="hours", title="Hours", url="https://city.example/kb/hours")
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("fields", "rule", "text"),
    [
        ({"owner": None}, "no owner", "pay.md: nobody owns it; add owner: with a desk's address"),
        (
            {"valid_until": "2026-11-21"},
            "expired",
            "pay.md: it answers no more since 2026-11-21; renew it or delete it",
        ),
        (
            {"reviewed_on": "2025-11-21"},
            "review overdue",
            "pay.md: its review was due on 2026-11-21, last reviewed on 2025-11-21",
        ),
        ({"reviewed_on": None}, "review overdue", "pay.md: it was never reviewed; add reviewed_on:"),
        (
            {"service_types": "[billing.payment, billing.magic]"},
            "unknown service type",
            "pay.md: the taxonomy has no service type 'billing.magic'",
        ),
    ],
)
def test_each_rule_of_the_front_matter_is_told(
    tmp_path: Path, fields: dict[str, str | None], rule: str, text: str
) -> None:
    put(tmp_path, "Pay online.", **fields)
    assert findings(tmp_path) == [(rule, text)]


def test_the_last_day_still_counts(tmp_path: Path) -> None:
    put(tmp_path, valid_until="2026-11-22", reviewed_on="2025-11-22")
    assert findings(tmp_path) == []


def test_dead_links_are_told_with_their_line(tmp_path: Path) -> None:
    put(tmp_path, "[a](gone.md) and [b](#nowhere)\n\n[c](https://city.example/kb/old).")
    assert findings(tmp_path) == [
        ("dead link", "pay.md:10: the link to gone.md leads to no article"),
        ("dead link", "pay.md:10: the link to #nowhere leads to no heading of the article"),
        ("dead link", "pay.md:12: the link to https://city.example/kb/old leads to no article"),
    ]


def test_articles_without_types_and_types_without_articles_are_warned_of(tmp_path: Path) -> None:
    put(tmp_path, service_types="[]")
    assert findings(tmp_path, "waste.bulky") == [
        ("no service type", "pay.md: it names no service type, so that no prediction leads to it"),
        ("type without article", "no article answers for the service type waste.bulky"),
    ]


def test_one_title_twice_is_told_once_and_not_across_languages(tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path, id="pay2", title="pay a  Bill", url=None)
    put(tmp_path, id="pay3", language="es", url=None)
    assert findings(tmp_path) == [
        ("double title", "pay, pay2 have one title, 'pay a bill'; say in each what is special to it")
    ]


def test_a_broken_file_and_a_double_id_are_findings_and_the_rest_is_checked(tmp_path: Path) -> None:
    put(tmp_path, owner=None)
    (tmp_path / "twin.md").write_text((tmp_path / "pay.md").read_text("utf-8"), encoding="utf-8")
    (tmp_path / "bad.md").write_text("no front matter", encoding="utf-8")
    (tmp_path / "latin.md").write_bytes(b"\xff")
    assert [finding.rule for finding in checked(tmp_path)] == [
        Rule.UNREADABLE, Rule.UNREADABLE, Rule.DOUBLE_ID, Rule.NO_OWNER,
    ]  # fmt: skip


def test_contradictions_are_warnings_that_quote_both(tmp_path: Path) -> None:
    put(tmp_path, "After 21 days a late fee of $35 is added to the bill.")
    put(tmp_path, "After 21 days a late fee of $45 is added to the bill.", id="late", title="Late", url=None)
    [finding] = checked(tmp_path)
    assert (finding.rule, finding.severity, finding.articles) == (Rule.CONTRADICTION, Severity.WARNING, ("late", "pay"))
    assert "$45" in finding.text
    assert "$35" in finding.text


def test_a_translation_with_another_fee_is_told(tmp_path: Path) -> None:
    put(tmp_path, "It costs $35.", translations="{es: pay-es}")
    put(tmp_path, "Cuesta $45.", id="pay-es", language="es", title="Pagar", url=None)
    assert findings(tmp_path) == [("translation differs", "pay says 35 where its translation pay-es says 45 (money)")]


def test_a_folder_without_articles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no article"):
        checked(tmp_path)
    with pytest.raises(DataError, match="not a folder"):
        checked(tmp_path / "none")
