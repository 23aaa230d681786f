"""Writes RESULTS.md: runs each benchmark and puts what it prints under a heading.

Run `python -m benchmarks.report [NAME …]`; what is not named keeps its last section. TRIAGE_DATA_DIR names the folder
of public data for those that need it.
"""

import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
SECTIONS = {
    "accuracy": "Service types",
    "classifiers": "Classifiers compared",
    "intents": "Training on public intents",
    "language": "Language detection",
    "multilingual": "Languages",
    "retrieval": "Knowledge-base search",
    "questions": "Questions in other languages",
    "scale": "A million rows",
    "no_answer": "No answer",
    "safety": "Life-safety tripwire",
    "entities": "Entities",
    "urgency": "Urgency",
    "latency": "Speed and memory",
}
HEAD = """# Results

Written by `python -m benchmarks.report`; each section is what one module of this folder printed. Speed depends on the
machine and is named with it; everything else is the same on each run.
"""


def main() -> None:
    """Run what is named, or all, and write the file."""
    names = sys.argv[1:] or list(SECTIONS)
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    kept = read_sections(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        run = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], capture_output=True, text=True, check=False)
        if run.returncode:
            sys.exit(f"{name} failed:\n{run.stderr[-2_000:]}")
        kept[SECTIONS[name]] = f"`python -m benchmarks.{name}`\n\n{as_markdown(run.stdout)}"
    parts = [f"## {title}\n\n{kept[title]}\n" for title in SECTIONS.values() if title in kept]
    RESULTS.write_text("\n".join([HEAD, *parts]), encoding="utf-8")


def read_sections(document: str) -> dict[str, str]:
    """Return the text under each second-level heading."""
    parts = document.split("\n## ")[1:]
    return {title.strip(): text.strip() for title, _, text in (part.partition("\n") for part in parts)}


def as_markdown(printed: str) -> str:
    """Return printed text as it is where it is Markdown, else as a block."""
    return printed.strip() if "|---" in printed else f"```\n{printed.rstrip()}\n```"


if __name__ == "__main__":
    main()
