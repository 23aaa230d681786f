"""The service types of a city: read from one YAML file, checked, then frozen."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from triage.errors import TaxonomyError
from triage.types import EntityKind, UrgencyLevel

CATCH_ALL = "city.other"
LINE = "__line__"


class Datatype(StrEnum):
    """Kinds of attribute, as Open311 GeoReport v2 names them."""

    STRING = "string"
    TEXT = "text"
    NUMBER = "number"
    DATETIME = "datetime"
    SINGLE = "singlevaluelist"
    MULTIPLE = "multivaluelist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One thing to ask; `required` where the crew cannot act without it."""

    code: str
    question: str
    datatype: Datatype
    required: bool
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceType:
    """One kind of request that a crew or a desk handles."""

    code: str
    group: str
    name: str
    department: str
    default_urgency: UrgencyLevel
    target_hours: float
    description: str
    attributes: tuple[Attribute, ...] = ()


# Entities that answer an attribute; an attribute that is not listed is answered by people only.
ANSWERED_BY: Mapping[str, frozenset[EntityKind]] = {
    "address": frozenset({EntityKind.ADDRESS, EntityKind.INTERSECTION, EntityKind.LANDMARK}),
    "account": frozenset({EntityKind.ACCOUNT, EntityKind.ADDRESS}),
    "citation": frozenset({EntityKind.CITATION, EntityKind.PLATE}),
    "case": frozenset({EntityKind.CASE, EntityKind.CITATION, EntityKind.PERMIT, EntityKind.ADDRESS}),
    "permit": frozenset({EntityKind.PERMIT}),
    "license": frozenset({EntityKind.LICENSE}),
    "meter": frozenset({EntityKind.METER}),
    "plate": frozenset({EntityKind.PLATE}),
    "phone": frozenset({EntityKind.PHONE}),
    "email": frozenset({EntityKind.EMAIL}),
    "date": frozenset({EntityKind.DATE}),
}


YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Taxonomy:
    """All service types, in the order of the file, which holds at least `city.other`."""

    service_types: tuple[ServiceType, ...]
    version: str

    @cached_property
    def _by_code(self) -> dict[str, ServiceType]:
        return {service_type.code: service_type for service_type in self.service_types}

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __getitem__(self, code: str) -> ServiceType:
        """Return the type of that code.

        Raises:
            KeyError: If the city has no such type.
        """
        return self._by_code[code]

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code, in the order of the file."""
        return tuple(self._by_code)

    def unanswered(self, code: str, found: Iterable[EntityKind], text: str) -> tuple[Attribute, ...]:
        """Return the required attributes of a type that a message leaves open, in asking order.

        Known by its entity (a place, a number), or by one of its values standing in the text. Whether free text
        answers a question only a person can tell: such attributes are not counted as missing.
        """
        kinds, said = set(found), text.lower()
        return tuple(
            attribute for attribute in self[code].attributes if attribute.required and _is_open(attribute, kinds, said)
        )


def _is_open(attribute: Attribute, kinds: set[EntityKind], said: str) -> bool:
    if attribute.code in ANSWERED_BY:
        return not kinds & ANSWERED_BY[attribute.code]
    if attribute.values == YES_NO:
        return True
    return bool(attribute.values) and not any(value in said for value in attribute.values)


def default_path() -> Path:
    """Return the taxonomy that ships with the project."""
    return Path(str(files("triage") / "taxonomy.yaml"))


def load(path: Path | None = None) -> Taxonomy:
    """Read and check a taxonomy file.

    Raises:
        TaxonomyError: If the file is missing, is no YAML, or breaks a rule; all findings with their lines.
    """
    source = path or default_path()
    try:
        content = source.read_text(encoding="utf-8")
        document = yaml.load(content, Loader=_LineLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise TaxonomyError(f"{source}: cannot be read ({error}); set TRIAGE_TAXONOMY to a YAML file") from error
    except yaml.YAMLError as error:
        raise TaxonomyError(f"{source}: is not YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("service_types"), list):
        raise TaxonomyError(f"{source}: needs `departments` and `service_types`, see {default_path()}")
    problems = list(_problems(document))
    if problems:
        raise TaxonomyError("\n".join(f"{source}:{line}: {problem}" for line, problem in problems))
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    types = tuple(_service_type(row) for row in document["service_types"])
    return Taxonomy(types, f"{document.get('version', '0')}-{digest}")


class _LineLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that leaves the line of each mapping in it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        return {**super().construct_mapping(node, deep=True), LINE: node.start_mark.line + 1}


_LineLoader.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node, deep=True))


def _problems(document: dict[str, Any]) -> Iterable[tuple[int, str]]:
    departments = document.get("departments")
    if not isinstance(departments, list) or not all(isinstance(name, str) for name in departments):
        yield document[LINE], f"departments must be a list of names, got {departments!r}"
        return
    seen: dict[str, int] = {}
    for row in document["service_types"]:
        if not isinstance(row, dict):
            yield document[LINE], f"a service type must be a mapping, got {row!r}"
            continue
        line, code = row[LINE], row.get("code")
        yield from ((line, problem) for problem in _row_problems(row, departments))
        if not isinstance(code, str):
            continue
        if code in seen:
            yield line, f"code {code!r} stands already in line {seen[code]}; give each type its own code"
        seen[code] = line
    if CATCH_ALL not in seen:
        yield document[LINE], f"there is no {CATCH_ALL!r}; unclear messages need a place to go"


def _row_problems(row: dict[str, Any], departments: list[str]) -> Iterable[str]:
    code = row.get("code")
    for name in ("code", "name", "description"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            yield f"{code!r}: {name} must be a text that is not empty, got {row.get(name)!r}"
    if not isinstance(code, str) or "." not in code or row.get("group") != code.split(".")[0]:
        yield f"{code!r}: group must be the part of the code before the dot, got {row.get('group')!r}"
    if row.get("department") not in departments:
        yield f"{code!r}: unknown department {row.get('department')!r}; one of: {', '.join(map(str, departments))}"
    if row.get("default_urgency") not in list(UrgencyLevel):
        yield f"{code!r}: default_urgency must be one of {', '.join(UrgencyLevel)}, got {row.get('default_urgency')!r}"
    hours = row.get("target_hours")
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours < math.inf:
        yield f"{code!r}: target_hours must be a number of hours, 0 or more, got {hours!r}"
    yield from _attribute_problems(code, row.get("attributes") or [])


def _attribute_problems(code: object, attributes: object) -> Iterable[str]:
    if not isinstance(attributes, list):
        yield f"{code!r}: attributes must be a list, got {attributes!r}"
        return
    for attribute in attributes:
        if not isinstance(attribute, dict) or not attribute.get("code") or not attribute.get("question"):
            yield f"{code!r}: an attribute needs a code and a question, got {attribute!r}"
        elif attribute.get("datatype") not in list(Datatype):
            yield (
                f"{code!r}: datatype of {attribute['code']!r} must be one of {', '.join(Datatype)}, "
                f"got {attribute.get('datatype')!r}"
            )
        elif attribute["datatype"] in (Datatype.SINGLE, Datatype.MULTIPLE) and not attribute.get("values"):
            yield f"{code!r}: {attribute['code']!r} is a list and needs values"
        elif not _are_texts(attribute.get("values") or []):
            # YAML reads a bare yes or no as a truth value.
            yield f"{code!r}: values of {attribute['code']!r} must be texts; quote them, got {attribute['values']!r}"


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _service_type(row: dict[str, Any]) -> ServiceType:
    return ServiceType(
        code=row["code"],
        group=row["group"],
        name=row["name"],
        department=row["department"],
        default_urgency=UrgencyLevel(row["default_urgency"]),
        target_hours=float(row["target_hours"]),
        description=row["description"],
        attributes=tuple(_attribute(attribute) for attribute in row.get("attributes") or []),
    )


def _attribute(row: dict[str, Any]) -> Attribute:
    return Attribute(
        code=row["code"],
        question=row["question"],
        datatype=Datatype(row["datatype"]),
        required=bool(row.get("required", False)),
        values=tuple(row.get("values") or ()),
    )
