import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it, without its dependencies, in an empty folder."""
    built, target = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(built), str(ROOT))
    wheel = next(built.glob("*.whl"))
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    )
    return target


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    return done


def away_from_the_checkout(installed: Path, home: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(installed), "TRIAGE_HOME": str(home)}


def test_everything_the_service_needs_travels_in_the_wheel(installed: Path) -> None:
    for needed in (
        "triage/taxonomy.yaml",
        "triage/safety.yaml",
        "triage/store/migrations/env.py",
        "kb/starter/missed-collection.md",
        "models/data/messages/en-a.jsonl",
        "models/weights/detector/CARD.md",
        "console/index.html",
    ):
        assert (installed / needed).is_file(), needed


def test_the_wheel_holds_nothing_that_is_only_for_development(installed: Path) -> None:
    assert not {"tests", "benchmarks", "notebooks", "docs"} & {path.name for path in installed.iterdir()}


def test_text_runs_from_the_installed_wheel(installed: Path, prepared_home: Path, tmp_path: Path) -> None:
    env = away_from_the_checkout(installed, prepared_home)
    where = run(sys.executable, "-c", "import cli; print(cli.__file__)", cwd=tmp_path, env=env)
    assert where.stdout.strip() == str(installed / "cli.py")
    said = run(str(installed / "bin" / "triage"), "text", "streetlight out on Alder", "--json", cwd=tmp_path, env=env)
    assert json.loads(said.stdout)["service_types"][0]["code"] == "streets.streetlight"


def test_the_start_page_is_served_from_the_installed_wheel(
    installed: Path, prepared_home: Path, tmp_path: Path
) -> None:
    code = (
        "from fastapi.testclient import TestClient; from api import create_app;"
        "from wiring import Settings, build_pipeline, open_database; s = Settings.from_env();"
        "c = TestClient(create_app(build_pipeline(s), open_database(s)));"
        "p = c.get('/'); print(p.status_code, '<html' in p.text, c.get('/console/console.css').status_code)"
    )
    env = away_from_the_checkout(installed, prepared_home) | {
        "TRIAGE_DATABASE_URL": f"sqlite:///{tmp_path / 'page.db'}"
    }
    assert run(sys.executable, "-W", "ignore", "-c", code, cwd=tmp_path, env=env).stdout.split() == [
        "200",
        "True",
        "200",
    ]


def test_what_is_installed_stays_under_140_megabytes(installed: Path) -> None:
    size = sum(path.stat().st_size for path in installed.rglob("*") if path.suffix != ".pyc")
    # 34 of them are the multilingual encoder, 59 the networks that hear danger, 17 the Spanish translator.
    assert size < 140_000_000
