"""Short fixed texts to residents in every served language: acknowledgment, "call 911", interpreter, number, closing.

They are drafts until a speaker has reviewed them: `reviewed` of each language says so, and `replies.yaml` is where a
city changes them. Nothing here is generated.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from triage.errors import SettingsError

READ_AS = {"yue": "zh-Hant"}  # written like it
FALLBACK = "en"


class ReplyName(StrEnum):
    """What a text is for."""

    ACKNOWLEDGMENT = "acknowledgment"
    CALL_911 = "call_911"
    CALL_988 = "call_988"
    INTERPRETER = "interpreter"
    REQUEST_RECEIVED = "request_received"
    WE_NEED_ADDRESS = "we_need_address"
    CLOSED = "closed"
    OFFICE_HOURS = "office_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A text to a resident.

    Attributes:
        text: Ready to send.
        language: BCP 47 code of the text: English where the resident's language has none.
        reviewed: Whether a speaker has read it.
    """

    text: str
    language: str
    reviewed: bool


def reply(name: ReplyName, language: str, **values: str) -> Reply:
    """Return a fixed text in the resident's language.

    Args:
        name: Which one.
        language: BCP 47 code.
        values: What stands in the braces of the text: `number`, `hours`.

    Raises:
        ValueError: If a value that the text needs is missing.
    """
    code = READ_AS.get(language, language)
    texts = _texts()
    chosen = code if code in texts else FALLBACK
    try:
        text = str(texts[chosen][name.value]).format(**values)
    except KeyError as error:
        raise ValueError(f"the text {name.value} needs {error.args[0]}") from error
    return Reply(text=text, language=chosen, reviewed=bool(texts[chosen]["reviewed"]))


def languages() -> tuple[str, ...]:
    """Return the codes that have texts of their own."""
    return tuple(_texts())


@cache
def _texts() -> dict[str, dict[str, Any]]:
    source = files("triage") / "replies.yaml"
    texts: dict[str, dict[str, Any]] = yaml.safe_load(source.read_text("utf-8"))
    for code, row in texts.items():
        lacking = [name.value for name in ReplyName if not str(row.get(name.value) or "").strip()]
        if lacking:
            raise SettingsError(f"{source}: {code} lacks {', '.join(lacking)}")
    return texts
