"""Open311 GeoReport v2: services from the taxonomy, requests through triage, errors in the standard's own shape.

Outside the OpenAPI document: the standard is the document. Reading requests takes a key too, as they hold what
residents wrote; a key comes as `api_key`, or as everywhere else.
"""

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from kb.gap_notes import note_triages
from routes.access import Gatekeeper
from routes.open311_identity import named
from routes.open311_requests import Wanted, request_named, request_rows, requests_named, requests_since
from routes.services import Given, Services
from triage.access import Right
from triage.channels.open311 import (
    GeoReportRejected,
    Row,
    Submission,
    as_xml,
    asked_range,
    definition_row,
    error_rows,
    form_fields,
    service_row,
    submission_of,
    with_callers_choice,
    without_key,
)
from triage.channels.settings import ChannelSettings
from triage.errors import AccessDenied, NotFound, TooManyRequests, TriageError
from triage.store import Status
from triage.types import Channel, Message

VERSION: Final = "/open311/v2"
MEDIA_TYPES: Final = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}


class _InItsOwnShape(APIRoute):
    """Answers an error as GeoReport does, in the format that was asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        plain = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await plain(request)
            except GeoReportRejected as error:
                await run_in_threadpool(_keep, request, error)
                return _error(request, error.status, error.problems)
            except RequestValidationError:
                return _error(request, 400, ["a parameter cannot be read"])
            except TriageError as error:
                return _error(request, _status(error), [str(error)])

        return handled


router = APIRouter(prefix=VERSION, include_in_schema=False, route_class=_InItsOwnShape)


@router.get("/discovery.{suffix}")
def discover(suffix: str, request: Request, services: Given) -> Response:
    """Say where the service is and what it speaks."""
    base = f"{str(request.base_url).rstrip('/')}{VERSION}"
    endpoint: Row = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": base,
        "changeset": services.taxonomy.version,
        "type": "production",
        "formats": [{"format": MEDIA_TYPES[each].split(";")[0]} for each in MEDIA_TYPES],
    }
    row: Row = {"changeset": services.taxonomy.version, "contact": "", "key_service": "", "endpoints": [endpoint]}
    return _answer(suffix, "discovery", None, row)


@router.get("/services.{suffix}")
def list_services(suffix: str, request: Request, services: Given) -> Response:
    """List the city's service types."""
    _check_jurisdiction(request, request.query_params.get("jurisdiction_id"))
    return _answer(suffix, "services", "service", [service_row(each) for each in services.taxonomy.service_types])


@router.get("/services/{code}.{suffix}")
def define_service(code: str, suffix: str, request: Request, services: Given) -> Response:
    """Give the questions of one service type."""
    _check_jurisdiction(request, request.query_params.get("jurisdiction_id"))
    if code not in services.taxonomy:
        raise GeoReportRejected(404, "service_code is unknown; GET /services lists all")
    return _answer(suffix, "service_definition", None, definition_row(services.taxonomy[code]))


@router.post("/requests.{suffix}", status_code=201)
async def create_request(suffix: str, request: Request, services: Given) -> Response:
    """Store a request, triage it, and answer its identity; the caller's service type is kept."""
    raw = await request.body()
    return await run_in_threadpool(_created, suffix, request, services, raw)


@router.get("/requests.{suffix}")
def list_requests(suffix: str, request: Request, services: Given) -> Response:
    """List requests: those named, else those of a span, by service type and status; 1,000 at most, newest first."""
    _check_asker(request, Right.CONTACTS_READ, request.query_params.get("api_key"))
    asked = request.query_params
    _check_jurisdiction(request, asked.get("jurisdiction_id"))
    wanted = Wanted(codes=frozenset(_listed(asked.get("service_code"))), statuses=_statuses(asked.get("status")))
    if names := _listed(asked.get("service_request_id")):
        found = requests_named(services, names, wanted)
    else:
        start, end = asked.get("start_date", ""), asked.get("end_date", "")
        since, until = asked_range(start, end, datetime.now(UTC))
        found = requests_since(services, since, until if end else None, wanted)
    return _answer(suffix, "service_requests", "request", request_rows(services, found))


@router.get("/requests/{name}.{suffix}")
def read_request(name: str, suffix: str, request: Request, services: Given) -> Response:
    """Give one request as it stands."""
    _check_asker(request, Right.CONTACTS_READ, request.query_params.get("api_key"))
    _check_jurisdiction(request, request.query_params.get("jurisdiction_id"))
    rows = request_rows(services, [request_named(services, name)])
    return _answer(suffix, "service_requests", "request", rows)


@router.get("/tokens/{token}.{suffix}")
def read_token(token: str, suffix: str, request: Request, services: Given) -> Response:
    """Give the request of a token; each request has its identity at once, which is its token too."""
    _check_asker(request, Right.CONTACTS_READ, request.query_params.get("api_key"))
    _check_jurisdiction(request, request.query_params.get("jurisdiction_id"))
    name = request_named(services, token).message.id
    return _answer(suffix, "service_requests", "request", [{"service_request_id": name, "token": token}])


