"""`triage outbox`: what goes to other systems, what did not arrive, and what differs from what was decided."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli_output import bar, print_json, print_line, say
from triage.errors import SettingsError

outbox_app = typer.Typer(help="Deliveries: what other systems are told of decisions.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a page to read.")]
STATES = ("due", "sent", "dead")


@outbox_app.command("list")
def outbox_list(
    state: Annotated[str | None, typer.Option(help="Only those that are due, sent or dead.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first; dead ones were given up and wait for `triage outbox retry`.

    Example: triage outbox list --state dead
    """
    from triage.store.deliveries import DeliveryState
    from wiring import Settings, open_database

    if state is not None and state not in STATES:
        raise SettingsError(f"--state must be one of {', '.join(STATES)}, got {state!r}")
    with open_database(Settings.from_env()) as store:
        found = store.outbox.list(DeliveryState(state) if state else None, limit)
        counts = store.outbox.counts()
    if as_json:
        print_json(found)
        return
    print_line(
        f"{'id':>6} {'state':<5} {'tries':>5} {'system':<14} {'step':<9} {'next try':<16} {'failure':<24} message"
    )
    for stored in found:
        when = f"{stored.next_attempt_at:%Y-%m-%d %H:%M}" if stored.state is DeliveryState.DUE else ""
        print_line(
            f"{stored.id:>6} {stored.state:<5} {stored.attempts:>5} {stored.delivery.target:<14} "
            f"{stored.delivery.kind:<9} {when:<16} {stored.last_error or '':<24} {stored.message_id or ''}"
        )
    say(", ".join(f"{number} {name}" for name, number in counts.items()))


@outbox_app.command("retry")
def outbox_retry(
    delivery_id: Annotated[
        int | None, typer.Argument(metavar="[ID]", help="Its number in `triage outbox list`; every dead one without.")
    ] = None,
) -> None:
    """Make a delivery due now, or all that were given up.

    Example: triage outbox retry 17
    """
    from wiring import Settings, open_database

    with open_database(Settings.from_env()) as store:
        if delivery_id is None:
            number = store.outbox.retry_dead()
        else:
            store.outbox.retry(delivery_id)
            number = 1
    say(f"{number} due now; `triage serve` sends them, or `triage outbox run --once`.")


@outbox_app.command("run")
def outbox_run(
    once: Annotated[bool, typer.Option("--once", help="Send what is due and stop.")] = False,
) -> None:
    """Send deliveries until stopped; `triage serve` does it too, and any number may at once.

    Example: triage outbox run --once
    """
    from triage import logs
    from triage.outbox import Sending
    from wiring import Settings, open_database, outbox_workers

    settings = Settings.from_env()
    logs.set_up(settings.log_level)
    with open_database(settings) as store, outbox_workers(settings, store) as workers:
        if not workers:
            raise SettingsError("nobody is told of anything: name the city's back ends in a file, TRIAGE_BACKENDS")
        if once:
            say(f"{sum(worker.work_off() for worker in workers)} deliveries arrived.")
            return
        say(f"Sending to {', '.join(worker.target for worker in workers)}  (Ctrl-C stops it)")
        sending = Sending(workers)
        sending.start()
        try:
            sending.wait()
        except KeyboardInterrupt:
            say("Stopped.")
        finally:
            sending.stop()


@outbox_app.command("reconcile")
def outbox_reconcile(
    days: Annotated[int, typer.Option(min=1, help="Only contacts of the last so many days.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Compare what was decided with what each back end took; the exit code is 1 where they differ.

    Example: triage outbox reconcile --days 7
    """
    from triage.reconciling import reconcile
    from wiring import Settings, load_back_ends, open_database

    settings = Settings.from_env()
    back_ends = load_back_ends(settings)
    since = datetime.now(UTC) - timedelta(days=days)
    with open_database(settings) as store, bar("reconcile") as progress:
        report = reconcile(store, back_ends, since=since, progress=progress)
    if as_json:
        print_json(report)
    else:
        print_line(f"{report.contacts} contacts decided; {report.expected} expected elsewhere; {report.agreed} agree")
        for each in report.differences:
            print_line(
                f"{each.why:<13} {each.back_end:<14} decided {each.decided or '-':<20} "
                f"delivered {each.delivered or '-':<20} {each.message_id}  {each.detail or ''}".rstrip()
            )
    raise typer.Exit(0 if report.is_clean else 1)


@outbox_app.command("withdrawn")
def outbox_withdrawn(
    back_end: Annotated[str, typer.Argument(help="The back end's name.")],
    request: Annotated[str, typer.Argument(help="The request there that somebody has closed.")],
) -> None:
    """Say that a request was closed by hand in a system that takes no withdrawals.

    Example: triage outbox withdrawn works 2041
    """
    from wiring import Settings, open_database

    with open_database(Settings.from_env()) as store:
        store.links.withdraw(back_end, request)
    say(f"{request} of {back_end} is withdrawn.")
