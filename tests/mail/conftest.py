from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mail.desks import FOLDERS
from tests.mail.imap_server import DovecotMissing, ImapServer, imap_server
from tests.mail.smtp_server import Post, smtp_server
from tests.store.conftest import postgres, schema_url, store, url

__all__ = ["postgres", "schema_url", "store", "url"]

# What Dovecot can do, without MOVE (RFC 6851): mails are copied and removed there.
WITHOUT_MOVE = "IMAP4rev1 SASL-IR LITERAL+ ENABLE IDLE NAMESPACE UIDPLUS UNSELECT CHILDREN ESEARCH"
USERS = tuple(f"city-{number}" for number in range(120))


@pytest.fixture(scope="session")
def dovecot() -> Iterator[ImapServer]:
    yield from served()


@pytest.fixture(scope="session")
def dovecot_without_move() -> Iterator[ImapServer]:
    yield from served(WITHOUT_MOVE)


def served(capability: str = "") -> Iterator[ImapServer]:
    try:
        with imap_server(USERS, capability=capability) as server:
            yield server
    except DovecotMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def user(dovecot: ImapServer) -> str:
    """A mailbox that no other test uses, with every folder."""
    return fresh_user(dovecot)


def fresh_user(server: ImapServer) -> str:
    """Return a user of a server who has no mail yet, and make the folders."""
    used = {path.name for path in Path(server.home / "mail").iterdir()}
    name = next(name for name in USERS if name not in used)
    server.make_folders(name, FOLDERS)
    return name


@pytest.fixture
def post() -> Iterator[Post]:
    with smtp_server() as server:
        yield server
