"""Proofs that a webhook is from whom it says: keyed digests compared in constant time, and time stamps of today."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from triage.errors import AccessDenied

MAX_SKEW: Final = timedelta(minutes=5)
MAX_DELIVERY: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A request as it came.

    Attributes:
        headers: Names in lower case.
        body: Its bytes, before anything is decoded.
        url: Where it was sent, with the query, as the sender knows it.
        now: Aware.
    """

    headers: Mapping[str, str]
    body: bytes
    url: str
    now: datetime


def require_secret(secret: str | None, variable: str) -> str:
    """Return a secret.

    Raises:
        AccessDenied: If the city has set none: the hook takes nothing.
    """
    if not secret:
        raise AccessDenied(f"this hook is closed; set {variable} to open it")
    return secret


def check_zendesk(hook: Hook, secret: str) -> str:
    """Check base64(HMAC-SHA256(secret, timestamp + body)) and return the invocation's identity.

    Raises:
        AccessDenied: If signature or time stamp is missing, wrong or too old.
    """
    stamp = hook.headers.get("x-zendesk-webhook-signature-timestamp", "")
    _check_time(stamp, hook.now)
    expected = base64.b64encode(hmac.digest(secret.encode(), stamp.encode() + hook.body, "sha256"))
    _check_equal(hook.headers.get("x-zendesk-webhook-signature", ""), expected)
    return _delivery(hook.headers.get("x-zendesk-webhook-invocation-id"), hook.body)


def check_twilio(hook: Hook, secret: str, fields: Mapping[str, Sequence[str]]) -> None:
    """Check base64(HMAC-SHA1(token, address + sorted fields)), as Twilio signs forms.

    Raises:
        AccessDenied: If the signature is missing or wrong.
    """
    signed = hook.url + "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    expected = base64.b64encode(hmac.digest(secret.encode(), signed.encode(), "sha1"))
    _check_equal(hook.headers.get("x-twilio-signature", ""), expected)


def check_teams(hook: Hook, secret: str) -> None:
    """Check `HMAC base64(HMAC-SHA256(key, body))`, the key being base64 too, as outgoing webhooks of Teams send it.

    Raises:
        AccessDenied: If the signature is missing or wrong, or the key is none.
    """
    try:
        key = base64.b64decode(secret, validate=True)
    except binascii.Error:
        raise AccessDenied("this hook is closed; TRIAGE_TEAMS_SECRET must be the base64 key that Teams shows") from None
    expected = base64.b64encode(hmac.digest(key, hook.body, "sha256"))
    _check_equal(hook.headers.get("authorization", ""), b"HMAC " + expected)


def check_generic(hook: Hook, secret: str) -> str:
    """Check `x-signature: sha256=hex(HMAC-SHA256(secret, timestamp.body))`, and return the delivery's identity.

    Raises:
        AccessDenied: If signature or time stamp is missing, wrong or too old.
    """
    stamp = hook.headers.get("x-timestamp", "")
    _check_time(stamp, hook.now)
    expected = hmac.new(secret.encode(), f"{stamp}.".encode() + hook.body, sha256).hexdigest()
    _check_equal(hook.headers.get("x-signature", ""), f"sha256={expected}".encode())
    return _delivery(hook.headers.get("x-delivery-id"), hook.body)


def check_password(hook: Hook, secret: str) -> None:
    """Check the password of the basic authentication, whatever the name.

    Raises:
        AccessDenied: If it is missing or wrong.
    """
    scheme, _, given = hook.headers.get("authorization", "").partition(" ")
    try:
        pair = base64.b64decode(given, validate=True) if scheme.lower() == "basic" else b""
    except binascii.Error:
        pair = b""
    _check_equal(pair.partition(b":")[2].decode("utf-8", "replace"), secret.encode())


def check_fresh(moment: datetime | None, now: datetime) -> None:
    """Check a time that the body tells.

    Raises:
        AccessDenied: If it is missing or further than MAX_SKEW from now.
    """
    if moment is None or moment.tzinfo is None or abs(now - moment) > MAX_SKEW:
        raise AccessDenied(f"the time stamp must be within {MAX_SKEW.seconds // 60} minutes of now")


def time_of(stamp: str) -> datetime | None:
    """Return the time of a stamp, in ISO 8601 with a zone or in seconds since 1970; None where it is neither."""
    try:
        return datetime.fromtimestamp(int(stamp), UTC) if stamp.isdecimal() else datetime.fromisoformat(stamp)
    except (ValueError, OverflowError, OSError):
        return None


def _check_time(stamp: str, now: datetime) -> None:
    check_fresh(time_of(stamp), now)


def _check_equal(given: str, expected: bytes) -> None:
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected):
        raise AccessDenied("the signature is wrong; check that both sides have the same secret")


def _delivery(given: str | None, body: bytes) -> str:
    return given[:MAX_DELIVERY] if given else sha256(body).hexdigest()
