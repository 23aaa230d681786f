"""The command that says what may run unattended."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli_model import AsJson
from cli_output import bar, print_json, print_line, print_report, say
from cli_registry import BY, model_app, opened, standing_model
from cli_setup import ready_settings
from triage.cell_grants import ACTS, set_grants
from triage.cells import CellMode
from triage.errors import DataError, ModelError
from triage.granting import WANTED_PRECISION, grants_by_language
from triage.types import Channel

if TYPE_CHECKING:
    from models.datasets import Example
    from models.registry import Registry
    from triage.granting import Outcome
    from triage.protocols import Classifier, Encoder
    from triage.store.policy_cells import PolicyCell, PolicyCells
    from wiring import Settings

__all__ = ["model_app"]  # with every command of the group, of all three files


@model_app.command("policy")
def model_policy(
    simulate: Annotated[
        Path | None, typer.Option(exists=True, help="Labelled messages; print what they would grant.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Folder or id, with --simulate; out-of-fold models of DATA where left out."),
    ] = None,
    precision: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Wanted, with the lower 95 % bound.")
    ] = WANTED_PRECISION,
    grant: Annotated[
        CellMode | None, typer.Option(help="auto or preselect: set it where the active model's predictions grant it.")
    ] = None,
    mode: Annotated[
        CellMode | None, typer.Option("--set", help="off, shadow, suggest or preselect: set one cell.")
    ] = None,
    service_type: Annotated[str, typer.Option("--type", help="With --set; every type where left out.")] = "",
    channel: Annotated[Channel | None, typer.Option(help="With --set; every channel where left out.")] = None,
    language: Annotated[str, typer.Option(help="With --set; every language where left out.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the record; --grant and --set need it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print the policy's cells, what labelled messages would grant, or set what may run unattended.

    --grant takes the active model's own held-out predictions, or those of DATA of --simulate, which it must not have
    seen: at least 30 of each type, .90 right of those it covers, all together right with the wanted precision.

    Example: triage model policy --grant auto --reason "model of November, measured on its held-out messages"
    """
    if (grant or mode) and not reason.strip():
        raise DataError("--grant and --set need --reason: it is recorded")
    if grant and (mode or model):
        raise DataError("--grant stands alone or with --simulate: the active model's predictions count")
    settings = ready_settings()
    if grant:
        _grant(settings, grant, simulate, precision, reason)
    elif mode:
        _set(settings, mode, service_type, channel, language, reason)
    elif simulate:
        _simulate(settings, simulate, model, precision, as_json)
    else:
        _print_cells(settings, as_json)


def _simulate(settings: "Settings", data: Path, model: str | None, precision: float, as_json: bool) -> None:
    from models.simulation import out_of_fold, simulation

    examples = _examples(data)
    with opened(settings) as (registry, _, encoder), bar("simulate") as progress:
        if model:
            outcomes = _said(_model(registry, model), examples, encoder)
        else:
            outcomes = out_of_fold(examples, encoder, progress)
    print_report(simulation(outcomes, wanted=precision), as_json)


def _grant(settings: "Settings", mode: CellMode, data: Path | None, precision: float, reason: str) -> None:
    from models.held_out import read_outcomes

    if mode not in ACTS:
        raise DataError(f"--grant is {' or '.join(ACTS)}, got {mode}; --set sets the others")
    with opened(settings) as (registry, store, encoder):
        active = registry.active()
        if data:
            outcomes = _said(standing_model(settings, registry), _examples(data), encoder)
        elif active:
            outcomes = read_outcomes(Path(registry.log.of(active).folder) / "held_out.jsonl")
        else:
            raise ModelError(
                "the default model has no held-out predictions of its own: give --simulate DATA that it has not seen, "
                "or train and activate a model of the city's"
            )
        grants = grants_by_language(outcomes, wanted=precision)
        done = set_grants(store.policy, grants, mode=mode, model=registry.standing, reason=reason, by=BY)
    for code, each in grants.items():
        say(
            f"{code}: {len(each.labels)} types, {each.coverage:.1%} of {each.of} messages, lower bound {each.lower:.3f}"
        )
    say(f"{len(done.granted)} cells are {mode}, {len(done.taken_back)} went back to suggest")


def _set(
    settings: "Settings", mode: CellMode, service_type: str, channel: Channel | None, language: str, reason: str
) -> None:
    from triage import taxonomy
    from wiring import open_database

    if mode is CellMode.AUTO:
        raise DataError("auto is not set by hand: --grant auto gives it where held-out predictions carry it")
    if service_type and service_type not in taxonomy.load(settings.taxonomy):
        raise DataError(f"--type must be a service type of the city's, got {service_type!r}")
    with open_database(settings) as store:
        cell = store.policy.set(
            mode=mode, service_type=service_type, channel=channel or "", language=language, reason=reason, by=BY
        )
    print_line(_line(cell))


def _print_cells(settings: "Settings", as_json: bool) -> None:
    from wiring import open_database

    with open_database(settings) as store:
        cells: PolicyCells = store.policy
        standing = cells.current()
    for cell in standing:
        if as_json:
            print_json(cell)
        else:
            print_line(_line(cell))
    if not standing:
        say("no cell is set: everything is suggested")


def _line(cell: "PolicyCell") -> str:
    where = " ".join(each or "*" for each in (cell.service_type, cell.channel, cell.language))
    since = f"from {cell.threshold:.2f}" if cell.threshold is not None else ""
    return f"{cell.mode:<10} {where:<40} {since:<10} {cell.created_at:%Y-%m-%d} {cell.set_by}: {cell.reason}"


def _examples(data: Path) -> "tuple[Example, ...]":
    from models.cleaning import Labels, clean
    from models.datasets import read_rows

    return clean(read_rows(data), (), labels=Labels.ANY).examples


def _said(model: "Classifier", examples: "tuple[Example, ...]", encoder: "Encoder") -> "tuple[Outcome, ...]":
    from models.simulation import predicted

    with bar("predict") as progress:
        return predicted(model, examples, encoder, progress)


def _model(registry: "Registry", name: str) -> "Classifier":
    from models.classifiers import LinearClassifier

    return LinearClassifier.load(Path(name)) if Path(name).is_dir() else registry.open(name)
