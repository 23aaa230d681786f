"""The file that names a city's back ends, read and checked whole: all that is wrong is said at once.

```yaml
back_ends:
  - name: works
    kind: open311
    url: https://works.example.org/open311/v2
    secret: WORKS_API_KEY        # the environment variable that holds it
    crosswalk: works.csv         # service_type,code: what goes there, and what it is called there
```
"""

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from triage.errors import SettingsError

RESERVED: Final = "smtp"  # whom the outbox holds mail for
COLUMNS: Final = ("service_type", "code")
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,99}$")]
Url = Annotated[
    str, Field(pattern=r"^(https://[^\s/?#]+[^\s?#]*|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?[^\s?#]*)$")
]
Address = Annotated[str, Field(pattern=r"^[^\s@<>,;]+@[^\s@<>,;]+$", max_length=320)]
SecretOf = Callable[[str], str | None]


class Kind(StrEnum):
    """How a back end is spoken to."""

    CLOUDEVENTS = "cloudevents"
    OPEN311 = "open311"
    ZENDESK = "zendesk"
    MAIL = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackEnd:
    """A system that is told of decisions.

    Attributes:
        name: The city's own; deliveries carry it.
        kind: How it is spoken to.
        url: Where it is, without a slash at its end; empty for mail.
        secret: What proves us there; None where it wants none.
        user: The login beside the secret; None where it has none.
        codes: Its code of each service type that goes there; None where all go there under their own codes.
        settled_only: Whether it is told only of routes that a person has chosen or the policy may choose alone.
        jurisdiction: Its `jurisdiction_id`; None where it has one only.
        can_update: Whether it takes updates of requests, by which one is withdrawn.
        fields: Numbers of the ticket fields that hold our suggestions, by what they hold.
        sender: The address that mail to it is from.
    """

    name: str
    kind: Kind
    url: str = ""
    secret: str | None = field(default=None, repr=False)
    user: str | None = None
    codes: Mapping[str, str] | None = None
    settled_only: bool = False
    jurisdiction: str | None = None
    can_update: bool = False
    fields: Mapping[str, int] = field(default_factory=dict)
    sender: str = ""

    def code_of(self, service_type: str | None) -> str | None:
        """Return its code of a service type; None where that does not go there."""
        if service_type is None:
            return None
        return service_type if self.codes is None else self.codes.get(service_type)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name


class _CloudEvents(_Row):
    kind: Literal["cloudevents"]
    url: Url
    secret: Variable
    crosswalk: str | None = None
    settled_only: bool = False


class _Open311(_Row):
    kind: Literal["open311"]
    url: Url
    secret: Variable | None = None
    crosswalk: str
    settled_only: bool = True
    jurisdiction: str | None = None
    can_update: bool = False


class _TicketFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    service_type: int | None = None
    department: int | None = None
    urgency: int | None = None


class _Zendesk(_Row):
    kind: Literal["zendesk"]
    url: Url
    user: Address
    secret: Variable
    crosswalk: str | None = None
    settled_only: bool = False
    fields: _TicketFields = _TicketFields()


class _Mail(_Row):
    kind: Literal["mail"]
    sender: Address
    crosswalk: str
    settled_only: bool = True


_Any = _CloudEvents | _Open311 | _Zendesk | _Mail
_ROW: Final[TypeAdapter[_Any]] = TypeAdapter(Annotated[_Any, Field(discriminator="kind")])
_ADDRESS: Final[TypeAdapter[str]] = TypeAdapter(Address)
_SENTENCES: Final = {
    "name": "must be lower-case letters, digits and hyphens, at most 40, a letter first",
    "url": "must be an https:// URL without query, or http:// on loopback",
    "secret": "must be the name of an environment variable, in capitals",
    "user": "must be a mail address",
    "sender": "must be a mail address",
}


