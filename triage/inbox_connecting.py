"""Connects to IMAP servers, and says what goes wrong there without what the server says."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from triage.errors import MailboxError, MailboxLost
from triage.inbox_settings import MailboxSettings, Security

CONNECT_S: Final = 15
READ_S: Final = 60


def connected(settings: MailboxSettings) -> IMAPClient:
    """Return a connection to a mailbox's server, not logged in yet.

    Raises:
        MailboxLost: If it cannot be reached, or is not who it should be.
    """
    private = settings.security is not Security.NONE
    with saying("connect"):
        trusted = ssl.create_default_context(cafile=settings.ca_file) if private else None
        client = IMAPClient(
            settings.host,
            settings.port,
            ssl=settings.security is Security.TLS,
            ssl_context=trusted,
            timeout=SocketTimeout(CONNECT_S, READ_S),
        )
        client.normalise_times = False
        if settings.security is Security.STARTTLS:
            client.starttls(trusted)
    return client


@contextmanager
def saying(command: str) -> Iterator[None]:
    """Say what failed without what the server says: it may quote a mail."""
    try:
        yield
    except LoginError as error:
        if isinstance(error.__context__, IMAPClientAbortError):
            raise MailboxLost(f"{command}: {_reason(error.__context__)}") from None
        raise MailboxError(f"{command}: the server does not let this user in: check user and password") from None
    except (IMAPClientAbortError, ProtocolError, OSError) as error:
        raise MailboxLost(f"{command}: {_reason(error)}") from None
    except IMAPClientError:
        raise MailboxError(f"{command}: the server refuses") from None
    except (ValueError, KeyError, TypeError, AssertionError) as error:  # an answer that is none
        raise MailboxLost(f"{command}: the server's answer cannot be read ({type(error).__name__})") from None


def _reason(error: Exception) -> str:
    return str(error.strerror or type(error).__name__) if isinstance(error, OSError) else type(error).__name__
