"""What the models read of a message: quoted mail, signature and greeting cut away.

Offsets are never taken from this text; safety, entities and urgency read the original.
"""

import re
import unicodedata

from triage.types import Message

MAX_CHARACTERS = 4_000
_CONTROL = dict.fromkeys((*range(0, 9), 11, 12, *range(14, 32), 127), " ")
_INVISIBLE = dict.fromkeys((173, 8203, 8204, 8205, 8206, 8207, 8288, 65279))
_QUOTED = re.compile(
    r"^(?:>|-{2,} ?(?:original message|forwarded message)|on .{4,80} wrote:|el .{4,80} escribi[oó]:|from: .{3,80}$)",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"^(?:-- ?$|__+$|sent from my |get outlook for |enviado desde mi "
    r"|this e-?mail (?:and any|is intended)|confidential)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|dear|to whom it may concern"
    r"|hola|buenos d[ií]as|buenas tardes)"
    r"(?: (?:there|all|everyone|team|sir|madam|sirs|city|311|folks|friends|neighbors))*[\s,.!:;–-]+",
    re.IGNORECASE,
)


def normalize(text: str) -> str:
    """Return text in NFC, without control and invisible characters, white space folded; idempotent."""
    plain = unicodedata.normalize("NFC", text.translate(_CONTROL).translate(_INVISIBLE))
    return "\n".join(" ".join(line.split()) for line in plain.splitlines()).strip()


def readable(message: Message) -> str:
    """Return what a model reads of a message: the subject, then the resident's own words.

    At most MAX_CHARACTERS: the beginning, which names the matter, and the end, which often asks for it.
    """
    lines = normalize(message.text).splitlines()
    own = _own_lines(lines)
    body = _GREETING.sub("", " ".join(line for line in own if line), count=1) or " ".join(lines)
    subject = " ".join(normalize(message.subject or "").split())
    whole = f"{subject}. {body}".rstrip() if subject and subject.lower() not in body.lower() else body
    if len(whole) <= MAX_CHARACTERS:
        return whole
    half = MAX_CHARACTERS // 2
    return f"{whole[: half - 1]} {whole[-half:]}"


def leaves_out(message: Message) -> bool:
    """Tell whether `readable` leaves out words that stand in the message: quoted mail, a signature, a long middle."""
    lines = normalize(message.text).splitlines()
    return len(_own_lines(lines)) < len(lines) or len(message.text) + len(message.subject or "") > MAX_CHARACTERS


def has_words(text: str) -> bool:
    """Tell whether anything in the text is a letter; emoji, digits and punctuation alone are not."""
    return any(character.isalpha() for character in text)


def _own_lines(lines: list[str]) -> list[str]:
    """Return the lines up to the first quoted mail or signature; all of them when nothing else is left."""
    for number, line in enumerate(lines):
        if _QUOTED.match(line) or _SIGNATURE.match(line):
            return lines[:number] if any(lines[:number]) else lines
    return lines
