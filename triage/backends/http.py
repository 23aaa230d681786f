"""Requests to other systems over HTTP: bounded in time and size, no redirects, every failure of one kind.

With `models/packages.py`, which fetches files, the only home of the HTTP client.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx2

from triage.errors import DeliveryFailed, DeliveryRefused

TIMEOUT_S: Final = 10.0  # for the connection, and for each piece of the answer
DEADLINE_S: Final = 20.0  # for the whole request
MAX_ANSWER_BYTES: Final = 1_000_000
USER_AGENT: Final = "triage-311"
# Sent again, the same request gets the same answer; all else may pass: a key is renewed, a server comes back.
_FOR_GOOD: Final = frozenset({400, 404, 405, 406, 410, 411, 413, 414, 415, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request.

    Attributes:
        method: Of HTTP.
        url: Where it goes.
        headers: Its own.
        body: Its bytes.
        login: Name and password of the basic authentication.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    login: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with a status of 2xx."""

    status: int
    media_type: str
    body: bytes

    def json(self) -> Any:  # noqa: ANN401
        """Return what the body says.

        Raises:
            DeliveryFailed: If it is no JSON: whoever answered is not the system that was asked.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise DeliveryFailed(f"HTTP {self.status}, but the answer is no JSON") from None


Exchange = Callable[[Outgoing], Reply]


class HttpClient:
    """Sends requests, one connection pool for all; safe to share between threads.

    Args:
        deadline_s: Seconds for a whole request.
        transport: What carries them; the network where None.
    """

    def __init__(self, *, deadline_s: float = DEADLINE_S, transport: httpx2.BaseTransport | None = None) -> None:
        self._deadline_s = deadline_s
        self._client = httpx2.Client(
            timeout=min(TIMEOUT_S, deadline_s),
            follow_redirects=False,
            headers={"User-Agent": USER_AGENT},
            transport=transport,
        )

    def __call__(self, outgoing: Outgoing) -> Reply:
        """Send a request and return its answer.

        Raises:
            DeliveryFailed: If there is no answer, or one that says to come again.
            DeliveryRefused: If the answer is that it is wrong as it is.
        """
        until = time.monotonic() + self._deadline_s
        try:
            with self._client.stream(
                outgoing.method, outgoing.url, headers=outgoing.headers, content=outgoing.body, auth=outgoing.login
            ) as response:
                body = _read(response, until)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise DeliveryFailed(type(error).__name__) from None
        _check_status(response)
        return Reply(
            status=response.status_code,
            media_type=response.headers.get("content-type", "").split(";")[0].strip().lower(),
            body=body,
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def _read(response: httpx2.Response, until: float) -> bytes:
    """Read an answer to its end; one that drips in without an end is a failure like silence."""
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise DeliveryFailed(f"HTTP {response.status_code}, but the answer is too long")
        if time.monotonic() > until:
            raise DeliveryFailed("ReadTimeout")
    return bytes(body)


def _check_status(response: httpx2.Response) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    if status in _FOR_GOOD:
        raise DeliveryRefused(f"HTTP {status}")
    wait_s = _retry_after_s(response.headers.get("retry-after", "")) if status in (429, 503) else None
    raise DeliveryFailed(f"HTTP {status}", retry_after_s=wait_s)


def _retry_after_s(value: str) -> float | None:
    """Return the seconds that a Retry-After asks for, as a number or as a date (RFC 9110 § 10.2.3)."""
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
