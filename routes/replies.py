"""What is said to a resident: the city's fixed texts in the resident's language, and replies that agents send."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from routes.access import require
from routes.fields import Body, KnownMessage, MessageId, Name, Note, Tag
from routes.once import Idempotent, json_response
from routes.problems import problems
from routes.services import Given, Services
from triage.access import Actor, Right
from triage.errors import RequestRejected
from triage.mail_replies import REPLY, WayBack, way_back
from triage.mail_routing import TARGET
from triage.replies import ReplyName, reply
from triage.store import StoredContact
from triage.store.deliveries import Delivery, DeliveryState, StoredDelivery
from triage.types import Channel

router = APIRouter(prefix="/v1", tags=["contacts"])

_UNKNOWN: Final = problems(s404="No such message is stored.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedText:
    """A text that the city has written before; `reviewed` says whether a speaker has read it."""

    name: ReplyName
    text: str
    language: str
    reviewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SentReply:
    """A reply on its way, or there."""

    text: str
    language: str | None
    by: str
    state: DeliveryState
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """What can be said to the resident of a contact, and what was.

    Attributes:
        language: BCP 47 code of the resident's language.
        channel_back: The channel that a reply goes by; None where it can only be copied.
    """

    language: str
    texts: tuple[FixedText, ...]
    channel_back: Channel | None
    sent: tuple[SentReply, ...]


class ReplyRequest(Body):
    """A reply, as the resident will read it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "Two pickups a year are free.", "article_id": "bulky-item-pickup"}]},
    )

    text: Note
    language: Annotated[Tag | None, Field(description="Of the text.")] = None
    article_id: Annotated[Name | None, Field(description="The article that it quotes.")] = None


@router.get("/replies", dependencies=[require(Right.KB_READ)], responses=problems())
def list_texts(
    services: Given,
    language: Annotated[Tag, Query(description="The resident's language.")],
    message_id: Annotated[KnownMessage | None, Query(description="The contact whose number they tell.")] = None,
) -> list[FixedText]:
    """Return the fixed texts; without a contact, those that need no number."""
    return list(_texts(services, language, message_id))


@router.get("/contacts/{message_id:path}/replies", dependencies=[require(Right.CONTACTS_READ)], responses=_UNKNOWN)
def read_replies(message_id: MessageId, services: Given, request: Request) -> Replies:
    """Return the fixed texts for a contact, whether a reply can be sent, and what was sent."""
    contact = services.store.contact_of(message_id)
    language = contact.triage.answer["language"]["code"] if contact.triage else "und"
    return Replies(
        language=language,
        texts=_texts(services, language, message_id),
        channel_back=contact.message.channel if _way_back(request, contact) else None,
        sent=tuple(_sent(each) for each in services.store.outbox.of(message_id) if each.delivery.kind == REPLY),
    )


@router.post("/contacts/{message_id:path}/replies", status_code=201, response_model=SentReply, responses=_UNKNOWN)
def send_reply(
    message_id: MessageId,
    body: ReplyRequest,
    services: Given,
    once: Idempotent,
    request: Request,
    actor: Annotated[Actor, require(Right.DECIDE)],
) -> Response:
    """Put a reply into the outbox; it goes back the way the contact came."""
    return once.answer(lambda: _put(services, message_id, body, request, actor), message_id=lambda: message_id)


def _texts(services: Services, language: str, message_id: str | None) -> tuple[FixedText, ...]:
    values = {"hours": _hours(services), **({"number": message_id} if message_id else {})}
    found = []
    for name in ReplyName:
        if name is ReplyName.REQUEST_RECEIVED and message_id is None:
            continue
        text = reply(name, language, **values)
        found.append(FixedText(name=name, text=text.text, language=text.language, reviewed=text.reviewed))
    return tuple(found)


def _hours(services: Services) -> str:
    """Return the hours of the first day of the week on which the office opens, as every language writes them."""
    spans = next((spans for spans in services.clock.calendar.hours if spans), ())
    return ", ".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in spans)


def _way_back(request: Request, contact: StoredContact) -> WayBack | None:
    """Return where a reply goes: back to the sender of a mail, if the city has a server that mail leaves by."""
    channel = contact.message.channel
    is_mail = channel is Channel.EMAIL and channel in request.app.state.replies_by
    return way_back(contact.raw) if is_mail else None


def _put(services: Services, message_id: str, body: ReplyRequest, request: Request, actor: Actor) -> Response:
    contact = services.store.contact_of(message_id)
    back = _way_back(request, contact)
    if back is None:
        raise RequestRejected("this contact has no way back: copy the text, and tell the resident by phone")
    payload = {
        "message_id": message_id,
        "text": body.text,
        "language": body.language,
        "article_id": body.article_id,
        "by": actor.name,
        **asdict(back),
    }
    delivery = Delivery(key=f"reply:{message_id}:{uuid4().hex}", target=TARGET, kind=REPLY, payload=payload)
    services.store.outbox.add([delivery], message_id=message_id)
    stored = next(each for each in services.store.outbox.of(message_id) if each.delivery.key == delivery.key)
    return json_response(_sent(stored), status=201)


def _sent(stored: StoredDelivery) -> SentReply:
    payload = stored.delivery.payload
    return SentReply(
        text=payload["text"],
        language=payload["language"],
        by=payload["by"],
        state=stored.state,
        created_at=stored.created_at,
    )
