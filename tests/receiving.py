"""A system over real HTTP on loopback, for tests: it takes what it is sent once a key, and may misbehave."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """What is answered: after how long, and whether what came is done before."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    media_type: str = "application/json"
    after_s: float = 0.0
    pieces: int = 1
    is_done: bool = True


GOOD = Answer()
# What real systems do to each other; `is_done` says whether the work was done all the same.
MISCHIEF = (
    Answer(status=500, is_done=False),
    Answer(status=500),
    Answer(status=502, body=b"<html>bad gateway</html>", media_type="text/html", is_done=False),
    Answer(body=b"<html>please sign in</html>", media_type="text/html", is_done=False),
    Answer(after_s=0.6, is_done=False),
    Answer(after_s=0.6),
    Answer(status=429, headers={"Retry-After": "0"}, is_done=False),
    Answer(status=409, is_done=False),
)


class System:
    """What was done, by path and idempotency key, and how often it was asked."""

    def __init__(self, choose: Callable[[], Answer] = lambda: GOOD) -> None:
        self.choose = choose
        self.done: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.conflicts: list[str] = []
        self._lock = threading.Lock()

    def take(self, key: str, body: bytes) -> Answer:
        with self._lock:
            answer = self.choose()
            self.asked[key] += 1
            if answer.is_done and self.done.setdefault(key, body) != body:
                self.conflicts.append(key)
        return answer


def mischievous(share: float, seed: int) -> Callable[[], Answer]:
    """Return a choice that misbehaves in this share of the requests."""
    chance = random.Random(seed)
    return lambda: chance.choice(MISCHIEF) if chance.random() < share else GOOD


@contextmanager
def serving(system: System) -> Iterator[str]:
    """Serve a system, and give its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = system.take(f"{self.path} {self.headers.get('Idempotency-Key', '')}", body)
            try:
                time.sleep(answer.after_s)
                self._answer(answer)
            except OSError:
                self.close_connection = True  # nobody waited for it

        do_GET = do_POST

        def _answer(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body) * answer.pieces))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in range(answer.pieces):
                time.sleep(0.05 if piece else 0)
                self.wfile.write(answer.body)
                self.wfile.flush()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
