"""The public request (DESIGN § 3), read the same way from HTTP and from a line of a batch file."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from triage.errors import MessageRejected, MessageTooLong
from triage.types import Channel, Message

MAX_CHARACTERS = 100_000
MAX_SUBJECT = 2_000
MAX_ID = 200

Identifier = Annotated[str, Field(min_length=1, max_length=MAX_ID, pattern=r"^[^\x00-\x1f\x7f]+$")]


class TriageRequest(BaseModel):
    """One message to triage."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "someone dumped a couch behind 2210 Florin Rd", "channel": "web"}]},
    )

    id: Identifier | None = Field(None, description="Your identity of the message; made up where it is missing.")
    text: str = Field(max_length=MAX_CHARACTERS, description="What the resident wrote or said, as it came.")
    channel: Channel = Channel.WEB
    subject: str | None = Field(None, max_length=MAX_SUBJECT)
    language_hint: str | None = Field(None, max_length=35, description="BCP 47 tag of the form or phone queue.")
    received_at: datetime | None = Field(None, description="RFC 3339; without a zone it is read as UTC.")
    thread_id: Identifier | None = None

    @field_validator("text", "subject")
    @classmethod
    def _no_nul(cls, value: str | None) -> str | None:
        if value is not None and "\x00" in value:
            raise ValueError(f"holds a NUL character at offset {value.index(chr(0))}; remove it and send again")
        return value

    @field_validator("text")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty; send what the resident wrote")
        return value

    def to_message(self, made_up_id: str) -> Message:
        """Return the message; `made_up_id` is taken where the request brings none."""
        received_at = self.received_at
        if received_at is not None and received_at.tzinfo is None:
            received_at = received_at.replace(tzinfo=UTC)
        return Message(
            id=self.id or made_up_id,
            text=self.text,
            channel=self.channel,
            subject=self.subject,
            language_hint=self.language_hint,
            received_at=received_at,
            thread_id=self.thread_id,
        )


def message_of(raw: object, made_up_id: str) -> Message:
    """Return the message that a decoded JSON value describes.

    Raises:
        MessageTooLong: If the text has more than MAX_CHARACTERS characters.
        MessageRejected: If a rule of the request is broken; every broken rule is named, no text is quoted.
    """
    if not isinstance(raw, dict):
        raise MessageRejected(f"a message is a JSON object with a text, got {_json_kind(raw)}")
    try:
        return TriageRequest.model_validate(raw).to_message(made_up_id)
    except ValidationError as error:
        problem = MessageTooLong if is_too_long(error.errors()) else MessageRejected
        raise problem("; ".join(explained(error.errors()))) from None


def message_of_line(line: bytes, made_up_id: str) -> Message:
    """Return the message on one line of JSON.

    Raises:
        MessageRejected: If the line is no JSON in UTF-8, or as in `message_of`.
    """
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise MessageRejected(f"is not JSON: {error}") from None
    return message_of(raw, made_up_id)


def explained(errors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return pydantic's findings as sentences: the field, the rule, what to do; never the value."""
    return [_sentence(error) for error in errors]


def is_too_long(errors: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the text's length is what is wrong."""
    return any(error["type"] == "string_too_long" and tuple(error["loc"])[-1:] == ("text",) for error in errors)


def _sentence(error: Mapping[str, Any]) -> str:
    field = ".".join(str(part) for part in error["loc"] if part != "body")
    kind = error["type"]
    if kind == "extra_forbidden":
        return f"{field} is not a field of a message; fields are {', '.join(TriageRequest.model_fields)}"
    if kind == "string_too_long":
        return f"{field} is too long: at most {error['ctx']['max_length']:,} characters are read"
    if kind == "string_unicode":
        return f"{field} holds half a surrogate pair, which no encoding can carry; send well-formed Unicode"
    if kind == "missing":
        return f"{field} is missing"
    if kind == "value_error":
        return f"{field} {str(error['msg']).removeprefix('Value error, ')}"
    message = str(error["msg"])
    return f"{field}: {message[:1].lower()}{message[1:]}"


def _json_kind(raw: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(raw), "null")
