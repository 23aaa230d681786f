"""Requests to a city's work order system over Open311 GeoReport v2, and what is withdrawn from it.

The standard has no withdrawal. Where the system takes updates of requests (`POST /servicerequestupdates`, as
FixMyStreet and others have it), the old request is closed by one; where it does not, or refuses one, the answer and the
reconciliation say which request to close by hand, until somebody says that it is. Each request carries the decision's
Idempotency-Key, and is written down as soon as it has a name, for servers that do not mind the key.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from triage.backends.http import Exchange, Outgoing, Reply
from triage.backends.settings import BackEnd
from triage.channels.open311 import MAX_DESCRIPTION, PREFIX, GeoReportRejected, form_fields
from triage.errors import DeliveryFailed, DeliveryRefused
from triage.outbox import Receipt
from triage.store import StoredContact
from triage.store.deliveries import StoredDelivery
from triage.store.links import ContactLink
from triage.store.outbox import Outbox
from triage.store.resource import utc_now

WITHDRAWN: Final = "Sent to another department; please disregard."
_PLACES: Final = ("address", "intersection", "landmark")
_PASSED_ON: Final = ("lat", "long", "address_string", "address_id", "media_url")


class Open311Transport:
    """Brings requests to one server.

    Args:
        back_end: The server.
        exchange: Sends a request.
        contact_of: Gives the contact of a message.
        links_of: Gives its names in other systems.
        outbox: Where it is written down what has been opened.
        now: Tells the time, aware.
    """

    def __init__(
        self,
        back_end: BackEnd,
        exchange: Exchange,
        contact_of: Callable[[str], StoredContact],
        links_of: Callable[[str], tuple[ContactLink, ...]],
        outbox: Outbox,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._back_end = back_end
        self._exchange = exchange
        self._contact_of = contact_of
        self._links_of = links_of
        self._outbox = outbox
        self._now = now

    def deliver(self, stored: StoredDelivery) -> Receipt:
        """Open the request in its new code if it has one, then close the one in the old code, if there is one.

        Broken off in between, only the closing is done again. What the server does not close is left to people.
        """
        standing = self._standing(stored.message_id or "")
        new = self._named(stored) if stored.delivery.payload["code"] else None
        old = [name for name in standing if name != new]
        closed = tuple(name for name in old if self._closes(stored, name))
        by_hand = [name for name in old if name not in closed]
        told = f"request {new}" if new else "withdrawn"
        answer = f"{told}; close by hand: {', '.join(by_hand)}" if by_hand else told
        return Receipt(answer=answer, linked=new, withdrawn=closed)

    def _standing(self, message_id: str) -> tuple[str, ...]:
        """Return the contact's requests there that have not been withdrawn."""
        links = self._links_of(message_id)
        mine = (link for link in links if link.system == self._back_end.name and link.withdrawn_at is None)
        return tuple(link.external_id for link in mine)

    def _named(self, stored: StoredDelivery) -> str:
        """Return the name of the request in the new code, opened unless an earlier try has opened it."""
        if stored.answer is not None:
            return stored.answer
        fields = request_fields(stored.delivery.payload["code"], self._contact_of(stored.message_id or ""))
        name = _name_of(self._post("requests.json", fields, stored))
        self._outbox.note(stored.id, name, name)
        return name

    def _closes(self, stored: StoredDelivery, name: str) -> bool:
        """Close a request; False where the server never will."""
        if not self._back_end.can_update:
            return False
        fields = {
            "service_request_id": name,
            "update_id": stored.delivery.payload["change"],
            "status": "CLOSED",
            "updated_datetime": self._now().isoformat(timespec="seconds"),
            "description": WITHDRAWN,
        }
        try:
            self._post("servicerequestupdates.json", fields, stored).json()
        except DeliveryRefused:
            return False
        return True

    def _post(self, path: str, fields: Mapping[str, str], stored: StoredDelivery) -> Reply:
        end = self._back_end
        named = {"api_key": end.secret, "jurisdiction_id": end.jurisdiction}
        return self._exchange(
            Outgoing(
                method="POST",
                url=f"{end.url}/{path}",
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Idempotency-Key": stored.delivery.payload["change"],
                },
                body=urlencode({**fields, **{name: value for name, value in named.items() if value}}).encode(),
            )
        )


def request_fields(code: str, contact: StoredContact) -> dict[str, str]:
    """Return the form of a contact: the resident's words and place; who wrote it stays here."""
    place = _given_place(contact) or {"address_string": _told_place(contact) or "see the description"}
    text = contact.message.text.encode("utf-8", "replace").decode()
    return {"service_code": code, "description": text[:MAX_DESCRIPTION], **place}


def _given_place(contact: StoredContact) -> dict[str, str]:
    """Return the place of a request that came in over Open311, as its form gave it."""
    if contact.raw is None or not contact.message.id.startswith(PREFIX):
        return {}
    try:
        fields = form_fields(contact.raw)
    except GeoReportRejected:
        return {}
    return {name: fields[name][0] for name in _PASSED_ON if fields.get(name) and fields[name][0]}


def _told_place(contact: StoredContact) -> str:
    entities: list[Mapping[str, Any]] = contact.triage.answer["entities"] if contact.triage else []
    told = {kind: entity["text"] for kind in _PLACES for entity in reversed(entities) if entity["kind"] == kind}
    return next((str(told[kind]) for kind in _PLACES if kind in told), "")


def _name_of(reply: Reply) -> str:
    """Return the request's identity or its token; an answer without either is none of an Open311 server."""
    rows = reply.json()
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], Mapping) else {}
    name = row.get("service_request_id") or row.get("token")
    if not isinstance(name, str | int) or not str(name):
        raise DeliveryFailed(f"HTTP {reply.status}, but the answer names no request")
    return str(name)
