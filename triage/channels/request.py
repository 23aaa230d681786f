"""The public request (DESIGN § 3), read the same way from HTTP and from a line of a batch file."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from triage.errors import MessageRejected, MessageTooLong
from triage.types import Channel, Message

MAX_CHARACTERS = 100_000
MAX_SUBJECT = 2_000
MAX_ID = 200

MAX_FIELD_SHOWN = 60

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Identifier = Annotated[str, Field(min_length=1, max_length=MAX_ID, pattern=r"^[^\x00-\x1f\x7f]+$")]
_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)


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
        raise MessageRejected(_no_object(raw))
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
    return message_of(decoded(line), made_up_id)


def decoded(line: bytes) -> object:
    """Return the value that a line of JSON stands for, read as HTTP reads it, so that both say the same of bad input.

    Raises:
        MessageRejected: If it is no JSON in UTF-8.
    """
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MessageRejected(not_json(error)) from None


def not_json(error: BaseException | None) -> str:
    """Return a sentence for what `json.loads` raised; it quotes nothing."""
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at character {error.pos}; send one JSON object"
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8: byte {error.start} cannot be read; send JSON in UTF-8"
    return "is JSON too deep or with numbers too long to read; send one flat JSON object"


def given_id(raw: object) -> str | None:
    """Return the id that a request brings, if it is fit to name an error record."""
    try:
        return _IDENTIFIER.validate_python(raw.get("id") if isinstance(raw, dict) else None)
    except ValidationError:
        return None


def explained(errors: Sequence[Mapping[str, Any]], *, of_message: bool = True) -> list[str]:
    """Return pydantic's findings as sentences: the field, the rule, what to do; never the value.

    Args:
        errors: What pydantic found.
        of_message: Whether the request was to be a message, whose fields are then named.
    """
    return [_sentence(error, of_message) for error in errors]


def is_too_long(errors: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the text's length is what is wrong."""
    return any(error["type"] == "string_too_long" and tuple(error["loc"])[-1:] == ("text",) for error in errors)


def _sentence(error: Mapping[str, Any], of_message: bool) -> str:
    field, kind = _field(error["loc"]), error["type"]
    if kind == "model_attributes_type":
        return _no_object(error["input"])
    if kind == "extra_forbidden" and not of_message:
        return f"{field} is not a field of this request; remove it"
    if kind == "extra_forbidden":
        return f"{field} is not a field of a message; fields are {', '.join(TriageRequest.model_fields)}"
    if kind == "string_too_long":
        return f"{field} is too long: at most {error['ctx']['max_length']:,} characters are read"
    if kind == "string_unicode":
        return f"{field} holds half a surrogate pair, which no encoding can carry; send well-formed Unicode"
    if kind == "string_pattern_mismatch":
        return f"{field} {_mismatch(error)}"
    if kind == "missing":
        return f"{field} is missing"
    if kind == "value_error":
        return f"{field} {str(error['msg']).removeprefix('Value error, ')}"
    message = str(error["msg"])
    return f"{field}: {message[:1].lower()}{message[1:]}"


def _mismatch(error: Mapping[str, Any]) -> str:
    if not error["input"]:
        return "is empty"
    if _CONTROL.search(error["input"]):
        return "holds a control character; remove it and send again"
    return f"does not have the form {error['ctx']['pattern']}"


def _field(loc: Sequence[int | str]) -> str:
    """Return the field's name, cut and escaped, since a stranger chose it."""
    name = ".".join(str(part) for part in loc if part != "body")
    return name[:MAX_FIELD_SHOWN].encode("utf-8", "backslashreplace").decode() or "the request"


def _no_object(raw: object) -> str:
    if isinstance(raw, bytes):
        return "must be sent as Content-Type: application/json"
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return f"must be a JSON object, got {names.get(type(raw), 'null')}"
