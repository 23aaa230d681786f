"""Webhooks of others, each with its own proof: stored, triaged and answered once, however often they are sent.

Outside the OpenAPI document: their shapes are the senders'. What is proved and cannot be read is kept and answered with
200, since a sender would send it again for days; what is not proved is refused and not kept.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from kb.gap_notes import note_triages
from routes.services import Given, Services
from triage.channels import chat, inbound_mail, sms, zendesk
from triage.channels.email import Mail
from triage.channels.mail_files import MailFile
from triage.channels.request import decoded, message_of
from triage.channels.settings import ChannelSettings
from triage.channels.signatures import (
    Hook,
    check_fresh,
    check_generic,
    check_password,
    check_teams,
    check_twilio,
    check_zendesk,
    require_secret,
)
from triage.errors import MessageRejected
from triage.store.links import Attachment
from triage.types import Channel, Message

router = APIRouter(prefix="/v1/hooks", include_in_schema=False)

_TWIML: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


@router.post("/zendesk")
async def take_zendesk(request: Request, services: Given) -> Response:
    """Take a ticket event of Zendesk, signed."""
    hook = await _hook(request)
    invocation = check_zendesk(hook, require_secret(_channels(request).zendesk_secret, "TRIAGE_ZENDESK_SECRET"))

    def read() -> tuple[Message, Sequence[MailFile]]:
        return zendesk.message_of(decoded(hook.body))[0], ()

    def then(message: Message) -> None:
        services.store.links.link(message.id, zendesk.SYSTEM, zendesk.message_of(decoded(hook.body))[1])

    return await run_in_threadpool(_once, services, hook, Channel.TICKET, read, f"zendesk:{invocation}", then)


@router.post("/twilio")
async def take_twilio(request: Request, services: Given) -> Response:
    """Take a text message from Twilio, signed; the answer says nothing to the sender."""
    hook = await _hook(request)
    secret = require_secret(_channels(request).twilio_token, "TRIAGE_TWILIO_TOKEN")
    fields = sms.form_of(hook.body)
    check_twilio(hook, secret, fields)
    await run_in_threadpool(_once, services, hook, Channel.SMS, lambda: (sms.message_of(fields), ()))
    return Response(_TWIML, media_type="text/xml")


@router.post("/sendgrid")
async def take_sendgrid(request: Request, services: Given) -> Response:
    """Take a mail from SendGrid's Inbound Parse; the password stands in the address that SendGrid is given."""
    hook = await _hook(request)
    check_password(hook, require_secret(_channels(request).inbound_mail_secret, "TRIAGE_INBOUND_MAIL_SECRET"))
    kind = hook.headers.get("content-type", "")
    return await run_in_threadpool(
        _once, services, hook, Channel.EMAIL, lambda: _parts(inbound_mail.of_sendgrid(hook.body, kind))
    )


@router.post("/postmark")
async def take_postmark(request: Request, services: Given) -> Response:
    """Take a mail from Postmark; the password stands in the address that Postmark is given."""
    hook = await _hook(request)
    check_password(hook, require_secret(_channels(request).inbound_mail_secret, "TRIAGE_INBOUND_MAIL_SECRET"))
    return await run_in_threadpool(
        _once, services, hook, Channel.EMAIL, lambda: _parts(inbound_mail.of_postmark(decoded(hook.body)))
    )


@router.post("/teams")
async def take_teams(request: Request, services: Given) -> Response:
    """Take an activity of Teams, signed, and answer with one, which is what Teams shows."""
    hook = await _hook(request)
    check_teams(hook, require_secret(_channels(request).chat_secret, "TRIAGE_TEAMS_SECRET"))
    activity = decoded(hook.body)
    check_fresh(chat.sent_at(activity), hook.now)
    await run_in_threadpool(_once, services, hook, Channel.CHAT, lambda: (chat.message_of(activity), ()))
    return Response(orjson.dumps({"type": "message", "text": "✓"}), media_type="application/json")


@router.post("/generic")
async def take_generic(request: Request, services: Given) -> Response:
    """Take a message in this service's own shape, signed, its id given."""
    hook = await _hook(request)
    delivery = check_generic(hook, require_secret(_channels(request).generic_secret, "TRIAGE_HOOK_SECRET"))
    made_up = f"hook-{sha256(hook.body).hexdigest()[:32]}"
    return await run_in_threadpool(
        _once,
        services,
        hook,
        Channel.CHAT,
        lambda: (message_of(decoded(hook.body), made_up), ()),
        f"generic:{delivery}",
    )


def _nothing(message: Message) -> None:
    """Do nothing more with a message."""


def _once(
    services: Services,
    hook: Hook,
    channel: Channel,
    read: Callable[[], tuple[Message, Sequence[MailFile]]],
    delivery: str | None = None,
    then: Callable[[Message], None] = _nothing,
) -> Response:
    """Store and triage what a hook brings, once.

    Args:
        services: What the application works with.
        hook: The request, proved.
        channel: Under which what cannot be read is kept.
        read: Gives the message and its files.
        delivery: The sender's identity of this delivery: another body under it is refused; None where it has none.
        then: What else is stored of the message.

    Raises:
        IdempotencyConflict: If the delivery came with another body.
        IdempotencyInProgress: If it is under way in another process.
    """
    try:
        message, files = read()
    except MessageRejected as error:
        services.metrics.rejected(channel)
        services.store.keep_rejected(hook.body, str(error), channel)
        return _answered("rejected", str(error))
    key = f"hook:{delivery or message.id}"
    kept = services.store.idempotency.begin(key, sha256(hook.body).digest()) if delivery else None
    if kept is not None:
        return Response(kept.answer, status_code=kept.status, media_type="application/json")
    try:
        response = _triaged(services, hook, message, files, then)
    except BaseException:
        if delivery:
            services.store.idempotency.abandon(key)
        raise
    if delivery:
        services.store.idempotency.finish(key, status=200, answer=bytes(response.body), message_id=message.id)
    return response


def _triaged(
    services: Services, hook: Hook, message: Message, files: Sequence[MailFile], then: Callable[[Message], None]
) -> Response:
    if services.store.first_answer(message) is not None:
        return _answered("known", message.id)
    with services.metrics.failures(message.channel):
        services.store.receive([(message, hook.body)])
        for file in files:
            services.store.links.attach(message.id, _attachment(file))
        then(message)
        triage = services.pipeline.triage(message)
        services.store.save_once(message, triage)
    services.metrics.triaged([triage])
    note_triages(services.store.gaps, [(message, triage)])
    return _answered("stored", message.id)


def _parts(mail: Mail) -> tuple[Message, Sequence[MailFile]]:
    return mail.message, mail.files


def _attachment(file: MailFile) -> Attachment:
    return Attachment(
        name=file.name, media_type=file.media_type, size_bytes=file.size_bytes, content=file.content, text=file.text
    )


def _answered(status: str, detail: str) -> Response:
    return Response(orjson.dumps({"status": status, "detail": detail}), media_type="application/json")


async def _hook(request: Request) -> Hook:
    body = await request.body()
    public = _channels(request).public_url
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{public}{request.url.path}{query}" if public else str(request.url)
    return Hook(headers=dict(request.headers), body=body, url=url, now=datetime.now(UTC))


def _channels(request: Request) -> ChannelSettings:
    channels: ChannelSettings = request.app.state.channels
    return channels
