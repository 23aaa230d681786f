"""Builds the HTTP application: routers, errors to statuses, the console."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from routes import (
    access,
    articles,
    calls,
    claims,
    console,
    contact_parts,
    contacts,
    decisions,
    events,
    feedback,
    gaps,
    health,
    hooks,
    incidents,
    kb,
    labels,
    models,
    notices,
    open311,
    overview,
    pauses,
    policy,
    practice,
    problems,
    proposals,
    queue,
    replies,
    sidebar,
    taxonomy,
    triage,
    whoami,
)
from routes.chores import Chore, repeating
from routes.guarding import BodyLimit, guard, problem, too_large
from routes.services import Services
from triage import calendar_file
from triage import incidents as incident_rules
from triage.calendar import CityCalendar
from triage.channels.request import explained, is_too_long, not_json
from triage.channels.settings import ChannelSettings
from triage.clock import Clock
from triage.errors import (
    AccessDenied,
    ClaimConflict,
    DecisionConflict,
    IdempotencyConflict,
    IdempotencyInProgress,
    MessageRejected,
    MessageTooLong,
    NotFound,
    PreconditionRequired,
    RequestRejected,
    TooManyRequests,
    TriageError,
    Unauthenticated,
)
from triage.incident_watch import IncidentWatch
from triage.live import LiveUpdates
from triage.metrics import Metrics
from triage.pipeline import Pipeline
from triage.store import SqlTriageStore
from triage.traces import NoTracer, Tracer
from triage.types import Channel

if TYPE_CHECKING:
    from routes.sign_in import SignIn

SMALL_BYTES = 1_000  # less is sent as it is
GZIP_LEVEL = 5  # a console behind a weak link gets a fifth of the bytes; 9 costs twice the time for no more
STATUS: dict[type[TriageError], tuple[int, str]] = {
    MessageTooLong: (413, "Message too long"),
    MessageRejected: (422, "Message rejected"),
    RequestRejected: (422, "Request rejected"),
    PreconditionRequired: (428, "Version missing"),
    DecisionConflict: (412, "Changed since"),
    ClaimConflict: (409, "Claimed by another"),
    IdempotencyConflict: (422, "Idempotency key used before"),
    IdempotencyInProgress: (409, "Under way"),
    NotFound: (404, "Not found"),
    Unauthenticated: (401, "Not signed in"),
    AccessDenied: (403, "Not allowed"),
    TooManyRequests: (429, "Too many requests"),
    TriageError: (503, "Not available"),
}
RETRY_AFTER_S = 5  # what a 503 asks for: a database that restarts is back by then
MESSAGES = ("/v1/triage", "/v1/triage/batch", "/v1/contacts")  # what they reject is kept as it came

# The contact itself comes after what belongs to it: its identity may hold slashes.
MODULES = (
    triage, queue, decisions, claims, pauses, incidents, replies, contact_parts, contacts, events, notices, feedback,
    gaps, labels, models, overview,
    kb, articles, proposals, policy, practice, sidebar, taxonomy, health, whoami, calls, open311, hooks,
)  # fmt: skip
TAGS = ("triage", "contacts", "incidents", "supervisor", "labels", "models", "knowledge base", "service")


def create_app(
    pipeline: Pipeline,
    store: SqlTriageStore,
    *,
    gatekeeper: access.Gatekeeper | None = None,
    sign_in: "SignIn | None" = None,
    tracer: Tracer | None = None,
    calendar: CityCalendar | None = None,
    rules: incident_rules.IncidentRules | None = None,
    chores: Callable[[Services], Sequence[Chore]] = lambda _: (),
    channels: ChannelSettings | None = None,
    own_articles: Path | None = None,
    sidebar_origins: Sequence[str] = (),
    replies_by: Collection[Channel] = (),
) -> FastAPI:
    """Return the application around a pipeline and a store that are open.

    Args:
        pipeline: What triages.
        store: Where everything is kept.
        gatekeeper: Tells who is behind a request; where None, everyone is taken for the local agent.
        sign_in: Where people sign in; nowhere where None.
        tracer: Times requests; nobody does where None.
        calendar: When the city works; the shipped one where None.
        rules: What makes duplicates and surges; the shipped ones where None.
        chores: What it does by itself beside answering; nothing where not given.
        channels: The jurisdiction, and the secrets of those who call from outside; no hook is open where None.
        own_articles: Folder that accepted edits of articles are written into; nowhere where None.
        sidebar_origins: Origins of the pages that may show the sidebar in a frame; none may where empty.
        replies_by: Channels by which a reply goes back to the resident; where none, replies are copied.
    """
    service_types = pipeline.parts.taxonomy
    services = Services(
        pipeline=pipeline,
        store=store,
        metrics=Metrics(),
        clock=Clock(calendar=calendar or calendar_file.load(), taxonomy=service_types),
        incidents=IncidentWatch(store=store, rules=rules or incident_rules.load(), taxonomy=service_types),
        live=LiveUpdates(store.events),
        articles=own_articles,
    )
    app: FastAPI = FastAPIOffline(  # /docs with its scripts from the package, not from a network
        title="Triage 311",
        version=health.release(),
        summary="Language, service type, urgency and the answer for messages to a city's contact center.",
        openapi_tags=[{"name": name} for name in TAGS],
        lifespan=repeating(chores(services)),
    )
    app.state.services = services
    app.state.channels = channels or ChannelSettings()
    app.state.sidebar_origins = tuple(sidebar_origins)
    app.state.replies_by = frozenset(replies_by)
    app.state.calls = calls.live_calls(services)
    app.state.gatekeeper = gatekeeper or access.LocalGatekeeper()
    app.state.tracer = tracer or NoTracer()
    for module in MODULES:
        app.include_router(module.router, responses=problems.problems())
    problems.describe(app)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(TriageError, _failed)
    if sign_in:
        sign_in.install(app)
    app.add_middleware(BodyLimit)
    app.middleware("http")(guard)
    app.add_middleware(GZipMiddleware, minimum_size=SMALL_BYTES, compresslevel=GZIP_LEVEL)  # not of event streams
    app.include_router(console.pages(sign_in.has_session) if sign_in else console.pages())
    app.mount("/console", StaticFiles(directory=console.FOLDER), name="console")
    return app


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(each["type"] == "json_invalid" for each in found):
        return await _rejected(400, "Not JSON", [not_json(error.__cause__)], request)
    if not _carries_messages(request):
        return await _broken(request, explained(found, of_message=False))
    status, title = STATUS[MessageTooLong if is_too_long(found) else MessageRejected]
    return await _rejected(status, title, explained(found), request)


def _carries_messages(request: Request) -> bool:
    return request.method == "POST" and request.url.path in MESSAGES


async def _broken(request: Request, sentences: list[str]) -> Response:
    """Answer a request that breaks a rule and brings no message: nothing of it is kept."""
    try:
        await run_in_threadpool(access.check_route, request)
    except TriageError as error:
        return await _failed(request, error)
    status, title = STATUS[RequestRejected]
    return problem(status, title, "; ".join(sentences), request, errors=sentences)


async def _rejected(status: int, title: str, sentences: list[str], request: Request) -> Response:
    """Answer what is no message, once its bytes are stored: nothing that came in is lost."""
    reason, raw = "; ".join(sentences), bytes(request.state.raw)
    services: Services = request.app.state.services
    try:
        await run_in_threadpool(access.check_route, request)
    except TriageError as error:  # a body is read before the route's own dependencies are asked
        return await _failed(request, error)
    if raw and _carries_messages(request):
        services.metrics.rejected(Channel.WEB)
        await run_in_threadpool(services.store.keep_rejected, raw, reason, Channel.WEB)
    return problem(status, title, reason, request, errors=sentences)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 413:
        return too_large(request)
    if status == 400:  # the one case in which FastAPI raises it: a body that cannot be decoded
        return await _rejected(400, "Not JSON", [not_json(error.__cause__)], request)
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    return problem(status, detail or "Refused", detail, request)


async def _failed(request: Request, error: Exception) -> Response:
    status, title = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    response = problem(status, title, str(error), request)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if isinstance(error, IdempotencyInProgress):
        response.headers["Retry-After"] = "1"
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
