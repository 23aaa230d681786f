"""The `triage` command: reads arguments, calls the library, prints. Nothing heavy is imported before it is needed."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

import cli_answers  # noqa: F401  its commands join those of kb
from cli_db import db_app
from cli_inbox import inbox_app
from cli_kb import kb_app, titled
from cli_operations import doctor, key_app
from cli_outbox import outbox_app
from cli_output import bar as _bar
from cli_output import print_json as _print_json
from cli_output import print_line as _print
from cli_output import say as _say
from cli_policy import model_app
from cli_setup import ready_settings as _ready_settings
from triage.errors import DataError, SettingsError, TriageError
from triage.types import Channel, Message, Triage

if TYPE_CHECKING:
    from routes.sign_in import SignIn
    from triage.batchfile import Outcome
    from triage.pipeline import Pipeline
    from triage.store import SqlTriageStore
    from triage.traces import Tracer
    from wiring import Progress, Settings

app = typer.Typer(
    help="Triage and knowledge-base answers for city 311 contact centers, on the city's own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(kb_app, name="kb")
app.add_typer(model_app, name="model")
app.add_typer(key_app, name="key")
app.add_typer(db_app, name="db")
app.add_typer(inbox_app, name="inbox")
app.add_typer(outbox_app, name="outbox")
app.command()(doctor)

STOP_WITHIN_S = 5  # what is under way may take so long; a console that listens is cut off

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a page to read.")]
InputFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


def main() -> None:
    """Run the command; an error that this project raises on purpose becomes a sentence and an exit code."""
    try:
        app()
    except TriageError as error:
        _say(f"triage: {error}")
        sys.exit(2 if isinstance(error, SettingsError) else 1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve the API and the console.

    Example: triage serve --port 8311
    """
    _serve(_ready_settings(), host, port, with_samples=False)


