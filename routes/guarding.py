"""What stands around every route: the limit of a body, the name of a request, its line in the log, and the headers."""

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from routes.problems import MEDIA_TYPE
from triage import logs
from triage.traces import Tracer

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024 * 1024
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]+")
PRIVATE = ("/v1/", "/auth/", "/open311/")  # what residents wrote, and who reads it, is kept by no cache
DOCS = ("/docs", "/redoc")
DOCS_POLICY = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; frame-ancestors 'none'"


def problem(status: int, title: str, detail: str, request: Request, **more: object) -> JSONResponse:
    """Return an RFC 9457 answer; `detail` says what to do and quotes nothing that a resident wrote."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": request.url.path}
    return JSONResponse({**content, **more}, status_code=status, media_type=MEDIA_TYPE)


async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse a body that says it is too large, answer what nobody expected, name the request, harden the answer."""
    started = time.perf_counter()
    request.state.id = _named(request)
    tracer: Tracer = request.app.state.tracer
    with logs.of_request(request.state.id), tracer.request(request.method) as traced:
        response = _hardened(await _answered(request, call_next), request)
        traced["http.route"] = _pattern(request)
        traced["http.response.status_code"] = response.status_code
        traced["request.id"] = request.state.id
        _log(request, response, time.perf_counter() - started)
    return response


async def _answered(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > MAX_BODY_BYTES:
        return too_large(request)
    try:
        return await call_next(request)
    except Exception as error:
        return _unexpected(request, error)


def _named(request: Request) -> str:
    """Return the name that the request came with, if it is one that a log can carry, else a new one."""
    given = request.headers.get("x-request-id", "")[:64]
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _log(request: Request, response: Response, elapsed_s: float) -> None:
    """Say what was answered: the route's pattern, never its path or query, which may hold what a resident wrote."""
    actor = getattr(request.state, "actor", None)
    fields = {
        "method": request.method,
        "route": _pattern(request),
        "status": response.status_code,
        "ms": round(elapsed_s * 1_000, 1),
        "actor": actor.id if actor else None,
    }
    log.info("answered", extra={"fields": fields})


def _pattern(request: Request) -> str:
    pattern = getattr(request.scope.get("route"), "path", None)
    return pattern if isinstance(pattern, str) else "other"


def _unexpected(request: Request, error: Exception) -> Response:
    """Answer what nobody expected: the edge of HTTP, logged by type, never by text.

    Not a handler of FastAPI's, which raises the error again for the server to log it with all it quotes.
    """
    fields = {"at": logs.places(error)}  # no exc_info: whoever formats it otherwise would print what it quotes
    log.error("%s %s failed: %s", request.method, _pattern(request), type(error).__name__, extra={"fields": fields})
    detail = f"{type(error).__name__}; nothing was acknowledged, send it again or have an agent read it"
    return problem(500, "Triage failed", detail, request)


def too_large(request: Request) -> Response:
    """Return the answer to a body over the limit."""
    return problem(413, "Request too large", f"at most {MAX_BODY_BYTES:,} bytes are read", request)


class BodyLimit:
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
    response.headers["X-Request-Id"] = request.state.id
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)  # the sidebar's page says itself who may frame it
    if request.url.path.startswith("/console"):  # a page and its scripts are always of one release
        response.headers.setdefault("Cache-Control", "no-cache")
    if request.url.path.startswith(PRIVATE):
        response.headers.setdefault("Cache-Control", "no-store")
    if request.url.path.startswith(DOCS):  # their pages start their own script
        response.headers["Content-Security-Policy"] = DOCS_POLICY
    return response
