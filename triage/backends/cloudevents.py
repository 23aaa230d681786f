"""Decisions as signed CloudEvents 1.0, structured JSON, for whatever a city wants to connect.

Signed twice over the same body: as Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`), and as
this service's own generic hook takes it (`x-delivery-id`, `x-timestamp`, `x-signature`), so that one can feed another.
A receiver that minds `webhook-id` or `Idempotency-Key` takes each event once.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from triage.backends.http import Exchange, Outgoing, Reply
from triage.backends.planning import Step
from triage.backends.settings import BackEnd
from triage.errors import DeliveryFailed
from triage.outbox import Receipt
from triage.store.deliveries import StoredDelivery
from triage.store.resource import utc_now

MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"
TYPES: Final = {Step.SEND.value: "triage311.contact.decided", Step.WITHDRAW.value: "triage311.contact.withdrawn"}
SOURCE: Final = "/triage-311"
# What a web page answers with, a login form or a proxy's apology: never a receiver of events.
_PAGES: Final = ("text/html", "application/xhtml+xml")


class CloudEventsTransport:
    """Brings events to one receiver.

    Args:
        back_end: The receiver.
        exchange: Sends a request.
        source: Names this service in every event, a URI reference.
        now: Tells the time that is signed, aware.
    """

    def __init__(
        self,
        back_end: BackEnd,
        exchange: Exchange,
        *,
        source: str = SOURCE,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._back_end = back_end
        self._exchange = exchange
        self._source = source
        self._now = now

    def deliver(self, stored: StoredDelivery) -> Receipt:
        """Send the event of a decision."""
        event = event_of(stored, self._source)
        body = orjson.dumps(event)
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Idempotency-Key": stored.delivery.payload["change"],
            **signed(event["id"], body, self._back_end.secret or "", self._now()),
        }
        reply = self._exchange(Outgoing(method="POST", url=self._back_end.url, headers=headers, body=body))
        return Receipt(answer=_accepted(reply))


def event_of(stored: StoredDelivery, source: str) -> dict[str, Any]:
    """Return the event of a delivery; it holds no word of the resident, who reads it asks the API."""
    payload = stored.delivery.payload
    kept = ("change", "previous_change", "decided_at", "thread_id")
    data = {name: value for name, value in payload.items() if name not in kept}
    return {
        "specversion": "1.0",
        "id": f"{payload['change']}-{stored.delivery.target}",
        "source": source,
        "type": TYPES[stored.delivery.kind],
        "subject": stored.message_id,
        "time": payload["decided_at"],
        "datacontenttype": "application/json",
        "data": {"message_id": stored.message_id, **data},
    }


def signed(event_id: str, body: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    """Return the headers that prove a body and its time.

    Args:
        event_id: The event's identity.
        body: The bytes that are sent.
        secret: Shared with the receiver; `whsec_` and base64 as Standard Webhooks writes it, or any text.
        now: Aware; receivers take five minutes of difference.
    """
    stamp, key = str(int(now.timestamp())), key_of(secret)
    standard = base64.b64encode(hmac.digest(key, f"{event_id}.{stamp}.".encode() + body, "sha256")).decode()
    generic = hmac.digest(key, f"{stamp}.".encode() + body, "sha256").hex()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{standard}",
        "X-Delivery-Id": event_id,
        "X-Timestamp": stamp,
        "X-Signature": f"sha256={generic}",
    }


def key_of(secret: str) -> bytes:
    """Return the bytes that a secret stands for."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _accepted(reply: Reply) -> str:
    if reply.media_type in _PAGES:
        raise DeliveryFailed(f"HTTP {reply.status}, but a web page answered")
    return f"HTTP {reply.status}"
