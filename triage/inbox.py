"""A mailbox on an IMAP server (RFC 3501): found, read and moved by UID, waited on with IDLE (RFC 2177).

The only home of IMAP. What it does may be repeated: moving a mail that is gone does nothing, and a copy that an earlier
try has left in the target folder is found again before another is made.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from hashlib import sha256
from threading import Event
from typing import Any, Final, Self

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from triage.errors import MailboxError, MailboxLost
from triage.inbox_connecting import connected, saying
from triage.inbox_settings import MailboxSettings
from triage.mail_routing import TRACE_HEADER, Plan

log = logging.getLogger(__name__)

_SLICE_S: Final = 1.0  # of waiting, between two looks at whether to stop
# IDLE is renewed, soon after something came and more seldom later: what comes while it begins is told by nobody.
_FIRST_IDLE_S: Final = 1.0
_LONGEST_IDLE_S: Final = 30.0
# UIDs that are asked for at once: more do not fit into the line of an answer that is read.
_CROWD: Final = 50_000
_MAX_SEARCHED: Final = 200  # characters of a Message-ID that a server is asked for
_DELETED: Final = b"\\Deleted"
_RECENT: Final = b"\\Recent"  # the server's own; nobody else may set it
_ANY_KEYWORD: Final = b"\\*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A mail as the server gives it.

    Attributes:
        raw: Its bytes, or the first of them.
        size: How many it has in all.
        received_at: When the mailbox got it, aware.
        is_whole: Whether `raw` is all of it.
    """

    raw: bytes
    size: int
    received_at: datetime | None
    is_whole: bool


