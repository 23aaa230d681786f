"""Open311 GeoReport v2 (wiki.open311.org/GeoReport_v2): forms to messages, contacts to requests, XML beside JSON."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from lxml import etree

from triage.channels.mail_text import sound
from triage.errors import MessageRejected
from triage.taxonomy import Attribute, Datatype, ServiceType, Taxonomy
from triage.types import Channel, Decision, Message, Mode, Triage

MAX_DESCRIPTION: Final = 4_000
MAX_FIELD: Final = 500
MAX_FIELDS: Final = 200
MAX_RANGE: Final = timedelta(days=90)
MAX_REQUESTS: Final = 1_000
PREFIX: Final = "o311-"  # of the identity of what came in here; what came in elsewhere is not shown to the public
_ATTRIBUTE: Final = re.compile(r"attribute\[([^\[\]]{1,100})\](?:\[\])?")
_DIFFERS: Final = "the caller chose {}; the classifier says {}"

Row = dict[str, Any]


class GeoReportRejected(MessageRejected):
    """A request breaks rules of GeoReport v2.

    Args:
        status: Of HTTP: 404 for what is unknown, 403 for the key, 400 for everything else.
        problems: What is wrong, one sentence each.
    """

    def __init__(self, status: int, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.status = status
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A service request as the caller's form gives it.

    Attributes:
        service_type: What the caller chose; it is kept.
        description: The resident's words; empty where there are none.
        attributes: Answers by the code of their question.
        place: Address in words; empty where only coordinates are given.
        latitude: Degrees, WGS 84; None where none are given.
        longitude: Degrees, WGS 84; None where none are given.
        address_id: The city's own name of the address.
        media_url: A picture, https or http.
        account_id: The caller's own account, given back.
    """

    service_type: ServiceType
    description: str
    attributes: Mapping[str, tuple[str, ...]]
    place: str = ""
    latitude: float | None = None
    longitude: float | None = None
    address_id: str = ""
    media_url: str = ""
    account_id: str = ""

    def message(self, message_id: str, received_at: datetime) -> Message:
        """Return what is triaged: description, place and answers, in the resident's words.

        Name, phone and mail stay in the form alone, which is kept as it came.
        """
        questions = {attribute.code: attribute.question for attribute in self.service_type.attributes}
        answers = [f"{questions[code]} {', '.join(values)}" for code, values in self.attributes.items()]
        lines = (self.description or self.service_type.name, self.place, *answers)
        text = "\n".join(line for line in lines if line)
        return Message(id=message_id, text=text, channel=Channel.WEB, received_at=received_at)


def submission_of(raw: bytes, taxonomy: Taxonomy) -> Submission:
    """Return the request of a form (application/x-www-form-urlencoded, UTF-8).

    Raises:
        GeoReportRejected: Naming every rule that is broken; 404 where the city has no such service.
    """
    fields = form_fields(raw)
    code = _one(fields, "service_code")
    if not code:
        raise GeoReportRejected(400, "service_code is missing")
    if code not in taxonomy:
        raise GeoReportRejected(404, "service_code is unknown; GET /services lists all")
    service_type = taxonomy[code]
    latitude, longitude = _number(fields, "lat", 90), _number(fields, "long", 180)
    attributes = _attributes(fields)
    place, address_id = _one(fields, "address_string"), _one(fields, "address_id")
    problems = [
        *_length_problems(fields),
        *_place_problems(fields, latitude, longitude, bool(place or address_id)),
        *_attribute_problems(service_type, attributes),
        *_media_problems(_one(fields, "media_url")),
    ]
    if problems:
        raise GeoReportRejected(400, *problems)
    return Submission(
        service_type=service_type,
        description=_one(fields, "description"),
        attributes=attributes,
        place=place,
        latitude=latitude,
        longitude=longitude,
        address_id=address_id,
        media_url=_one(fields, "media_url"),
        account_id=_one(fields, "account_id"),
    )


def form_fields(raw: bytes) -> dict[str, tuple[str, ...]]:
    """Return the fields of a form, each with its values in order.

    Raises:
        GeoReportRejected: If it is no form in UTF-8, or has more than MAX_FIELDS fields.
    """
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        rule = f"the body must be application/x-www-form-urlencoded in UTF-8, {MAX_FIELDS} fields at most"
        raise GeoReportRejected(400, rule) from None
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), sound(value).strip())
    return fields


def without_key(raw: bytes) -> bytes:
    """Return a form as it is kept: all but the key, which is a secret."""
    pairs = raw.split(b"&")
    return b"&".join(pair for pair in pairs if unquote_plus(pair.split(b"=")[0].decode("latin-1")) != "api_key")


def with_callers_choice(triage: Triage, chosen: ServiceType) -> Triage:
    """Return the triage with the caller's service type; where the classifier says another, an agent is asked.

    The prediction stays in `service_types`, and a finding of the tripwire stays what it is.
    """
    found = triage.service_types[0].code if triage.service_types else None
    reasons, mode = triage.decision.reasons, triage.decision.mode
    if found == chosen.code:
        return triage
    flag = _DIFFERS.format(chosen.code, found or "nothing")
    decision = Decision(
        mode=Mode.ASK if found else mode,
        service_type=chosen.code,
        department=chosen.department,
        reasons=(*reasons, flag),
    )
    return replace(triage, decision=decision, warnings=(*triage.warnings, flag))


