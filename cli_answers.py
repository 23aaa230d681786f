"""Commands around what the knowledge base answers: pinned notices, versions, feedback, wordings, gaps."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli_kb import AsJson, kb_app
from cli_output import print_json, print_line, say
from cli_setup import ready_settings
from triage.errors import DataError, NotFound, SettingsError

if TYPE_CHECKING:
    from datetime import tzinfo

    from triage.store.articles import Proposal
    from triage.store.gaps import Gap
    from triage.store.notices import StoredNotice

By = Annotated[str, typer.Option("--by", help="Who does it.")]
COMMAND_LINE = "command line"


@kb_app.command("pin")
def kb_pin(
    line: Annotated[str, typer.Argument(metavar="NOTICE", help="What, where and until when.")],
    until: Annotated[
        str | None, typer.Option(help="today, tomorrow, a weekday, 2026-05-01 or '2026-05-01 17:00'.")
    ] = None,
    text: Annotated[str, typer.Option(help="What an agent may read aloud; the notice itself where not given.")] = "",
    service_type: Annotated[
        list[str] | None, typer.Option(help="Code of a service type it is about; told by the classifier if left out.")
    ] = None,
    by: By = COMMAND_LINE,
    as_json: AsJson = False,
) -> None:
    """Pin a notice: within a second it is the first answer where it concerns the question, and it ends by itself.

    The articles that say otherwise meanwhile are listed.

    Example: triage kb pin "boil-water notice, district 3, until Friday"
    """
    from dataclasses import replace

    from kb.live import LiveSearch
    from kb.notices import subject_of, vectors_of
    from kb.pinning import contradicted, notice_of
    from triage import calendar_file, taxonomy
    from triage.types import Message
    from wiring import build_pipeline, load_encoder, load_knowledge_base, open_database

    settings = ready_settings()
    _check_codes(service_type or [], taxonomy.load(settings.taxonomy).codes)
    encoder = load_encoder(settings)
    live = LiveSearch(load_knowledge_base(settings, encoder))
    zone = calendar_file.load(settings.calendar).zone
    now = datetime.now(zone)
    notice = notice_of(line, now=now, until=until, text=text, service_types=service_type or [])
    if service_type is None:
        told = build_pipeline(settings, encoder, live).triage(Message(id="notice", text=subject_of(line)))
        likely = [one.code for one in told.service_types[:1] if one.probability >= settings.min_probability]
        notice = replace(notice, service_types=tuple(likely))
    against = contradicted(notice, vectors_of(notice, encoder), live.snapshot)
    with open_database(settings) as store:
        pinned = store.notices.pin(replace(notice, contradicts=against), by)
    _print_notices([pinned], zone, as_json=as_json)


@kb_app.command("unpin")
def kb_unpin(
    number: Annotated[int, typer.Argument(help="The notice's number.")],
    by: By = COMMAND_LINE,
) -> None:
    """Take a notice down before its time.

    Example: triage kb unpin 3
    """
    from wiring import Settings, open_database

    with open_database(Settings.from_env()) as store:
        store.notices.withdraw(number, by)
    say(f"notice {number} is down")


@kb_app.command("notices")
def kb_notices(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the pinned notices.

    Example: triage kb notices
    """
    from wiring import Settings, load_calendar, open_database

    settings = Settings.from_env()
    with open_database(settings) as store:
        notices = store.notices.list() if every else store.notices.active()
    _print_notices(notices, load_calendar(settings).zone, as_json=as_json)


