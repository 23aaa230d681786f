"""Commands that decide which model answers."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli_model import AsJson, model_app
from cli_output import print_line, print_report, say
from cli_setup import ready_settings
from triage.cell_grants import revoke_grants
from triage.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.datasets import Example
    from models.promotion import Comparison
    from models.registry import Registry
    from triage.granting import Outcome
    from triage.protocols import Classifier, Encoder
    from triage.store import SqlTriageStore
    from triage.store.policy_cells import PolicyCell
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
    with opened(ready_settings()) as (registry, _, _):
        print_line(registry.register(folder, BY))


@model_app.command("list")
def model_list(as_json: AsJson = False) -> None:
    """List the registered models, newest first, and what each does.

    Example: triage model list
    """
    with opened(ready_settings()) as (registry, _, _):
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
    force: Annotated[bool, typer.Option("--force", help="Activate it even where something gets worse.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for the record; --force needs it.")] = None,
) -> None:
    """Let a model answer; running services take it up within seconds, no request fails.

    With --data it is compared with the active model first, and refused where a language or a safety-relevant type
    gets worse.

    Example: triage model activate linear-1a2b3c4d --data held_out.jsonl
    """
    from models.promotion import promote

    if force and not reason:
        raise DataError("--force needs --reason: it is recorded")
    settings = ready_settings()
    with opened(settings) as (registry, store, encoder):
        comparison = _compared(settings, registry, encoder, model_id, data) if data else None
        note = reason or ("compared, nothing got worse" if data else "not compared: no --data given")
        _say_revoked(promote(registry, store.policy, model_id, comparison, by=BY, reason=note, force=force))
    say(f"{model_id} is active ({note})")


@model_app.command("shadow")
def model_shadow(
    model_id: Annotated[
        str | None, typer.Argument(metavar="[ID|off]", help="Which model looks on; off ends it; a report if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a model predict beside the active one, off the requests' path, and keep where it says otherwise.

    Without an argument it reports what the model in shadow said, and whom people's decisions prove right.

    Example: triage model shadow linear-1a2b3c4d
    """
    from dataclasses import asdict

    from models.registry import KIND
    from models.shadow import shadow_report
    from wiring import Settings, open_database

    if model_id is None:
        with open_database(Settings.from_env()) as store:
            print_report(asdict(shadow_report(store, KIND)), as_json)
        return
    with opened(ready_settings()) as (registry, _, _):
        if model_id == "off":
            say(f"{registry.end_shadow(BY)} looks on no more; what it said is kept")
        else:
            registry.shadow(model_id, BY)
            say(f"{model_id} predicts beside the active model; triage model shadow reports where it says otherwise")


@model_app.command("rollback")
def model_rollback() -> None:
    """Go back to the model that was active before.

    Example: triage model rollback
    """
    with opened(ready_settings()) as (registry, store, _):
        before = registry.rollback(BY)
        _say_revoked(revoke_grants(store.policy, registry.standing, by=BY))
    say(f"{before or 'the default model'} is active")


@model_app.command("card")
def model_card(model_id: ModelId) -> None:
    """Print a model's card: what it was made of, how good it is, where it is weak.

    Example: triage model card linear-1a2b3c4d
    """
    with opened(ready_settings()) as (registry, _, _):
        print_line(registry.card(model_id))


def _say_revoked(cells: "Sequence[PolicyCell]") -> None:
    if cells:
        say(f"{len(cells)} cells of the policy went back to suggest: another model's predictions had granted them")


def _compared(
    settings: "Settings", registry: "Registry", encoder: "Encoder", model_id: str, data: Path
) -> "Comparison":
    """Compare a candidate with the active model and say what changes."""
    from models.datasets import read_examples
    from models.promotion import compare

    examples = read_examples(data)
    standing = standing_model(settings, registry)
    comparison = compare(
        _outcomes(standing, examples, encoder), _outcomes(registry.open(model_id), examples, encoder), registry.taxonomy
    )
    for change in (comparison.overall, *comparison.languages):
        say(f"{change.name:<10} {change.before:.3f} → {change.after:.3f} on {change.n} messages")
    return comparison


def _outcomes(model: "Classifier", examples: "Sequence[Example]", encoder: "Encoder") -> "tuple[Outcome, ...]":
    from models.simulation import predicted

    return predicted(model, examples, encoder, lambda *_: None)


def standing_model(settings: "Settings", registry: "Registry") -> "Classifier":
    """Open the model that answers now."""
    from wiring import load_default_classifier

    active = registry.active()
    return registry.open(active) if active else load_default_classifier(settings)


@contextmanager
def opened(settings: "Settings") -> "Iterator[tuple[Registry, SqlTriageStore, Encoder]]":
    """Open the registered models, the store that they are in, and the encoder."""
    from triage import taxonomy
    from wiring import load_encoder, open_database, open_registry

    encoder = load_encoder(settings)
    with open_database(settings) as store:
        yield open_registry(settings, store, taxonomy.load(settings.taxonomy), encoder.version), store, encoder
