"""What belongs to a contact beside its history: similar past contacts, its thread, and the files that came with it."""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from routes.access import require
from routes.fields import MessageId
from routes.problems import problems
from routes.services import Given
from triage.access import Right
from triage.errors import NotFound
from triage.similar import Similar, similar_to
from triage.store.contact_list import ContactFilter

router = APIRouter(prefix="/v1", tags=["contacts"], dependencies=[require(Right.CONTACTS_READ)])

MOST_IN_THREAD: Final = 50
_UNKNOWN: Final = problems(s404="No such message is stored.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A file that came with a message; `number` counts from 1, `text` is what could be read of it."""

    number: int
    name: str
    media_type: str
    size_bytes: int
    kept: bool
    text: str | None


@router.get("/contacts/{message_id:path}/similar", responses=_UNKNOWN)
def list_similar(
    message_id: MessageId, services: Given, limit: Annotated[int, Query(ge=1, le=20)] = 5
) -> list[Similar]:
    """Return past contacts of the same type that people decided, the most similar first."""
    contact = services.store.contact_of(message_id)
    return list(similar_to(contact, services.store, services.pipeline.parts.encoder, limit=limit))


@router.get("/contacts/{message_id:path}/thread", responses=_UNKNOWN)
def list_thread(message_id: MessageId, services: Given) -> list[str]:
    """Return the contacts of the same thread, oldest first: the one that it is named after, and the newest 50."""
    thread = services.store.contact_of(message_id).message.thread_id or message_id
    page = services.store.contacts.list(ContactFilter(thread_id=thread), limit=MOST_IN_THREAD)
    newest = [each.message.id for each in reversed(page.contacts)]
    try:
        first = services.store.contact_of(thread).message.id
    except NotFound:  # a call or a chat, or a mail that never came here
        return newest
    return list(dict.fromkeys((first, *newest)))


@router.get("/contacts/{message_id:path}/attachments", responses=_UNKNOWN)
def list_attachments(message_id: MessageId, services: Given) -> list[AttachedFile]:
    """Return the files that came with a message, in the order they came."""
    return [
        AttachedFile(
            number=number,
            name=each.name,
            media_type=each.media_type,
            size_bytes=each.size_bytes,
            kept=each.content is not None,
            text=each.text,
        )
        for number, each in enumerate(services.store.links.attachments(message_id), start=1)
    ]


@router.get(
    "/contacts/{message_id:path}/attachments/{number}",
    response_class=Response,
    responses=problems(s404="No such message or file is stored."),
)
def read_attachment(message_id: MessageId, number: int, services: Given) -> Response:
    """Return a file's bytes, to save and never to show: a page of a stranger's may not run as this service's."""
    files = services.store.links.attachments(message_id)
    file = files[number - 1] if 0 < number <= len(files) else None
    if file is None or file.content is None:
        raise NotFound(f"the message has no file {number} that was kept")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"}
    return Response(file.content, media_type="application/octet-stream", headers=headers)
