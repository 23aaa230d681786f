"""Commands that decide which model answers, and what it may do unattended."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli_model import AsJson, model_app
from cli_output import bar, print_line, print_report, say
from cli_setup import ready_settings
from triage.errors import DataError, ModelError
from triage.granting import WANTED_PRECISION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.datasets import Example
    from models.registry import Registry
    from triage.granting import Outcome
    from triage.protocols import Classifier, Encoder
    from wiring import Settings

__all__ = ["model_app"]  # with every command of the group, this file's and those of cli_model
BY = "command line"
ModelId = Annotated[str, typer.Argument(metavar="ID", help="As `triage model list` shows it.")]


@model_app.command("register")
def model_register(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder that `model train` wrote.")],
) -> None:
    """Copy a trained model under TRIAGE_HOME and print the id that `activate` takes.

    Example: triage model register models/2026-11
    """
    with _open(ready_settings()) as (registry, _):
        print_line(registry.register(folder, BY))


@model_app.command("list")
def model_list(as_json: AsJson = False) -> None:
    """List the registered models, newest first, and what each does.

    Example: triage model list
    """
    with _open(ready_settings()) as (registry, _):
        active, candidate = registry.active(), registry.candidate()
        models = registry.log.list()
    rows = [
        {
            "id": model.id,
            "role": "active" if model.id == active else "shadow" if model.id == candidate else "",
            "created_at": model.created_at,
            "held_out": model.meta.get("held_out"),
        }
        for model in models
    ]
    if as_json:
        print_report(rows, as_json=True)
        return
    for row in rows:
        print_line(f"{row['id']:<20} {row['role']:<7} {row['created_at']:%Y-%m-%d %H:%M}")
    say("" if active else "the default model, trained by the set-up, answers")


@model_app.command("activate")
def model_activate(
    model_id: ModelId,
    data: Annotated[Path | None, typer.Option(exists=True, help="Held-out messages to compare both models on.")] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Only predict beside the active model.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Activate it even where something gets worse.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for the record; --force needs it.")] = None,
) -> None:
    """Let a model answer; running services take it up within seconds, no request fails.

    With --data it is compared with the active model first, and refused where a language or a safety-relevant type
    gets worse.

    Example: triage model activate linear-1a2b3c4d --data held_out.jsonl
    """
    if force and not reason:
        raise DataError("--force needs --reason: it is recorded")
    settings = ready_settings()
    with _open(settings) as (registry, encoder):
        if shadow:
            registry.shadow(model_id, BY)
            say(f"{model_id} predicts beside the active model; where it says otherwise is kept")
            return
        refusals = _refusals(settings, registry, encoder, model_id, data) if data else ()
        if refusals and not force:
            raise ModelError(f"{model_id} is not activated: " + "; ".join(refusals) + "; --force --reason overrules it")
        note = reason or ("compared, nothing got worse" if data else "not compared: no --data given")
        registry.activate(model_id, BY, reason=note, forced=bool(refusals))
    say(f"{model_id} is active ({note})")


@model_app.command("rollback")
def model_rollback() -> None:
    """Go back to the model that was active before.

    Example: triage model rollback
    """
    with _open(ready_settings()) as (registry, _):
        before = registry.rollback(BY)
    say(f"{before or 'the default model'} is active")


@model_app.command("card")
def model_card(model_id: ModelId) -> None:
    """Print a model's card: what it was made of, how good it is, where it is weak.

    Example: triage model card linear-1a2b3c4d
    """
    with _open(ready_settings()) as (registry, _):
        print_line(registry.card(model_id))


@model_app.command("policy")
def model_policy(
    simulate: Annotated[Path, typer.Option(exists=True, help="Labelled messages that the model has not seen.")],
    model: Annotated[
        str | None, typer.Option(help="Folder or id; out-of-fold models of DATA itself where not given.")
    ] = None,
    precision: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Wanted, with the lower 95 % bound.")
    ] = WANTED_PRECISION,
    as_json: AsJson = False,
) -> None:
    """Print which share of the messages could run unattended at a wanted precision; nothing is changed.

    Example: triage model policy --simulate labels.jsonl --precision 0.97
    """
    from models.cleaning import Labels, clean
    from models.datasets import read_rows
    from models.simulation import out_of_fold, predicted, simulation

    settings = ready_settings()
    examples = clean(read_rows(simulate), (), labels=Labels.ANY).examples
    with _open(settings) as (registry, encoder), bar("simulate") as progress:
        outcomes = (
            predicted(_model(registry, model), examples, encoder, progress)
            if model
            else out_of_fold(examples, encoder, progress)
        )
    print_report(simulation(outcomes, wanted=precision), as_json)


def _refusals(
    settings: "Settings", registry: "Registry", encoder: "Encoder", model_id: str, data: Path
) -> tuple[str, ...]:
    """Compare a candidate with the active model, say what changes, and return what stands against it."""
    from models.datasets import read_examples
    from models.promotion import compare
    from wiring import load_default_classifier

    examples = read_examples(data)
    active = registry.active()
    standing = registry.open(active) if active else load_default_classifier(settings)
    comparison = compare(
        _outcomes(standing, examples, encoder), _outcomes(registry.open(model_id), examples, encoder), registry.taxonomy
    )
    for change in (comparison.overall, *comparison.languages):
        say(f"{change.name:<10} {change.before:.3f} → {change.after:.3f} on {change.n} messages")
    return comparison.refusals


def _outcomes(model: "Classifier", examples: "Sequence[Example]", encoder: "Encoder") -> "tuple[Outcome, ...]":
    from models.simulation import predicted

    return predicted(model, examples, encoder, lambda *_: None)


def _model(registry: "Registry", name: str) -> "Classifier":
    from models.classifiers import LinearClassifier

    return LinearClassifier.load(Path(name)) if Path(name).is_dir() else registry.open(name)


@contextmanager
def _open(settings: "Settings") -> "Iterator[tuple[Registry, Encoder]]":
    from triage import taxonomy
    from wiring import load_encoder, open_database, open_registry

    encoder = load_encoder(settings)
    with open_database(settings) as store:
        yield open_registry(settings, store, taxonomy.load(settings.taxonomy), encoder.version), encoder
