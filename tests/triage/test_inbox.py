"""A mailbox whose server refuses: what is asked next is asked of the right folder."""

from typing import Any

import pytest
from imapclient.exceptions import IMAPClientError

from triage.errors import MailboxError
from triage.inbox import Mailbox
from triage.inbox_settings import MailboxSettings
from triage.mail_routing import Plan

SETTINGS = MailboxSettings(
    name="city", host="imap.example.org", user="311", password_env="X", addresses=("311@example.org",)
)


class RefusingClient:
    """Opens folders, except one, and searches none."""

    def __init__(self, closed: str = "") -> None:
        self._closed = closed
        self.open: str | None = None

    def has_capability(self, name: str) -> bool:
        return True

    def select_folder(self, folder: str, readonly: bool = False) -> dict[bytes, Any]:
        self.open = None  # a folder that cannot be opened leaves none open (RFC 3501, section 6.3.1)
        if folder == self._closed:
            raise IMAPClientError("NO")
        self.open = folder
        return {b"UIDVALIDITY": 7}

    def search(self, criteria: object) -> list[int]:
        raise IMAPClientError("NO [LIMIT]")


@pytest.mark.parametrize(("closed", "failure"), [("", "search: the server refuses"), ("Review", "examine: .*refuses")])
def test_a_search_that_is_refused_leaves_the_mailbox_in_its_own_folder(closed: str, failure: str) -> None:
    client: Any = RefusingClient(closed)
    box = Mailbox(client, SETTINGS)
    with pytest.raises(MailboxError, match=failure):
        box.copies_of(Plan(folder="Review", why="", message_id="<m-1@example.com>", size=80, digest="d"))
    assert client.open == "INBOX"
