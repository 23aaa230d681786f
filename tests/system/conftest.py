"""What the system tests share: a home that is set up once, and the real pipeline on it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from triage.pipeline import Pipeline
from wiring import Settings, build_pipeline

ROOT = Path(__file__).parents[2]
HOME = Path(os.environ.get("TRIAGE_HOME") or ROOT / ".triage")  # read before the tests are given homes of their own


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def prepared_home() -> Path:
    """Return a home in which everything is built; the first test that asks waits for the set-up."""
    run_triage("setup", home=HOME, timeout_s=600)
    return HOME


@pytest.fixture(scope="session")
def pipeline(prepared_home: Path) -> Pipeline:
    return build_pipeline(Settings.from_env({"TRIAGE_HOME": str(prepared_home)}))


def run_triage(
    *arguments: str, home: Path, cwd: Path | None = None, expected: int = 0, timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own and check its exit code."""
    run = subprocess.run(
        [sys.executable, "-c", "import cli; cli.main()", *arguments],
        env={**os.environ, "TRIAGE_HOME": str(home)},
        cwd=cwd or ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert run.returncode == expected, run.stderr[-3_000:]
    return run