class Mailbox:
    """An open connection to one folder; belongs to one thread.

    Args:
        client: Logged in.
        settings: Which folder.
    """

    def __init__(self, client: IMAPClient, settings: MailboxSettings) -> None:
        self._client = client
        self._settings = settings
        self._keywords_taken = False
        self._is_crowded = False
        self._next_uid = 0
        with saying("capability"):
            self._can = {name: bool(client.has_capability(name)) for name in ("IDLE", "MOVE", "UIDPLUS")}
        self.validity = self._select()

    @classmethod
    def open(cls, settings: MailboxSettings) -> Self:
        """Connect, log in and open the folder.

        Raises:
            MailboxLost: If the server cannot be reached.
            MailboxError: If it does not let this user in, or has no such folder.
        """
        client = connected(settings)
        try:
            with saying("log in"):
                client.login(settings.user, settings.password)
            return cls(client, settings)
        except BaseException:
            with suppress(IMAPClientError, OSError):
                client.shutdown()
            raise

    def uids_after(self, uid: int) -> list[int]:
        """Return UIDs above one, ascending: all of them, in a crowded folder the first that there are.

        What is marked as deleted is left alone.
        """
        with saying("search"):
            self._forget_news()
            while self._is_crowded and uid + _CROWD < self._next_uid:
                if found := self._search(uid, str(uid + _CROWD)):
                    return found
                uid += _CROWD
            return self._search(uid, "*")

    def _search(self, uid: int, last: str) -> list[int]:
        found = self._client.search(["UID", f"{uid + 1}:{last}", "UNDELETED"])
        return sorted(each for each in found if each > uid)  # n:* names the last mail even where n is beyond it

    def holds(self, uid: int) -> bool:
        """Tell whether a mail is still in the folder, not marked as deleted."""
        with saying("search"):
            self._client.noop()  # only now the server tells what others have moved (RFC 3501, section 7.4.1)
            return uid in self._client.search(["UID", str(uid), "UNDELETED"])

    def fetch(self, uid: int, *, most: int, beginning: int) -> Fetched | None:
        """Return a mail, without marking it as read; None where it is gone.

        Args:
            uid: Which.
            most: Bytes up to which it is read whole.
            beginning: Bytes that are read of a larger one.
        """
        with saying("fetch"):
            told = self._client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid, {})
            size = told.get(b"RFC822.SIZE")
            if size is None:
                return None
            part = "BODY.PEEK[]" if size <= most else f"BODY.PEEK[]<0.{beginning}>"
            found = self._client.fetch([uid], [part]).get(uid, {})
        raw = found.get(b"BODY[]", found.get(b"BODY[]<0>"))
        if raw is None:
            return None
        return Fetched(raw=raw, size=size, received_at=_aware(told.get(b"INTERNALDATE")), is_whole=size <= most)

    def carry_out(self, uid: int, plan: Plan, raw: Callable[[], Fetched | None], *, is_copied: bool) -> None:
        """Do to a mail what was planned; it is in the folder.

        Args:
            uid: Which.
            plan: Where it goes.
            raw: Gives the mail, where it is put anew with headers.
            is_copied: Whether an earlier try has left its copy in the target folder already.
        """
        if plan.keywords and self._keywords_taken:
            with saying("store"):
                self._client.add_flags([uid], list(plan.keywords), silent=True)
        if plan.headers:
            if not is_copied:
                self._put(uid, plan, raw())
            self._remove(uid)
        elif self._can["MOVE"]:
            with saying("move"):
                self._client.move([uid], plan.folder)
        else:
            if not is_copied:
                with saying("copy"):
                    self._client.copy([uid], plan.folder)
            self._remove(uid)

    def copies_of(self, plan: Plan) -> int:
        """Return how many copies of a plan's mail lie in the folder that it goes to."""
        with self._looking_into(plan.folder):
            if plan.headers:
                trace = plan.headers[TRACE_HEADER]
                return len(self._client.search(["HEADER", TRACE_HEADER, trace]))
            named = plan.message_id.isascii() and 0 < len(plan.message_id) <= _MAX_SEARCHED
            criteria = ["HEADER", "Message-ID", plan.message_id] if named else []
            found = self._client.search([*criteria, "LARGER", plan.size - 1, "SMALLER", plan.size + 1])
            return sum(self._has_digest(uid, plan.digest) for uid in found)

    def folders(self) -> frozenset[str]:
        """Return the names of the folders that mail can be put into."""
        with saying("list"):
            rows = self._client.list_folders()
        return frozenset(name for flags, _, name in rows if b"\\Noselect" not in flags)

    def missing(self) -> tuple[str, ...]:
        """Return the folders of the settings that the server does not have."""
        there = self.folders()
        return tuple(name for name in self._settings.targets if name not in there)

    def make(self, folder: str) -> None:
        """Create a folder, and show it to mail programs."""
        with saying("create"):
            self._client.create_folder(folder)
            self._client.subscribe_folder(folder)

    @property
    def abilities(self) -> Mapping[str, bool]:
        """What the server can do, by the names of the extensions."""
        return self._can | {"keywords": self._keywords_taken}

    def wait(self, stop: Event) -> None:
        """Wait until something changes in the folder, `poll_s` have passed, or `stop` is set."""
        if not self._can["IDLE"]:
            stop.wait(self._settings.poll_s)
            return
        until, span_s = time.monotonic() + self._settings.poll_s, _FIRST_IDLE_S
        with saying("idle"):
            while not self._has_news() and not stop.is_set() and (left_s := until - time.monotonic()) > 0:
                if self._idle(min(span_s, left_s), stop):
                    return
                self._client.noop()  # tells of what came between two times of IDLE, which tells only what comes in it
                span_s = min(2 * span_s, _LONGEST_IDLE_S)

    def _forget_news(self) -> None:
        self._client._imap.response("EXISTS")  # takes what was kept of it

    def _has_news(self) -> bool:
        """Tell whether mail was announced since the last search, beside another answer: IDLE does not repeat it."""
        told: list[bytes | None] = self._client._imap.response("EXISTS")[1]
        return told != [None]

    def _idle(self, span_s: float, stop: Event) -> bool:
        """Tell whether the server had anything to say within a span."""
        self._client.idle()
        until = time.monotonic() + span_s
        said: list[object] = []
        while not said and not stop.is_set() and (left_s := until - time.monotonic()) > 0:
            asked, slice_s = time.monotonic(), min(_SLICE_S, left_s)
            said = self._client.idle_check(slice_s)
            if time.monotonic() - asked < slice_s / 2:  # nothing, too early: the end of the connection, as DONE tells
                break
        return bool(self._client.idle_done()[1] or said)

    def close(self) -> None:
        """Hang up, politely where that still works."""
        with suppress(IMAPClientError, OSError):
            self._client.logout()
        with suppress(IMAPClientError, OSError):
            self._client.shutdown()

    def _select(self) -> int:
        with saying(f"open {self._settings.folder}"):
            told = self._client.select_folder(self._settings.folder)
        self._keywords_taken = _ANY_KEYWORD in told.get(b"PERMANENTFLAGS", ())
        self._is_crowded = told.get(b"EXISTS", 0) > _CROWD
        self._next_uid = told.get(b"UIDNEXT", 0)
        validity: int = told[b"UIDVALIDITY"]
        return validity

    @contextmanager
    def _looking_into(self, folder: str) -> Iterator[None]:
        """Look at another folder, and come back to this one, which must be the same as before.

        Whatever is refused there, what follows is asked of this folder: a UID names another mail in the other one.
        """
        try:
            with saying("examine"):
                self._client.select_folder(folder, readonly=True)
            with saying("search"):
                yield
        finally:
            if self._select() != self.validity:
                raise MailboxLost("the mailbox was made anew while it was open")

    def _has_digest(self, uid: int, digest: str | None) -> bool:
        if digest is None:  # too large to be read whole: its name and its size have to do
            return True
        found = self._client.fetch([uid], ["BODY.PEEK[]"]).get(uid, {})
        return sha256(found.get(b"BODY[]", b"")).hexdigest() == digest

    def _put(self, uid: int, plan: Plan, fetched: Fetched | None) -> None:
        """Put a mail into its folder with headers added, its flags and its time kept."""
        if fetched is None:
            raise MailboxError("append: the mail is gone")
        added = "".join(f"{name}: {Header(value).encode()}\r\n" for name, value in plan.headers.items())
        with saying("append"):
            flags = [flag for flag in self._client.get_flags([uid]).get(uid, ()) if flag != _RECENT]
            self._client.append(plan.folder, added.encode() + fetched.raw, flags, fetched.received_at)

    def _remove(self, uid: int) -> None:
        """Take a mail out of the folder; without UIDPLUS it is only marked, as EXPUNGE would take others along."""
        with saying("remove"):
            self._client.add_flags([uid], [_DELETED], silent=True)
            if self._can["UIDPLUS"]:
                self._client.uid_expunge([uid])


def _aware(moment: Any) -> datetime | None:  # noqa: ANN401 (imapclient has no types)
    return moment if isinstance(moment, datetime) and moment.tzinfo else None
