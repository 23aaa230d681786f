"""A service of a social-service directory as the text of an article."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Record: TypeAlias = Mapping[str, str]
Records: TypeAlias = Sequence[Record]

_DAYS = {
    "mo": "Monday", "tu": "Tuesday", "we": "Wednesday", "th": "Thursday", "fr": "Friday", "sa": "Saturday",
    "su": "Sunday", "1": "Monday", "2": "Tuesday", "3": "Wednesday", "4": "Thursday", "5": "Friday",
    "6": "Saturday", "7": "Sunday",
}  # fmt: skip
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A service and the rows of other tables that belong to it; addresses by location, `place` is a location's id."""

    service: Record
    organization: Record
    locations: Records
    addresses: Mapping[str, Records]
    phones: Records
    schedules: Records
    documents: Records
    costs: Records
    areas: Records
    languages: Records
    eligibility: Records
    topics: Sequence[str]


def card_title(card: Card) -> str:
    """Return the service's name, with the organization's where it does not name it itself."""
    name, offered_by = card.service.get("name", ""), card.organization.get("name", "")
    return name if not name or offered_by.lower() in name.lower() else f"{name} ({offered_by})"


def body_of(card: Card) -> str:
    """Return Markdown: what it is, then a section for each question of which the directory says something."""
    sections = {
        "": _about(card),
        "Who may use it?": _who(card),
        "How do I apply?": _how(card),
        "What does it cost?": _cost(card),
        "Where and when?": _where(card),
        "Whom do I call?": _contact(card),
    }
    texts = ((heading, [line for line in lines if line]) for heading, lines in sections.items())
    return "\n\n".join(
        (f"## {heading}\n\n" if heading else "") + "\n\n".join(lines) for heading, lines in texts if lines
    )


def _about(card: Card) -> Iterator[str]:
    yield card.service.get("description", "")
    if card.service.get("alert"):
        yield f"Note: {card.service['alert']}"
    if card.organization.get("name"):
        yield f"Offered by {card.organization['name']}."
    if card.topics:
        yield f"Kind of help: {', '.join(card.topics)}."


def _who(card: Card) -> Iterator[str]:
    yield card.service.get("eligibility_description", "")
    yield from (row.get("eligibility", "") for row in card.eligibility)
    yield _ages(card.service.get("minimum_age", ""), card.service.get("maximum_age", ""))
    areas = [
        name for row in card.areas if (name := row.get("name") or row.get("service_area") or row.get("description"))
    ]
    if areas:
        yield f"For people in {', '.join(areas)}."


def _how(card: Card) -> Iterator[str]:
    yield card.service.get("application_process", "")
    documents = [name for row in card.documents if (name := row.get("document"))]
    if documents:
        yield f"Bring: {', '.join(documents)}."
    if card.service.get("wait_time"):
        yield f"Waiting time: {card.service['wait_time']}."


def _cost(card: Card) -> Iterator[str]:
    yield card.service.get("fees_description") or card.service.get("fees", "")
    for row in card.costs:
        amount = " ".join(part for part in (row.get("amount", ""), row.get("currency", "")) if part)
        yield ": ".join(part for part in (row.get("option", ""), row.get("amount_description") or amount) if part)


def _where(card: Card) -> Iterator[str]:
    for place in card.locations:
        key = place.get("id", "")
        yield ": ".join(part for part in (place.get("name", ""), *map(_address, card.addresses.get(key, ()))) if part)
        yield _table([row for row in card.schedules if row.get("place") == key])
        yield place.get("transportation", "")
    known = {place.get("id", "") for place in card.locations}
    yield _table([row for row in card.schedules if row.get("place", "") not in known])


def _contact(card: Card) -> Iterator[str]:
    seen = dict.fromkeys(filter(None, map(_phone, card.phones)))
    yield "\n".join(f"- {line}" for line in seen)
    if card.service.get("email") or card.organization.get("email"):
        yield f"Email: {card.service.get('email') or card.organization['email']}"
    languages = [name for row in card.languages if (name := row.get("name") or row.get("language") or row.get("code"))]
    if languages:
        yield f"Languages: {', '.join(languages)}."
    if card.service.get("interpretation_services"):
        yield f"Interpreting: {card.service['interpretation_services']}"


def _ages(youngest: str, oldest: str) -> str:
    if youngest and oldest:
        return f"Age: {youngest} to {oldest} years."
    return f"Age: from {youngest} years." if youngest else f"Age: up to {oldest} years." if oldest else ""


def _address(row: Record) -> str:
    parts = (row.get(name, "") for name in ("address_1", "address_2", "city", "state_province", "postal_code"))
    return ", ".join(part for part in parts if part)


def _phone(row: Record) -> str:
    number = row.get("number", "")
    extension = f" ext. {row['extension']}" if number and row.get("extension") else ""
    about = row.get("description") or row.get("department") or ""
    return f"{number}{extension}" + (f" ({about})" if number and about else "")


def _table(schedules: Records) -> str:
    """Return opening hours as a table, or nothing."""
    rows = [row for row in map(_hours, schedules) if row]
    return "\n".join(["| Day | Hours |", "| --- | --- |", *dict.fromkeys(rows)]) if rows else ""


def _hours(row: Record) -> str:
    days = [word.strip() for word in re.split(r"[,;]", row.get("byday") or row.get("weekday") or "") if word.strip()]
    named = ", ".join(_DAYS.get(day.lower()[:2], day) for day in days)
    opens, closes = _clock(row.get("opens_at", "")), _clock(row.get("closes_at", ""))
    hours = f"{opens} to {closes}" if opens and closes else ""
    said = ", ".join(part for part in (hours, row.get("description") or row.get("notes") or "") if part)
    return f"| {named} | {said.replace('|', '/')} |".replace("\n", " ") if named or said else ""


def _clock(text: str) -> str:
    """Return `09:00:00` as a person says it, 9 am; other texts as they are."""
    found = _CLOCK.match(text)
    if found is None:
        return text
    hour, minute = int(found[1]) % 24, found[2]
    return f"{(hour + 11) % 12 + 1}{'' if minute == '00' else f':{minute}'} {'am' if hour < 12 else 'pm'}"
