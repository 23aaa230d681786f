"""Mail that leaves, by SMTP: acknowledgments at most once, forwards and agents' replies at least once.

No protocol tells a sender that died whether the server took its mail. An acknowledgment is therefore written down as
begun before its first byte, and one whose outcome is unknown is given up, not repeated. A forward is repeated until
the server has taken it; it keeps the resident's Message-ID, by which a mailbox knows the second one.
"""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from triage.channels.autoreply import ENVELOPE_SENDER, UNBROKEN
from triage.errors import DeliveryFailed, DeliveryRefused, NotFound
from triage.inbox_settings import InboxSettings, Outgoing, Security
from triage.mail_replies import REPLY, reply_mail
from triage.mail_routing import ACKNOWLEDGE, FORWARD, TARGET
from triage.outbox import OutboxWorker, Receipt
from triage.store.deliveries import Delivery, StoredDelivery
from triage.store.mail_records import AckState
from triage.store.mail_sends import MailSends
from triage.store.outbox import Outbox

TIMEOUT_S: Final = 60
UNKNOWN: Final = "unknown whether it was taken; an acknowledgment is not sent twice"
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


class OutcomeUnknown(DeliveryFailed):
    """The connection was lost while the mail was handed over: the server may have taken it."""


class MailServer:
    """The server that mail leaves by; a connection for each mail, so that none is kept that has died.

    Args:
        outgoing: Where it is.
        timeout_s: Seconds after which it is given up.
    """

    def __init__(self, outgoing: Outgoing, *, timeout_s: float = TIMEOUT_S) -> None:
        self._outgoing = outgoing
        self._timeout_s = timeout_s

    def send(self, message: EmailMessage, sender: str, recipients: Sequence[str]) -> None:
        """Hand over a mail.

        Raises:
            DeliveryFailed: If the server did not take it, or may not have.
            DeliveryRefused: If it never will.
        """
        self.transmit(message.as_bytes(policy=SMTP), sender, recipients)

    def transmit(
        self, raw: bytes, sender: str, recipients: Sequence[str], before: Callable[[], None] = lambda: None
    ) -> None:
        """Hand over a mail as bytes, lines ended by CRLF.

        Args:
            raw: The mail.
            sender: The reverse path; empty for what nobody shall answer.
            recipients: Whom to.
            before: Called when the server is ready for the mail and has not got a byte of it.

        Raises:
            DeliveryFailed: If the server did not take it; `OutcomeUnknown` where it may have.
            DeliveryRefused: If it never will.
        """
        try:
            with self._line() as smtp:
                _checked(*smtp.mail(sender, ["BODY=8BITMIME"] if smtp.has_extn("8bitmime") else []))
                for recipient in recipients:
                    _checked(*smtp.rcpt(recipient))
                before()
                _hand_over(smtp, raw)
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryFailed(_kind_of(error)) from None

    def check(self) -> None:
        """Connect, log in and hang up.

        Raises:
            DeliveryFailed: If that does not work.
        """
        try:
            with self._line() as smtp:
                smtp.noop()
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryFailed(_kind_of(error)) from None

    @contextmanager
    def _line(self) -> Iterator[smtplib.SMTP]:
        """Give a connection; how the server takes leave changes nothing about a mail that it has taken or refused."""
        smtp = self._connected()
        try:
            yield smtp
        finally:
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        outgoing = self._outgoing
        if outgoing.security is Security.NONE:
            smtp = smtplib.SMTP(outgoing.host, outgoing.port, timeout=self._timeout_s)
        else:
            trusted = ssl.create_default_context(cafile=outgoing.ca_file)
            if outgoing.security is Security.TLS:
                smtp = smtplib.SMTP_SSL(outgoing.host, outgoing.port, timeout=self._timeout_s, context=trusted)
            else:
                smtp = smtplib.SMTP(outgoing.host, outgoing.port, timeout=self._timeout_s)
                smtp.starttls(context=trusted)
        smtp.ehlo_or_helo_if_needed()
        if outgoing.user is not None:
            smtp.login(outgoing.user, outgoing.password)
        return smtp


