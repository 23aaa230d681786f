"""Webhooks of others, each with its own proof: stored, triaged and answered once, however often they are sent.

Outside the OpenAPI document: their shapes are the senders'. What is proved and cannot be read is kept and answered with
200, since a sender would send it again for days; what is not proved is refused and not kept.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Final

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from kb.gap_notes import note_triages
from routes.services import Given, Services
from triage.channels import chat, inbound_mail, phone_tree, sms, zendesk
from triage.channels.inbound_mail import PostedMail
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
from triage.mail_intake import MailIntake
from triage.types import Channel, Message, Triage

router = APIRouter(prefix="/v1/hooks", include_in_schema=False)

_TWIML: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'


@router.post("/zendesk")
async def take_zendesk(request: Request, services: Given) -> Response:
    """Take a ticket event of Zendesk, signed."""
    hook = await _hook(request)
    invocation = check_zendesk(hook, require_secret(_channels(request).zendesk_secret, "TRIAGE_ZENDESK_SECRET"))

    def then(message: Message) -> None:
        services.store.links.link(message.id, zendesk.SYSTEM, zendesk.ticket_of(message))

    return await run_in_threadpool(
        _once,
        services,
        hook,
        Channel.TICKET,
        lambda: zendesk.message_of(decoded(hook.body)),
        f"zendesk:{invocation}",
        then,
    )


@router.post("/twilio")
async def take_twilio(request: Request, services: Given) -> Response:
    """Take a text message from Twilio, signed; the answer says nothing to the sender."""
    hook = await _hook(request)
    secret = require_secret(_channels(request).twilio_token, "TRIAGE_TWILIO_TOKEN")
    fields = sms.form_of(hook.body)
    check_twilio(hook, secret, fields)
    await run_in_threadpool(_once, services, hook, Channel.SMS, lambda: sms.message_of(fields))
    return Response(_TWIML, media_type="text/xml")


@router.post("/sendgrid")
async def take_sendgrid(request: Request, services: Given) -> Response:
    """Take a mail from SendGrid's Inbound Parse; the password stands in the address that SendGrid is given."""
    hook = await _hook(request)
    check_password(hook, require_secret(_channels(request).inbound_mail_secret, "TRIAGE_INBOUND_MAIL_SECRET"))
    kind = hook.headers.get("content-type", "")
    return await run_in_threadpool(
        _once, services, hook, Channel.EMAIL, lambda: inbound_mail.of_sendgrid(hook.body, kind)
    )


@router.post("/postmark")
async def take_postmark(request: Request, services: Given) -> Response:
    """Take a mail from Postmark; the password stands in the address that Postmark is given."""
    hook = await _hook(request)
    check_password(hook, require_secret(_channels(request).inbound_mail_secret, "TRIAGE_INBOUND_MAIL_SECRET"))
    return await run_in_threadpool(
        _once, services, hook, Channel.EMAIL, lambda: inbound_mail.of_postmark(decoded(hook.body))
    )


@router.post("/teams")
async def take_teams(request: Request, services: Given) -> Response:
    """Take an activity of Teams, signed, and answer with one, which is what Teams shows."""
    hook = await _hook(request)
    check_teams(hook, require_secret(_channels(request).chat_secret, "TRIAGE_TEAMS_SECRET"))

    def read() -> Message:
        activity = decoded(hook.body)
        check_fresh(chat.sent_at(activity), hook.now)
        return chat.message_of(activity)

    await run_in_threadpool(_once, services, hook, Channel.CHAT, read)
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
        lambda: message_of(decoded(hook.body), made_up),
        f"generic:{delivery}",
    )


@router.post("/chat")
async def take_chat(request: Request, services: Given) -> Response:
    """Take a line of a chat in the plain shape, signed as generic JSON is; only what the visitor writes is triaged."""
    hook = await _hook(request)
    delivery = check_generic(hook, require_secret(_channels(request).generic_secret, "TRIAGE_HOOK_SECRET"))
    return await run_in_threadpool(
        _once, services, hook, Channel.CHAT, lambda: chat.plain_message_of(decoded(hook.body)), f"chat:{delivery}"
    )


