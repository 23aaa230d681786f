"""Commands of those who run the service: keys, and a look over the installation."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli_output import print_json, print_line, say
from triage.access import Right, Role

if TYPE_CHECKING:
    from triage.store.keys import StoredKey

key_app = typer.Typer(help="Keys: what programs send to be let in.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a page to read.")]
LONGEST_DAYS = 3_650
BY = "command line"


@key_app.command("create")
def key_create(
    name: Annotated[str, typer.Argument(help="What uses it; decisions and the audit trail say it.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.SERVICE,
    scope: Annotated[
        list[Right] | None, typer.Option(help="Narrow it to this right of its role; may be given several times.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=LONGEST_DAYS, help="Days until it expires.")] = 365,
) -> None:
    """Make a key and print it; it cannot be shown again.

    Example: triage key create crm --scope triage --scope contacts:read --days 180
    """
    from triage.keys import create_key
    from wiring import Settings, open_database

    expires_at = datetime.now(UTC) + timedelta(days=days)
    with open_database(Settings.from_env()) as store:
        stored, secret = create_key(
            store.keys, name=name, role=role, scopes=scope or (), expires_at=expires_at, created_by=BY
        )
        store.audit.record(
            actor=BY, role=Role.ADMIN.value, action="key_create", target=f"key:{stored.id}", detail={"role": role.value}
        )
    say(f"Key {stored.id} for {name}, {role}, until {expires_at:%Y-%m-%d}. Keep it safe: it is not shown again.")
    print_line(secret)


@key_app.command("revoke")
def key_revoke(key_id: Annotated[int, typer.Argument(metavar="ID", help="Its number in `triage key list`.")]) -> None:
    """Revoke a key; every process refuses it from its next request on.

    Example: triage key revoke 3
    """
    from wiring import Settings, open_database

    with open_database(Settings.from_env()) as store:
        stored = store.keys.revoke(key_id)
        store.audit.record(actor=BY, role=Role.ADMIN.value, action="key_revoke", target=f"key:{key_id}")
    say(f"Key {key_id} for {stored.name} is revoked.")


@key_app.command("list")
def key_list(as_json: AsJson = False) -> None:
    """List the keys, with their beginnings and never whole.

    Example: triage key list --json
    """
    from wiring import Settings, open_database

    with open_database(Settings.from_env()) as store:
        keys = store.keys.list()
    if as_json:
        print_json(keys)
        return
    print_line(f"{'id':>4} {'key':<14} {'role':<10} {'state':<9} {'expires':<11} {'last used':<11} name")
    for key in keys:
        scopes = f" ({', '.join(key.scopes)})" if key.scopes else ""
        print_line(
            f"{key.id:>4} {key.prefix + '…':<14} {key.role:<10} {_state(key):<9} {_day(key.expires_at):<11} "
            f"{_day(key.last_used_at):<11} {key.name}{scopes}"
        )


def doctor(as_json: AsJson = False) -> None:
    """Look over the installation; the exit code is 1 where something is broken. Nothing is changed.

    Example: triage doctor --json
    """
    from doctor import State, examine
    from wiring import Settings

    findings = []
    for finding in examine(Settings.from_env()):
        findings.append(finding)
        if not as_json:
            print_line(f"{finding.state:<7} {finding.name:<12} {finding.detail}")
    if as_json:
        print_json(findings)
    raise typer.Exit(1 if any(finding.state is State.BROKEN for finding in findings) else 0)


def _state(key: "StoredKey") -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.is_valid_at(datetime.now(UTC)) else "expired"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"
