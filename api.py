"""Builds the HTTP application: routers, errors to statuses, the console."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from routes import contacts, health, kb, taxonomy, triage
from routes.services import Services
from triage.channels.request import explained, is_too_long, not_json
from triage.errors import (
    MessageRejected,
    MessageTooLong,
    NotFound,
    TriageError,
)
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.types import Channel

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024 * 1024
STATUS: dict[type[TriageError], tuple[int, str]] = {
    MessageTooLong: (413, "Message too long"),
    MessageRejected: (422, "Message rejected"),
    NotFound: (404, "Not found"),
    TriageError: (503, "Not available"),
}
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
DOCS = ("/docs", "/redoc")
DOCS_POLICY = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; frame-ancestors 'none'"


def create_app(pipeline: Pipeline, store: SqlTriageStore) -> FastAPI:
    """Return the application around a pipeline and a store that are open."""
    app = FastAPIOffline(  # /docs with its scripts from the package, not from a network
        title="Triage 311",
        version=health.release(),
        summary="Language, service type, urgency and the answer for messages to a city's contact center.",
        openapi_tags=[{"name": "triage"}, {"name": "contacts"}, {"name": "knowledge base"}, {"name": "service"}],
    )
    app.state.services = Services(pipeline=pipeline, store=store)
    for module in (triage, contacts, kb, taxonomy, health):
        app.include_router(module.router)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(TriageError, _failed)
    app.add_middleware(_BodyLimit)
    app.middleware("http")(_guard)
    console = Path(str(files("console")))
    app.mount("/console", StaticFiles(directory=console), name="console")
    app.get("/", include_in_schema=False)(lambda: FileResponse(console / "index.html"))
    return app


def problem(status: int, title: str, detail: str, request: Request, **more: object) -> JSONResponse:
    """Return an RFC 9457 answer; `detail` says what to do and quotes nothing that a resident wrote."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": request.url.path}
    return JSONResponse({**content, **more}, status_code=status, media_type="application/problem+json")


def _too_large(request: Request) -> Response:
    return problem(413, "Request too large", f"at most {MAX_BODY_BYTES:,} bytes are read", request)


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse a body that says it is too large, answer what nobody expected, name the request, harden the answer."""
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > MAX_BODY_BYTES:
        return _hardened(_too_large(request), request)
    try:
        return _hardened(await call_next(request), request)
    except Exception as error:
        return _hardened(_unexpected(request, error), request)


class _BodyLimit:
    """Counts what arrives, for bodies that do not say how large they are, and keeps it in `request.state.raw`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = bytearray()
        if scope["type"] == "http":
            scope.setdefault("state", {})["raw"] = raw

        async def counted() -> ASGIMessage:
            message = await receive()
            raw.extend(message.get("body", b""))
            if len(raw) > MAX_BODY_BYTES:
                raise HTTPException(413)
            return message

        await self.app(scope, counted, send)


def _hardened(response: Response, request: Request) -> Response:
    response.headers["X-Request-Id"] = request.headers.get("x-request-id", "")[:64] or uuid.uuid4().hex
    response.headers.update(SECURITY_HEADERS)
    if request.url.path.startswith(DOCS):  # their pages start their own script
        response.headers["Content-Security-Policy"] = DOCS_POLICY
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(each["type"] == "json_invalid" for each in found):
        return await _rejected(400, "Not JSON", [not_json(error.__cause__)], request)
    status, title = STATUS[MessageTooLong if is_too_long(found) else MessageRejected]
    return await _rejected(status, title, explained(found), request)


async def _rejected(status: int, title: str, sentences: list[str], request: Request) -> Response:
    """Answer what is no message, once its bytes are stored: nothing that came in is lost."""
    reason, raw = "; ".join(sentences), bytes(request.state.raw)
    if raw:
        services: Services = request.app.state.services
        await run_in_threadpool(services.store.keep_rejected, raw, reason, Channel.WEB)
    return problem(status, title, reason, request, errors=sentences)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 413:
        return _too_large(request)
    if status == 400:  # the one case in which FastAPI raises it: a body that cannot be decoded
        return await _rejected(400, "Not JSON", [not_json(error.__cause__)], request)
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    return problem(status, detail or "Refused", detail, request)


async def _failed(request: Request, error: Exception) -> Response:
    status, title = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return problem(status, title, str(error), request)


def _unexpected(request: Request, error: Exception) -> Response:
    """Answer what nobody expected: the edge of HTTP, logged by type, never by text.

    Not a handler of FastAPI's, which raises the error again for the server to log it with all it quotes.
    """
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    detail = f"{type(error).__name__}; nothing was acknowledged, send it again or have an agent read it"
    return problem(500, "Triage failed", detail, request)
