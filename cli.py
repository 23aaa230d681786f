"""The `triage` command: reads arguments, calls the library, prints. Nothing heavy is imported before it is needed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from triage.errors import DataError, SettingsError, TriageError
from triage.types import Answer, Channel, Message, Triage

if TYPE_CHECKING:
    from triage.batchfile import Outcome
    from wiring import Progress, Settings

app = typer.Typer(
    help="Triage and knowledge-base answers for city 311 contact centers, on the city's own machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
kb_app = typer.Typer(help="The knowledge base: build its index, search it, measure it.", no_args_is_help=True)
model_app = typer.Typer(help="Classifiers: train and measure.", no_args_is_help=True)
app.add_typer(kb_app, name="kb")
app.add_typer(model_app, name="model")

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
    _serve(_ready_settings(), host, port, with_samples=True)


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


@kb_app.command("search")
def kb_search(
    question: Annotated[str, typer.Argument(help="What the resident asks.")],
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many answers at most.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Search the knowledge base.

    Example: triage kb search "when is the permit counter open" -k 3
    """
    from wiring import build_pipeline

    result = build_pipeline(_ready_settings()).search(question, k=k)
    if as_json:
        _print_json(result)
        return
    _print(f"{result.status.value}: {len(result.answers)} answers")
    for answer in result.answers:
        _print(f"\n{answer.probability:4.0%}  {_titled(answer)}  [{answer.audience.value}]")
        _print(f"      {answer.quote}")
        _print(f"      {answer.url or answer.article_id}, reviewed {answer.reviewed_on or 'never'}")


@kb_app.command("build")
def kb_build() -> None:
    """Check the articles and build the index anew where they have changed.

    Example: TRIAGE_ARTICLES=articles/ triage kb build
    """
    from wiring import Built, load_articles

    settings = _ready_settings()
    _say(f"{len(load_articles(settings))} articles of {Built(settings).articles}, index in {Built(settings).index}")


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

    settings = _ready_settings()
    _say("Encoding and searching; a thousand articles take about a minute …")
    encoder, detector = load_encoder(settings), load_detector(settings)
    result = evaluate(corpus, queries, qrels, no_answer=no_answer, encoder=encoder, detector=detector)
    _print_report(result, as_json)


@model_app.command("train")
def model_train(
    data: Annotated[Path, typer.Argument(exists=True, help='A .jsonl file of {"text", "label"}, or a folder of them.')],
    out: Annotated[Path, typer.Option("--out", help="Folder to write; nothing else is touched.")],
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
) -> None:
    """Train a classifier on labelled messages, any labels.

    Example: triage model train labels.jsonl --out models/2026-11
    """
    from models.datasets import read_examples
    from models.training import Recipe, train
    from wiring import load_encoder

    examples = read_examples(data)
    with _bar("train") as progress:
        facts = train(examples, load_encoder(_ready_settings()), out, Recipe(seed=seed), progress)
    _print_report({"out": str(out), **facts}, as_json=False)


@model_app.command("evaluate")
def model_evaluate(
    model: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder that `model train` wrote.")],
    data: Annotated[Path, typer.Argument(exists=True, help="Labelled messages that the model has not seen.")],
    as_json: AsJson = False,
) -> None:
    """Measure a classifier on labelled messages.

    Example: triage model evaluate models/2026-11 test.jsonl --json
    """
    from models.classifiers import LinearClassifier
    from models.datasets import read_examples
    from models.evaluation import evaluate
    from wiring import load_encoder

    with _bar("evaluate") as progress:
        encoder = load_encoder(_ready_settings())
        result = evaluate(LinearClassifier.load(model), read_examples(data), encoder, progress)
    _print_report(result, as_json)


def _ready_settings() -> "Settings":
    """Read the settings; build what is missing first, in a process of its own, which alone imports torch."""
    from wiring import Built, Settings

    settings = Settings.from_env()
    if Built(settings).missing():
        _say(f"Setting up in {settings.home} (once, one to two minutes) …")
        done = subprocess.run([sys.executable, "-c", "import cli; cli.main()", "setup"], check=False)
        if done.returncode:
            raise TriageError("the set-up did not finish; the lines above say why")
    return settings


def _serve(settings: "Settings", host: str | None, port: int | None, *, with_samples: bool) -> None:
    import uvicorn

    from api import create_app
    from wiring import build_pipeline, open_database

    address, number = host or settings.host, port or settings.port
    pipeline, store = build_pipeline(settings), open_database(settings)
    if with_samples:
        from triage.samples import triage_samples

        _print_table(triage_samples(pipeline, store))
    server = uvicorn.Server(
        uvicorn.Config(create_app(pipeline, store), host=address, port=number, log_level="warning", access_log=False)
    )
    _say(f"\nReady: http://{address}:{number}  (Ctrl-C stops it)")
    try:
        server.run()
    except KeyboardInterrupt:  # uvicorn finishes what is under way, then raises the signal again
        _say("Stopped.")
    finally:
        store.close()


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


@contextmanager
def _bar(what: str) -> "Iterator[Callable[[str, int, int], None]]":
    """Show a progress bar on the error stream while something runs; one row for each name it is told of."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    rows: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bar:

        def advance(name: str, done: int, total: int) -> None:
            if name not in rows:
                rows[name] = bar.add_task(name, total=total)
            bar.update(rows[name], completed=done, total=total)

        yield advance


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
        _print(f"            {answer.probability:4.0%}  {_titled(answer)}: “{answer.quote}”")
    _print(f"decision    {triage.decision.mode.value}: " + "; ".join(triage.decision.reasons))
    for warning in triage.warnings:
        _print(f"warning     {warning}")


def _print_table(pairs: list[tuple[Message, Triage]]) -> None:
    """Print answers as a table; nothing where there is none."""
    if pairs:
        _print(f"{'urgency':<9} {'line':<4} {'lang':<7} {'service type':<27} {'answer':<8} message")
    for message, triage in pairs:
        _print_line(message, triage)


def _print_line(message: Message, triage: Triage) -> None:
    best = triage.service_types[0] if triage.service_types else None
    flag = f"→{triage.safety.line}" if triage.safety.emergency else ""
    shown = " ".join(message.text.split())
    type_shown = f"{best.code} {best.probability:.0%}" if best else "-"
    _print(
        f"{triage.urgency.level.value:<9} {flag:<4} {triage.language.code:<7} {type_shown:<27} "
        f"{triage.answer_status.value:<8} {shown[:64]}"
    )


def _titled(answer: Answer) -> str:
    return f"{answer.title} — {answer.section}" if answer.section else answer.title


def _because(words: "list[str] | tuple[str, ...]") -> str:
    return f"   because: {', '.join(words)}" if words else ""


def _print_report(result: object, as_json: bool) -> None:
    import orjson

    if as_json:
        _print_json(result)
    else:
        _print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())


def _print_json(value: object) -> None:
    import orjson

    _print(orjson.dumps(value).decode())


def _print(line: str) -> None:
    typer.echo(line)


def _say(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    main()