@router.post("/phone")
async def take_utterance(request: Request, services: Given) -> Response:
    """Take what a caller said to a phone tree, signed as generic JSON is, and answer where the call should go."""
    hook = await _hook(request)
    delivery = check_generic(hook, require_secret(_channels(request).generic_secret, "TRIAGE_HOOK_SECRET"))
    return await run_in_threadpool(
        _once,
        services,
        hook,
        Channel.CALL,
        lambda: phone_tree.message_of(decoded(hook.body)),
        f"phone:{delivery}",
        answer=_route,
    )


def _nothing(message: Message) -> None:
    """Do nothing more with a message."""


def _once(
    services: Services,
    hook: Hook,
    channel: Channel,
    read: Callable[[], Message | PostedMail | None],
    delivery: str | None = None,
    then: Callable[[Message], None] = _nothing,
    answer: Callable[[Services, str], Mapping[str, object]] = lambda services, message_id: {},
) -> Response:
    """Store and triage what a hook brings, once.

    Args:
        services: What the application works with.
        hook: The request, proved.
        channel: Under which what cannot be read is kept.
        read: Gives the message or mail; None for what is none and needs no answer.
        delivery: The sender's identity of this delivery: another body under it is refused; None where it has none.
        then: What else is stored of the message.
        answer: What else is answered of it.

    Raises:
        AccessDenied: If `read` finds a proof wanting that the body itself tells, such as its time.
        IdempotencyConflict: If the delivery came with another body.
        IdempotencyInProgress: If it is under way in another process.
    """
    try:
        came = read()
    except MessageRejected as error:
        services.metrics.rejected(channel)
        services.store.keep_rejected(hook.body, str(error), channel)
        return _answered("rejected", str(error))
    if came is None:
        return _answered("ignored", "nothing a resident said")
    message = came.mail.message if isinstance(came, PostedMail) else came
    key = f"hook:{delivery or message.id}"
    kept = services.store.idempotency.begin(key, sha256(hook.body).digest()) if delivery else None
    if kept is not None:
        return Response(kept.answer, status_code=kept.status, media_type="application/json")
    try:
        status = _take_mail(services, came) if isinstance(came, PostedMail) else _take(services, hook, came, then)
        response = _answered(status, message.id, **answer(services, message.id))
    except BaseException:
        if delivery:
            services.store.idempotency.abandon(key)
        raise
    if delivery:
        services.store.idempotency.finish(key, status=200, answer=bytes(response.body), message_id=message.id)
    return response


def _take(services: Services, hook: Hook, message: Message, then: Callable[[Message], None]) -> str:
    if services.store.first_answer(message) is not None:
        return "known"
    with services.metrics.failures(message.channel):
        services.store.receive([(message, hook.body)])
        then(message)
        triage = services.pipeline.triage(message)
        services.store.save_once(message, triage)
    _note(services, [(message, triage)])
    return "stored"


def _take_mail(services: Services, posted: PostedMail) -> str:
    """Take a mail as from a mailbox: spam, delivery reports, loops and automatic answers are set aside."""
    with services.metrics.failures(Channel.EMAIL):
        taken = MailIntake(services.store, services.pipeline, partial(_note, services)).take(posted.mail, posted.raw)
    return "known" if taken.triage is None else "set aside" if taken.aside else "stored"


def _note(services: Services, pairs: Sequence[tuple[Message, Triage]]) -> None:
    services.metrics.triaged([triage for _, triage in pairs])
    note_triages(services.store.gaps, pairs)


def _route(services: Services, message_id: str) -> Mapping[str, object]:
    """Return where a call should go: the decision that stands, and the line to call where life is in danger."""
    contact = services.store.contact_of(message_id)
    decision = contact.decision.decision if contact.decision else None
    return {
        "mode": decision.mode if decision else None,
        "service_type": decision.service_type if decision else None,
        "department": decision.department if decision else None,
        "urgency": contact.triage.answer["urgency"]["level"] if contact.triage else None,
        "line": contact.triage.answer["safety"]["line"] if contact.triage else None,
    }


def _answered(status: str, detail: str, **more: object) -> Response:
    return Response(orjson.dumps({"status": status, "detail": detail, **more}), media_type="application/json")


async def _hook(request: Request) -> Hook:
    body = await request.body()
    public = _channels(request).public_url
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{public}{request.url.path}{query}" if public else str(request.url)
    return Hook(headers=dict(request.headers), body=body, url=url, now=datetime.now(UTC))


def _channels(request: Request) -> ChannelSettings:
    channels: ChannelSettings = request.app.state.channels
    return channels
