"""Contacts that came in, newest first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from routes.services import Given
from triage.store import StoredContact
from triage.types import Channel

router = APIRouter(prefix="/v1", tags=["contacts"])


class ContactAnswer(BaseModel):
    """A contact as it stands: its newest text and the newest answer to it."""

    message_id: str
    channel: Channel
    subject: str | None
    text: str
    created_at: datetime
    triage: Mapping[str, Any] | None


@router.get("/contacts")
def list_contacts(services: Given, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[ContactAnswer]:
    """Return the contacts that were stored last."""
    return [_shown(contact) for contact in services.store.recent(limit)]


def _shown(contact: StoredContact) -> ContactAnswer:
    message = contact.message
    return ContactAnswer(
        message_id=message.id,
        channel=message.channel,
        subject=message.subject,
        text=message.text,
        created_at=contact.created_at,
        triage=contact.triage.answer if contact.triage else None,
    )
