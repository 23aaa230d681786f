"""The service never imports what training needs: each of these takes seconds and hundreds of megabytes."""

import subprocess
import sys

import pytest

from tests.test_layers import ROOT

HEAVY = ("torch", "transformers", "sentence_transformers", "stanza", "sklearn", "joblib", "argostranslate.translate")


def imported_by(statements: str) -> list[str]:
    """Return the heavy modules that a fresh process has in it after these statements."""
    program = f"{statements}\nimport sys\nprint(*[name for name in {HEAVY!r} if sys.modules.get(name)])"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


@pytest.mark.system
def test_the_service_imports_nothing_heavy() -> None:
    assert imported_by("import api, wiring, cli, triage.samples, triage.batchfile, triage.nlp") == []


@pytest.mark.system
def test_what_only_a_translation_or_a_download_needs_is_not_imported_at_start() -> None:
    program = "import wiring, sys; print([name for name in ('spacy', 'models.packages') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.system
def test_the_command_alone_does_not_even_import_the_pipeline() -> None:
    program = "import cli, sys; print('triage.pipeline' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "triage.pipeline" in program
    assert run.stdout.split()[0] == "False"


@pytest.mark.system
def test_what_looks_for_heavy_modules_would_see_one() -> None:
    assert imported_by("import sklearn") == ["sklearn", "joblib"]


@pytest.mark.system
def test_the_wiring_and_the_commands_read_no_sql_before_a_store_is_opened() -> None:
    program = "import wiring, cli, sys; print('sqlalchemy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
