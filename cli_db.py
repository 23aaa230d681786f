"""Commands of the records: bring them up to date, hand them out, check them, delete what is over its time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli_output import bar, print_json, print_line, say
from cli_setup import ready_settings
from triage.export_format import Format

if TYPE_CHECKING:
    from triage.export import Redact
    from triage.replay import Replay
    from triage.store import StoredTriage
    from triage.store.receipts import Verification
    from wiring import Settings

db_app = typer.Typer(help="The records: upgrade, export, retention, verify, replay.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a page to read.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day, in UTC.")]
BY = "command line"


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the database up to this release, creating it where there is none; repeating it is harmless.

    Example: triage db upgrade
    """
    from triage.store import upgrade
    from wiring import Settings

    settings = Settings.from_env()
    settings.home.mkdir(parents=True, exist_ok=True)
    say(f"The database has revision {upgrade(settings.store_url)}.")


@db_app.command("export")
def db_export(
    target: Annotated[Path, typer.Argument(metavar="OUT", dir_okay=False, help="The file; what is there is replaced.")],
    form: Annotated[Format, typer.Option("--format", help="Only jsonl holds whole histories.")] = Format.CSV,
    case: Annotated[list[str] | None, typer.Option(help="Only this message's case; repeatable.")] = None,
    since: Day = None,
    until: Day = None,
    redact: Annotated[bool, typer.Option(help="Hide phone, account and other numbers, and mail addresses.")] = True,
    hide_addresses: Annotated[bool, typer.Option(help="Hide street addresses too.")] = False,
) -> None:
    """Write cases to a file: what came in, what was suggested, what was decided.

    Example: triage db export march.xlsx --format xlsx --since 2026-03-01 --until 2026-04-01
    """
    from triage.export import export
    from wiring import Settings, open_database

    settings = Settings.from_env()
    hide = _redaction(settings, hide_addresses) if redact else None
    with open_database(settings) as store, bar("export") as progress:
        first, end = _utc(since), _utc(until)
        cases = map(store.cases.of, case) if case else store.cases.each(first, end)
        total = len(case) if case else store.cases.count(first, end)
        number = export(cases, target, form, hide, lambda done: progress("export", done, total))
    say(f"{number} cases written to {target}" + ("" if redact else "; personal data is in it"))


@db_app.command("retention")
def db_retention(
    years: Annotated[int, typer.Option(min=2, max=100, help="Years since the last thing that happened.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete contacts in which nothing has happened for two years, or longer; each leaves a tombstone.

    Example: triage db retention --years 7 --dry-run
    """
    from wiring import Settings, open_database

    with open_database(Settings.from_env()) as store, bar("retention") as progress:
        report = store.retention.run(by=BY, years=years, dry_run=dry_run, progress=progress)
    if as_json:
        print_json(report)
        return
    done = "would be deleted" if dry_run else "were deleted"
    print_line(f"{report.contacts} contacts, {report.rows} rows in all, {done}: nothing since {report.before:%Y-%m-%d}")


@db_app.command("verify")
def db_verify(as_json: AsJson = False) -> None:
    """Check that every answer and decision is as it was stored; the exit code is 1 where one is not.

    Example: triage db verify
    """
    from wiring import Settings, open_database

    with open_database(Settings.from_env()) as store, bar("verify") as progress:
        found = store.receipts.verify(progress)
    if as_json:
        print_json(found)
    else:
        _print_verification(found)
    raise typer.Exit(1 if found.problems else 0)


@db_app.command("replay")
def db_replay(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The message.")],
    triage_id: Annotated[int | None, typer.Option("--triage", help="Which of its answers; the latest else.")] = None,
    as_json: AsJson = False,
) -> None:
    """Triage a stored message again: the same answer, or which version has changed since.

    The exit code is 1 where the answer differs and no version explains it.

    Example: triage db replay m-1
    """
    from triage.replay import replay
    from wiring import build_service, open_database

    settings = ready_settings()
    with open_database(settings) as store:
        message, stored = store.triaged(message_id, triage_id)
        pipeline, _ = build_service(settings, store)  # with the model and the cells that the service answers with
        result = replay(message, stored, pipeline)
    if as_json:
        print_json(result)
    else:
        _print_replay(result, stored)
    raise typer.Exit(0 if result.is_explained else 1)


def _redaction(settings: "Settings", hide_addresses: bool) -> "Redact":
    from triage.city_map import CityMap
    from triage.entities import EntityFinder
    from triage.masking import PERSONAL, WITH_PLACES, mask

    finder = EntityFinder.load(settings.entity_formats, CityMap.load(settings.city_map))
    kinds = WITH_PLACES if hide_addresses else PERSONAL
    return lambda text: mask(text, finder.find(text), kinds=kinds)


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _print_verification(found: "Verification") -> None:
    for line in found.problems:
        print_line(line)
    verdict = f"{len(found.problems)} problems" if found.problems else "all as they were stored"
    print_line(f"{found.links} links, {verdict}; the last one is {found.head}")


def _print_replay(result: "Replay", stored: "StoredTriage") -> None:
    print_line(f"triage {stored.id} of {stored.created_at:%Y-%m-%d %H:%M} UTC")
    print_line("the same answer" if result.is_same else f"another answer: {', '.join(result.changed_fields)}")
    for name, then, now in result.changed_versions:
        print_line(f"{name} was {then}, is {now}")
    if not result.is_explained:
        print_line("no version has changed: check the files that the models are made of")
