"""Triage of one message or many; stored before it is answered."""

import json
import uuid
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from routes.services import Given
from triage.batchfile import ErrorRecord, read_one, triage_read
from triage.channels.request import TriageRequest
from triage.types import Channel, Message, Triage

router = APIRouter(prefix="/v1", tags=["triage"])
MAX_MESSAGES = 1_000


class BatchRequest(BaseModel):
    """Several messages; each is read by itself, so that one that is wrong takes no other with it."""

    model_config = ConfigDict(extra="forbid")

    messages: Annotated[list[Any], Field(max_length=MAX_MESSAGES)]


class BatchAnswer(BaseModel):
    """An answer or an error record for each message, in order; `line` counts from 1."""

    results: list[Triage | dict[str, Any]]


@router.post("/triage")
def triage_one(request: TriageRequest, services: Given) -> Triage:
    """Triage one message. It is stored before the answer is sent."""
    message = request.to_message(f"m-{uuid.uuid4().hex}")
    triage = services.pipeline.triage(message)
    services.store.save([(message, triage)])
    return triage


@router.post("/triage/batch")
def triage_many(request: BatchRequest, services: Given) -> BatchAnswer:
    """Triage up to 1,000 messages; all are stored in one transaction before the answer is sent."""
    numbered = enumerate(request.messages, start=1)
    read = [read_one(raw, number, f"m-{uuid.uuid4().hex}") for number, raw in numbered]
    results = triage_read(read, range(1, len(read) + 1), services.pipeline)
    pairs = [
        (message, triage)
        for message, triage in zip(read, results, strict=True)
        if isinstance(message, Message) and isinstance(triage, Triage)
    ]
    for raw, record in zip(request.messages, read, strict=True):
        if isinstance(record, ErrorRecord):
            services.store.keep_rejected(json.dumps(raw).encode(), record.detail, Channel.WEB)
    services.store.save(pairs)
    shown = [result.as_json() if isinstance(result, ErrorRecord) else result for result in results]
    return BatchAnswer.model_construct(results=shown)
