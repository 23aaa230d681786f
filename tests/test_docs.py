import re
from pathlib import Path

from typer.main import get_command

from cli import app
from tests.fakes import fake_parts
from triage.pipeline import Pipeline

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_lists_every_setting_and_no_other() -> None:
    code = (ROOT / "city_settings.py").read_text(encoding="utf-8")
    assert set(re.findall(r"TRIAGE_[A-Z_]+", README)) == set(re.findall(r'"(TRIAGE_[A-Z_]+)"', code))


def test_the_readme_lists_every_command() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    names = [
        f"{name} {below}".strip()
        for name, command in commands.items()
        for below in getattr(command, "commands", {"": None})
    ]
    assert len(names) == len(set(names))
    assert [name for name in names if f"`triage {name}" not in README] == []


def test_the_readme_lists_every_route(tmp_path: Path) -> None:
    from api import create_app
    from triage.store import open_store

    with open_store(f"sqlite:///{tmp_path / 'docs.db'}") as store:
        paths = create_app(Pipeline(fake_parts()), store).openapi()["paths"]
    assert [path for path in paths if path not in README] == []


def test_every_file_that_the_documents_link_to_exists() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_number_in_the_readme_stands_in_the_results() -> None:
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8").splitlines()
    block = README.split("<!-- results -->")[1].split("<!-- /results -->")[0]
    rows = [line for line in block.splitlines() if re.search(r"\d", line) and (line.startswith("|") or "  " in line)]
    assert len(rows) > 10
    assert [row for row in rows if row not in results] == []
