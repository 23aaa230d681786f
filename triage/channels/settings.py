"""What the ways in need to know of a city: its jurisdiction, and the secrets that prove who calls."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """Settings of the ways in; a hook whose secret is None takes nothing.

    Attributes:
        jurisdiction: The city's `jurisdiction_id` in Open311; None where callers must leave it out.
        public_url: Where others reach this service; Twilio signs it.
        zendesk_secret: Signing secret of the Zendesk webhook.
        twilio_token: Auth token of the Twilio account.
        inbound_mail_secret: Password of the basic authentication that SendGrid and Postmark are given.
        chat_secret: Base64 key of the Teams outgoing webhook.
        generic_secret: Signs generic JSON over its time stamp and body.
    """

    jurisdiction: str | None = None
    public_url: str | None = None
    zendesk_secret: str | None = field(default=None, repr=False)
    twilio_token: str | None = field(default=None, repr=False)
    inbound_mail_secret: str | None = field(default=None, repr=False)
    chat_secret: str | None = field(default=None, repr=False)
    generic_secret: str | None = field(default=None, repr=False)