@kb_app.command("show")
def kb_show(
    article: Annotated[str, typer.Argument(metavar="ID", help="The article's id.")],
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="As it was at the end of this day; now if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an article said on a given day.

    Example: triage kb show high-water-bill --on 2026-05-01
    """
    from wiring import Settings, keep_versions, open_database

    settings = Settings.from_env()
    with open_database(settings) as store:
        keep_versions(settings, store)
        moment = datetime.combine(on.date(), time.max, UTC) if on else datetime.now(UTC)
        found, first = store.articles.at(article, moment), store.articles.versions(article)
    if found is None or found.document is None:
        known = f"; its first version was kept on {first[0].created_at:%Y-%m-%d}" if first and not found else ""
        raise NotFound(f"no article {article!r} was there on {moment:%Y-%m-%d}{known}")
    if as_json:
        print_json(found)
        return
    say(f"version {found.version}, since {found.created_at:%Y-%m-%d %H:%M} UTC")
    print_line(found.document)


@kb_app.command("feedback")
def kb_feedback(
    article: Annotated[str, typer.Argument(metavar="ID", help="The article's id.")],
    verdict: Annotated[str, typer.Argument(help="used, helpful, wrong or stale.")],
    query: Annotated[str | None, typer.Option(help="The question, in the resident's words.")] = None,
    note: Annotated[str | None, typer.Option(help="What is wrong or stale.")] = None,
    by: By = COMMAND_LINE,
) -> None:
    """Say that an answer was used, helpful, wrong or stale.

    A question that was answered well is proposed as a further wording of the article: `triage kb aliases`.

    Example: triage kb feedback bulky-item-pickup helpful --query "who takes my old recliner"
    """
    from triage.masking import WITH_PLACES, mask
    from triage.store.feedback import Verdict
    from wiring import Settings, load_articles, load_entities, open_database

    settings = Settings.from_env()
    if verdict not in tuple(Verdict):
        raise DataError(f"a verdict is one of {', '.join(Verdict)}, got {verdict!r}")
    if article not in {one.id for one in load_articles(settings)}:
        raise NotFound(f"no article has the id {article!r}")
    masked = query and mask(query, load_entities(settings).find(query), kinds=WITH_PLACES)
    with open_database(settings) as store:
        store.feedback.give(article_id=article, verdict=Verdict(verdict), by=by, query=masked, note=note)
    say("noted")


@kb_app.command("aliases")
def kb_aliases(
    accept: Annotated[list[int] | None, typer.Option(help="Number of a wording to take; may be repeated.")] = None,
    reject: Annotated[list[int] | None, typer.Option(help="Number of a wording to leave out.")] = None,
    by: By = COMMAND_LINE,
    as_json: AsJson = False,
) -> None:
    """Review residents' wordings that agents have confirmed; those that are accepted find their article from then on.

    Example: triage kb aliases --accept 4 --accept 7 --reject 5
    """
    from kb.wordings import harvest
    from triage.store.articles import ProposalKind
    from wiring import build_knowledge_base, load_articles, load_encoder, open_database

    settings = ready_settings()
    with open_database(settings) as store:
        harvest(store.articles, load_articles(settings), store.feedback.list(10_000))
        for is_accepted, numbers in ((True, accept or []), (False, reject or [])):
            for number in numbers:
                store.articles.review(number, is_accepted, by)
        if accept:
            build_knowledge_base(settings, load_encoder(settings), store)
        wordings = tuple(one for one in store.articles.proposals() if one.kind is ProposalKind.ALIAS)
        _print_proposals(wordings, as_json=as_json)


@kb_app.command("gaps")
def kb_gaps(
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="HTML file to write; the CSV beside it has its name.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that an article answers by now.")] = False,
    by: By = COMMAND_LINE,
    as_json: AsJson = False,
) -> None:
    """Show what residents asked and no article answered, by topic and language, and close what is answered by now.

    Example: triage kb gaps --report gaps.html
    """
    from kb.gap_report import write_report
    from kb.gaps import close_answered, gather
    from wiring import load_encoder, load_knowledge_base, open_database

    settings = ready_settings()
    encoder = load_encoder(settings)
    with open_database(settings) as store:
        gathered = gather(store.gaps, encoder)
        closed = close_answered(store.gaps, load_knowledge_base(settings, encoder), encoder, by=by)
        gaps = store.gaps.list(open_only=not every, limit=10_000)
    say(f"{gathered} new questions, {len(closed)} topics closed, {len(gaps)} shown")
    if report is not None:
        say("written: " + ", ".join(map(str, write_report(gaps, report, made_at=datetime.now(UTC)))))
    _print_gaps(gaps, as_json=as_json)


def _check_codes(codes: "list[str]", known: "tuple[str, ...]") -> None:
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise SettingsError(f"--service-type must be a code of the taxonomy, got {', '.join(unknown)}")


def _print_notices(notices: "list[StoredNotice] | tuple[StoredNotice, ...]", zone: "tzinfo", *, as_json: bool) -> None:
    """Print notices with their end as the city's clocks show it."""
    for one in notices:
        if as_json:
            print_json(one)
            continue
        print_line(f"{one.id:>4}  {one.notice.title}")
        print_line(
            f"      until {one.notice.valid_until.astimezone(zone):%A %Y-%m-%d %H:%M}, pinned by {one.pinned_by}"
        )
        print_line(f"      against: {', '.join(one.notice.contradicts) or 'no article'}")


def _print_proposals(proposals: "tuple[Proposal, ...]", *, as_json: bool) -> None:
    for one in proposals:
        if as_json:
            print_json(one)
        else:
            print_line(f"{one.id:>4}  {one.article_id:<32} {one.text}")


def _print_gaps(gaps: "tuple[Gap, ...]", *, as_json: bool) -> None:
    for gap in gaps:
        if as_json:
            print_json(gap)
            continue
        answered = f", answered by {gap.article_id}" if gap.article_id else ""
        print_line(f"{gap.count:>5} × {gap.topic} [{gap.language}]{answered}")
        for example in gap.examples[:3]:
            print_line(f"        {example}")
