"""The dispatch card of an urgent message: what, where, since when, hazards, call-back, in the resident's own words.

It recommends what an agent may read to a dispatcher and never dispatches; nothing in it is invented, so what the
message does not say is None.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from triage.types import Entity, EntityKind, Safety, Urgency, UrgencyLevel

LEVELS = frozenset({UrgencyLevel.EMERGENCY, UrgencyLevel.URGENT})
MOST_CHARACTERS = 240  # of what happened: more is no longer read out
_PLACES = (EntityKind.ADDRESS, EntityKind.INTERSECTION, EntityKind.LANDMARK)
_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:[.!?。！？]+(?=\s|$|[^\d\s])|$|\n)")
_CLAUSE_END = re.compile(r"[,.;!?\n，。；！？]")

Card = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchWords:
    """What the settings say.

    Attributes:
        rules: Common incident type by safety rule.
        types: The same by service type.
        otherwise: Where neither is known.
        hazards: Finds words that name a hazard.
        since: Finds words that say since when.
    """

    rules: Mapping[str, str]
    types: Mapping[str, str]
    otherwise: str
    hazards: re.Pattern[str]
    since: re.Pattern[str]


@cache
def shipped_words() -> DispatchWords:
    """Return the settings that ship with the project."""
    document = yaml.safe_load(files("triage").joinpath("dispatch.yaml").read_text("utf-8"))
    return DispatchWords(
        rules=document["rules"],
        types=document["types"],
        otherwise=document["otherwise"],
        hazards=_any_of(document["hazards"]),
        since=_any_of(document["since"]),
    )


def dispatch_card(
    text: str, *, urgency: Urgency, safety: Safety, entities: Sequence[Entity], service_type: str | None
) -> Card | None:
    """Return the card of an emergency or urgent message; None for any other.

    Args:
        text: As the resident wrote it.
        urgency: Its level and what moved it.
        safety: What the tripwire found.
        entities: What was found in the text.
        service_type: Code of the likeliest type, None where there is none.
    """
    if urgency.level not in LEVELS:
        return None
    words = shipped_words()
    at = _heart(urgency, safety)
    return {
        "incident_type": _incident_type(words, safety, service_type),
        "what": _sentence(text, at),
        "where": _where(entities, at),
        "since": _since(text, entities, words),
        "hazards": ", ".join(_hazards(text, words)) or None,
        "call_back": next((entity.text for entity in entities if entity.kind is EntityKind.PHONE), None),
        "recommend": safety.line,
    }


def _incident_type(words: DispatchWords, safety: Safety, service_type: str | None) -> str:
    """Return the type of the first finding for the line that is named, else that of the service type."""
    rules = [hit.rule for hit in safety.reasons if hit.line is not None and hit.line == safety.line]
    known = (words.rules[rule] for rule in rules if rule in words.rules)
    return next(known, words.types.get(service_type or "", words.otherwise))


def _heart(urgency: Urgency, safety: Safety) -> int:
    """Return where the text tells of what is urgent: its gravest finding, else its first reason, else its beginning."""
    placed = [hit.start for hit in safety.reasons if hit.line == safety.line and hit.start is not None]
    placed += [reason.start for reason in urgency.reasons if reason.start is not None]
    return placed[0] if placed else 0


def _sentence(text: str, at: int) -> str | None:
    for match in _SENTENCE.finditer(text):
        if match.end() > at and match.group().strip():
            return _cut(match.group().strip())
    return _cut(text.strip()) or None


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


def _where(entities: Sequence[Entity], at: int) -> str | None:
    """Return the place: an address before an intersection before a landmark, of each the nearest to the danger."""
    for kind in _PLACES:
        nearest = min(
            (entity for entity in entities if entity.kind is kind), key=lambda e: abs(e.start - at), default=None
        )
        if nearest is not None:
            return nearest.text
    return None


def _since(text: str, entities: Sequence[Entity], words: DispatchWords) -> str | None:
    match = words.since.search(text)
    if match is not None:
        end = _CLAUSE_END.search(text, match.end())
        return _cut(text[match.start() : end.start() if end else len(text)].strip())
    return next((entity.text for entity in entities if entity.kind is EntityKind.DATE), None)


def _hazards(text: str, words: DispatchWords) -> Iterator[str]:
    found = dict.fromkeys(match.group().lower() for match in words.hazards.finditer(text))
    yield from list(found)[:6]


def _any_of(listed: str) -> re.Pattern[str]:
    """Return a pattern of whole words in any case; `_` is a blank, `*` any ending."""
    words = (re.escape(word).replace("_", " ").replace(r"\*", r"\w*") for word in listed.split())
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)
