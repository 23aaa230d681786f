"""The transport of each kind of back end."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from triage.backends.cloudevents import SOURCE, CloudEventsTransport
from triage.backends.http import Exchange
from triage.backends.mail import MailBackEndTransport, Mailer
from triage.backends.open311 import Open311Transport
from triage.backends.settings import BackEnd, Kind
from triage.backends.zendesk import ZendeskTransport
from triage.errors import SettingsError
from triage.outbox import FIRST_WAIT, OutboxWorker, Transport
from triage.store import SqlTriageStore
from triage.store.outbox import LEASE
from triage.store.resource import utc_now


def workers(
    back_ends: Sequence[BackEnd],
    store: SqlTriageStore,
    exchange: Exchange,
    *,
    mailer: Mailer | None = None,
    source: str | None = None,
    now: Callable[[], datetime] = utc_now,
    lease: timedelta = LEASE,
    first_wait: timedelta = FIRST_WAIT,
) -> tuple[OutboxWorker, ...]:
    """Return a worker for each back end.

    Args:
        back_ends: As the city names them.
        store: Where deliveries wait and contacts are.
        exchange: Sends a request over HTTP.
        mailer: Hands mail to a server; None where the city has set none.
        source: Names this service in events.
        now: Tells the time, aware.
        lease: How long a batch may take.
        first_wait: The longest wait after a first attempt.

    Raises:
        SettingsError: If a back end is a mailbox and no mail server is set.
    """

    def transport(back_end: BackEnd) -> Transport:
        if back_end.kind is Kind.CLOUDEVENTS:
            return CloudEventsTransport(back_end, exchange, source=source or SOURCE, now=now)
        if back_end.kind is Kind.ZENDESK:
            return ZendeskTransport(back_end, exchange)
        if back_end.kind is Kind.OPEN311:
            return Open311Transport(back_end, exchange, store.contact_of, store.links.of, store.outbox, now=now)
        if mailer is None:
            raise SettingsError(f"back end {back_end.name} is a mailbox: TRIAGE_INBOX must name a file with `outgoing`")
        return MailBackEndTransport(back_end, mailer, store.contact_of, store.outbox)

    return tuple(
        OutboxWorker(
            store.outbox,
            back_end.name,
            transport(back_end),
            only_newest=back_end.kind is not Kind.CLOUDEVENTS,  # each event is a fact of its own
            now=now,
            lease=lease,
            first_wait=first_wait,
        )
        for back_end in back_ends
    )
