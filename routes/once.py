"""Idempotency-Key: the same request twice does its work once and gets the first answer."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Depends, Header, Request, Response
from pydantic import TypeAdapter

from routes.services import Given, Services
from triage.access import Actor

KEPT_HEADERS: Final = ("etag", "location")
REPLAYED: Final = "Idempotency-Replayed"


def json_response(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as the routes answer it."""
    body = TypeAdapter(type(value)).dump_json(value)
    return Response(body, status_code=status, headers=dict(headers or {}), media_type="application/json")


class Once:
    """Does a request's work unless the same caller has had it done under the same key.

    A request that fails is forgotten: sent again, it is tried again. Keys are those of one caller and one address.
    """

    def __init__(self, request: Request, services: Services, key: str | None) -> None:
        self._request = request
        self._idempotency = services.store.idempotency
        self.key = key

    @property
    def name(self) -> str | None:
        """The key with its caller and address; None where the request has none."""
        if self.key is None:
            return None
        actor: Actor = self._request.state.actor
        return f"{actor.id}:{self._request.method}:{self._request.url.path}:{self.key}"

    def answer(self, work: Callable[[], Response], *, message_id: Callable[[], str | None] = lambda: None) -> Response:
        """Return the first answer to the request, doing the work where there is none yet.

        Args:
            work: Does it; its answer is kept.
            message_id: Tells, after the work, the message that it was about: the kept answer goes with its contact.

        Raises:
            IdempotencyConflict: If the key came with another body.
            IdempotencyInProgress: If the first request has not been answered yet.
        """
        name = self.name
        if name is None:
            return work()
        kept = self._idempotency.begin(name, sha256(bytes(self._request.state.raw)).digest())
        if kept is not None:
            headers = {**kept.headers, REPLAYED: "true"}
            return Response(kept.answer, status_code=kept.status, headers=headers, media_type="application/json")
        try:
            response = work()
        except BaseException:
            self._idempotency.abandon(name)
            raise
        headers = {header: response.headers[header] for header in KEPT_HEADERS if header in response.headers}
        self._idempotency.finish(
            name, status=response.status_code, answer=bytes(response.body), headers=headers, message_id=message_id()
        )
        return response


def once(
    request: Request,
    services: Given,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="Made up by the caller, one for each request: sent again with the same key, the request does "
            "nothing and gets the first answer. Kept for 30 days.",
            examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        ),
    ] = None,
) -> Once:
    """Return what does the work of this request once."""
    return Once(request, services, idempotency_key)


Idempotent = Annotated[Once, Depends(once)]