@app.command()
def demo(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve with sample contacts that are triaged already.

    Example: triage demo
    """
    # Nobody is told of sample contacts.
    _serve(replace(_ready_settings(), back_ends=None, inbox=None), host, port, with_samples=True)


@app.command()
def text(
    words: Annotated[
        str, typer.Argument(metavar="TEXT", help="What the resident wrote or said; - reads it from input.")
    ],
    channel: Annotated[Channel, typer.Option(help="How it came in.")] = Channel.WEB,
    as_json: AsJson = False,
) -> None:
    """Triage one message and print what was found. Nothing is stored.

    Example: triage text "water is shooting out of the street at 9th and Oak" --channel call
    """
    from triage.channels.request import message_of
    from wiring import build_pipeline

    content = sys.stdin.read() if words == "-" else words
    message = message_of({"text": content, "channel": channel.value}, "m-1")
    triage = build_pipeline(_ready_settings()).triage(message)
    if as_json:
        _print_json(triage)
    else:
        _print_triage(message, triage)


@app.command()
def batch(
    source: Annotated[Path, typer.Argument(metavar="IN.jsonl", exists=True, dir_okay=False, readable=True)],
    target: Annotated[Path, typer.Argument(metavar="OUT.jsonl", dir_okay=False)],
    only: Annotated[str, typer.Option(help="Fields to keep, separated by commas; all where empty.")] = "",
) -> None:
    """Triage a file of messages, a JSON object a line, to a file of answers in the same order.

    A line that cannot be triaged becomes an error record and the rest goes on; the exit code is then 1.

    Example: triage batch contacts.jsonl answers.jsonl --only language,service_types,urgency
    """
    from triage.batchfile import triage_lines
    from wiring import build_pipeline

    fields = _fields(only)
    settings = _ready_settings()
    pipeline = build_pipeline(settings)
    part = target.with_name(target.name + ".part")
    with source.open("rb") as lines, part.open("wb") as out, _bar("triage") as progress:
        outcomes = triage_lines(lines, pipeline, only=fields, workers=settings.workers)
        done, errors = _write_outcomes(outcomes, out, lines, source.stat().st_size, progress)
    part.replace(target)
    _say(f"{done} lines triaged into {target}" + (f", {errors} of them are error records" if errors else ""))
    raise typer.Exit(1 if errors else 0)


@app.command()
def setup() -> None:
    """Build what the service needs under TRIAGE_HOME; the other commands do it by themselves when it is missing.

    Example: triage setup
    """
    from wiring import Settings, set_up

    settings = Settings.from_env()
    with _bar("set-up") as progress:
        set_up(settings, progress)
    _say(f"Ready in {settings.home}")


def _serve(settings: "Settings", host: str | None, port: int | None, *, with_samples: bool) -> None:
    import uvicorn

    from api import create_app
    from routes.chores import of_service
    from routes.gate import gate_of
    from triage import logs
    from triage.outbox import Sending
    from wiring import (
        build_service,
        build_shadow,
        load_calendar,
        load_incident_rules,
        open_database,
        outbox_workers,
        reply_channels,
    )

    address, number = host or settings.host, port or settings.port
    logs.set_up(settings.log_level)
    with open_database(settings) as store, outbox_workers(settings, store) as workers:
        gate = gate_of(settings, store, address)  # refuses, if it does, before the models are opened
        pipeline, watch = build_service(settings, store)
        shadow = build_shadow(settings, store, pipeline)
        sending = Sending(workers)
        if with_samples:
            _load_samples(settings, pipeline)
        app = create_app(
            pipeline,
            store,
            gatekeeper=gate,
            sign_in=_sign_in(settings, store),
            tracer=_tracer(settings),
            calendar=load_calendar(settings),
            rules=load_incident_rules(settings),
            chores=of_service,
            channels=settings.channels,
            own_articles=settings.articles,
            sidebar_origins=settings.sidebar_origins,
            replies_by=reply_channels(settings),
        )
        config = uvicorn.Config(
            app,
            host=address,
            port=number,
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
        _say(f"\nReady: http://{address}:{number}  (Ctrl-C stops it)")
        watch.start()
        shadow.start()
        sending.start()
        try:
            uvicorn.Server(config).run()
        except KeyboardInterrupt:  # uvicorn finishes what is under way, then raises the signal again
            _say("Stopped.")
        finally:
            watch.stop()
            shadow.stop()
            sending.stop()


def _load_samples(settings: "Settings", pipeline: "Pipeline") -> None:
    """Bring in the sample contacts that are not stored yet."""
    from workbench import load_samples

    with _bar("samples") as progress:
        loaded = load_samples(settings, pipeline, progress)
    if loaded:
        _say(f"{loaded} sample contacts of the last two weeks are in {settings.store_url}")


def _sign_in(settings: "Settings", store: "SqlTriageStore") -> "SignIn | None":
    provider = settings.identity_provider
    if provider is None:
        return None
    from routes.sign_in import SignIn

    return SignIn(provider, store, framed=bool(settings.sidebar_origins))


def _tracer(settings: "Settings") -> "Tracer | None":
    if settings.otlp_endpoint is None:
        return None
    from triage.traces import OtlpTracer

    return OtlpTracer(settings.otlp_endpoint)


def _fields(only: str) -> list[str]:
    names = [name.strip() for name in only.split(",") if name.strip()]
    known = list(Triage.__dataclass_fields__)
    wrong = [name for name in names if name not in known]
    if wrong:
        raise DataError(
            f"--only takes names of the answer's fields, got {', '.join(wrong)}; they are {', '.join(known)}"
        )
    return [name for name in names if name != "message_id"]


def _write_outcomes(
    outcomes: "Iterator[Outcome]", out: BinaryIO, lines: BinaryIO, size: int, progress: "Progress"
) -> tuple[int, int]:
    done = errors = 0
    for outcome in outcomes:
        out.write(outcome.json + b"\n")
        done, errors = done + 1, errors + outcome.is_error
        if done % 16 == 0:
            progress("triage", lines.tell(), size)
    out.flush()
    os.fsync(out.fileno())
    progress("triage", size, size)
    return done, errors


def _print_triage(message: Message, triage: Triage) -> None:
    """Print one answer as a page for people."""
    if triage.safety.emergency:
        _print(f"!! LIFE SAFETY: call {triage.safety.line}: " + ", ".join(hit.text for hit in triage.safety.reasons))
    language = triage.language
    _print(f"language    {language.code} ({language.probability:.0%}), translation {triage.translation.status.value}")
    _print(f"urgency     {triage.urgency.level.value}" + _because([reason.text for reason in triage.urgency.reasons]))
    for number, suggestion in enumerate(triage.service_types, start=1):
        lead = "service" if number == 1 else ""
        reasons = _because(suggestion.because)
        _print(f"{lead:<11} {number} {suggestion.probability:4.0%}  {suggestion.name} [{suggestion.code}]{reasons}")
    for entity in triage.entities:
        _print(f"{entity.kind.value:<11} {entity.text}")
    if triage.next_question:
        _print(f"ask next    {triage.next_question}")
    _print(f"answer      {triage.answer_status.value}")
    for answer in triage.answers:
        _print(f"            {answer.probability:4.0%}  {titled(answer)}: “{answer.quote}”")
    _print(f"decision    {triage.decision.mode.value}: " + "; ".join(triage.decision.reasons))
    for warning in triage.warnings:
        _print(f"warning     {warning}")


def _because(words: "list[str] | tuple[str, ...]") -> str:
    return f"   because: {', '.join(words)}" if words else ""


if __name__ == "__main__":
    main()