def load(path: Path, *, secret_of: SecretOf, service_types: Collection[str]) -> tuple[BackEnd, ...]:
    """Read the back ends and their crosswalks.

    Args:
        path: YAML file; crosswalks are named relative to its folder.
        secret_of: Gives the value of an environment variable.
        service_types: The codes that the city has.

    Raises:
        SettingsError: Naming everything that is wrong, in all files.
    """
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path.name} must be a YAML file in UTF-8 ({type(error).__name__})") from None
    if not isinstance(raw, Mapping) or set(raw) != {"back_ends"} or not isinstance(raw["back_ends"], list):
        raise SettingsError(f"{path.name} must hold one list, back_ends, and nothing else")
    problems: list[str] = []
    rows = [row for number, given in enumerate(raw["back_ends"], 1) if (row := _row(given, number, problems))]
    problems += [f"{RESERVED} is the mail server's own name; choose another" for row in rows if row.name == RESERVED]
    problems += [f"two back ends are called {name}" for name in _twice([row.name for row in rows])]
    found = tuple(_back_end(row, path.parent, secret_of, service_types, problems) for row in rows)
    if problems:
        raise SettingsError("\n".join(f"{path.name}: {problem}" for problem in problems))
    return found


def _row(given: object, number: int, problems: list[str]) -> _Any | None:
    try:
        return _ROW.validate_python(given)
    except ValidationError as error:
        problems += [f"back end {number}: {sentence}" for sentence in _explained(error)]
        return None


def _back_end(
    row: _Any, folder: Path, secret_of: SecretOf, service_types: Collection[str], problems: list[str]
) -> BackEnd:
    given: dict[str, Any] = row.model_dump(exclude={"secret", "crosswalk", "fields"})
    variable: str | None = getattr(row, "secret", None)
    secret = secret_of(variable) if variable else None
    if variable and not secret:
        problems.append(f"{row.name}: the environment variable {variable} must be set, it holds the secret")
    codes = None if row.crosswalk is None else _crosswalk(folder / row.crosswalk, row, service_types, problems)
    numbers = row.fields.model_dump(exclude_none=True) if isinstance(row, _Zendesk) else {}
    given |= {"kind": Kind(row.kind), "url": given.get("url", "").rstrip("/")}
    return BackEnd(**given, secret=secret, codes=codes, fields=numbers)


def _crosswalk(path: Path, row: _Any, service_types: Collection[str], problems: list[str]) -> dict[str, str]:
    """Return the codes of a crosswalk: a CSV file with the columns service_type and code, others are for people."""
    codes: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                problems.append(f"{path.name} must have the columns {' and '.join(COLUMNS)}")
                return codes
            for line in reader:
                service_type, code = ((line[name] or "").strip() for name in COLUMNS)
                problems += [
                    f"{path.name} line {reader.line_num}: {problem}"
                    for problem in _line_problems(service_type, code, codes, service_types, row.kind)
                ]
                codes[service_type] = code
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(f"{row.name}: the crosswalk {path.name} must be a CSV file in UTF-8 ({type(error).__name__})")
    return codes


def _line_problems(
    service_type: str, code: str, codes: Mapping[str, str], service_types: Collection[str], kind: str
) -> Iterator[str]:
    if service_type not in service_types:
        yield f"{service_type or 'nothing'} is none of the city's service types"
    if service_type in codes:
        yield f"{service_type} stands twice"
    if not code:
        yield f"{service_type} has no code"
    elif kind == Kind.MAIL and not _is_address(code):
        yield f"the code of {service_type} must be a mail address"


def _is_address(code: str) -> bool:
    try:
        _ADDRESS.validate_python(code)
    except ValidationError:
        return False
    return True


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _explained(error: ValidationError) -> Iterator[str]:
    """Yield what pydantic found as sentences; values are not quoted, one may be a secret put in the wrong place."""
    for found in error.errors():
        place = ".".join(str(part) for part in found["loc"] if part not in tuple(Kind))
        if found["type"].startswith("union_tag"):
            yield f"kind must be one of {', '.join(Kind)}"
        elif found["type"] == "missing":
            yield f"{place} is missing"
        elif found["type"] == "extra_forbidden":
            yield f"{place} is not a field of this kind; remove it"
        elif place in _SENTENCES:
            yield f"{place} {_SENTENCES[place]}"
        else:
            yield f"{place or 'it'}: {found['msg'][:1].lower()}{found['msg'][1:]}"