def _created(suffix: str, request: Request, services: Services, raw: bytes) -> Response:
    _check_format(suffix)
    fields = form_fields(raw)
    key, jurisdiction = fields.get("api_key", ("",))[0], fields.get("jurisdiction_id", ("",))[0]
    _check_asker(request, Right.TRIAGE, key)
    _check_jurisdiction(request, jurisdiction or request.query_params.get("jurisdiction_id"))
    submission = submission_of(raw, services.taxonomy)
    now = datetime.now(UTC)
    name, known = named(
        services,
        without_key(raw),
        key=request.headers.get("idempotency-key"),
        caller=request.state.actor.id,
        now=now,
    )
    if known and known.triage:
        line = known.triage.answer["safety"]["line"]
    else:
        line = _triaged(services, submission, submission.message(name, now), without_key(raw))
    row = {"service_request_id": name, "service_notice": _notice(line), "account_id": submission.account_id}
    return _answer(suffix, "service_requests", "request", [row], status=201)


def _triaged(services: Services, submission: Submission, message: Message, raw: bytes) -> str | None:
    """Store and triage a request, and return the line to call, if there is one."""
    with services.metrics.failures(message.channel):
        services.store.receive([(message, raw)])
        triage = with_callers_choice(services.pipeline.triage(message), submission.service_type)
        services.store.save_once(message, triage)
    _place(services, message.id, submission)
    services.metrics.triaged([triage])
    note_triages(services.store.gaps, [(message, triage)])
    return triage.safety.line


def _notice(line: str | None) -> str:
    return f"This may be an emergency: call {line} now." if line else ""


def _place(services: Services, message_id: str, submission: Submission) -> None:
    place = submission.place or submission.address_id
    if place or submission.latitude is not None:
        services.store.incidents.set_place(
            message_id, place.casefold(), latitude=submission.latitude, longitude=submission.longitude
        )


def _check_jurisdiction(request: Request, given: str | None) -> None:
    channels: ChannelSettings = request.app.state.channels
    if given and given != channels.jurisdiction:
        raise GeoReportRejected(404, "jurisdiction_id is unknown; this service has one jurisdiction, leave it out")


def _check_asker(request: Request, right: Right, key: str | None) -> None:
    """Ask the gatekeeper as other routes do, the standard's `api_key` being a key like any other."""
    gatekeeper: Gatekeeper = request.app.state.gatekeeper
    headers = [*request.scope["headers"], *([(b"x-api-key", key.encode())] if key else [])]
    actor = gatekeeper.actor_of(Request({**request.scope, "headers": headers}))
    request.state.actor = actor
    if not actor.may(right):
        raise AccessDenied(f"this api_key lacks the right {right}; ask an administrator for one with it")


def _keep(request: Request, error: GeoReportRejected) -> None:
    """Keep what a known caller sent and the standard refuses, as it came."""
    services: Services = request.app.state.services
    raw = bytes(request.state.raw)
    if request.method == "POST" and raw and getattr(request.state, "actor", None):
        services.metrics.rejected(Channel.WEB)
        services.store.keep_rejected(without_key(raw), str(error), Channel.WEB)


def _status(error: TriageError) -> int:
    if isinstance(error, AccessDenied):
        return 403
    if isinstance(error, NotFound):
        return 404
    return 429 if isinstance(error, TooManyRequests) else 503


def _error(request: Request, status: int, problems: Sequence[str]) -> Response:
    suffix = request.path_params.get("suffix", "xml")
    shown_as = suffix if suffix in MEDIA_TYPES else "xml"
    response = _answer(shown_as, "errors", "error", error_rows(status, problems), status=status)
    if status in (429, 503):
        response.headers["Retry-After"] = "5"
    return response


def _answer(suffix: str, root: str, item: str | None, rows: Sequence[Row] | Row, *, status: int = 200) -> Response:
    _check_format(suffix)
    if suffix == "xml":
        return Response(as_xml(root, item, rows), status_code=status, media_type=MEDIA_TYPES["xml"])
    return Response(orjson.dumps(rows), status_code=status, media_type=MEDIA_TYPES["json"])


def _check_format(suffix: str) -> None:
    if suffix not in MEDIA_TYPES:
        raise GeoReportRejected(404, f"the format must be {' or '.join(MEDIA_TYPES)}")


def _listed(value: str | None) -> list[str]:
    return [part for each in (value or "").split(",") if (part := each.strip())]


def _statuses(value: str | None) -> frozenset[Status]:
    asked = _listed(value)
    if not set(asked) <= set(Status):
        raise GeoReportRejected(400, f"status must be {' or '.join(Status)}")
    return frozenset(map(Status, asked))
