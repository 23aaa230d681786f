"""A mail server that keeps what it is given, on a free port of this machine alone."""

import asyncio
import email
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.store.postgres import free_port


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A mail that was taken."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def mail(self) -> Message:
        return email.message_from_bytes(self.raw)


@dataclass
class Post:
    """What was taken.

    `answer` is what the server says to each mail, after which it hangs up where it is empty; `farewell` what it says
    to QUIT.
    """

    port: int
    taken: list[Taken] = field(default_factory=list)
    answer: Callable[[Taken], str] = lambda taken: "250 taken"
    farewell: str = "221 bye"
    lock: threading.Lock = field(default_factory=threading.Lock)

    def times_taken(self) -> Counter[str]:
        """How often each Message-ID was taken."""
        with self.lock:
            return Counter(str(each.mail["Message-ID"]) for each in self.taken)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        taken = Taken(sender=(envelope.mail_from or "").strip("<>"), recipients=tuple(envelope.rcpt_tos), raw=content)
        said = self.answer(taken)
        if said.startswith("2") or not said:
            with self.lock:
                self.taken.append(taken)
        if not said:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            await asyncio.sleep(0)
        return said or "250 nobody hears this"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self.farewell


@contextmanager
def smtp_server() -> Iterator[Post]:
    """Start a server; stop it afterwards."""
    post = Post(port=free_port())
    options: dict[str, Any] = {"hostname": "127.0.0.1", "port": post.port, "data_size_limit": 0}
    controller = Controller(post, **options)
    controller.start()
    try:
        yield post
    finally:
        controller.stop()
