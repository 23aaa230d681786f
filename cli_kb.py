"""Commands of the knowledge base's keepers: bring articles in, check them, search and measure."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli_output import bar, print_json, print_line, say
from cli_setup import ready_settings
from triage.errors import DataError
from triage.types import Answer, Audience, SearchFilter

if TYPE_CHECKING:
    from kb.checking import Finding
    from kb.importers.run import Change
    from triage.protocols import Encoder
    from wiring import Settings

kb_app = typer.Typer(help="The knowledge base: build its index, search it, measure it.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a page to read.")]


@kb_app.command("search")
def kb_search(
    question: Annotated[str, typer.Argument(help="What the resident asks.")],
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many answers at most.")] = 5,
    audience: Annotated[Audience | None, typer.Option(help="Only sections for residents, or only for agents.")] = None,
    language: Annotated[str | None, typer.Option(help="Only articles in this language, such as es.")] = None,
    department: Annotated[str | None, typer.Option(help="Only articles of this department.")] = None,
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only what is valid on this day.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search the knowledge base; pinned notices come first.

    Example: triage kb search "when is the permit counter open" -k 3 --audience public
    """
    from wiring import build_service, load_calendar, open_database

    settings = ready_settings()
    chosen = SearchFilter(audience=audience, language=language, department=department, on=on.date() if on else None)
    with open_database(settings) as store:
        result = build_service(settings, store)[0].search(question, k=k, chosen=chosen)
    if as_json:
        print_json(result)
        return
    print_line(f"{result.status.value}: {len(result.answers)} answers")
    for answer in result.answers:
        print_line(f"\n{answer.probability:4.0%}  {titled(answer)}  [{answer.audience.value}]")
        print_line(f"      {answer.quote}")
        print_line(f"      {answer.url or answer.article_id}, reviewed {answer.reviewed_on or 'never'}")
        if answer.condition:
            print_line(f"      ask first: {answer.condition}")
        if answer.pinned_until:
            against = ", ".join(answer.contradicts) or "no article"
            until = datetime.fromisoformat(answer.pinned_until).astimezone(load_calendar(settings).zone)
            print_line(f"      pinned until {until:%A %Y-%m-%d %H:%M}; against: {against}")


@kb_app.command("build")
def kb_build() -> None:
    """Check the articles and build the index anew where they have changed.

    Example: TRIAGE_ARTICLES=articles/ triage kb build
    """
    from wiring import Built, keep_versions, load_articles, open_database

    settings = ready_settings()
    with open_database(settings) as store:
        keep_versions(settings, store)
    say(f"{len(load_articles(settings))} articles of {Built(settings).articles}, index in {Built(settings).index}")


