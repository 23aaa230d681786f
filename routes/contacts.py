"""Contacts that came in: stored before they are acknowledged, listed as they stand, read with their whole history."""

import uuid
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, BackgroundTasks, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from kb.gap_notes import note_triages
from routes.access import require
from routes.contact_answers import ContactAnswer, ContactDetail, shown, shown_whole
from routes.fields import LARGEST_ID, Code, KnownMessage, Line, MessageId, Name, Tag
from routes.once import Idempotent, json_response
from routes.preconditions import etag_of
from routes.problems import problems
from routes.services import Given, Services
from routes.translating import TranslateParameter, add_translation
from triage.access import Right
from triage.channels.request import TriageRequest
from triage.errors import NotFound, RequestRejected
from triage.store import Status, StoredContact
from triage.store.contact_list import ContactFilter, ContactPage, Order
from triage.types import Channel, Message, Mode, Translate, UrgencyLevel

router = APIRouter(prefix="/v1", tags=["contacts"])

NEXT_CURSOR = "Next-Cursor"
SEARCHED = 2_000  # contacts that one request for words reads; the cursor goes on from there


class ContactQuery(BaseModel):
    """Which contacts are listed; what is left out leaves nothing out."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    channel: Channel | None = None
    language: Tag | None = None
    department: Name | None = None
    service_type: Code | None = None
    urgency: UrgencyLevel | None = None
    mode: Mode | None = None
    claimed: bool | None = None
    claimed_by: Name | None = None
    thread_id: KnownMessage | None = None
    incident_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    q: Annotated[Line | None, Query(description="Words that stand in text, subject or identity.")] = None
    order: Order = Order.NEWEST
    limit: Annotated[int, Query(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Query(max_length=500, description="`Next-Cursor` of the page before.")] = None

    def chosen(self) -> ContactFilter:
        """Return the filter of the store."""
        return ContactFilter(
            status=self.status,
            channel=self.channel,
            language=self.language,
            department=self.department,
            service_type=self.service_type,
            urgency=self.urgency,
            mode=self.mode,
            claimed=self.claimed,
            claimed_by=self.claimed_by,
            thread_id=self.thread_id,
            incident_id=self.incident_id,
            created_from=self.since,
            created_until=self.until,
        )


@router.post(
    "/contacts",
    status_code=201,
    response_model=ContactAnswer,
    dependencies=[require(Right.TRIAGE)],
    responses={
        200: {"model": ContactAnswer, "description": "The contact was there already, with this very text."},
        **problems(s409="The first request with this key is under way.", s413="The text is too long."),
    },
)
def create_contact(
    request: TriageRequest,
    services: Given,
    once: Idempotent,
    http: Request,
    later: BackgroundTasks,
    translate: TranslateParameter = None,
) -> Response:
    """Store a message, triage it, and return the contact. It is stored before it is acknowledged.

    The same `id` with the same text is one contact; another text, an earlier one too, is a further revision.
    """
    message = request.to_message(_made_up_id(once.name))
    raw = bytes(http.state.raw)
    when = translate or Translate.of(message.channel)
    return once.answer(lambda: _created(services, message, raw, when, later), message_id=lambda: message.id)


@router.get(
    "/contacts",
    dependencies=[require(Right.CONTACTS_READ)],
    responses={
        200: {
            "headers": {
                NEXT_CURSOR: {"schema": {"type": "string"}, "description": "Gives the next page; absent on the last."},
                "Link": {"schema": {"type": "string"}, "description": 'The next page\'s address, `rel="next"`.'},
            }
        },
        **problems(),
    },
)
def list_contacts(
    services: Given, query: Annotated[ContactQuery, Query()], request: Request, response: Response
) -> list[ContactAnswer]:
    """Return the contacts that were stored last, or the gravest, as they stand; a page may hold fewer than `limit`."""
    page = _page(services, query)
    if page.next_cursor is not None:
        response.headers[NEXT_CURSOR] = page.next_cursor
        response.headers["Link"] = f'<{_address(request, page.next_cursor)}>; rel="next"'
    return shown(services, page.contacts)


@router.get(
    "/contacts/{message_id:path}",
    dependencies=[require(Right.CONTACTS_READ)],
    responses={
        200: {"headers": {"ETag": {"schema": {"type": "string"}, "description": "What `If-Match` has to name."}}},
        **problems(s404="No such message is stored."),
    },
)
def read_contact(message_id: MessageId, services: Given, response: Response) -> ContactDetail:
    """Return a contact with every answer, every decision, its claim, its incident and its possible duplicates."""
    detail = shown_whole(services, message_id)
    response.headers["ETag"] = etag_of(detail.contact.version)
    return detail


def searched(
    services: Services,
    chosen: ContactFilter,
    words: str | None,
    words_of: Callable[[StoredContact], str],
    *,
    order: Order,
    limit: int,
    cursor: str | None = None,
) -> Iterator[ContactPage]:
    """Yield page after page, of each the contacts that have the words, until SEARCHED contacts have been read.

    Args:
        services: The application's.
        chosen: Which contacts are read.
        words: What is looked for, in whatever case; every contact has it where None.
        words_of: Returns the text of a contact that is looked through, case-folded.
        order: What comes first.
        limit: How many contacts a page is read from.
        cursor: `next_cursor` of the page before.

    Yields:
        At least one page; its `next_cursor` is None where no contact is left to be read.

    Raises:
        RequestRejected: If the cursor is none of this order.
    """
    folded = (words or "").casefold()
    for _ in range(-(-SEARCHED // limit)):
        try:
            page = services.store.contacts.list(chosen, limit=limit, cursor=cursor, order=order)
        except ValueError:
            raise RequestRejected("cursor must be the Next-Cursor of a page of this list, in the same order") from None
        found = tuple(contact for contact in page.contacts if folded in words_of(contact))
        cursor = page.next_cursor
        yield ContactPage(contacts=found, next_cursor=cursor)
        if cursor is None:
            return


def _page(services: Services, query: ContactQuery) -> ContactPage:
    """Return the first page that holds a contact with the words, of the next few pages."""
    pages = searched(
        services, query.chosen(), query.q, _words, order=query.order, limit=query.limit, cursor=query.cursor
    )
    for page in pages:
        if page.contacts:
            break
    return page


def _words(contact: StoredContact) -> str:
    message = contact.message
    return f"{message.id}\n{message.subject or ''}\n{message.text}".casefold()


def _made_up_id(once: str | None) -> str:
    """Return an identity for a message that brings none; the same request, sent again, gets the same one."""
    return f"m-{sha256(once.encode()).hexdigest()[:32]}" if once else f"m-{uuid.uuid4().hex}"


def _created(
    services: Services, message: Message, raw: bytes, translate: Translate, later: BackgroundTasks
) -> Response:
    known = _known(services, message.id)
    is_same = known is not None and _says(known) == (message.text, message.subject)
    if not is_same or known is None or known.triage is None:
        with services.metrics.failures(message.channel):
            services.store.receive([(message, raw)], edited=True)
            triage = services.pipeline.triage(message, translate=translate)
            services.store.save([(message, triage)])
        services.metrics.triaged([triage])
        note_triages(services.store.gaps, [(message, triage)])
        add_translation(later, services, message, triage)
    contact = services.store.contact_of(message.id)
    headers = {"ETag": etag_of(contact.version), "Location": f"/v1/contacts/{quote(message.id, safe='')}"}
    [answer] = shown(services, [contact])
    return json_response(answer, status=200 if is_same else 201, headers=headers)


def _known(services: Services, message_id: str) -> StoredContact | None:
    try:
        return services.store.contact_of(message_id)
    except NotFound:
        return None


def _says(contact: StoredContact) -> tuple[str, str | None]:
    return contact.message.text, contact.message.subject


def _address(request: Request, cursor: str) -> str:
    parameters: list[tuple[str, Any]] = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
    return f"{request.url.path}?{urlencode([*parameters, ('cursor', cursor)])}"
