"""Systems of a city as the tests have them: each answers requests in memory, minds keys, and may misbehave."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from triage.backends.http import Outgoing, Reply
from triage.errors import DeliveryFailed, DeliveryRefused

LOGIN_PAGE = Reply(status=200, media_type="text/html", body=b"<html>please sign in</html>")


def answered(value: object, status: int = 200) -> Reply:
    return Reply(status=status, media_type="application/json", body=json.dumps(value).encode())


class Receiver:
    """Takes requests; what is put into `instead` is answered, or raised, before anything else."""

    def __init__(self) -> None:
        self.requests: list[Outgoing] = []
        self.instead: list[Reply | Exception] = []
        self.after: list[Exception] = []

    def __call__(self, outgoing: Outgoing) -> Reply:
        self.requests.append(outgoing)
        if self.instead:
            found = self.instead.pop(0)
            if isinstance(found, Exception):
                raise found
            return found
        reply = self.take(outgoing)
        if self.after:  # it was done, and nobody hears of it
            raise self.after.pop(0)
        return reply

    def take(self, outgoing: Outgoing) -> Reply:
        return answered(None)


class Events(Receiver):
    """A receiver of events that takes each id once."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, dict[str, Any]] = {}

    def take(self, outgoing: Outgoing) -> Reply:
        event = json.loads(outgoing.body or b"")
        self.events.setdefault(outgoing.headers["webhook-id"], event)
        return Reply(status=204, media_type="", body=b"")


class WorkOrders(Receiver):
    """An Open311 server that opens one request for each key, and takes updates unless it has another answer to them."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: dict[str, dict[str, str]] = {}
        self.closed: dict[str, str] = {}
        self.to_updates: DeliveryFailed | DeliveryRefused | None = None

    def take(self, outgoing: Outgoing) -> Reply:
        fields = dict(parse_qsl((outgoing.body or b"").decode()))
        key = outgoing.headers["Idempotency-Key"]
        if outgoing.url.endswith("/servicerequestupdates.json"):
            if self.to_updates:
                raise self.to_updates
            self.closed.setdefault(fields["service_request_id"], fields["update_id"])
            return answered([{"update_id": fields["update_id"]}])
        if fields["service_code"] == "gone":
            raise DeliveryRefused("HTTP 404")
        self.opened.setdefault(key, fields)
        return answered([{"service_request_id": f"r-{list(self.opened).index(key) + 1}"}], 201)


class Tickets(Receiver):
    """A Zendesk with one ticket, which takes safe updates only."""

    def __init__(self) -> None:
        super().__init__()
        self.ticket: dict[str, Any] = {"id": 35, "status": "open", "tags": ["vip"], "updated_at": "t-0", "fields": {}}
        self.notes: list[str] = []

    def take(self, outgoing: Outgoing) -> Reply:
        if not outgoing.url.endswith("/api/v2/tickets/35.json"):
            raise DeliveryRefused("HTTP 404")
        if outgoing.method == "PUT":
            self._update(json.loads(outgoing.body or b"")["ticket"])
        return answered({"ticket": self.ticket})

    def _update(self, update: Mapping[str, Any]) -> None:
        if update["safe_update"] is not True or update["updated_stamp"] != self.ticket["updated_at"]:
            raise DeliveryFailed("HTTP 409")
        assert update["comment"]["public"] is False
        self.notes.append(update["comment"]["body"])
        self.ticket["tags"] = update["tags"]
        self.ticket["fields"] |= {each["id"]: each["value"] for each in update["custom_fields"]}
        self.ticket["updated_at"] = f"t-{len(self.notes)}"


class Mailbox:
    """A mail server that keeps what it takes, and takes nothing for the addresses in `full`."""

    def __init__(self, then: Callable[[], None] = lambda: None) -> None:
        self.taken: list[Any] = []
        self.full: set[str] = set()
        self._then = then

    def send(self, message: Any, sender: str, recipients: Any) -> None:  # noqa: ANN401
        if self.full & set(recipients):
            raise DeliveryFailed("SMTP 452")
        self.taken.append((message, sender, tuple(recipients)))
        self._then()

    @property
    def told(self) -> list[tuple[str, str]]:
        """Whom each mail went to, and its subject."""
        return [(message["To"], message["Subject"]) for message, *_ in self.taken]