@kb_app.command("evaluate")
def kb_evaluate(
    corpus: Annotated[Path, typer.Option(exists=True, help="Articles, BEIR layout, .jsonl or .jsonl.gz.")],
    queries: Annotated[Path, typer.Option(exists=True, help="Questions, BEIR layout.")],
    qrels: Annotated[Path, typer.Option(exists=True, help="Which article answers which question, with a header line.")],
    no_answer: Annotated[Path | None, typer.Option(exists=True, help="Questions that no article answers.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the search on questions whose right article is known.

    Example: triage kb evaluate --corpus corpus.jsonl --queries queries.jsonl --qrels qrels.tsv --json
    """
    from kb.evaluation import evaluate
    from wiring import load_detector, load_encoder

    settings = ready_settings()
    say("Encoding and searching; a thousand articles take about a minute …")
    encoder, detector = load_encoder(settings), load_detector(settings)
    result = evaluate(corpus, queries, qrels, no_answer=no_answer, encoder=encoder, detector=detector)
    if as_json:
        print_json(result)
    else:
        _print_measured(result)


@kb_app.command("import")
def kb_import(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH…",
            exists=True,
            readable=True,
            help="Files and zip files: Markdown, HTML, sitemap, CSV, XLSX, Zendesk JSON, DOCX, PDF; folders of them; a "
            "folder of HSDS tables, which is a 211 directory.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of articles to write; TRIAGE_ARTICLES where not given.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete articles that their source has dropped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what people have edited since.")] = False,
    source: Annotated[
        str | None, typer.Option(help="Name of this import; the name of the path where not given.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of articles that do not say theirs.")] = "en",
    department: Annotated[str | None, typer.Option(help="Department of articles that do not say theirs.")] = None,
    owner: Annotated[str | None, typer.Option(help="Owner of articles that do not say theirs.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring articles in from what the city has: Markdown, web pages, tables, Zendesk, 211 directories, DOCX, PDF.

    Only what has changed is written. What is broken is left out with its reason, the old article stays, and the exit
    code is then 1.

    Example: triage kb import help-center.json pages/ --out articles/ --dry-run
    """
    from kb.importers.items import Defaults
    from kb.importers.run import Outcome, Plan, import_articles

    defaults = Defaults(language=language, department=department, owner=owner)
    plan = Plan(out=_folder(out), origin=source, defaults=defaults, dry_run=dry_run, prune=prune, overwrite=overwrite)
    with bar("import") as progress:
        counts, faults = _report(import_articles(paths, plan, progress), as_json=as_json)
    told = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome)
    say(f"{told}; " + ("nothing was written (--dry-run)" if dry_run else f"in {plan.out}"))
    if not dry_run and plan.out != _articles_setting():
        say(f"next: triage kb check {plan.out}, then set TRIAGE_ARTICLES={plan.out} and run triage kb build")
    raise typer.Exit(1 if faults else 0)


@kb_app.command("check")
def kb_check(
    folder: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="Folder of articles; the set one where not given."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with the articles: broken files, dead links, no owner, old reviews, contradictions, gaps.

    The exit code is 1 where there is an error, with --strict also where there is a warning.

    Example: triage kb check articles/ --strict
    """
    from kb.checking import Severity, check
    from triage import taxonomy
    from wiring import Built, Settings

    settings = Settings.from_env()
    codes = taxonomy.load(settings.taxonomy).codes
    with bar("check") as progress:
        findings = check(
            folder or Built(settings).articles,
            service_types=codes,
            encoder=_encoder(settings),
            today=date.today(),
            progress=progress,
        )
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if as_json:
        shown = [{**asdict(finding), "severity": finding.severity} for finding in findings]
        print_json({"errors": errors, "warnings": len(findings) - errors, "findings": shown})
    else:
        _print_findings(findings)
        say(f"{errors} errors, {len(findings) - errors} warnings")
    raise typer.Exit(1 if errors or (strict and findings) else 0)


def titled(answer: Answer) -> str:
    """Return the title of an answer, with its section where it has one."""
    return f"{answer.title} — {answer.section}" if answer.section else answer.title


def _print_measured(result: "Mapping[str, Any]") -> None:
    """Print the fusion beside its members alone, and what is rejected; --json has the slices and intervals too."""
    names = ("recall@1", "recall@3", "recall@5", "recall@10", "mrr@10", "ndcg@10")
    print_line(f"{result['n']} questions" + "".join(f"{name:>11}" for name in names))
    width = len(f"{result['n']} questions")
    for run, metrics in {"fusion": result["metrics"], **result["alone"]}.items():
        print_line(f"{run:<{width}}" + "".join(f"{metrics[name]:11.3f}" for name in names))
    if result["no_answer"]:
        figures = result["no_answer"]
        print_line(
            f"no answer: {figures['n']} questions, AUROC {figures['auroc']:.3f}, "
            f"{figures['rejected_at_90']:.3f} rejected where .9 of the others are kept"
        )
    print_line(result["signature"])


def _encoder(settings: "Settings") -> "Encoder":
    """Open the encoder; build it first where it is missing. The articles themselves may keep a set-up from its end."""
    from wiring import Built, load_encoder

    if "encoder" in Built(settings).missing():
        say(f"Setting up in {settings.home} (once, one to two minutes) …")
        subprocess.run([sys.executable, "-c", "import cli; cli.main()", "setup"], check=False)
    return load_encoder(settings)


def _print_findings(findings: "Sequence[Finding]") -> None:
    """Print a line a finding, in columns, a rule after the other."""
    for finding in findings:
        print_line(f"{finding.severity.value:<8} {finding.rule.value:<21} {finding.text}")


def _folder(out: Path | None) -> Path:
    """Return where articles are written; never among the ones that the project ships."""
    folder = out or _articles_setting()
    if folder is None:
        raise DataError("kb import needs a folder to write to: give --out FOLDER, or set TRIAGE_ARTICLES")
    if folder.exists() and not folder.is_dir():
        raise DataError(f"kb import writes articles into a folder, got the file {folder}")
    return folder


def _articles_setting() -> Path | None:
    from wiring import Settings

    return Settings.from_env().articles


def _report(changes: "Iterable[Change]", *, as_json: bool) -> tuple[Counter[str], int]:
    """Print a line for everything that is not as it was, as soon as it is known; return counts, and how many faults."""
    counts: Counter[str] = Counter()
    faults = 0
    for change in changes:
        counts[change.outcome] += change.count
        faults += change.is_fault
        if change.outcome == "unchanged":
            continue
        if as_json:
            print_json(change)
            continue
        what = f"{change.id} ({change.source})" if change.id else change.source
        print_line(f"{change.outcome.value:<9} {what}" + (f": {change.detail}" if change.detail else ""))
        for line in change.diff:
            print_line(f"    {line}")
    return counts, faults
