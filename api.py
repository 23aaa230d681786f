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
from starlette.exceptions import HTTPException

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
DOCS = ("/docs", "/redoc")  # their page loads its own script, which the policy above would stop


def create_app(pipeline: Pipeline, store: SqlTriageStore) -> FastAPI:
    """Return the application around a pipeline and a store that are open."""
    app = FastAPI(
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
    app.add_exception_handler(Exception, _unexpected)
    app.middleware("http")(_guard)
    console = Path(str(files("console")))
    app.mount("/console", StaticFiles(directory=console), name="console")
    app.get("/", include_in_schema=False)(lambda: FileResponse(console / "index.html"))
    return app


def problem(status: int, title: str, detail: str, request: Request, **more: object) -> JSONResponse:
    """Return an RFC 9457 answer; `detail` says what to do and quotes nothing that a resident wrote."""
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": request.url.path}
    return JSONResponse({**content, **more}, status_code=status, media_type="application/problem+json")


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse bodies that no message needs, name the request, and harden the answer."""
    size = request.headers.get("content-length", "")
    if size.isdecimal() and int(size) > MAX_BODY_BYTES:
        return problem(413, "Request too large", f"at most {MAX_BODY_BYTES:,} bytes are read, got {size}", request)
    response = await call_next(request)
    response.headers["X-Request-Id"] = request.headers.get("x-request-id", "")[:64] or uuid.uuid4().hex
    for name, value in SECURITY_HEADERS.items():
        if name != "Content-Security-Policy" or not request.url.path.startswith(DOCS):
            response.headers[name] = value
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(each["type"] == "json_invalid" for each in found):
        return problem(400, "Not JSON", not_json(error.__cause__), request)
    status, title = STATUS[MessageTooLong if is_too_long(found) else MessageRejected]
    sentences = explained(found)
    return problem(status, title, "; ".join(sentences), request, errors=sentences)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 400:  # the one case in which FastAPI raises it: a body that cannot be decoded
        return problem(400, "Not JSON", not_json(error.__cause__), request)
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    return problem(status, detail or "Refused", detail, request)


async def _failed(request: Request, error: Exception) -> Response:
    status, title = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return problem(status, title, str(error), request)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Answer what nobody expected: the edge of HTTP, logged by type, never by text."""
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    detail = f"{type(error).__name__}; nothing was acknowledged, send it again or have an agent read it"
    return problem(500, "Triage failed", detail, request)
