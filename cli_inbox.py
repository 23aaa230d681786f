"""`triage inbox`: mail that comes in over IMAP, triaged by itself."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from cli_output import print_line, say
from cli_setup import ready_settings

if TYPE_CHECKING:
    from triage.inbox_settings import InboxSettings, MailboxSettings
    from triage.mail_folder import MailFolder
    from triage.store import SqlTriageStore

LOOK_EVERY_S = 5.0

inbox_app = typer.Typer(help="Mail: comes in over IMAP and is triaged by itself.", no_args_is_help=True)


@inbox_app.command("check")
def inbox_check(
    create: Annotated[bool, typer.Option("--create", help="Make the folders that are missing.")] = False,
) -> None:
    """Connect to every mailbox, look for its folders, and say what would become of its mail; no mail is touched.

    The exit code is 1 where something is in the way.

    Example: TRIAGE_INBOX=/etc/triage/inbox.yaml triage inbox check
    """
    from wiring import Settings, load_inbox, open_database

    settings = Settings.from_env()
    inbox = load_inbox(settings)
    problems: list[str] = []
    with open_database(settings) as store:
        for mailbox in inbox.mailboxes:
            print_line(f"{mailbox.name}: {mailbox.folder} of {mailbox.user} at {mailbox.host}:{mailbox.port}")
            for line in _plan(mailbox):
                print_line(f"  {line}")
            problems += [f"{mailbox.name}: {problem}" for problem in _looked_into(mailbox, store, create)]
        problems += _sending_problems(inbox)
        _print_counts(store)
    for problem in problems:
        say(f"problem: {problem}")
    raise typer.Exit(1 if problems else 0)


@inbox_app.command("run")
def inbox_run() -> None:
    """Read every mailbox until stopped: store, triage, move, acknowledge; any number may run at once.

    Ctrl-C or SIGTERM stops it after the mail under way; killed at any moment, it goes on from there.

    Example: TRIAGE_INBOX=/etc/triage/inbox.yaml triage inbox run
    """
    from triage import logs
    from triage.outbox import Sending
    from wiring import build_inbox, build_service, load_inbox, open_database

    settings = ready_settings()
    load_inbox(settings)  # what is wrong with it is said before the models are opened
    logs.set_up(settings.log_level)
    stop = threading.Event()

    def stopped(number: int, frame: FrameType | None) -> None:
        stop.set()

    with open_database(settings) as store:
        pipeline, watch = build_service(settings, store)
        inbox, workers = build_inbox(settings, store, pipeline)
        sending = Sending(workers)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stopped)
        say("Reading the mailboxes (Ctrl-C stops it)")
        watch.start()
        sending.start()
        try:
            inbox.run(stop)
        finally:
            watch.stop()
            sending.stop()
    say("Stopped.")


@inbox_app.command("import")
def inbox_import(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, writable=True, help="Where mails lie.")],
    watch: Annotated[bool, typer.Option("--watch", help="Go on looking for new ones until stopped.")] = False,
) -> None:
    """Triage the mails that were dropped into a folder, .eml or Outlook .msg, and move them to `done` in it.

    What cannot be read is kept and moved to `rejected`; what fails otherwise stays, to be tried again: the exit code is
    then 1. What was written to in the last two seconds may still be on its way: it is waited for.

    Example: triage inbox import /srv/scans/mail
    """
    from wiring import build_mail_folder, open_database

    settings, stop = ready_settings(), threading.Event()
    with open_database(settings) as store:
        mails, articles = build_mail_folder(settings, store, folder)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        if not watch:
            raise typer.Exit(0 if _all_taken(mails, stop) else 1)
        is_whole = True
        articles.start()
        try:
            while not stop.is_set():
                is_whole &= _taken(mails, stop)
                stop.wait(LOOK_EVERY_S)
        finally:
            articles.stop()
    raise typer.Exit(0 if is_whole else 1)


def _all_taken(mails: "MailFolder", stop: threading.Event) -> bool:
    """Take the mails that lie in a folder, those just written too; return whether all of them were taken."""
    from triage.mail_folder import SETTLED_AFTER_S

    is_whole = _taken(mails, stop)
    if not stop.is_set() and mails.unsettled():
        stop.wait(SETTLED_AFTER_S)
        is_whole &= _taken(mails, stop)
    left = mails.unsettled()
    if left:
        say(f"{left} just written to and left: run it again")
    return is_whole and not left and not stop.is_set()


def _taken(mails: "MailFolder", stop: threading.Event) -> bool:
    """Take mails until told to stop, print a line each, and return whether none was rejected or failed."""
    is_whole = True
    for dropped in mails.work_off():
        print_line(f"{dropped.outcome:<9} {dropped.name}  {dropped.detail}")
        is_whole &= dropped.outcome not in ("rejected", "failed")
        if stop.is_set():
            break
    return is_whole


def _plan(mailbox: "MailboxSettings") -> Iterator[str]:
    """Yield what would become of a mailbox's mail, a line each."""
    for department, folder in mailbox.departments.items():
        sent_on = f", and forwarded to {mailbox.forward[department]}" if department in mailbox.forward else ""
        yield f"decided by itself, {department}: moved to {folder}{sent_on}"
    yield f"everything else: moved to {mailbox.review}"
    yield f"spam: moved to {mailbox.spam}; bounces, loops and automatic answers: moved to {mailbox.automatic}"
    marks = [name for name, is_set in (("keywords", mailbox.keywords), ("headers", mailbox.headers)) if is_set]
    yield f"service type and urgency set as: {' and '.join(marks) or 'nothing'}"
    yield "acknowledgment: " + (f"from {mailbox.addresses[0]}, once a thread" if mailbox.acknowledge else "none")


def _looked_into(mailbox: "MailboxSettings", store: "SqlTriageStore", create: bool) -> Iterator[str]:
    """Print what a mailbox is like, and yield what is in the way."""
    from triage.errors import MailboxError
    from triage.inbox import Mailbox

    try:
        box = Mailbox.open(mailbox)
    except MailboxError as error:
        yield str(error)
        return
    try:
        waiting = len(box.uids_after(store.mails.cursor(mailbox.key, box.validity)))
        can = ", ".join(name for name, is_able in box.abilities.items() if is_able)
        print_line(f"  connected: {waiting} not read yet; the server can {can or 'none of IDLE, MOVE, UIDPLUS'}")
        print_line(f"  folders: {', '.join(sorted(box.folders()))}")
        for folder in box.missing():
            if create:
                box.make(folder)
                print_line(f"  made the folder {folder}")
            else:
                yield f"the folder {folder} is missing: --create makes it"
        if mailbox.keywords and not box.abilities["keywords"]:
            yield "the server keeps no keywords of others: leave `keywords` out"
    except MailboxError as error:
        yield str(error)
    finally:
        box.close()


def _sending_problems(inbox: "InboxSettings") -> Iterator[str]:
    """Yield why no mail could leave; nothing where none has to."""
    from triage.errors import DeliveryFailed
    from triage.mail_out import MailServer

    if inbox.outgoing is None:
        return
    try:
        MailServer(inbox.outgoing).check()
        print_line(f"outgoing: {inbox.outgoing.host}:{inbox.outgoing.port} answers")
    except DeliveryFailed as error:
        yield f"outgoing: {inbox.outgoing.host}:{inbox.outgoing.port} does not work ({error})"


def _print_counts(store: "SqlTriageStore") -> None:
    for count in store.mails.counts():
        failed = f", {count.failed} of them failed before and are tried again" if count.failed else ""
        print_line(f"{count.mailbox}: {count.number} {count.state.value}{failed}")
