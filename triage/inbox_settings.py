"""The file of a city's mailboxes: read from YAML, checked as a whole, then frozen.

Passwords stay out of it: it names the environment variables that hold them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from triage.errors import SettingsError

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# IDLE is renewed, or the mailbox looked at, this often at least: servers may hang up after 30 minutes (RFC 2177).
LONGEST_POLL_S: Final = 1_700
_STRICT: Final = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Folder = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f*%]+$")]
Address = Annotated[str, Field(pattern=r"^[^\s@<>,;:\"()]{1,64}@[A-Za-z0-9.-]{1,253}$")]
Line = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Security(StrEnum):
    """How a connection is kept private; not at all only on this machine."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """The mail server that acknowledgments and forwards leave by.

    Attributes:
        host: Its name.
        address: Whom forwards are from.
        port: 587 by custom.
        security: How the connection is kept private.
        user: Whom to log in as; nobody where None.
        password_env: The environment variable that holds the password.
        ca_file: The certificates to trust; the system's where None.
        password: Filled in from the environment, never in the file.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    host: Line
    address: Address
    port: Port = 587
    security: Security = Security.STARTTLS
    user: str | None = None
    password_env: str | None = None
    ca_file: Path | None = None
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """A mailbox and what becomes of its mail.

    Attributes:
        name: Names it in logs and in the store; a new name reads the mailbox from its beginning.
        host: The IMAP server.
        user: Whom to log in as.
        password_env: The environment variable that holds the password.
        addresses: The addresses that this mailbox gets mail for; the first one signs acknowledgments.
        port: 993 by custom.
        security: How the connection is kept private.
        ca_file: The certificates to trust; the system's where None.
        folder: Where mail comes in.
        review: The folder for people: everything that is not decided by itself.
        spam: The folder for spam, which people see too.
        automatic: The folder for bounces, loops and automatic answers.
        departments: The folder of each department whose mail may be moved by itself.
        forward: Whom a department's mail is sent to as well, by department.
        keywords: Whether service type and urgency are set as keywords.
        headers: Whether they are added as headers; the mail is then put into its folder anew.
        acknowledge: Whether senders get an acknowledgment.
        poll_s: Seconds between two looks; with IDLE new mail is seen at once.
        password: Filled in from the environment, never in the file.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Name
    host: Line
    user: Annotated[str, Field(min_length=1)]
    password_env: str
    addresses: Annotated[tuple[Address, ...], Field(min_length=1)]
    port: Port = 993
    security: Security = Security.TLS
    ca_file: Path | None = None
    folder: Folder = "INBOX"
    review: Folder = "Review"
    spam: Folder = "Spam"
    automatic: Folder = "Automatic"
    departments: Mapping[str, Folder] = field(default_factory=dict)
    forward: Mapping[str, Address] = field(default_factory=dict)
    keywords: bool = False
    headers: bool = False
    acknowledge: bool = False
    poll_s: Annotated[float, Field(ge=1, le=LONGEST_POLL_S)] = 60
    password: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """Name of the folder that mail comes in by, in the store."""
        return f"{self.name}/{self.folder}"

    @property
    def targets(self) -> tuple[str, ...]:
        """Every folder that mail is moved to, each once."""
        return tuple(dict.fromkeys((self.review, self.spam, self.automatic, *self.departments.values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSettings:
    """Every mailbox of a city.

    Attributes:
        mailboxes: At least one.
        outgoing: None where nothing is sent.
        acknowledgments_per_day: How many one address gets in a day, over all mailboxes; a thread gets one.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    mailboxes: Annotated[tuple[MailboxSettings, ...], Field(min_length=1)]
    outgoing: Outgoing | None = None
    acknowledgments_per_day: Annotated[int, Field(ge=1, le=100)] = 5

    @property
    def addresses(self) -> frozenset[str]:
        """Every address that this service reads or sends from, lower case."""
        own = {address.lower() for mailbox in self.mailboxes for address in mailbox.addresses}
        return frozenset(own | ({self.outgoing.address.lower()} if self.outgoing else set()))


