"""Triage of one message or many; stored before it is answered."""

import json
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, ConfigDict, Field

from kb.gap_notes import note_triages
from routes.access import require
from routes.services import Given
from routes.translating import TranslateParameter, add_translation
from triage.access import Right
from triage.batchfile import ErrorRecord, read_one, triage_read
from triage.channels.request import TriageRequest
from triage.types import Channel, Message, Translate, Triage

router = APIRouter(prefix="/v1", tags=["triage"])
MAX_MESSAGES = 1_000


class BatchRequest(BaseModel):
    """Several messages; each is read by itself, so that one that is wrong takes no other with it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"messages": [{"text": "a couch behind 2210 Florin Rd"}]}]}
    )

    messages: Annotated[list[Any], Field(max_length=MAX_MESSAGES)]


class BatchAnswer(BaseModel):
    """An answer or an error record for each message, in order; `line` counts from 1."""

    results: list[Triage | dict[str, Any]]


@router.post("/triage", dependencies=[require(Right.TRIAGE)])
def triage_one(
    request: TriageRequest, services: Given, later: BackgroundTasks, translate: TranslateParameter = None
) -> Triage:
    """Triage one message. It is stored before the answer is sent; of the texts under one `id` the last one stands.

    A translation that is `pending` comes as a further answer, told by the event `triaged`.
    """
    message = request.to_message(f"m-{uuid.uuid4().hex}")
    with services.metrics.failures(message.channel):
        triage = services.pipeline.triage(message, translate=translate or Translate.of(message.channel))
        services.store.save([(message, triage)], edited=True)
    services.metrics.triaged([triage])
    later.add_task(note_triages, services.store.gaps, [(message, triage)])
    add_translation(later, services, message, triage)
    return triage


@router.post("/triage/batch", dependencies=[require(Right.TRIAGE)])
def triage_many(request: BatchRequest, services: Given, later: BackgroundTasks) -> BatchAnswer:
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
            services.metrics.rejected(Channel.WEB)
    services.store.save(pairs, edited=True)
    services.metrics.triaged(triage for _, triage in pairs)
    later.add_task(note_triages, services.store.gaps, pairs)
    shown = [result.as_json() if isinstance(result, ErrorRecord) else result for result in results]
    return BatchAnswer.model_construct(results=shown)
