"""Suggestions back to Zendesk: ticket fields, tags and an internal note, in one update that happens once.

Zendesk knows no idempotency key for updates. So each update brings a tag that names its decision: a look before it
shows whether it has come already, and the ticket's own version (`safe_update`) lets no other update slip in between.
Only fields of our own are written; what agents set in theirs stays.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from triage.backends.http import Exchange, Outgoing
from triage.backends.planning import Step, ticket_of
from triage.backends.settings import BackEnd
from triage.errors import DeliveryFailed, DeliveryRefused
from triage.outbox import Receipt
from triage.store.deliveries import StoredDelivery
from triage.types import Channel

TAG: Final = "triage311"
SETTLED: Final = "closed"  # a ticket that takes no updates any more


class ZendeskTransport:
    """Brings suggestions to the tickets of one Zendesk.

    Args:
        back_end: The Zendesk.
        exchange: Sends a request.
    """

    def __init__(self, back_end: BackEnd, exchange: Exchange) -> None:
        self._back_end = back_end
        self._exchange = exchange

    def deliver(self, stored: StoredDelivery) -> Receipt:
        """Update the ticket, unless it shows that it was updated so."""
        payload = stored.delivery.payload
        number = ticket_of(Channel(payload["channel"]), payload["thread_id"])
        if number is None:
            raise DeliveryRefused("the contact belongs to no ticket")
        ticket = self._ticket(number, "GET", None, stored)
        if ticket.get("status") == SETTLED:
            raise DeliveryRefused("the ticket is closed")
        if marker_of(stored) not in _tags(ticket):
            after = self._ticket(number, "PUT", update_of(stored, ticket, self._back_end.fields), stored)
            if marker_of(stored) not in _tags(after):
                raise DeliveryFailed("HTTP 200, but the ticket is as it was")
        return Receipt(answer=f"ticket {number}")

    def _ticket(self, number: str, method: str, update: object, stored: StoredDelivery) -> Mapping[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if update is not None:
            headers["Idempotency-Key"] = stored.delivery.payload["change"]
        reply = self._exchange(
            Outgoing(
                method=method,
                url=f"{self._back_end.url}/api/v2/tickets/{number}.json",
                headers=headers,
                body=None if update is None else orjson.dumps(update),
                login=(f"{self._back_end.user}/token", self._back_end.secret or ""),
            )
        )
        document = reply.json()
        ticket = document.get("ticket") if isinstance(document, Mapping) else None
        if not isinstance(ticket, Mapping) or str(ticket.get("id")) != number:
            raise DeliveryFailed(f"HTTP {reply.status}, but the answer is not the ticket")
        return ticket


def marker_of(stored: StoredDelivery) -> str:
    """Return the tag that says of a ticket that a delivery has come."""
    return f"{TAG}_{stored.delivery.payload['change'][:16]}"


def update_of(stored: StoredDelivery, ticket: Mapping[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return the update of a ticket that stands as it was just read.

    Args:
        stored: The delivery.
        ticket: The ticket, with its tags and its time of update.
        numbers: The fields that hold suggestions.
    """
    payload, is_sent = stored.delivery.payload, stored.delivery.kind == Step.SEND
    told = {"service_type": payload["code"], "department": payload["department"], "urgency": payload["urgency"]}
    others = [tag for tag in _tags(ticket) if not tag.startswith(TAG)]
    own = [TAG, f"{TAG}_{payload['code']}", f"{TAG}_{payload['urgency']}"] if is_sent else []
    return {
        "ticket": {
            "tags": [*others, *(tag.replace(".", "_") for tag in own), marker_of(stored)],
            "custom_fields": [
                {"id": number, "value": told[name] if is_sent else None} for name, number in numbers.items()
            ],
            "comment": {"body": note_of(payload, is_sent=is_sent), "public": False},
            "safe_update": True,
            "updated_stamp": ticket.get("updated_at"),
        }
    }


def note_of(payload: Mapping[str, Any], *, is_sent: bool) -> str:
    """Return the internal note: who decided what, in words that agents read."""
    if not is_sent:
        return f"Triage 311: the contact is no longer {payload['previous_code']}; the suggestion is withdrawn."
    who = "An agent chose" if payload["actor"] == "person" else f"The service says ({payload['mode']})"
    urgency = f", urgency {payload['urgency']}" if payload["urgency"] else ""
    return f"Triage 311: {who} {payload['code']}, {payload['department']}{urgency}. Version {payload['version']}."


def _tags(ticket: Mapping[str, Any]) -> list[str]:
    tags = ticket.get("tags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