def load(path: Path, env: Mapping[str, str], departments: Collection[str]) -> InboxSettings:
    """Read and check a file of mailboxes.

    Args:
        path: The YAML file.
        env: Holds the passwords.
        departments: The departments of the taxonomy.

    Raises:
        SettingsError: If the file is missing, is no YAML, or breaks a rule; all findings at once.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}); set TRIAGE_INBOX to a YAML file") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path}: is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{path}: needs `mailboxes`, see docs/operations.md")
    written = [
        f"{where}: a password does not belong here: name its variable as password_env" for where in _passwords(document)
    ]
    try:
        settings = TypeAdapter(InboxSettings).validate_python(_without_passwords(document))
    except ValidationError as error:
        problems = [*written, *_told_problems(error)]
        raise SettingsError("\n".join(f"{path}: {problem}" for problem in problems)) from None
    problems = [*written, *_problems(settings, env, departments)]
    if problems:
        raise SettingsError("\n".join(f"{path}: {problem}" for problem in problems))
    return _with_passwords(settings, env)


def _problems(settings: InboxSettings, env: Mapping[str, str], departments: Collection[str]) -> Iterator[str]:
    names = [mailbox.name for mailbox in settings.mailboxes]
    yield from (
        f"mailboxes: two are named {name}" for name in sorted({name for name in names if names.count(name) > 1})
    )
    for mailbox in settings.mailboxes:
        yield from (f"{mailbox.name}: {problem}" for problem in _mailbox_problems(mailbox, env, departments))
        if (mailbox.acknowledge or mailbox.forward) and settings.outgoing is None:
            yield f"{mailbox.name}: acknowledge and forward need `outgoing`, the server that mail leaves by"
    if settings.outgoing is not None:
        yield from (f"outgoing: {problem}" for problem in _server_problems(settings.outgoing, env))
        if (settings.outgoing.user is None) != (settings.outgoing.password_env is None):
            yield "outgoing: user and password_env must be given both, or neither"


def _mailbox_problems(mailbox: MailboxSettings, env: Mapping[str, str], departments: Collection[str]) -> Iterator[str]:
    yield from _server_problems(mailbox, env)
    named = {*mailbox.departments, *mailbox.forward}
    yield from (
        f"there is no department {name!r}; one of: {', '.join(sorted(departments))}"
        for name in sorted(named - set(departments))
    )
    yield from (
        f"forward: {name!r} needs a folder in departments too, where its mail is kept"
        for name in sorted(set(mailbox.forward) - set(mailbox.departments))
    )
    if mailbox.folder in mailbox.targets:
        yield f"folder: mail cannot be moved to {mailbox.folder!r}, where it comes in"


def _server_problems(server: MailboxSettings | Outgoing, env: Mapping[str, str]) -> Iterator[str]:
    if server.security is Security.NONE and server.host not in LOOPBACK:
        yield f"security: none is for a server on this machine alone, got {server.host}"
    if server.password_env is not None and not env.get(server.password_env):
        yield f"password_env: the environment variable {server.password_env} is not set"
    if server.ca_file is not None and not server.ca_file.is_file():
        yield f"ca_file: must name a file that exists, got {str(server.ca_file)!r}"


def _servers(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    mailboxes = document.get("mailboxes")
    rows = mailboxes if isinstance(mailboxes, list) else []
    named = [(f"mailboxes.{number}", row) for number, row in enumerate(rows)]
    yield from ((name, row) for name, row in [*named, ("outgoing", document.get("outgoing"))] if isinstance(row, dict))


def _passwords(document: Mapping[str, Any]) -> list[str]:
    return [name for name, row in _servers(document) if "password" in row]


def _without_passwords(document: Mapping[str, Any]) -> Mapping[str, Any]:
    for _, row in _servers(document):
        row.pop("password", None)
    return document


def _told_problems(error: ValidationError) -> list[str]:
    """Return what is wrong, without what is only wrong because something inside of it is."""
    found = error.errors()
    inside = {each["loc"][:length] for each in found for length in range(len(each["loc"]))}
    return [_told(each) for each in found if each["loc"] not in inside]


def _told(problem: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"]) or "the file"
    shown = problem["input"]
    got = f", got {shown!r}" if isinstance(shown, str | int | float | bool) else ""
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}{got}"


def _with_passwords(settings: InboxSettings, env: Mapping[str, str]) -> InboxSettings:
    outgoing = settings.outgoing
    return replace(
        settings,
        mailboxes=tuple(replace(mailbox, password=env[mailbox.password_env]) for mailbox in settings.mailboxes),
        outgoing=outgoing and replace(outgoing, password=env[outgoing.password_env] if outgoing.password_env else ""),
    )