class MailTransport:
    """Brings acknowledgments, forwards and replies from the outbox to the mail server.

    Args:
        server: Where they leave.
        sends: What is known of their sending.
        address: Whom forwards are from.
        mailboxes: The addresses that mail is read for: a reply is from the one that the resident wrote to.
        now: Tells the time, aware.
    """

    def __init__(
        self,
        server: MailServer,
        sends: MailSends,
        address: str,
        *,
        mailboxes: Iterable[str] = (),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._server = server
        self._sends = sends
        self._address = address
        self._mailboxes = {each.lower(): each for each in mailboxes}
        self._now = now

    def deliver(self, stored: StoredDelivery) -> Receipt:
        """Send a mail that waits in the outbox.

        Raises:
            DeliveryFailed: If the server did not take it.
            DeliveryRefused: If it never will, or an acknowledgment may have been taken before.
        """
        kind, payload = stored.delivery.kind, stored.delivery.payload
        if kind == ACKNOWLEDGE:
            return self._acknowledge(payload["mail_id"], payload["to"], payload["message"].encode("ascii"))
        if kind == FORWARD:
            return self._forward(payload["mail_id"], payload["to"])
        if kind == REPLY:
            return self._reply(stored.delivery)
        raise DeliveryRefused(f"no mail is of the kind {kind}")

    def _acknowledge(self, mail_id: int, recipient: str, raw: bytes) -> Receipt:
        known = self._sends.state_of(mail_id)
        if known is AckState.SENT:
            return Receipt(answer="taken before")
        if known is AckState.UNKNOWN:
            raise DeliveryRefused(UNKNOWN)
        begun = False

        def begin() -> None:
            nonlocal begun
            if not self._sends.begin(mail_id):
                raise DeliveryRefused(UNKNOWN)
            begun = True

        try:
            self._server.transmit(raw, ENVELOPE_SENDER, [recipient], begin)
        except OutcomeUnknown:
            raise DeliveryRefused(UNKNOWN) from None
        except DeliveryFailed:
            if begun:
                self._sends.withdraw(mail_id)
            raise
        self._sends.sent(mail_id)
        return Receipt(answer="taken")

    def _forward(self, mail_id: int, recipient: str) -> Receipt:
        try:
            raw = self._sends.raw_of(mail_id)
        except NotFound:
            raise DeliveryRefused("the mail is not stored any more") from None
        self._server.transmit(self._resent(raw, mail_id, recipient), self._address, [recipient])
        return Receipt(answer="taken")

    def _reply(self, delivery: Delivery) -> Receipt:
        payload = delivery.payload
        known = (self._mailboxes.get(address) for address in payload["written_to"])
        own = next(filter(None, known), self._address)
        mail = reply_mail(payload, key=delivery.key, own_address=own, now=self._now())
        self._server.transmit(mail.as_bytes(policy=UNBROKEN), self._address, [payload["to"]])
        return Receipt(answer="taken")

    def _resent(self, raw: bytes, mail_id: int, recipient: str) -> bytes:
        """Return the mail as it came below what says who sent it on (RFC 5322, section 3.6.6)."""
        name = sha256(f"{mail_id}:{recipient}".encode()).hexdigest()[:32]
        lines = (
            f"Resent-From: <{self._address}>",
            f"Resent-To: <{recipient}>",
            f"Resent-Date: {format_datetime(self._now())}",
            f"Resent-Message-ID: <forward-{name}@{self._address.rpartition('@')[2]}>",
            f"X-Loop: {self._address}",
        )
        return "".join(f"{line}\r\n" for line in lines).encode("ascii") + _LINE_END.sub(b"\r\n", raw)


def mail_workers(settings: InboxSettings, outbox: Outbox, sends: MailSends) -> tuple[OutboxWorker, ...]:
    """Return what sends the mails that wait in the outbox; nothing where the city has named no server for it."""
    outgoing = settings.outgoing
    if outgoing is None:
        return ()
    addresses = [address for mailbox in settings.mailboxes for address in mailbox.addresses]
    transport = MailTransport(MailServer(outgoing), sends, outgoing.address, mailboxes=addresses)
    return (OutboxWorker(outbox, TARGET, transport, only_newest=False),)


def _hand_over(smtp: smtplib.SMTP, raw: bytes) -> None:
    try:
        code, _ = smtp.data(raw)
    except smtplib.SMTPDataError as error:  # the server did not want to hear it: nothing was handed over
        _checked(error.smtp_code)
        raise
    except (smtplib.SMTPException, OSError) as error:
        raise OutcomeUnknown(_kind_of(error)) from None
    _checked(code)


def _checked(code: int, _: bytes | str = b"") -> None:
    """Raise what an answer of the server means.

    Raises:
        DeliveryFailed: If it may take the mail later.
        DeliveryRefused: If it never will.
    """
    if code >= 500:
        raise DeliveryRefused(f"SMTP {code}")
    if not 200 <= code < 300:
        raise DeliveryFailed(f"SMTP {code}")


def _kind_of(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return f"SMTP {code}" if code else type(error).__name__