def service_row(service_type: ServiceType) -> Row:
    """Return a service as the list of services gives it."""
    return {
        "service_code": service_type.code,
        "service_name": service_type.name,
        "description": service_type.description,
        "metadata": "true" if service_type.attributes else "false",
        "type": "realtime",
        "keywords": service_type.code.replace(".", ",").replace("_", " "),
        "group": service_type.group,
    }


def definition_row(service_type: ServiceType) -> Row:
    """Return a service's questions; `order` counts from 1."""
    rows = [_attribute_row(attribute, order) for order, attribute in enumerate(service_type.attributes, start=1)]
    return {"service_code": service_type.code, "attributes": rows}


def asked_range(start: str, end: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the span that requests are asked of; the last 90 days where nothing is said.

    Raises:
        GeoReportRejected: If a date is none, has no zone, or the span is over 90 days or runs backwards.
    """
    until = _moment("end_date", end) if end else (min(_moment("start_date", start) + MAX_RANGE, now) if start else now)
    since = _moment("start_date", start) if start else until - MAX_RANGE
    if until < since:
        raise GeoReportRejected(400, "end_date must not be before start_date")
    if until - since > MAX_RANGE:
        raise GeoReportRejected(400, f"start_date and end_date may be {MAX_RANGE.days} days apart at most")
    return since, until


def error_rows(status: int, problems: Sequence[str]) -> list[Row]:
    """Return errors in the standard's own shape."""
    return [{"code": str(status), "description": problem} for problem in problems]


def as_xml(root: str, item: str | None, rows: Sequence[Row] | Row) -> bytes:
    """Return rows as a document of UTF-8.

    Args:
        root: The document's element.
        item: The element of each row; None where the document is one row.
        rows: Values that are None give an empty element; lists give elements named by their list without its `s`.
    """
    top = etree.Element(root)
    for row in [rows] if isinstance(rows, dict) else rows:
        _fill(top if item is None else etree.SubElement(top, item), row)
    document: bytes = etree.tostring(top, xml_declaration=True, encoding="utf-8")
    return document


def _fill(element: Any, row: Row) -> None:  # noqa: ANN401 (lxml has no types)
    for name, value in row.items():
        child = etree.SubElement(element, name)
        if isinstance(value, list):
            for each in value:
                _fill(etree.SubElement(child, name.removesuffix("s")), each)
        elif value is not None:
            child.text = sound(str(value))


def _attribute_row(attribute: Attribute, order: int) -> Row:
    row: Row = {
        "variable": "true",
        "code": attribute.code,
        "datatype": attribute.datatype.value,
        "required": "true" if _is_required(attribute) else "false",
        "datatype_description": "",
        "order": str(order),
        "description": attribute.question,
    }
    return {**row, "values": [{"key": v, "name": v} for v in attribute.values]} if attribute.values else row


def _one(fields: Mapping[str, tuple[str, ...]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _number(fields: Mapping[str, tuple[str, ...]], name: str, most: float) -> float | None:
    try:
        number = float(_one(fields, name))
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= most else None


def _attributes(fields: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, values in fields.items():
        match = _ATTRIBUTE.fullmatch(name)
        said = tuple(value for value in values if value)
        if match and said:
            found[match[1]] = (*found.get(match[1], ()), *said)
    return found


def _length_problems(fields: Mapping[str, tuple[str, ...]]) -> list[str]:
    limits = {"description": MAX_DESCRIPTION}
    return [
        f"{name if name in ('description', 'address_string', 'media_url') else 'a field'} is too long: "
        f"at most {limits.get(name, MAX_FIELD):,} characters are read"
        for name, values in fields.items()
        if any(len(value) > limits.get(name, MAX_FIELD) for value in values)
    ]


def _place_problems(
    fields: Mapping[str, tuple[str, ...]], latitude: float | None, longitude: float | None, has_address: bool
) -> list[str]:
    given = bool(_one(fields, "lat") or _one(fields, "long"))
    if given and (latitude is None or longitude is None):
        return ["lat and long must both be degrees (WGS 84), lat in [-90, 90] and long in [-180, 180]"]
    if not given and not has_address:
        return ["a place is missing: send lat and long, address_string or address_id"]
    return []


def _attribute_problems(service_type: ServiceType, given: Mapping[str, tuple[str, ...]]) -> list[str]:
    known = {attribute.code: attribute for attribute in service_type.attributes}
    problems = [f"attribute is unknown to {service_type.code}; its definition lists all"] * (
        not given.keys() <= known.keys()
    )
    for code, values in given.items():
        attribute = known.get(code)
        if attribute is None:
            continue
        if attribute.values and not set(values) <= set(attribute.values):
            problems.append(f"attribute[{code}] must be one of {', '.join(attribute.values)}")
        if attribute.datatype is not Datatype.MULTIPLE and len(values) > 1:
            problems.append(f"attribute[{code}] takes one value")
    missing = [code for code, attribute in known.items() if _is_required(attribute) and code not in given]
    return problems + [f"attribute[{code}] is required" for code in missing]


def _is_required(attribute: Attribute) -> bool:
    """Tell whether a form must answer; where it is, the standard's own fields say."""
    return attribute.required and attribute.code != "address"


def _media_problems(media_url: str) -> list[str]:
    if not media_url or _scheme(media_url) in ("http", "https"):
        return []
    return ["media_url must be an address that begins with https:// or http://"]


def _scheme(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return parts.scheme.lower() if parts.netloc else ""


def _moment(name: str, value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise GeoReportRejected(400, f"{name} must be a date and time with a zone, such as 2026-03-03T09:00:00-08:00")
    return moment.astimezone(UTC)
