"""Imports point one way, and each I/O library has one home (DESIGN § 1); both read from the source, nothing runs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = (
    "api",
    "built_home",
    "city_settings",
    "cli",
    "cli_answers",
    "cli_db",
    "cli_inbox",
    "cli_kb",
    "cli_model",
    "cli_operations",
    "cli_outbox",
    "cli_output",
    "cli_policy",
    "cli_registry",
    "cli_setup",
    "doctor",
    "wiring",
    "workbench",
    "routes",
    "triage",
    "models",
    "kb",
)
# What each part of the project may import of the project.
ALLOWED = {
    "triage": {"triage"},
    "models": {"triage", "models"},
    "kb": {"triage", "kb"},
    "city_settings": {"triage", "models"},
    "built_home": {"triage", "models", "kb", "city_settings"},
    "wiring": {"triage", "models", "kb", "city_settings", "built_home"},
    "routes": {"triage", "models", "kb", "wiring", "routes"},
    "api": {"triage", "models", "kb", "wiring", "routes"},
    "cli_output": set(),
    "cli_answers": {"triage", "models", "kb", "wiring", "cli_kb", "cli_output", "cli_setup"},
    "cli_kb": {"triage", "models", "kb", "wiring", "cli_output", "cli_setup"},
    "cli_setup": {"triage", "wiring", "cli_output"},
    "cli_outbox": {"triage", "wiring", "cli_output"},
    "cli_inbox": {"triage", "wiring", "cli_output", "cli_setup"},
    "cli_db": {"triage", "wiring", "cli_output", "cli_setup"},
    "cli_registry": {"triage", "models", "kb", "wiring", "cli_model", "cli_output", "cli_setup"},
    "cli_policy": {"triage", "models", "kb", "wiring", "cli_model", "cli_output", "cli_registry", "cli_setup"},
    "cli_model": {"triage", "models", "kb", "wiring", "cli_output", "cli_setup"},
    "doctor": {"triage", "models", "kb", "wiring"},
    "workbench": {"triage", "models", "kb", "wiring", "cli_output", "cli_setup"},
    "cli_operations": {"triage", "models", "kb", "wiring", "doctor", "cli_output"},
    "cli": {
        "triage",
        "models",
        "kb",
        "wiring",
        "workbench",
        "routes",
        "api",
        "cli_answers",
        "cli_db",
        "cli_inbox",
        "cli_kb",
        "cli_model",
        "cli_policy",
        "cli_registry",
        "cli_operations",
        "cli_outbox",
        "cli_output",
        "cli_setup",
    },
}
# Where each library may be imported: a folder ends with a slash.
HOMES = {
    "sqlalchemy": ("triage/store/",),
    "alembic": ("triage/store/",),
    "spacy": ("triage/nlp.py",),
    "imaplib": ("triage/inbox.py",),
    "imapclient": ("triage/inbox.py", "triage/inbox_connecting.py"),
    "smtplib": ("triage/mail_out.py",),
    "faiss": ("kb/index.py",),
    "ctranslate2": ("models/",),
    "matplotlib": ("models/figures.py",),
    "mailparser_reply": ("triage/channels/",),
    "oxmsg": ("triage/channels/",),
    "tnefparse": ("triage/channels/",),
    "bs4": ("kb/importers/",),
    "markdownify": ("kb/importers/",),
    "ijson": ("kb/importers/",),
    "openpyxl": ("kb/importers/", "triage/export.py"),
    "mammoth": ("kb/importers/",),
    "pypdf": ("kb/importers/", "triage/channels/mail_files.py"),
    "defusedxml": ("kb/importers/", "triage/channels/mail_files.py"),
    "httpx2": ("models/packages.py", "routes/sign_in.py", "triage/backends/http.py"),
    "fastapi": ("api.py", "routes/"),
    "starlette": ("api.py", "routes/"),
    "authlib": ("routes/sign_in.py",),
    "limits": ("routes/rate_limits.py",),
    "prometheus_client": ("triage/metrics.py",),
    "opentelemetry": ("triage/traces.py",),
    # The second learns from the measuring data, is run by hand, and is no part of the service.
    "os.environ": ("city_settings.py", "wiring.py", "models/detector_training.py"),
    "os.getenv": ("city_settings.py",),
    "os.environb": ("city_settings.py",),
}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of everything that is imported anywhere, and `os.…` where it is only used."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            yield f"os.{node.attr}"


def violations(path: str, source: str) -> list[str]:
    """Return what a file imports and may not, as `path imports name`, each once."""
    part = path.removesuffix(".py").split("/")[0]
    names = sorted(set(imported(ast.parse(source))))
    against = [name for name in names if name.split(".")[0] in {*SHIPPED, "tests", "benchmarks"} - ALLOWED[part]]
    astray = [
        name
        for name in names
        for library, homes in HOMES.items()
        if f"{name}.".startswith(f"{library}.") and not path.startswith(homes)
    ]
    return [f"{path} imports {name}" for name in (*against, *astray)]


def shipped_files() -> list[Path]:
    roots = [ROOT / name for name in SHIPPED]
    return sorted(
        path for root in roots for path in (root.rglob("*.py") if root.is_dir() else [root.with_suffix(".py")])
    )


def test_every_import_of_the_project_points_down_and_every_library_stays_at_home() -> None:
    found = [
        line for path in shipped_files() for line in violations(str(path.relative_to(ROOT)), path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "source", "names"),
    [
        ("triage/pipeline.py", "from models.encoder import MiniLMEncoder", ["models.encoder.MiniLMEncoder"]),
        ("models/encoder.py", "def late():\n    import kb.search", ["kb.search"]),
        ("kb/search.py", "from models import encoder", ["models.encoder"]),
        ("wiring.py", "import api", ["api"]),
        ("routes/triage.py", "from api import release", ["api.release"]),
        ("models/training.py", "from tests.fakes import FakeEncoder", ["tests.fakes.FakeEncoder"]),
        ("triage/inbox_rules.py", "import imaplib", ["imaplib"]),
        ("triage/safety.py", "import spacy.tokens", ["spacy.tokens"]),
        ("kb/search.py", "from sqlalchemy import select", ["sqlalchemy.select"]),
        ("cli.py", "import os\nhome = os.environ['HOME']", ["os.environ"]),
        ("cli.py", "from os import getenv", ["os.getenv"]),
        ("wiring.py", "import os\nfrom models import encoder\nhome = os.environ['HOME']", []),
        ("triage/store/reading.py", "from sqlalchemy import select\nimport ctranslate2ish", []),
    ],
)
def test_a_planted_violation_is_named(path: str, source: str, names: list[str]) -> None:
    assert violations(path, source) == [f"{path} imports {name}" for name in names]
