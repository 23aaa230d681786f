"""Hides personal data: tags for logs, indexes and training sets; stable pseudonyms where equality must stay visible.

A value that was found once is hidden wherever it stands again, also written with other separators or without the
cue word that gave it away the first time.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from triage.entities_text import plain_text
from triage.types import Entity, EntityKind

# Numbers and contacts that lead to a person. Places are left to see, unless a caller asks for WITH_PLACES.
PERSONAL = frozenset({
    EntityKind.PHONE, EntityKind.EMAIL, EntityKind.CARD, EntityKind.ACCOUNT, EntityKind.LICENSE, EntityKind.PLATE,
    EntityKind.METER, EntityKind.CITATION, EntityKind.PERMIT, EntityKind.CASE,
})  # fmt: skip
WITH_PLACES = PERSONAL | {EntityKind.ADDRESS}
_DIGITS_ONLY = frozenset({EntityKind.PHONE, EntityKind.CARD, EntityKind.ACCOUNT})
_LEAST_REPEATED = 4
_PSEUDONYM_LENGTH = 10


@dataclass(frozen=True, slots=True)
class _Hidden:
    start: int
    end: int
    kind: EntityKind
    value: str


def mask(text: str, entities: Iterable[Entity], *, kinds: frozenset[EntityKind] = PERSONAL) -> str:
    """Return the text with every occurrence of its personal data replaced by its kind, such as `[phone]`."""
    return _replaced(text, entities, kinds, lambda hidden: f"[{hidden.kind}]")


def pseudonymize(text: str, entities: Iterable[Entity], key: bytes, *, kinds: frozenset[EntityKind] = PERSONAL) -> str:
    """Return the text with personal data replaced by pseudonyms such as `[account-3f2a91c07b]`.

    The same number gets the same pseudonym under the same key, however it is written; without the key the
    pseudonym leads to nobody (HMAC-SHA256, RFC 2104, first 40 bits). A payment card never gets one, only its tag.

    Raises:
        ValueError: If the key has less than 16 bytes.
    """
    if len(key) < 16:
        raise ValueError(f"the key of pseudonyms needs at least 16 bytes, got {len(key)}")

    def name(hidden: _Hidden) -> str:
        if hidden.kind == EntityKind.CARD:
            return f"[{hidden.kind}]"
        digest = hmac.new(key, f"{hidden.kind}:{hidden.value}".encode(), hashlib.sha256).hexdigest()
        return f"[{hidden.kind}-{digest[:_PSEUDONYM_LENGTH]}]"

    return _replaced(text, entities, kinds, name)


def _replaced(
    text: str, entities: Iterable[Entity], kinds: frozenset[EntityKind], name: Callable[[_Hidden], str]
) -> str:
    pieces: list[str] = []
    after = 0
    for hidden in _occurrences(text, [entity for entity in entities if entity.kind in kinds]):
        pieces += (text[after : hidden.start], name(hidden))
        after = hidden.end
    return "".join((*pieces, text[after:]))


def _occurrences(text: str, entities: list[Entity]) -> Iterator[_Hidden]:
    """Yield the entities and the further places of their values, by start, without overlaps."""
    found = [_Hidden(entity.start, entity.end, entity.kind, _value(entity.kind, entity.text)) for entity in entities]
    ranked = sorted([*found, *_repeats(text, found)], key=lambda hidden: (hidden.start, -hidden.end))
    after = 0
    for hidden in ranked:
        if hidden.start >= after:
            yield hidden
            after = hidden.end


def _repeats(text: str, found: list[_Hidden]) -> Iterator[_Hidden]:
    kinds = {hidden.value: hidden.kind for hidden in reversed(found) if len(hidden.value) >= _LEAST_REPEATED}
    if not kinds:
        return
    longest_first = sorted(kinds, key=len, reverse=True)
    plain, offsets = plain_text(text)
    pattern = re.compile("|".join(_loosely(value) for value in longest_first), re.IGNORECASE)
    for match in pattern.finditer(plain):
        value = next((value for value in longest_first if _bare(match.group()) == _bare(value)), None)
        if value is not None:
            start, end = match.span() if offsets is None else (offsets[match.start()][0], offsets[match.end() - 1][1])
            yield _Hidden(start, end, kinds[value], value)


def _loosely(value: str) -> str:
    """Return a pattern for a value with up to two separators between its characters; an e-mail stands as it is."""
    if "@" in value:
        return re.escape(value)
    inside = r"[ .()\-/]{0,2}".join(map(re.escape, value))
    edge = "[0-9]" if value.isdigit() else r"[^\W_]"
    return f"(?<!{edge}){inside}(?!{edge})"


def _value(kind: EntityKind, text: str) -> str:
    """Return what makes two spellings the same value."""
    if kind == EntityKind.EMAIL:
        return text.casefold()
    plain = plain_text(text)[0]
    digits = "".join(character for character in plain if "0" <= character <= "9")
    if kind in _DIGITS_ONLY and digits:
        national = kind == EntityKind.PHONE and len(digits) == 11 and digits[0] == "1"
        return digits[1:] if national else digits
    return _bare(plain)


def _bare(text: str) -> str:
    lower = text.casefold()
    return lower if "@" in lower else "".join(character for character in lower if character.isalnum())
