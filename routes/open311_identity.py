"""Tells an Open311 request that comes again from a new one."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from routes.services import Services
from triage.channels.open311 import PREFIX, GeoReportRejected
from triage.errors import NotFound
from triage.store import StoredContact

REPEATED_WITHIN: Final = timedelta(minutes=10)


def named(
    services: Services, raw: bytes, *, key: str | None, caller: str, now: datetime
) -> tuple[str, StoredContact | None]:
    """Return a request's identity, and its contact where the same caller has sent the same before.

    The same is what comes under the same Idempotency-Key; without one, the same form again within REPEATED_WITHIN:
    clients of the standard know no key, and send again what was not answered in time.

    Args:
        services: What the application works with.
        raw: The form as it is kept.
        key: The Idempotency-Key; None where none came.
        caller: Who sends it.
        now: Aware.

    Raises:
        GeoReportRejected: If the key came with another form.
    """
    span = int(now.timestamp() // REPEATED_WITHIN.total_seconds())
    digests = [f"key {key}"] if key else [f"form {number} {sha256(raw).hexdigest()}" for number in (span - 1, span)]
    names = [f"{PREFIX}{sha256(f'{caller} {digest}'.encode()).hexdigest()[:32]}" for digest in digests]
    for name in names:
        known = _known(services, name)
        if known and key and known.raw != raw:
            raise GeoReportRejected(400, "the Idempotency-Key came with another request; use a new key for each")
        if known and (key or now - known.created_at < REPEATED_WITHIN):
            return name, known
    return names[-1], None


def _known(services: Services, name: str) -> StoredContact | None:
    try:
        return services.store.contact_of(name)
    except NotFound:
        return None
